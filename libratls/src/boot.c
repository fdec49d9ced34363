/* Separators, known texts and images. PCR 7 is in boot_variables.c. */
#include "boot.h"

#include <stdio.h>
#include <string.h>

#include "boot_known.h"

#define PCR_IMAGES 4
#define PCR_EXIT 5
#define PCR_SECURE_BOOT 7

/* The separator itself is not behind it, a second one is. */
static void note_phase(struct ratls_boot *boot, const struct ratls_event *event,
                       enum ratls_boot_known_id id)
{
    struct ratls_boot_phase *phase;

    if (event->pcr >= RATLS_BOOT_PHASES)
        return;
    phase = &boot->phases[event->pcr];
    if (phase->separators > 0 && phase->after++ == 0)
        phase->first_after = event->number;
    if (id <= RATLS_BOOT_SEPARATOR_ERROR)
        phase->separators++;
    if (id == RATLS_BOOT_SEPARATOR_ERROR)
        phase->errors++;
}

static void note_known(struct ratls_boot *boot, const struct ratls_event *event,
                       enum ratls_boot_known_id id)
{
    bool is_exit = event->pcr == PCR_EXIT;
    bool is_secure_boot = event->pcr == PCR_SECURE_BOOT;

    if (event->type != ratls_boot_known_type(id)) {
        if (boot->relabelled++ == 0)
            boot->first_relabelled = event->number;
        boot->relabelled_pcrs |= 1u << event->pcr;
    }
    boot->has_exit_invocation |= is_exit && id == RATLS_BOOT_EXIT_INVOCATION;
    boot->has_exit_success |= is_exit && id == RATLS_BOOT_EXIT_SUCCESS;
    boot->has_exit_failure |= is_exit && id == RATLS_BOOT_EXIT_FAILURE;
    boot->is_debug_mode |= is_secure_boot && id == RATLS_BOOT_DEBUG_MODE;
    boot->is_dma_unprotected |= is_secure_boot && id == RATLS_BOOT_DMA_UNPROTECTED;
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

static enum ratls_status note_event(struct ratls_boot *boot, const struct ratls_event *event,
                                    struct ratls_slice digest, struct ratls_error *err)
{
    enum ratls_boot_known_id id;

    if (event->type == RATLS_EV_NO_ACTION || digest.len == 0)
        return RATLS_OK;
    id = ratls_boot_known_find(&boot->known, event->pcr, digest);
    note_phase(boot, event, id);
    if (id != RATLS_BOOT_KNOWN_COUNT)
        note_known(boot, event, id);
    if (id >= RATLS_BOOT_SECURE_BOOT_ABSENT && id < RATLS_BOOT_KNOWN_COUNT)
        ratls_boot_known_variable(boot, event, id, digest);
    else if (id != RATLS_BOOT_KNOWN_COUNT)
        return RATLS_OK;
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
    struct ratls_event event;
    enum ratls_status status = RATLS_OK;

    if (boot->known.bank != replay->bank)
        status = ratls_boot_known(&replay->hasher, &boot->known, err);
    if (index == log->alg_count) {
        snprintf(boot->why, sizeof boot->why, "the log has no digests of %s",
                 ratls_tpm_alg_name(replay->bank));
        return status;
    }
    while (status == RATLS_OK && boot->why[0] == '\0' && ratls_eventlog_next(log, &event)) {
        status = ratls_replay_event(replay, log, &event, err);
        if (replay->why[0] != '\0')
            memcpy(boot->why, replay->why, sizeof boot->why);
        else if (status == RATLS_OK)
            status = note_event(boot, &event, event.digests[index], err);
    }
    return status;
}

enum ratls_status ratls_boot_read(struct ratls_eventlog *log, uint16_t bank,
                                  struct ratls_boot *ret_boot, struct ratls_error *err)
{
    static const struct ratls_boot_known none;

    return ratls_boot_read_with(log, bank, &none, ret_boot, err);
}

enum ratls_status ratls_boot_read_with(struct ratls_eventlog *log, uint16_t bank,
                                       const struct ratls_boot_known *known,
                                       struct ratls_boot *ret_boot, struct ratls_error *err)
{
    enum ratls_status status;

    memset(ret_boot, 0, sizeof *ret_boot);
    ret_boot->known = *known;
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
