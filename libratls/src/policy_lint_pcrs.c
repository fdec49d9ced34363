#include "policy_lint_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_lint.h"
#include "policy_write.h"

#define VALUES_MANY 8

#define PCRS_OF_FIRMWARE 0x000000ffu /* 0 to 7 */
#define PCRS_OF_BOOT_AGGREGATE 0x000003ffu
#define PCR_SECURE_BOOT 0x00000080u
#define PCRS_OF_KERNEL 0x00000b10u /* 4, 8, 9, 11 */

/* "1, 3 and 6" would be nicer; "1, 3, 6" is shorter to make and as clear. */
static void write_missing(uint32_t missing, char *out, size_t cap)
{
    size_t len = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < RATLS_PCR_COUNT && len < cap; i++) {
        if ((missing & UINT32_C(1) << i) != 0)
            len += (size_t)snprintf(out + len, cap - len, "%s%u", len == 0 ? "" : ", ", i);
    }
}

/* What values, a log or a verifier are asked about, in whatever bank. */
static uint32_t find_judged(const struct ratls_rules *rules)
{
    uint32_t judged = rules->boot.pcrs | rules->results.pcrs;

    for (size_t i = 0; i < rules->pcr_count; i++)
        judged |= UINT32_C(1) << rules->pcrs[i].index;
    return judged;
}

/* The key that says what is compared, for a place of what it forgets. */
static const char *find_key(const struct ratls_document *document)
{
    if (document->pcrs_count > 0)
        return "pcrs";
    if (document->results != NULL)
        return "results.pcrs";
    return document->boot != NULL ? "boot" : "reference-values";
}

static void lint_selection(const struct ratls_lint *lint)
{
    uint32_t judged = find_judged(lint->rules), missing;
    const char *at = find_key(lint->document);
    char list[64];

    if ((judged & PCR_SECURE_BOOT) == 0)
        ratls_lint_warn(lint, at,
                        "without PCR 7: whether Secure Boot is on, and whose keys it takes, is "
                        "not looked at");
    if ((judged & PCRS_OF_KERNEL) == 0)
        ratls_lint_warn(lint, at,
                        "without PCR 4, 8, 9 and 11: which boot loader and kernel started is "
                        "not looked at");
    if (lint->rules->ima.is_asked) {
        write_missing(PCRS_OF_BOOT_AGGREGATE & ~judged, list, sizeof list);
        if (list[0] != '\0')
            ratls_lint_warn(lint, "ima",
                            "PCRs that are quoted for boot_aggregate, and compared with nothing: "
                            "%s",
                            list);
        return;
    }
    missing = PCRS_OF_FIRMWARE & ~judged & ~PCR_SECURE_BOOT;
    if (missing == 0)
        return;
    write_missing(missing, list, sizeof list);
    ratls_lint_warn(lint, at,
                    "not the whole of PCR 0 to 7, which describe the boot together: without %s",
                    list);
}

static bool is_only(struct ratls_slice value, uint8_t byte)
{
    size_t i = 0;

    while (i < value.len && value.p[i] == byte)
        i++;
    return i == value.len;
}

bool ratls_policy_lint_value(unsigned index, struct ratls_slice value,
                             char out[static RATLS_LINT_VALUE_MAX])
{
    if (is_only(value, 0))
        (void)snprintf(out, RATLS_LINT_VALUE_MAX,
                       "only zeros: nothing was measured into PCR %u (%s), and any machine that "
                       "measures nothing matches",
                       index, ratls_pcr_meaning(index));
    else if (is_only(value, UINT8_MAX))
        (void)snprintf(out, RATLS_LINT_VALUE_MAX,
                       "only ones: the value of PCR 17 to 22 before any late launch (DRTM)");
    else
        return false;
    return true;
}

