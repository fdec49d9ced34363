#include "pcr_compare.h"

#include <stdio.h>
#include <string.h>

#define ROW_TEXT_MAX 128

struct outcome { /* bit n: PCR n */
    uint32_t match;
    uint32_t differ;
    uint32_t outside; /* has a value that this log does not explain */
};

/* As after a reset: nothing was extended. */
static bool is_untouched(const uint8_t *value, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (value[i] != value[0])
            return false;
    return value[0] == 0x00 || value[0] == 0xff;
}

static struct outcome compare_bank(const struct ratls_pcr_bank_values *replayed,
                                   const struct ratls_pcr_bank_values *expected)
{
    struct outcome outcome = {0};

    for (unsigned pcr = 0; pcr < RATLS_PCR_COUNT; pcr++) {
        const uint32_t bit = 1u << pcr;

        if ((expected->present & bit) == 0)
            continue;
        if (replayed == NULL || (replayed->present & bit) == 0)
            outcome.outside |= is_untouched(expected->values[pcr], expected->len) ? 0 : bit;
        else if (memcmp(replayed->values[pcr], expected->values[pcr], expected->len) == 0)
            outcome.match |= bit;
        else
            outcome.differ |= bit;
    }
    return outcome;
}

/* A list of numbers in JSON, and a line for people unless there is none. */
static void describe_set(struct ratls_view *v, const char *key, const char *label, uint32_t set)
{
    char text[ROW_TEXT_MAX] = "";
    size_t len = 0;

    ratls_view_list(v, key);
    for (unsigned pcr = 0; pcr < RATLS_PCR_COUNT; pcr++) {
        if ((set >> pcr & 1) == 0)
            continue;
        ratls_view_uint(v, NULL, NULL, pcr, NULL);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%u", len == 0 ? "" : " ", pcr);
    }
    ratls_view_list_end(v);
    if (set != 0 && !v->json)
        ratls_view_text(v, NULL, label, text);
}

static void put_value(struct ratls_view *v, const char *what, const uint8_t *value, size_t len)
{
    char hex[2 * RATLS_BANK_DIGEST_MAX + 1];
    char row[sizeof hex + 16];

    ratls_hex(ratls_slice(value, len), hex, sizeof hex);
    snprintf(row, sizeof row, "%8s %s", what, hex);
    ratls_view_note(v, row);
}

/* For people: programs find both values in what they have. */
static void describe_differences(struct ratls_view *v, uint32_t set,
                                 const struct ratls_pcr_bank_values *replayed,
                                 const struct ratls_pcr_bank_values *expected)
{
    for (unsigned pcr = 0; pcr < RATLS_PCR_COUNT; pcr++) {
        char line[ROW_TEXT_MAX];

        if ((set >> pcr & 1) == 0)
            continue;
        snprintf(line, sizeof line, "PCR %u:", pcr);
        ratls_view_note(v, line);
        put_value(v, "expected", expected->values[pcr], expected->len);
        put_value(v, "log", replayed->values[pcr], replayed->len);
    }
}

bool ratls_describe_comparison(struct ratls_view *v, const struct ratls_pcr_values *replayed,
                               const struct ratls_pcr_values *expected)
{
    bool has_match = false;
    bool has_difference = false;

    ratls_view_section(v, "comparison", "Comparison with the PCRs of --pcrs");
    for (size_t i = 0; i < expected->count; i++) {
        const struct ratls_pcr_bank_values *bank = &expected->banks[i];
        const struct ratls_pcr_bank_values *of_log = ratls_pcr_values_find(replayed, bank->alg);
        struct outcome outcome = compare_bank(of_log, bank);

        ratls_view_section(v, ratls_bank_name(bank->alg), ratls_bank_name(bank->alg));
        ratls_view_bool(v, "in-log", of_log == NULL ? "in the log" : NULL, of_log != NULL);
        describe_set(v, "match", "agree", outcome.match);
        describe_set(v, "differ", "DIFFER", outcome.differ);
        if (of_log != NULL)
            describe_differences(v, outcome.differ, of_log, bank);
        describe_set(v, "not-in-log", "not in the log", outcome.outside);
        ratls_view_section_end(v);
        has_match |= outcome.match != 0;
        has_difference |= outcome.differ != 0;
    }
    ratls_view_bool(v, "agrees", NULL, has_match && !has_difference);
    ratls_view_note(v, has_difference ? "The PCRs differ."
                       : has_match    ? "All PCRs that could be compared agree."
                                      : "No PCR could be compared.");
    ratls_view_section_end(v);
    return has_match && !has_difference;
}
