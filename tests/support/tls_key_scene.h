/* Keys for TLS in the software TPM of attester_fixture.h, and what a verifier says of their proofs.
 */
#ifndef RATLS_TEST_TLS_KEY_SCENE_H
#define RATLS_TEST_TLS_KEY_SCENE_H

#include <dirent.h>
#include <stdio.h>

#include "ak_use.h"
#include "appraise.h"
#include "attester_fixture.h"
#include "tls_key.h"
#include "tls_key_item.h"
#include "tls_keys.h"

static char tls_key_notice[1024];

static inline void hear_notice(void *arg, const char *text)
{
    cr_expect_eq(arg, tls_key_notice);
    snprintf(tls_key_notice, sizeof tls_key_notice, "%s", text);
}

static inline enum ratls_status try_init(const char *tls_key_out, enum ratls_tpm_tls_key tls_key,
                                         bool replace, struct ratls_error *err)
{
    const struct ratls_tpm_init_options options = {.state_dir = f.state,
                                                   .tcti = f.tpm.tcti,
                                                   .replace = replace,
                                                   .tls_key = tls_key,
                                                   .tls_key_out = tls_key_out,
                                                   .notice = hear_notice,
                                                   .notice_arg = tls_key_notice};

    tls_key_notice[0] = '\0';
    return ratls_tpm_init(&options, err);
}

/* A path in the folder of the test. */
static inline const char *path_in(const char *name)
{
    static char path[2 * PATH_LEN];

    snprintf(path, sizeof path, "%s/%s", f.tpm.folder, name);
    return path;
}

/* Makes one more key, in the file `name` beside the state folder. */
static inline void make_tls_key(const char *name)
{
    struct ratls_error err = {0};

    assert_ok(try_init(path_in(name), RATLS_TPM_TLS_KEY_MAKE, false, &err), &err);
}

static inline void read_tls_key(const char *name, struct ratls_tls_key *key, uint8_t spki[32])
{
    struct ratls_error err = {0};

    assert_ok(ratls_tls_key_read(path_in(name), key, &err), &err);
    assert_ok(ratls_tls_key_spki(key, spki, &err), &err);
}

/* The files of the folder tls-keys that end so; returns how many. visit may be NULL. */
static inline size_t visit_files(const char *end, void (*visit)(const char *path))
{
    char folder[2 * PATH_LEN], path[3 * PATH_LEN];
    const struct dirent *entry;
    size_t count = 0;
    DIR *entries;

    snprintf(folder, sizeof folder, "%s/tls-keys", f.state);
    entries = opendir(folder);
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        size_t len = strlen(entry->d_name);

        if (len <= strlen(end) || strcmp(entry->d_name + len - strlen(end), end) != 0)
            continue;
        count++;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (visit != NULL)
            visit(path);
    }
    if (entries != NULL)
        closedir(entries);
    return count;
}

static inline size_t count_files(const char *end)
{
    return visit_files(end, NULL);
}

/* A verifier that trusts the attestation key of f.state, and knows the TLS key of a session. */
struct judge {
    struct ratls_expectation expectation;
    struct ratls_submission submission;
    struct ratls_rules rules;
    struct ratls_appraisal a;
    struct ratls_report *report;
    uint8_t area[RATLS_TPM_STRUCTURE_MAX];
};

/* The checks tls-key.* of an item; NULL or the name of the first that fails or was not run. */
static inline const char *judge(struct judge *j, struct ratls_slice item, const uint8_t spki[32])
{
    static char name[64];
    struct ratls_finding finding;
    struct ratls_error err = {0};
    size_t len = 0;

    *j = (struct judge){.rules.needs_tpm_tls_key = true, .report = ratls_report_new()};
    memcpy(j->expectation.spki_sha256, spki, 32);
    j->rules.keys = ratls_key_cache_new();
    j->submission.expectation = &j->expectation;
    j->a = (struct ratls_appraisal){.submission = &j->submission,
                                    .rules = &j->rules,
                                    .report = j->report,
                                    .err = &err,
                                    .evidence.tls_key = item};
    assert_ok(ratls_tpm_ak_public(f.state, j->area, sizeof j->area, &len, &err), &err);
    cr_assert(ratls_tpm_read_public(ratls_slice(j->area, len), &j->a.ak));
    assert_ok(ratls_tpm_name(&j->a.ak, j->a.ak_name, &j->a.ak_name_len, &err), &err);
    assert_ok(ratls_public_key(&j->a.ak, &j->a.key, &err), &err);
    ratls_check_holds(j->report, RATLS_CHECK_EVIDENCE_FORMAT, true, "", "", "");
    ratls_check_holds(j->report, RATLS_CHECK_AK_FORMAT, true, "", "", "");
    ratls_check_holds(j->report, RATLS_CHECK_AK_ALGORITHM, true, "", "", "");
    ratls_check_holds(j->report, RATLS_CHECK_AK_TRUST, true, "", "", "");
    assert_ok(ratls_check_tls_key(&j->a), &err);
    name[0] = '\0';
    for (size_t i = RATLS_CHECK_TLS_KEY_PRESENT; i <= RATLS_CHECK_TLS_KEY_ATTRIBUTES; i++) {
        cr_assert(ratls_report_finding(j->report, i, &finding));
        if (name[0] == '\0' && finding.verdict != RATLS_PASS)
            snprintf(name, sizeof name, "%s", finding.check);
    }
    EVP_PKEY_free(j->a.key);
    ratls_key_cache_free(j->rules.keys);
    ratls_report_free(j->report);
    return name[0] == '\0' ? NULL : name;
}

static inline void expect_good(struct ratls_slice item, const uint8_t spki[32])
{
    struct judge *j = malloc(sizeof *j);
    const char *fault;

    cr_assert_not_null(j);
    fault = judge(j, item, spki);
    cr_expect_null(fault, "%s", fault);
    free(j);
}

static inline void expect_refused(struct ratls_slice item, const uint8_t spki[32],
                                  const char *check)
{
    struct judge *j = malloc(sizeof *j);
    const char *fault;

    cr_assert_not_null(j);
    fault = judge(j, item, spki);
    cr_assert_not_null(fault, "accepted, not %s", check);
    cr_expect_str_eq(fault, check);
    free(j);
}

#endif
