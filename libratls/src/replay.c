#include "replay.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* PFP, 10.4.5.3 (TCG_EfiStartupLocalityEvent): the signature with its NUL, and one byte. */
#define STARTUP_LOCALITY "StartupLocality"
#define STARTUP_LOCALITY_LEN (sizeof STARTUP_LOCALITY + 1)
#define LOCALITY_3 3
#define LOCALITY_HCRTM 4

/* PC Client Platform TPM Profile: ones after a reset, zeros only by a dynamic launch (D-RTM). */
#define DRTM_PCR_FIRST 17
#define DRTM_PCR_LAST 22

static void refuse(struct ratls_replay *replay, const struct ratls_event *event, const char *format,
                   ...) __attribute__((format(printf, 3, 4)));

static void refuse(struct ratls_replay *replay, const struct ratls_event *event, const char *format,
                   ...)
{
    char what[RATLS_EVENTLOG_WHY_MAX / 2];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    snprintf(replay->why, sizeof replay->why, "event %zu at offset %zu %s", event->number,
             event->offset, what);
}

enum ratls_status ratls_replay_begin(uint16_t bank, struct ratls_replay *ret_replay,
                                     struct ratls_error *err)
{
    memset(ret_replay, 0, sizeof *ret_replay);
    ret_replay->bank = bank;
    ret_replay->is_weak = !ratls_tpm_is_strong_hash(bank);
    for (size_t i = DRTM_PCR_FIRST; i <= DRTM_PCR_LAST; i++)
        memset(ret_replay->pcrs[i].value, 0xff, ratls_tpm_hash_len(bank));
    return ratls_hasher_begin(bank, &ret_replay->hasher, err);
}

static void set_startup_value(struct ratls_replay *replay, uint8_t locality)
{
    replay->pcrs[0].value[replay->hasher.len - 1] = locality;
}

/*
 * EV_NO_ACTION is not authenticated: the locality stands for no more than an initial value, which
 * the quoted PCR 0 then confirms. It is taken where firmware writes it and nowhere else.
 */
static void note_no_action(struct ratls_replay *replay, const struct ratls_event *event)
{
    struct ratls_slice data = event->data;
    uint8_t locality;

    if (data.len < sizeof STARTUP_LOCALITY ||
        memcmp(data.p, STARTUP_LOCALITY, sizeof STARTUP_LOCALITY) != 0)
        return;
    if (data.len != STARTUP_LOCALITY_LEN || event->pcr != 0) {
        refuse(replay, event, "is a StartupLocality of %zu bytes for PCR %u", data.len, event->pcr);
        return;
    }
    locality = data.p[STARTUP_LOCALITY_LEN - 1];
    if (locality != 0 && locality != LOCALITY_3 && locality != LOCALITY_HCRTM)
        refuse(replay, event, "is a StartupLocality of %u", (unsigned)locality);
    else if (replay->has_locality)
        refuse(replay, event, "is a second StartupLocality");
    else if (replay->pcrs[0].events + replay->pcrs[0].unlisted > 0)
        refuse(replay, event, "is a StartupLocality after PCR 0 was extended");
    if (replay->why[0] != '\0')
        return;
    replay->has_locality = true;
    replay->locality = locality;
    if (locality == LOCALITY_3)
        set_startup_value(replay, locality);
}

/*
 * PFP, 10.4.5.3: after an H-CRTM sequence PCR 0 begins with 4. Its event is the first of PCR 0; a
 * later one of that type resets nothing.
 */
static void note_first_of_pcr0(struct ratls_replay *replay, const struct ratls_event *event)
{
    replay->has_hcrtm = event->type == RATLS_EV_EFI_HCRTM_EVENT;
    if (!replay->has_locality || replay->has_hcrtm == (replay->locality == LOCALITY_HCRTM)) {
        if (replay->has_hcrtm)
            set_startup_value(replay, LOCALITY_HCRTM);
        return;
    }
    refuse(replay, event, "%s after a StartupLocality of %u",
           replay->has_hcrtm ? "is of an H-CRTM" : "is not of an H-CRTM",
           (unsigned)replay->locality);
}

static enum ratls_status extend(struct ratls_replay *replay, struct ratls_replay_pcr *pcr,
                                struct ratls_slice digest, struct ratls_error *err)
{
    /* Side by side: one call of OpenSSL less for each event is a tenth of its time. */
    uint8_t block[2 * RATLS_DIGEST_MAX];
    struct ratls_slice both;

    memcpy(block, pcr->value, replay->hasher.len);
    memcpy(block + replay->hasher.len, digest.p, digest.len);
    both = ratls_slice(block, replay->hasher.len + digest.len);
    pcr->events++;
    return ratls_hasher_digest(&replay->hasher, &both, 1, pcr->value, err);
}

enum ratls_status ratls_replay_event(struct ratls_replay *replay, const struct ratls_eventlog *log,
                                     const struct ratls_event *event, struct ratls_error *err)
{
    size_t index = ratls_eventlog_find_alg(log, replay->bank);
    struct ratls_replay_pcr *pcr;
    bool is_first_of_pcr0;

    if (replay->why[0] != '\0')
        return RATLS_OK;
    if (event->type == RATLS_EV_NO_ACTION) {
        note_no_action(replay, event);
        return RATLS_OK;
    }
    if (index == log->alg_count) {
        refuse(replay, event, "has no digest of %s", ratls_tpm_alg_name(replay->bank));
        return RATLS_OK;
    }
    pcr = &replay->pcrs[event->pcr];
    is_first_of_pcr0 = event->pcr == 0 && pcr->events + pcr->unlisted == 0;
    if (is_first_of_pcr0)
        note_first_of_pcr0(replay, event);
    else if (event->type == RATLS_EV_EFI_HCRTM_EVENT)
        refuse(replay, event, "is of an H-CRTM, and is not the first of PCR 0");
    if (replay->why[0] != '\0')
        return RATLS_OK;
    if (event->digests[index].len == 0) {
        pcr->unlisted++;
        return RATLS_OK;
    }
    return extend(replay, pcr, event->digests[index], err);
}

void ratls_replay_end(struct ratls_replay *replay)
{
    ratls_hasher_end(&replay->hasher);
}

enum ratls_status ratls_replay_log(struct ratls_eventlog *log, uint16_t bank,
                                   struct ratls_replay *ret_replay, struct ratls_error *err)
{
    struct ratls_event event;
    enum ratls_status status = ratls_replay_begin(bank, ret_replay, err);

    if (status == RATLS_OK && log->why[0] == '\0' &&
        ratls_eventlog_find_alg(log, bank) == log->alg_count)
        snprintf(ret_replay->why, sizeof ret_replay->why, "the log has no digests of %s",
                 ratls_tpm_alg_name(bank));
    while (status == RATLS_OK && ret_replay->why[0] == '\0' && ratls_eventlog_next(log, &event))
        status = ratls_replay_event(ret_replay, log, &event, err);
    if (log->why[0] != '\0')
        memcpy(ret_replay->why, log->why, sizeof ret_replay->why);
    ratls_replay_end(ret_replay);
    return status;
}
