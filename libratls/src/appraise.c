/* Appraisal: which checks there are, in which order, and which of them need another. */
#include "appraise.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "epoch_memory.h"
#include "fail.h"
#include "keys.h"
#include "moment.h"
#include "quote_memory.h"

#define NOTHING RATLS_CHECK_COUNT

/*
 * A group runs if the check that it needs passed; else its slots stay "not run", and the report
 * refuses. Groups do not depend on each other beyond that: a wrong nonce hides no wrong PCR. What a
 * single check needs inside its group stands at the top of the group's file.
 *
 * Nothing that the TPM says is used before all of it was checked: until the end of the table the
 * values of a quote are compared, never acted upon, so that the place of quote.signature in the
 * order does not matter for what is accepted.
 */
static const struct group {
    enum ratls_check needs;
    enum ratls_status (*run)(struct ratls_appraisal *a);
} groups[] = {
    /* needs                      runs */
    {NOTHING, ratls_check_channel},                       /* tls.*, evidence.present to .format */
    {RATLS_CHECK_EVIDENCE_FORMAT, ratls_check_statement}, /* statement.*, evidence.age */
    {RATLS_CHECK_EVIDENCE_FORMAT, ratls_check_epoch},     /* epoch.* */
    {RATLS_CHECK_EVIDENCE_FORMAT, ratls_check_identity},  /* ak.* */
    {RATLS_CHECK_EVIDENCE_FORMAT, ratls_check_quote},     /* quote.* */
    {RATLS_CHECK_QUOTE_TYPE, ratls_check_pcrs},           /* pcr.* */
    {NOTHING, ratls_check_tls_key}, /* tls-key.*: what it needs is said there */
    {NOTHING, ratls_check_result},  /* result.*: what it needs is said there */
    {NOTHING, ratls_check_boot},    /* boot.*; needs all of quote and PCRs */
    {NOTHING, ratls_check_ima},     /* ima.*: what it needs is said there */
};

static enum ratls_status run_groups(struct ratls_appraisal *a)
{
    enum ratls_status status = RATLS_OK;

    for (size_t i = 0; status == RATLS_OK && i < sizeof groups / sizeof groups[0]; i++) {
        if (groups[i].needs == NOTHING || ratls_check_passed(a->report, groups[i].needs))
            status = groups[i].run(a);
    }
    return status;
}

/* The same of what tells one evidence of a connection from another. */
static const char *find_unfilled_turn(const struct ratls_expectation *e)
{
    const bool has_turn = e->counter != 0 || e->sequence != 0;

    if (has_turn != (e->mode == RATLS_MODE_RENEWAL))
        return "counter and sequence are for mode renewal, which needs one of them";
    if (e->sequence != 0 && e->before.ak_name_len == 0)
        return "a sequence needs the answer that it goes on from (before)";
    if (e->before.ak_name_len > sizeof e->before.ak_name)
        return "the expected Name of the attestation key is too long";
    return NULL;
}

/*
 * Why an expectation cannot be one that somebody filled in, or NULL. An expected value that was
 * forgotten must not be met by a peer that sends zeros.
 */
static const char *find_unfilled(const struct ratls_expectation *e)
{
    const bool has_nonce = !ratls_slice_is_zero(ratls_slice(e->nonce, sizeof e->nonce));
    const bool has_binder = !ratls_slice_is_zero(ratls_slice(e->binder, sizeof e->binder));

    if (e->role != RATLS_ROLE_SERVER && e->role != RATLS_ROLE_CLIENT)
        return "the expected role is neither server nor client";
    if (ratls_slice_is_zero(ratls_slice(e->spki_sha256, sizeof e->spki_sha256)))
        return "the expected hash of the TLS key is all zero";
    if (e->now <= 0)
        return "the time is not set";
    if (e->mode == RATLS_MODE_CERTIFICATE) {
        if (has_nonce || has_binder || e->tls_version != 0 || e->cipher_suite != 0)
            return "nonce, binder, tls_version and cipher_suite must be 0 in certificate mode";
        return NULL;
    }
    if (!ratls_mode_has_session(e->mode))
        return "the expected mode is neither certificate, handshake, exporter nor renewal";
    if (!has_nonce)
        return "the expected nonce is all zero";
    if (!has_binder)
        return "the expected binder is all zero";
    if (e->tls_version == 0 || e->cipher_suite == 0)
        return "the expected TLS version or cipher suite is 0";
    return find_unfilled_turn(e);
}

/*
 * Clock and counters of a TPM are believed, and from now on required, once its quote is. So is what
 * its certificates say of it: a stranger must not fill the memory with keys that nobody has.
 */
