/* Separators, known texts and images. PCR 7 is in boot_variables.c. */
#include "boot.h"

#include <stdio.h>
#include <string.h>

#define PCR_IMAGES 4
#define PCR_EXIT 5
#define PCR_SECURE_BOOT 7

enum known_id {
    SEPARATOR_ZEROS,
    SEPARATOR_ONES,
    SEPARATOR_ERROR,
    CALLING,
    RETURNING,
    EXIT_INVOCATION,
    EXIT_SUCCESS,
    EXIT_FAILURE,
    DEBUG_MODE,
    DMA_UNPROTECTED,
    KNOWN_COUNT
};

#define TEXT(text)                                                                                 \
    {                                                                                              \
        RATLS_EV_EFI_ACTION, (text), sizeof(text) - 1                                              \
    }

/* Data that the PFP fixes (10.4.1 and 10.4.4): their digests are known before the log is. */
static const struct {
    uint32_t type;
    const char *data;
    size_t len;
} KNOWN[KNOWN_COUNT] = {
    [SEPARATOR_ZEROS] = {RATLS_EV_SEPARATOR, "\x00\x00\x00\x00", 4},
    [SEPARATOR_ONES] = {RATLS_EV_SEPARATOR, "\xff\xff\xff\xff", 4},
    [SEPARATOR_ERROR] = {RATLS_EV_SEPARATOR, "\x01\x00\x00\x00", 4},
    [CALLING] = TEXT("Calling EFI Application from Boot Option"),
    [RETURNING] = TEXT("Returning from EFI Application from Boot Option"),
    [EXIT_INVOCATION] = TEXT("Exit Boot Services Invocation"),
    [EXIT_SUCCESS] = TEXT("Exit Boot Services Returned with Success"),
    [EXIT_FAILURE] = TEXT("Exit Boot Services Returned with Failure"),
    [DEBUG_MODE] = TEXT("UEFI Debug Mode"),
    [DMA_UNPROTECTED] = TEXT("DMA Protection Disabled"),
};

struct known_digests {
    uint8_t digests[KNOWN_COUNT][RATLS_DIGEST_MAX];
};

static enum ratls_status hash_known(struct ratls_hasher *hasher, struct known_digests *ret_known,
                                    struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    for (size_t i = 0; status == RATLS_OK && i < KNOWN_COUNT; i++) {
        struct ratls_slice data = ratls_slice(KNOWN[i].data, KNOWN[i].len);

        status = ratls_hasher_digest(hasher, &data, 1, ret_known->digests[i], err);
    }
    return status;
}

static enum known_id find_known(const struct known_digests *known, struct ratls_slice digest)
{
    size_t id = 0;

    while (id < KNOWN_COUNT && memcmp(known->digests[id], digest.p, digest.len) != 0)
        id++;
    return (enum known_id)id;
}

/* The separator itself is not behind it, a second one is. */
static void note_phase(struct ratls_boot *boot, const struct ratls_event *event, enum known_id id)
{
    struct ratls_boot_phase *phase;

    if (event->pcr >= RATLS_BOOT_PHASES)
        return;
    phase = &boot->phases[event->pcr];
    if (phase->separators > 0)
        phase->after++;
    if (id <= SEPARATOR_ERROR)
        phase->separators++;
    if (id == SEPARATOR_ERROR)
        phase->errors++;
}

static void note_text(struct ratls_boot *boot, const struct ratls_event *event, enum known_id id)
{
    bool is_exit = event->pcr == PCR_EXIT;
    bool is_secure_boot = event->pcr == PCR_SECURE_BOOT;

    if (event->type != KNOWN[id].type && boot->relabelled++ == 0)
        boot->first_relabelled = event->number;
    boot->has_exit_invocation |= is_exit && id == EXIT_INVOCATION;
    boot->has_exit_success |= is_exit && id == EXIT_SUCCESS;
    boot->has_exit_failure |= is_exit && id == EXIT_FAILURE;
    boot->is_debug_mode |= is_secure_boot && id == DEBUG_MODE;
    boot->is_dma_unprotected |= is_secure_boot && id == DMA_UNPROTECTED;
}

/* By its digest alone: an image that is named EV_ACTION is an image. */
static void note_image(struct ratls_boot *boot, const struct ratls_event *event,
                       struct ratls_slice digest)
{
    if (boot->image_count == RATLS_BOOT_IMAGES_MAX) {
        snprintf(boot->why, sizeof boot->why, "event %zu at offset %zu is image %d of PCR %d",
                 event->number, event->offset, RATLS_BOOT_IMAGES_MAX + 1, PCR_IMAGES);
        return;
    }
    boot->images[boot->image_count].event = event->number;
    boot->images[boot->image_count].digest = digest;
    boot->image_count++;
}

static enum ratls_status note_event(struct ratls_boot *boot, const struct known_digests *known,
                                    const struct ratls_event *event, struct ratls_slice digest,
                                    struct ratls_error *err)
{
    enum known_id id;

    if (event->type == RATLS_EV_NO_ACTION || digest.len == 0)
        return RATLS_OK;
    id = find_known(known, digest);
    note_phase(boot, event, id);
    if (id != KNOWN_COUNT)
        note_text(boot, event, id);
    else if (event->pcr == PCR_IMAGES)
        note_image(boot, event, digest);
    else if (event->pcr == PCR_SECURE_BOOT)
        return ratls_boot_variable_event(boot, event, digest, err);
    return RATLS_OK;
}

static enum ratls_status walk(struct ratls_eventlog *log, struct ratls_boot *boot,
                              struct ratls_error *err)
{
    size_t index = ratls_eventlog_find_alg(log, boot->replay.bank);
    struct ratls_replay *replay = &boot->replay;
    struct known_digests known;
    struct ratls_event event;
    enum ratls_status status = hash_known(&replay->hasher, &known, err);

    if (index == log->alg_count) {
        snprintf(boot->why, sizeof boot->why, "the log has no digests of %s",
                 ratls_tpm_alg_name(replay->bank));
        return status;
    }
    while (status == RATLS_OK && boot->why[0] == '\0' && ratls_eventlog_next(log, &event)) {
        status = ratls_replay_event(replay, log, &event, err);
        memcpy(boot->why, replay->why, sizeof boot->why);
        if (status == RATLS_OK && boot->why[0] == '\0')
            status = note_event(boot, &known, &event, event.digests[index], err);
    }
    return status;
}

enum ratls_status ratls_boot_read(struct ratls_eventlog *log, uint16_t bank,
                                  struct ratls_boot *ret_boot, struct ratls_error *err)
{
    enum ratls_status status;

    memset(ret_boot, 0, sizeof *ret_boot);
    status = ratls_replay_begin(bank, &ret_boot->replay, err);
    if (status == RATLS_OK && log->why[0] == '\0')
        status = walk(log, ret_boot, err);
    ratls_replay_end(&ret_boot->replay);
    if (log->why[0] != '\0')
        memcpy(ret_boot->why, log->why, sizeof ret_boot->why);
    if (status == RATLS_OK)
        ratls_boot_judge_secure_boot(ret_boot);
    return status;
}
