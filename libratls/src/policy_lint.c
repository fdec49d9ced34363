#include "policy_lint.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "policy_file.h"
#include "policy_load.h"
#include "policy_names.h"
#include "policy_write.h"

#define MAX_AGE_DAYS 30
#define VALUES_MANY 8
#define SECONDS_PER_DAY 86400

#define PCRS_OF_FIRMWARE 0x000000ffu /* 0 to 7 */
#define PCR_SECURE_BOOT 0x00000080u
#define PCRS_OF_KERNEL 0x00000b10u /* 4, 8, 9, 11 */

struct lint {
    void (*warn)(void *self, const char *text);
    void *self;
    const struct ratls_source *source;
    const struct ratls_document *document;
    const struct ratls_rules *rules;
};

static void warn(const struct lint *lint, const char *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void warn(const struct lint *lint, const char *at, const char *format, ...)
{
    char place[RATLS_ERROR_TEXT], words[RATLS_ERROR_TEXT], text[2 * RATLS_ERROR_TEXT];
    va_list args;

    ratls_source_place_text(lint->source, at, place, sizeof place);
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): begun in the line above */
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    snprintf(text, sizeof text, "%s%s", place, words);
    lint->warn(lint->self, text);
}

/* Whether some key is for a server, also if it is only for a part of a wildcard. */
static bool has_key_for(const struct ratls_rules *rules, const char *server)
{
    for (size_t i = 0; i < rules->pin_count + rules->issuer_count; i++) {
        const struct ratls_names *names = i < rules->pin_count
                                              ? &rules->pins[i].servers
                                              : &rules->issuers[i - rules->pin_count].servers;

        if (names->count == 0)
            return true;
        for (size_t j = 0; j < names->count; j++) {
            if (ratls_name_includes(names->names[j], server) ||
                ratls_name_includes(server, names->names[j]))
                return true;
        }
    }
    return false;
}

/* Several machines under several names: one that falls can stand in for the others. */
static bool are_keys_shared(const struct ratls_rules *rules)
{
    return rules->pin_count > 1 &&
           (rules->servers.count > 1 ||
            (rules->servers.count == 1 && rules->servers.names[0][0] == '*'));
}

static void lint_key(const struct lint *lint, size_t i)
{
    const struct ratls_document_key *key = &lint->document->keys[i];
    bool is_issuer = key->issuer != NULL;
    char at[RATLS_POLICY_AT_MAX];

    if (key->servers_count > 0)
        return;
    snprintf(at, sizeof at, "attestation-keys[%zu].%s", i, is_issuer ? "issuer" : "name");
    if (is_issuer)
        warn(lint, at,
             "no servers: every attestation key is accepted that this issuer certifies for %s",
             lint->rules->servers.count == 0 ? "the name that is meant"
                                             : "a server of this policy");
    else if (are_keys_shared(lint->rules))
        warn(lint, at,
             "no servers: this key is accepted for every server of this policy, also for those of "
             "other machines");
}

static void lint_servers(const struct lint *lint)
{
    const struct ratls_rules *rules = lint->rules;
    char at[RATLS_POLICY_AT_MAX];

    if (rules->servers.count == 0)
        warn(lint, "", "no servers: this policy speaks for every name");
    for (size_t i = 0; i < rules->servers.count; i++) {
        if (has_key_for(rules, rules->servers.names[i]))
            continue;
        snprintf(at, sizeof at, "servers[%zu]", i);
        warn(lint, at, "no attestation key is for this server: it is always refused");
    }
    for (size_t i = 0; i < lint->document->keys_count; i++)
        lint_key(lint, i);
}

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

static void lint_selection(const struct lint *lint)
{
    uint32_t seen = 0, missing;
    char list[64];

    for (size_t i = 0; i < lint->rules->selection.count; i++)
        seen |= lint->rules->selection.banks[i].pcrs;
    if ((seen & PCR_SECURE_BOOT) == 0)
        warn(lint, "pcrs",
             "without PCR 7: whether Secure Boot is on, and whose keys it takes, is "
             "not looked at");
    if ((seen & PCRS_OF_KERNEL) == 0)
        warn(lint, "pcrs",
             "without PCR 4, 8, 9 and 11: which boot loader and kernel started is "
             "not looked at");
    missing = PCRS_OF_FIRMWARE & ~seen & ~PCR_SECURE_BOOT;
    if (missing == 0)
        return;
    write_missing(missing, list, sizeof list);
    warn(lint, "pcrs", "not the whole of PCR 0 to 7, which describe the boot together: without %s",
         list);
}

