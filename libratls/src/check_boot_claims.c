/* What the log says as a whole, and not one of its events. */
#include <stdio.h>

#include "check_boot.h"

#define PCR_MANUFACTURER 6
#define PCR_EXIT 5
#define PCR_SECURE_BOOT 7

/* Nothing of these PCRs is measured once the firmware starts another's code; settings are. */
static const uint32_t CLOSED_BY_SEPARATOR = 1u << 0 | 1u << 2 | 1u << 3 | 1u << PCR_MANUFACTURER;

/*
 * An event with the digest of a separator or of a known text that has another type is one that
 * somebody hides, or one that is not what it seems: neither has a place in a PCR that counts.
 */
static void check_labels(struct ratls_boot_judge *judge)
{
    const struct ratls_boot *boot = &judge->boot;
    bool is_relabelled = (boot->relabelled_pcrs & judge->rules->pcrs) != 0;
    char at[RATLS_AT_MAX] = "boot-log";
    char actual[RATLS_VALUE_MAX] = "none";

    if (!ratls_check_decide(judge->a->report, RATLS_CHECK_BOOT_LABELS, !is_relabelled))
        return;
    if (is_relabelled) {
        snprintf(at, sizeof at, "boot-log[%zu]", boot->first_relabelled);
        snprintf(actual, sizeof actual, "%zu with the digest of a separator or of a fixed text",
                 boot->relabelled);
    }
    ratls_check_say(judge->a->report, RATLS_CHECK_BOOT_LABELS, at, "no event of another type",
                    actual);
}

static void check_separator(struct ratls_boot_judge *judge, unsigned pcr)
{
    const struct ratls_boot_phase *phase = &judge->boot.phases[pcr];
    bool is_closed = (CLOSED_BY_SEPARATOR >> pcr & 1) != 0;
    bool is_good =
        phase->separators == 1 && phase->errors == 0 && (phase->after == 0 || !is_closed);
    char at[RATLS_AT_MAX], actual[RATLS_VALUE_MAX];

    if (!ratls_check_decide(judge->a->report, RATLS_CHECK_BOOT_SEPARATORS, is_good))
        return;
    if (phase->after > 0 && !is_good)
        snprintf(at, sizeof at, "boot-log[%zu], PCR %u", phase->first_after, pcr);
    else
        snprintf(at, sizeof at, "boot-log, PCR %u", pcr);
    snprintf(actual, sizeof actual, "%zu, %zu of an error, %zu events behind it", phase->separators,
             phase->errors, phase->after);
    ratls_check_say(judge->a->report, RATLS_CHECK_BOOT_SEPARATORS, at,
                    is_closed ? "one separator, and nothing behind it" : "one separator", actual);
}

/* One in each PCR of 0 to 7: what is before it is the firmware's, and nothing can be put there. */
static void check_separators(struct ratls_boot_judge *judge)
{
    for (unsigned pcr = 0; pcr < RATLS_BOOT_PHASES; pcr++)
        if (ratls_boot_covers(judge->rules, pcr))
            check_separator(judge, pcr);
    ratls_check_not_asked(judge->a->report, RATLS_CHECK_BOOT_SEPARATORS);
}

/* PFP, 3.3.4.6: where these are missing, the firmware never handed over to a system. */
static void check_exit(struct ratls_boot_judge *judge)
{
    const struct ratls_boot *boot = &judge->boot;
    const char *actual = "both";

    if (!ratls_boot_covers(judge->rules, PCR_EXIT)) {
        ratls_check_not_asked(judge->a->report, RATLS_CHECK_BOOT_EXIT);
        return;
    }
    if (!boot->has_exit_success)
        actual = boot->has_exit_invocation ? "no success" : "neither";
    else if (!boot->has_exit_invocation)
        actual = "no invocation";
    if (boot->has_exit_failure)
        actual = "a failure";
    ratls_check_holds(judge->a->report, RATLS_CHECK_BOOT_EXIT,
                      boot->has_exit_invocation && boot->has_exit_success &&
                          !boot->has_exit_failure,
                      "boot-log, PCR 5", "Exit Boot Services: invocation and success", actual);
}

static void check_secure_boot(struct ratls_boot_judge *judge)
{
    const struct ratls_boot *boot = &judge->boot;
    bool is_on = boot->secure_boot == RATLS_SECURE_BOOT_ON;
    char actual[RATLS_VALUE_MAX];

    if (!judge->rules->secure_boot_required) {
        ratls_check_not_asked(judge->a->report, RATLS_CHECK_BOOT_SECURE_BOOT);
        return;
    }
    if (!ratls_check_decide(judge->a->report, RATLS_CHECK_BOOT_SECURE_BOOT,
                            is_on && ratls_boot_covers(judge->rules, PCR_SECURE_BOOT)))
        return;
    if (boot->secure_boot == RATLS_SECURE_BOOT_UNKNOWN)
        snprintf(actual, sizeof actual, "not known: %.148s", boot->secure_boot_why);
    else
        snprintf(actual, sizeof actual, is_on ? "on" : "off");
    ratls_check_say(judge->a->report, RATLS_CHECK_BOOT_SECURE_BOOT, "boot-log, PCR 7",
                    "Secure Boot: on", actual);
}

/* PFP, 3.3.4.8. Machines without DMA protection exist: who accepts that lists the digest. */
static void check_debug(struct ratls_boot_judge *judge)
{
    const struct ratls_boot *boot = &judge->boot;
    const uint8_t *dma = judge->boot.known.digests[RATLS_BOOT_DMA_UNPROTECTED];
    bool is_dma_accepted =
        ratls_references_have(&judge->rules->variables, ratls_slice(dma, judge->hasher.len));
    const char *actual = "neither";

    if (!ratls_boot_covers(judge->rules, PCR_SECURE_BOOT)) {
        ratls_check_not_asked(judge->a->report, RATLS_CHECK_BOOT_DEBUG);
        return;
    }
    if (boot->is_dma_unprotected)
        actual = "DMA Protection Disabled";
    if (boot->is_debug_mode)
        actual = "UEFI Debug Mode";
    ratls_check_holds(judge->a->report, RATLS_CHECK_BOOT_DEBUG,
                      !boot->is_debug_mode && (!boot->is_dma_unprotected || is_dma_accepted),
                      "boot-log, PCR 7", "no debug mode, and protection against DMA", actual);
}

void ratls_check_boot_claims(struct ratls_boot_judge *judge)
{
    check_labels(judge);
    check_separators(judge);
    check_exit(judge);
    check_secure_boot(judge);
    check_debug(judge);
}
