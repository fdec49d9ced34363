/*
 * PCRs. pcr.digest and pcr.value need pcr.selection: the values are cut up by the selection that
 * was asked for, never by what the peer says it quoted. pcr.digest also needs ak.algorithm, for the
 * hash of the scheme; pcr.value also needs values of the right length.
 */
#include "appraise.h"

#include <stdio.h>

/* The policy's own; of a client, more: it is asked before it is known which policy is its own. */
static const struct ratls_pcr_selection *asked_of(const struct ratls_appraisal *a)
{
    return a->submission->selection == NULL ? &a->rules->selection : a->submission->selection;
}

/*
 * Exactly the selection that was asked for, banks in its order: PCR 16 can be driven to the value
 * of PCR 7, and then nothing but the selection tells them apart (CVE-2024-29039).
 */
static void check_selection(struct ratls_appraisal *a)
{
    const struct ratls_pcr_selection *wanted = asked_of(a);
    const struct ratls_tpm_selection *quoted = &a->attest.selection;
    char expected[RATLS_VALUE_MAX], actual[RATLS_VALUE_MAX];
    bool is_same = quoted->count == wanted->count && wanted->count > 0;

    for (size_t i = 0; is_same && i < wanted->count; i++)
        is_same = quoted->banks[i].hash_alg == wanted->banks[i].hash_alg &&
                  quoted->banks[i].pcrs == wanted->banks[i].pcrs && wanted->banks[i].pcrs != 0;
    if (!ratls_check_decide(a->report, RATLS_CHECK_PCR_SELECTION, is_same))
        return;
    ratls_tpm_selection_text(wanted->banks, wanted->count, expected, sizeof expected);
    ratls_tpm_selection_text(quoted->banks, quoted->count, actual, sizeof actual);
    ratls_check_say(a->report, RATLS_CHECK_PCR_SELECTION, "quote.attest.pcrSelect",
                    expected[0] == '\0' ? "none" : expected, actual[0] == '\0' ? "none" : actual);
}

/* Part 2, 10.12.4: the digest is made with the hash of the signature scheme, not of the bank. */
static enum ratls_status check_digest(struct ratls_appraisal *a)
{
    uint16_t alg = a->ak.scheme_hash;
    uint8_t digest[RATLS_DIGEST_MAX];
    enum ratls_status status;

    if (!ratls_check_passed(a->report, RATLS_CHECK_AK_FORMAT) ||
        !ratls_check_passed(a->report, RATLS_CHECK_AK_ALGORITHM))
        return RATLS_OK;
    status = ratls_digest(alg, &a->evidence.pcr_values, 1, digest, a->err);
    if (status != RATLS_OK)
        return status;
    ratls_check_bytes(a->report, RATLS_CHECK_PCR_DIGEST, "quote.attest.pcrDigest",
                      ratls_slice(digest, ratls_tpm_hash_len(alg)), a->attest.pcr_digest);
    return RATLS_OK;
}

static bool check_length(struct ratls_appraisal *a)
{
    const struct ratls_pcr_selection *wanted = asked_of(a);
    size_t len = ratls_tpm_selection_values_len(wanted->banks, wanted->count);
    char expected[RATLS_VALUE_MAX], actual[RATLS_VALUE_MAX];

    if (len > 0 && len == a->evidence.pcr_values.len)
        return true;
    snprintf(expected, sizeof expected, "%zu bytes of values", len);
    snprintf(actual, sizeof actual, "%zu bytes", a->evidence.pcr_values.len);
    ratls_check_holds(a->report, RATLS_CHECK_PCR_DIGEST, false, "quote.pcr-values", expected,
                      actual);
    return false;
}

/* Where a value stands in the list of those that are allowed; rule->count if it does not. */
static size_t find_value(const struct ratls_pcr_rule *rule, struct ratls_slice value)
{
    size_t i = 0;

    while (i < rule->count &&
           !ratls_slice_equal(ratls_slice(rule->values[i], ratls_tpm_hash_len(rule->bank)), value))
        i++;
    return i;
}

static void check_value(struct ratls_appraisal *a, const struct ratls_pcr_rule *rule,
                        struct ratls_slice value)
{
    size_t i = find_value(rule, value);
    size_t len = ratls_tpm_hash_len(rule->bank);
    bool is_allowed = i < rule->count;
    char at[RATLS_AT_MAX], expected[RATLS_VALUE_MAX], actual[RATLS_VALUE_MAX];
    char hex[2 * RATLS_DIGEST_MAX + 1];