static bool is_only(const char *hex, char digit)
{
    while (*hex == digit || (digit == 'f' && *hex == 'F'))
        hex++;
    return *hex == '\0';
}

static void lint_values(const struct lint *lint, const char *at, const char *index,
                        char *const *values, size_t count)
{
    char entry[RATLS_POLICY_AT_MAX];

    if (count > VALUES_MANY)
        warn(lint, at, "%zu alternative values: are those of old software still good?", count);
    for (size_t i = 0; i < count; i++) {
        snprintf(entry, sizeof entry, "%.100s[%zu]", at, i);
        if (is_only(values[i], '0'))
            warn(lint, entry,
                 "only zeros: nothing was measured into PCR %s (%s), and any machine that measures "
                 "nothing matches",
                 index, ratls_pcr_meaning((unsigned)strtoul(index, NULL, 10)));
        if (is_only(values[i], 'f'))
            warn(lint, entry, "only ones: the value of PCR 17 to 22 before any late launch (DRTM)");
    }
}

static void lint_pcrs(const struct lint *lint)
{
    char at[RATLS_POLICY_AT_MAX];

    lint_selection(lint);
    for (size_t i = 0; i < lint->document->pcrs_count; i++) {
        const struct ratls_document_pcr *pcr = &lint->document->pcrs[i];

        snprintf(at, sizeof at, "pcrs[%zu].sha256", i);
        lint_values(lint, at, pcr->index, pcr->sha256, pcr->sha256_count);
        snprintf(at, sizeof at, "pcrs[%zu].sha384", i);
        lint_values(lint, at, pcr->index, pcr->sha384, pcr->sha384_count);
        snprintf(at, sizeof at, "pcrs[%zu].sha512", i);
        lint_values(lint, at, pcr->index, pcr->sha512, pcr->sha512_count);
    }
}

static void lint_age(const struct lint *lint)
{
    if (lint->rules->freshness == RATLS_FRESHNESS_CERTIFICATE)
        warn(lint, "freshness",
             "certificate: evidence is not bound to the session, and what "
             "happened to the machine since it was made is not seen");
    if (lint->rules->max_age_s > (uint64_t)MAX_AGE_DAYS * SECONDS_PER_DAY)
        warn(lint, "max-age", "longer than %d days", MAX_AGE_DAYS);
    if (lint->rules->clock_ignored)
        warn(lint, "clock", "ignored: a TPM whose clock may have gone back is accepted");
}

static enum ratls_status lint_text(struct lint *lint, struct ratls_error *err)
{
    struct ratls_document *document = NULL;
    struct ratls_rules rules = {0};
    enum ratls_status status = ratls_source_check(lint->source, err);

    if (status == RATLS_OK)
        status = ratls_document_load(lint->source, &document, err);
    if (status == RATLS_OK)
        status = ratls_rules_build(lint->source, document, &rules, err);
    if (status == RATLS_OK) {
        lint->document = document;
        lint->rules = &rules;
        lint_servers(lint);
        lint_pcrs(lint);
        lint_age(lint);
    }
    lint->document = NULL;
    lint->rules = NULL;
    ratls_rules_done(&rules);
    ratls_document_free(document);
    return status;
}

static enum ratls_status lint_file(struct lint *lint, const char *path, struct ratls_error *err)
{
    uint8_t *text = NULL;
    size_t len = 0;
    enum ratls_status status =
        ratls_policy_file_read(path, RATLS_POLICY_BYTES_MAX, &text, &len, err);
    struct ratls_source source = {.path = path, .text = {text, len}};

    if (status != RATLS_OK)
        return status;
    lint->source = &source;
    status = lint_text(lint, err);
    lint->source = NULL;
    free(text);
    return status;
}

enum ratls_status ratls_policy_lint(const char *path, void (*tell)(void *self, const char *text),
                                    void *self, struct ratls_error *err)
{
    struct lint lint = {.warn = tell, .self = self};
    struct ratls_policy_paths paths = {0};
    struct ratls_policy *policy = NULL;
    enum ratls_status status = ratls_policy_load(path, &policy, err);

    ratls_policy_free(policy);
    if (status == RATLS_OK)
        status = ratls_policy_find(path, &paths, err);
    for (size_t i = 0; status == RATLS_OK && i < paths.count; i++)
        status = lint_file(&lint, paths.paths[i], err);
    ratls_policy_paths_done(&paths);
    return status;
}