static void lint_value(const struct ratls_lint *lint, const char *at, const char *index,
                       const char *hex)
{
    uint8_t digest[RATLS_DIGEST_MAX];
    const struct ratls_slice value = {digest, strlen(hex) / 2};
    char words[RATLS_LINT_VALUE_MAX];

    if (ratls_unhex(hex, digest, value.len) &&
        ratls_policy_lint_value((unsigned)strtoul(index, NULL, 10), value, words))
        ratls_lint_warn(lint, at, "%s", words);
}

static void lint_values(const struct ratls_lint *lint, const char *at, const char *index,
                        char *const *values, size_t count)
{
    char entry[RATLS_POLICY_AT_MAX];

    if (count > VALUES_MANY)
        ratls_lint_warn(lint, at, "%zu alternative values: are those of old software still good?",
                        count);
    for (size_t i = 0; i < count; i++) {
        snprintf(entry, sizeof entry, "%.100s[%zu]", at, i);
        lint_value(lint, entry, index, values[i]);
    }
}

static bool is_among(const struct ratls_references *references, struct ratls_slice value,
                     struct ratls_slice name)
{
    for (size_t i = 0; i < references->count; i++) {
        if (ratls_refvals_allows(references->sets[i], value, name))
            return true;
    }
    return false;
}

static bool has_register(const struct ratls_references *references, struct ratls_slice name,
                         size_t len)
{
    for (size_t i = 0; i < references->count; i++) {
        if (ratls_refvals_find(references->sets[i], name).len == len)
            return true;
    }
    return false;
}

/* Values of a person beside those of a vendor: both are allowed, which may not have been meant. */
static void lint_registers(const struct ratls_lint *lint, const char *at, const char *index,
                           char *const *values, size_t count)
{
    const struct ratls_references *references = &lint->rules->reference_values;
    uint8_t digest[RATLS_DIGEST_MAX];
    char name[16], entry[RATLS_POLICY_AT_MAX];
    struct ratls_slice shown;

    snprintf(name, sizeof name, "pcr:%.2s", index);
    shown = ratls_slice(name, strlen(name));
    for (size_t i = 0; i < count; i++) {
        struct ratls_slice value = {digest, strlen(values[i]) / 2};

        if (!ratls_unhex(values[i], digest, value.len) ||
            !has_register(references, shown, value.len) || is_among(references, value, shown))
            continue;
        snprintf(entry, sizeof entry, "%.100s[%zu]", at, i);
        ratls_lint_warn(lint, entry,
                        "reference-values has other values of PCR %s: this one is allowed beside "
                        "them",
                        index);
    }
}

static void lint_list(const struct ratls_lint *lint, size_t i, const char *bank,
                      char *const *values, size_t count)
{
    const char *index = lint->document->pcrs[i].index;
    char at[RATLS_POLICY_AT_MAX];

    snprintf(at, sizeof at, "pcrs[%zu].%s", i, bank);
    lint_values(lint, at, index, values, count);
    lint_registers(lint, at, index, values, count);
}

static void lint_results(const struct ratls_lint *lint)
{
    if ((lint->rules->results.pcrs >> RATLS_IMA_PCR & 1) != 0)
        ratls_lint_warn(lint, "results.pcrs",
                        "PCR 10 changes with each file that Linux IMA measures: a result is of use "
                        "only until the next one");
}

void ratls_lint_pcrs(const struct ratls_lint *lint)
{
    lint_selection(lint);
    lint_results(lint);
    for (size_t i = 0; i < lint->document->pcrs_count; i++) {
        const struct ratls_document_pcr *pcr = &lint->document->pcrs[i];

        lint_list(lint, i, "sha256", pcr->sha256, pcr->sha256_count);
        lint_list(lint, i, "sha384", pcr->sha384, pcr->sha384_count);
        lint_list(lint, i, "sha512", pcr->sha512, pcr->sha512_count);
    }
    ratls_lint_references(lint, "reference-values", &lint->rules->reference_values, 0);
}
