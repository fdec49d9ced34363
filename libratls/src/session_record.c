#include "session_record.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "fail.h"
#include "keys.h"
#include "tls_index.h"

#define MS_PER_S 1000

struct ratls_session_record {
    atomic_uint references;
    uint8_t decides_sha256[32];
    char server_name[RATLS_SERVER_NAME_MAX];
    struct ratls_moment asked; /* when the ClientHello was made that the evidence answers */
    uint8_t spki_sha256[RATLS_SPKI_HASH_LEN];
    struct ratls_report *report; /* accepted */
};

/* ---- on the session ---- */

struct ratls_session_record *ratls_session_record_up_ref(struct ratls_session_record *record)
{
    atomic_fetch_add_explicit(&record->references, 1, memory_order_relaxed);
    return record;
}

void ratls_session_record_free(struct ratls_session_record *record)
{
    if (record == NULL ||
        atomic_fetch_sub_explicit(&record->references, 1, memory_order_acq_rel) != 1)
        return;
    ratls_report_free(record->report);
    free(record);
}

static void free_record(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index, long argl,
                        void *argp)
{
    (void)parent, (void)ad, (void)index, (void)argl, (void)argp;
    ratls_session_record_free(ptr);
}

static int share_record(CRYPTO_EX_DATA *to, const CRYPTO_EX_DATA *from, void **ptr, int index,
                        long argl, void *argp)
{
    (void)to, (void)from, (void)index, (void)argl, (void)argp;
    if (*ptr != NULL)
        ratls_session_record_up_ref(*ptr);
    return 1;
}

static struct ratls_tls_index record_index =
    RATLS_TLS_INDEX(CRYPTO_EX_INDEX_SSL_SESSION, NULL, share_record, free_record);

struct ratls_session_record *ratls_session_record_of(const SSL_SESSION *session)
{
    int index = ratls_tls_index(&record_index);

    return index < 0 || session == NULL ? NULL : SSL_SESSION_get_ex_data(session, index);
}

/*
 * Evidence in a certificate has an age of its own, and binds no session; a result of another
 * verifier ends when that says so.
 */
static bool may_be_resumed(const struct ratls_rules *rules)
{
    return rules != NULL && rules->freshness != RATLS_FRESHNESS_CERTIFICATE &&
           !rules->results.is_asked && rules->max_age_s != 0 &&
           !ratls_slice_is_zero(ratls_slice(rules->decides_sha256, sizeof rules->decides_sha256));
}

/*
 * A quote of an epoch may be older than the question; its time stamp says by how much. Not counted
 * from now: somebody may have held back what the server sent behind its evidence.
 */
static struct ratls_moment find_begin(const struct ratls_channel *channel,
                                      const struct ratls_report *report)
{
    struct ratls_moment begin = channel->asked_at;

    if (report->accepted.is_dated) {
        begin.boot_ms -= (int64_t)report->accepted.age_s * MS_PER_S;
        begin.wall_ms -= (int64_t)report->accepted.age_s * MS_PER_S;
    }
    return begin;
}

static struct ratls_session_record *new_record(const SSL *ssl, const struct ratls_channel *channel,
                                               const struct ratls_report *report)
{
    struct ratls_session_record *record = calloc(1, sizeof *record);

    if (record == NULL)
        return NULL;
    atomic_init(&record->references, 1);
    memcpy(record->decides_sha256, channel->rules->decides_sha256, sizeof record->decides_sha256);
    memcpy(record->server_name, channel->server_name, sizeof record->server_name);
    record->asked = find_begin(channel, report);
    record->report = ratls_report_copy(report);
    if (record->report != NULL &&
        ratls_spki_sha256(SSL_get0_peer_certificate(ssl), record->spki_sha256, NULL) == RATLS_OK)
        return record;
    ratls_session_record_free(record);
    return NULL;
}

void ratls_session_record_keep(const SSL *ssl, const struct ratls_channel *channel,
                               const struct ratls_report *report)
{
    SSL_SESSION *session = SSL_get_session(ssl);
    struct ratls_session_record *record;
    int index = ratls_tls_index(&record_index);

    if (index < 0 || session == NULL || report == NULL || !may_be_resumed(channel->rules) ||
        SSL_get0_peer_certificate(ssl) == NULL || SSL_session_reused(ssl))
        return;
    /* A ticket came before the evidence: the program has this session, perhaps in other threads. */
    if (SSL_SESSION_is_resumable(session))
        return;
    record = new_record(ssl, channel, report);
    if (record != NULL && !SSL_SESSION_set_ex_data(session, index, record))
        ratls_session_record_free(record);
}

/* ---- whether it holds ---- */

struct ratls_moment ratls_session_record_asked(const struct ratls_session_record *record)
{
    return record->asked;
}