    if (!ratls_check_decide(a->report, RATLS_CHECK_PCR_VALUE, is_allowed))
        return;
    snprintf(at, sizeof at, "pcrs.%s[%u]", ratls_tpm_alg_name(rule->bank), rule->index);
    ratls_hex(ratls_slice(rule->values[is_allowed ? i : 0], len), hex, sizeof hex);
    if (is_allowed || rule->count == 1)
        snprintf(expected, sizeof expected, "%s", hex);
    else
        snprintf(expected, sizeof expected, "%s or %zu other%s", hex, rule->count - 1,
                 rule->count == 2 ? "" : "s");
    ratls_hex(value, actual, sizeof actual);
    ratls_check_say(a->report, RATLS_CHECK_PCR_VALUE, at, expected, actual);
}

bool ratls_quoted_pcr(const struct ratls_appraisal *a, uint16_t bank, unsigned pcr,
                      struct ratls_slice *ret_value)
{
    const struct ratls_pcr_selection *selection = asked_of(a);
    struct ratls_reader r = ratls_reader(a->evidence.pcr_values);

    for (size_t i = 0; i < selection->count; i++) {
        const struct ratls_pcr_bank *quoted = &selection->banks[i];
        bool is_there = quoted->hash_alg == bank && (quoted->pcrs >> pcr & 1) != 0;
        uint32_t before = is_there ? quoted->pcrs & ((1u << pcr) - 1) : quoted->pcrs;
        size_t len = ratls_tpm_hash_len(quoted->hash_alg);
        struct ratls_slice value;

        ratls_read_bytes(&r, len * (size_t)__builtin_popcount(before));
        if (!is_there)
            continue;
        value = ratls_read_bytes(&r, len);
        if (r.failed)
            return false;
        *ret_value = value;
        return true;
    }
    return false;
}

/*
 * Whether a log has to lead to the value of a PCR, or the PCR is what boot_aggregate is made of, or
 * a result has to be about it.
 */
static bool is_left_to_others(const struct ratls_rules *rules, uint16_t bank, unsigned pcr)
{
    const struct ratls_boot_rules *boot = &rules->boot;
    const struct ratls_ima_rules *ima = &rules->ima;
    const struct ratls_result_rules *results = &rules->results;

    return (results->is_asked && results->bank == bank && (results->pcrs >> pcr & 1) != 0) ||
           (boot->is_asked && boot->bank == bank && (boot->pcrs >> pcr & 1) != 0) ||
           (ima->is_asked && ima->bank == bank && pcr <= RATLS_IMA_PCR);
}

/* One PCR of the selection, and the next rule if that is its own. */
static void check_pcr(struct ratls_appraisal *a, uint16_t bank, unsigned pcr, size_t *next)
{
    const struct ratls_rules *rules = a->rules;
    const struct ratls_pcr_rule *rule = *next < rules->pcr_count ? &rules->pcrs[*next] : NULL;
    struct ratls_slice value;

    if (rule != NULL && rule->bank == bank && rule->index == pcr &&
        ratls_quoted_pcr(a, bank, pcr, &value)) {
        check_value(a, rule, value);
        (*next)++;
    } else if (!is_left_to_others(rules, bank, pcr)) {
        ratls_check_holds(a->report, RATLS_CHECK_PCR_VALUE, false, "policy",
                          "a rule for each PCR of the selection", "one without a rule");
    }
}

/*
 * The rules are in the order of the selection, for that is made of them. Should a policy break
 * that, then a rule or a PCR is left over, and it is no policy that anything follows.
 */
static void check_values(struct ratls_appraisal *a)
{
    const struct ratls_pcr_selection *selection = &a->rules->selection;
    size_t next = 0;

    for (size_t i = 0; i < selection->count; i++) {
        for (unsigned pcr = 0; pcr < RATLS_PCR_COUNT; pcr++) {
            if ((selection->banks[i].pcrs >> pcr & 1) != 0)
                check_pcr(a, selection->banks[i].hash_alg, pcr, &next);
        }
    }
    if (next != a->rules->pcr_count)
        ratls_check_holds(a->report, RATLS_CHECK_PCR_VALUE, false, "policy",
                          "a PCR of the selection for each rule", "a rule without one");
    ratls_check_not_asked(a->report, RATLS_CHECK_PCR_VALUE);
}

enum ratls_status ratls_check_pcrs(struct ratls_appraisal *a)
{
    check_selection(a);
    if (!ratls_check_passed(a->report, RATLS_CHECK_PCR_SELECTION) || !check_length(a))
        return RATLS_OK;
    check_values(a);
    return check_digest(a);
}