static void remember_key(struct ratls_appraisal *a)
{
    struct ratls_slice name = ratls_slice(a->ak_name, a->ak_name_len);
    const char *server = a->submission->expectation->server_name;

    ratls_remember_counters(a);
    if (a->chain_verified)
        ratls_key_cache_chain_verified(a->rules->keys, name, a->ak.raw, a->chain_sha256, server,
                                       a->chain_until);
    else if (a->is_pinned && !a->evidence.is_ak_named)
        ratls_key_cache_chain_verified(a->rules->keys, name, a->ak.raw, NULL, server, INT64_MAX);
}

static void remember_epoch(struct ratls_appraisal *a)
{
    if (ratls_is_of_epoch(a))
        ratls_epoch_memory_seen(a->rules->epoch.memory, &a->epoch);
}

/*
 * How far the list is acknowledged. That it cannot be kept says nothing about this server, and
 * costs that the same entries are looked at again: who reads the report should know.
 */
static void remember_ima(struct ratls_appraisal *a)
{
    const char *server = a->submission->expectation->server_name;
    struct ratls_error err = {0};
    char note[sizeof err.text + 64];

    if (!a->ima_grew ||
        ratls_ledger_put(a->rules->ledger, server == NULL ? "" : server, &a->ima, &err) == RATLS_OK)
        return;
    snprintf(note, sizeof note, "how far the IMA list is known was not kept: %s", err.text);
    ratls_report_put(a->report, note, sizeof note, &a->report->note);
}

/* How long what is not looked at again holds: a result, and the certificates of the key. */
static uint64_t find_rest(const struct ratls_appraisal *a)
{
    const int64_t now = a->submission->expectation->now;
    uint64_t rest_s;

    if (a->is_pinned || a->chain_until <= now || a->chain_until == INT64_MAX)
        return a->result_rest_s;
    rest_s = (uint64_t)(a->chain_until - now);
    return a->result_rest_s != 0 && a->result_rest_s < rest_s ? a->result_rest_s : rest_s;
}

/* What later evidence on this channel must go on from. */
static void keep_accepted(const struct ratls_appraisal *a)
{
    a->report->accepted =
        (struct ratls_accepted){.ak_name_len = a->ak_name_len,
                                .reset_count = a->attest.reset_count,
                                .restart_count = a->attest.restart_count,
                                .clock_ms = a->attest.clock_ms,
                                .is_dated = ratls_is_of_epoch(a),
                                .age_s = ratls_is_of_epoch(a) ? ratls_epoch_age_s(a) : 0,
                                .rest_s = find_rest(a)};
    memcpy(a->report->accepted.ak_name, a->ak_name, a->ak_name_len);
}

/* What was accepted, and only that. */
static void remember(struct ratls_appraisal *a)
{
    keep_accepted(a);
    remember_key(a);
    if (a->may_come_again)
        ratls_quote_memory_seen(ratls_key_cache_quotes(a->rules->keys), a->quote_sha256);
    if (a->has_tls_key)
        ratls_quote_memory_seen(ratls_key_cache_quotes(a->rules->keys), a->tls_key_sha256);
    remember_epoch(a);
    remember_ima(a);
}

enum ratls_status ratls_appraise_submission(struct ratls_rules *rules,
                                            const struct ratls_submission *submission,
                                            struct ratls_report *report, struct ratls_error *err)
{
    struct ratls_appraisal a = {
        .submission = submission, .rules = rules, .report = report, .err = err};
    const char *unfilled = find_unfilled(submission->expectation);
    enum ratls_status status;

    if (unfilled != NULL)
        return ratls_fail(err, RATLS_USAGE, "appraisal: %s", unfilled);
    if (!report->is_brief)
        ratls_report_name(report, submission->expectation->server_name, rules->path);
    status = run_groups(&a);
    if (status == RATLS_OK)
        status = ratls_appraise_keep_facts(&a);
    if (status == RATLS_OK && !ratls_report_accepted(report)) {
        atomic_store(&rules->refused_ms, ratls_moment_now().boot_ms);
        ratls_report_name(report, submission->expectation->server_name, rules->path);
        status = RATLS_REJECTED;
    }
    if (status == RATLS_OK)
        remember(&a);
    EVP_PKEY_free(a.key);
    EVP_PKEY_free(a.epoch.key);
    return status;
}

enum ratls_status ratls_appraise_new(struct ratls_rules *rules,
                                     const struct ratls_submission *submission,
                                     struct ratls_report **ret_report, struct ratls_error *err)
{
    struct ratls_report *report = ratls_report_new();
    enum ratls_status status;

    if (report == NULL)
        return ratls_fail(err, RATLS_MEMORY, "appraisal: out of memory");
    status = ratls_appraise_submission(rules, submission, report, err);
    if (status == RATLS_OK || status == RATLS_REJECTED)
        *ret_report = report;
    else
        ratls_report_free(report);
    return status;
}