/* Another connection has seen the TPM in a later boot: what ran in this one is over. */
static bool was_rebooted(const struct ratls_accepted *accepted, struct ratls_key_cache *keys)
{
    struct ratls_tpm_counters seen;

    return ratls_key_cache_counters(keys, ratls_slice(accepted->ak_name, accepted->ak_name_len),
                                    &seen) &&
           (seen.reset_count != accepted->reset_count ||
            seen.restart_count != accepted->restart_count);
}

/* max-age says how long a state is believed, not for how long the key still has its certificates.
 */
static bool is_expired(const struct ratls_session_record *record)
{
    const uint64_t rest_s = record->report->accepted.rest_s;

    return rest_s != 0 && ratls_moment_age_ms(&record->asked) / MS_PER_S >= rest_s;
}

/* What is wrong with a record in words; NULL if it holds. */
static const char *find_fault(const struct ratls_session_record *record,
                              const struct ratls_channel *channel)
{
    struct ratls_rules *rules = channel->rules;

    if (!may_be_resumed(rules))
        return "the policy lets no verdict hold longer than its connection";
    if (memcmp(record->decides_sha256, rules->decides_sha256, sizeof record->decides_sha256) != 0)
        return "a session that was accepted under another policy";
    if (strcmp(record->server_name, channel->server_name) != 0)
        return "a session with another server";
    if (ratls_moment_age_ms(&record->asked) / MS_PER_S >= rules->max_age_s)
        return "a session whose evidence is too old";
    if (is_expired(record))
        return "a session of before the key's certificates, or their CRL, expired";
    if (record->asked.boot_ms <= atomic_load(&rules->refused_ms))
        return "a session of before a server of this policy was refused";
    if (was_rebooted(&record->report->accepted, rules->keys))
        return "a session of before the server's last boot";
    return NULL;
}

bool ratls_session_record_holds(const struct ratls_session_record *record,
                                const struct ratls_channel *channel)
{
    return find_fault(record, channel) == NULL;
}

/* What is wrong with the session that was resumed; NULL if it is the one that was offered. */
static enum ratls_status find_other(const struct ratls_session_record *record, const SSL *ssl,
                                    const char **ret_fault, struct ratls_error *err)
{
    const X509 *certificate = SSL_get0_peer_certificate(ssl);
    uint8_t spki[RATLS_SPKI_HASH_LEN];
    enum ratls_status status = RATLS_OK;

    *ret_fault = NULL;
    if (ratls_session_record_of(SSL_get_session(ssl)) != record) {
        *ret_fault = "another session than was offered";
        return RATLS_OK;
    }
    if (certificate != NULL)
        status = ratls_spki_sha256(certificate, spki, err);
    if (status != RATLS_OK)
        return status;
    if (certificate == NULL || memcmp(spki, record->spki_sha256, sizeof spki) != 0)
        *ret_fault = "a session with another TLS key";
    return RATLS_OK;
}

static void write_verdict(const struct ratls_session_record *record, const SSL *ssl,
                          const struct ratls_channel *channel, const char *fault,
                          struct ratls_report *report)
{
    char text[RATLS_VALUE_MAX];

    report->accepted.is_dated = false; /* its age was of then */
    report->slots[RATLS_CHECK_TLS_VERSION] = (struct ratls_finding_slot){0};
    report->slots[RATLS_CHECK_TLS_RESUMPTION] = (struct ratls_finding_slot){0};
    ratls_check_uint(report, RATLS_CHECK_TLS_VERSION, "channel", TLS1_3_VERSION,
                     (uint64_t)SSL_version(ssl));
    snprintf(text, sizeof text, "resumed: verdict of %llu s ago",
             (unsigned long long)(ratls_moment_age_ms(&record->asked) / MS_PER_S));
    if (!ratls_check_holds(report, RATLS_CHECK_TLS_RESUMPTION, fault == NULL, "channel",
                           "a full handshake, or a session that was accepted and is not too old",
                           fault == NULL ? text : fault)) {
        report->accepted = (struct ratls_accepted){0};
        ratls_report_name(report, channel->server_name, channel->rules->path);
    } else if (!report->is_brief) {
        ratls_report_put(report, text, sizeof text, &report->note);
    }
}

enum ratls_status ratls_session_record_report(const struct ratls_session_record *record,
                                              const SSL *ssl, const struct ratls_channel *channel,
                                              struct ratls_report **ret_report,
                                              struct ratls_error *err)
{
    const char *fault = find_fault(record, channel);
    enum ratls_status status = fault == NULL ? find_other(record, ssl, &fault, err) : RATLS_OK;
    struct ratls_report *report;

    if (status != RATLS_OK)
        return status;
    report = ratls_report_copy(record->report);
    if (report == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory: the resumed session is not judged");
    write_verdict(record, ssl, channel, fault, report);
    *ret_report = report;
    return RATLS_OK;
}
