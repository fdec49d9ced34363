#include "eventlog_replay.h"

#include <stdlib.h>
#include <string.h>

#include "eventlog.h"
#include "fail.h"

/* PFP, 10.4.5.3: what EV_NO_ACTION says about the first value of PCR 0. */
#define STARTUP_LOCALITY "StartupLocality"
#define LOCALITY_HCRTM 4
/* Ones after a reset: zeros only by a dynamic launch. */
#define DRTM_PCR_FIRST 17
#define DRTM_PCR_LAST 22

struct replay {
    struct ratls_pcr_values *values;
    struct ratls_bank_hash hashes[RATLS_PCR_BANKS_MAX];
    bool is_pcr0_extended;
    uint8_t locality;
};

static enum ratls_status begin_banks(const struct ratls_log_file *log, struct replay *replay,
                                     struct ratls_error *err)
{
    for (size_t i = 0; i < log->alg_count; i++) {
        const struct ratls_log_alg *alg = &log->algs[i];

        if (ratls_bank_len(alg->id) == 0 || ratls_bank_len(alg->id) != alg->digest_len)
            continue; /* nobody knows how to extend it */
        if (ratls_pcr_values_add(replay->values, alg->id) == NULL)
            return ratls_fail(err, RATLS_LIMIT, "too many banks");
    }
    for (size_t i = 0; i < replay->values->count; i++)
        if (!ratls_bank_hash_begin(replay->values->banks[i].alg, &replay->hashes[i]))
            return ratls_fail_openssl(err, ratls_bank_name(replay->values->banks[i].alg));
    return RATLS_OK;
}

/* Only before PCR 0 is extended: afterwards it could change nothing. */
static void note_locality(struct replay *replay, struct ratls_slice data)
{
    if (!replay->is_pcr0_extended && data.len > sizeof STARTUP_LOCALITY &&
        memcmp(data.p, STARTUP_LOCALITY, sizeof STARTUP_LOCALITY) == 0)
        replay->locality = data.p[sizeof STARTUP_LOCALITY];
}

static void set_first_value(struct ratls_pcr_bank_values *bank, unsigned pcr, uint8_t locality)
{
    bool is_drtm = pcr >= DRTM_PCR_FIRST && pcr <= DRTM_PCR_LAST;

    memset(bank->values[pcr], is_drtm ? 0xff : 0, bank->len);
    if (pcr == 0)
        bank->values[pcr][bank->len - 1] = locality;
    bank->present |= 1u << pcr;
}

static enum ratls_status extend(struct replay *replay, const struct ratls_log_event *event,
                                struct ratls_error *err)
{
    bool is_hcrtm = event->type == RATLS_EV_EFI_HCRTM_EVENT;

    for (size_t i = 0; i < replay->values->count; i++) {
        struct ratls_pcr_bank_values *bank = &replay->values->banks[i];
        const struct ratls_slice parts[] = {
            {bank->values[event->pcr], bank->len},
            ratls_log_digest(event, bank->alg),
        };

        if (parts[1].len != bank->len)
            continue; /* the event is not of this bank */
        if ((bank->present >> event->pcr & 1) == 0)
            set_first_value(bank, event->pcr, is_hcrtm ? LOCALITY_HCRTM : replay->locality);
        if (!ratls_bank_hash(&replay->hashes[i], parts, 2, bank->values[event->pcr]))
            return ratls_fail_openssl(err, ratls_bank_name(bank->alg));
        replay->is_pcr0_extended |= event->pcr == 0;
    }
    return RATLS_OK;
}

enum ratls_status ratls_log_replay(struct ratls_log_file *log, struct ratls_pcr_values **ret_values,
                                   struct ratls_error *err)
{
    struct replay replay = {.values = calloc(1, sizeof *replay.values)};
    struct ratls_log_event event;
    enum ratls_status status;

    if (replay.values == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = begin_banks(log, &replay, err);
    while (status == RATLS_OK && ratls_log_file_next(log, &event)) {
        if (event.type == RATLS_EV_NO_ACTION)
            note_locality(&replay, event.data);
        else if (event.pcr < RATLS_PCR_COUNT)
            status = extend(&replay, &event, err);
    }
    for (size_t i = 0; i < RATLS_PCR_BANKS_MAX; i++)
        ratls_bank_hash_end(&replay.hashes[i]);
    if (status != RATLS_OK) {
        free(replay.values);
        return status;
    }
    *ret_values = replay.values;
    return RATLS_OK;
}
