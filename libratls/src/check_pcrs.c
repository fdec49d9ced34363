/*
 * PCRs. pcr.digest and pcr.value need pcr.selection: the values are cut up by the policy's own
 * selection, never by what the peer says it quoted. pcr.digest also needs ak.algorithm, for the
 * hash of the scheme; pcr.value also needs values of the right length.
 */
#include "appraise.h"

#include <stdio.h>

/*
 * Exactly the policy's selection, banks in its order: PCR 16 can be driven to the value of PCR 7,
 * and then nothing but the selection tells them apart (CVE-2024-29039).
 */
static void check_selection(struct ratls_appraisal *a)
{
    const struct ratls_pcr_selection *wanted = &a->rules->selection;
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
    const struct ratls_pcr_selection *wanted = &a->rules->selection;
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

/*
 * The rules are in the order of the values, for the selection is made of them. Should a policy
 * break that, then values are left over or missing, and it explains nothing.
 */
static void check_values(struct ratls_appraisal *a)
{
    const struct ratls_rules *rules = a->rules;
    struct ratls_reader r = ratls_reader(a->evidence.pcr_values);

    for (size_t i = 0; i < rules->pcr_count; i++)
        check_value(a, &rules->pcrs[i],
                    ratls_read_bytes(&r, ratls_tpm_hash_len(rules->pcrs[i].bank)));
    if (!ratls_reader_done(&r))
        ratls_check_holds(a->report, RATLS_CHECK_PCR_VALUE, false, "policy",
                          "one rule for each PCR of the selection", "another number");
}

enum ratls_status ratls_check_pcrs(struct ratls_appraisal *a)
{
    check_selection(a);
    if (!ratls_check_passed(a->report, RATLS_CHECK_PCR_SELECTION) || !check_length(a))
        return RATLS_OK;
    check_values(a);
    return check_digest(a);
}
