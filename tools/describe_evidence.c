#include <inttypes.h>
#include <openssl/x509.h>
#include <string.h>
#include <time.h>

#include "bytes.h"
#include "crypto_epoch.h"
#include "describe.h"
#include "eventlog.h"
#include "evidence.h"
#include "ima.h"
#include "statement.h"
#include "token.h"
#include "turn.h"

#define CONTEXT_TIME_LEN 8

void ratls_time_text(int64_t seconds, char out[static RATLS_TIME_TEXT_MAX])
{
    time_t when = (time_t)seconds;
    struct tm parts;

    if (gmtime_r(&when, &parts) == NULL ||
        strftime(out, RATLS_TIME_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        snprintf(out, RATLS_TIME_TEXT_MAX, "%" PRId64 " s", seconds);
}

static const char *mode_words(uint64_t mode)
{
    static const struct {
        uint64_t mode;
        const char *words;
    } modes[] = {
        {RATLS_MODE_CERTIFICATE, "in a certificate: the state when it was made"},
        {RATLS_MODE_HANDSHAKE, "in a handshake: bound to one TLS session"},
        {RATLS_MODE_EXPORTER, "on a TLS session, the first: bound to its exporter"},
        {RATLS_MODE_RENEWAL, "on a TLS session, again: bound to its exporter and a counter"},
        {RATLS_MODE_EPOCH, "of an epoch: for a key that signs for sessions"},
    };

    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        if (modes[i].mode == mode)
            return modes[i].words;
    return "unknown";
}

static const char *role_words(uint64_t role)
{
    if (role == RATLS_ROLE_SERVER)
        return "the server attests";
    return role == RATLS_ROLE_CLIENT ? "the client attests" : "unknown";
}

static void describe_number16(struct ratls_view *v, const char *key, const char *label,
                              uint64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "0x%04" PRIx64, value);
    ratls_view_text(v, key, label, text);
}

/* In mode renewal the context says which evidence of its session it is (WIRE.md, 5). */
static void describe_turn(struct ratls_view *v, const struct ratls_statement *s)
{
    struct ratls_reader r = ratls_reader(s->context);

    if (s->mode != RATLS_MODE_RENEWAL || s->context.len != RATLS_TURN_CONTEXT_LEN)
        return;
    ratls_view_uint(v, "counter", "challenge", ratls_read_u64(&r), NULL);
    ratls_view_uint(v, "sequence", "sequence", ratls_read_u32(&r), "(0: its answer)");
}

/* In certificate mode it is the time of issue. */
static void describe_context(struct ratls_view *v, const struct ratls_statement *s)
{
    struct ratls_reader r = ratls_reader(s->context);
    char when[RATLS_TIME_TEXT_MAX];

    ratls_view_hex(v, "context", NULL, s->context);
    if (s->mode != RATLS_MODE_CERTIFICATE || s->context.len != CONTEXT_TIME_LEN)
        return;
    ratls_time_text((int64_t)ratls_read_u64(&r), when);
    ratls_view_text(v, "issued", "issued", when);
}

static void describe_statement(struct ratls_view *v, const char *key, const char *title,
                               struct ratls_slice bytes)
{
    struct ratls_statement s;

    ratls_view_section(v, key, title);
    if (!ratls_statement_read(bytes, &s)) {
        ratls_view_text(v, "error", "unreadable", "not a statement of this version");
        ratls_view_hex(v, "bytes", "bytes", bytes);
    } else {
        ratls_view_slice(v, "label", NULL, s.label);
        ratls_view_uint(v, "mode", "mode", s.mode, mode_words(s.mode));
        ratls_view_uint(v, "role", "role", s.role, role_words(s.role));
        ratls_view_slice(v, "service", "service", s.service);
        describe_context(v, &s);
        describe_turn(v, &s);
        if (s.mode != RATLS_MODE_CERTIFICATE && s.mode != RATLS_MODE_EPOCH) {
            describe_number16(v, "tlsVersion", "TLS version", s.tls_version);
            describe_number16(v, "cipherSuite", "cipher suite", s.cipher_suite);
            ratls_view_digest(v, "nonce", "nonce", s.nonce);
            ratls_view_digest(v, "binder", "binder", s.binder);
        }
        ratls_view_digest(v, "spkiSha256", "TLS key (SHA-256)", s.spki_sha256);
        ratls_view_digest(v, "manifest", "manifest", s.manifest);
    }
    ratls_view_section_end(v);
}

static void describe_clock(struct ratls_view *v, const struct ratls_tpm_attest *attest)
{
    const uint64_t seconds = attest->clock_ms / 1000;
    char text[64];

    snprintf(text, sizeof text,
             "ms  (%" PRIu64 " days %02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 " powered, %s)",
             seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60,
             attest->safe ? "safe" : "not safe");
    ratls_view_uint(v, "clockMs", "clock", attest->clock_ms, text);
    ratls_view_bool(v, "clockSafe", NULL, attest->safe);
    ratls_view_uint(v, "resetCount", "resets", attest->reset_count, NULL);
    ratls_view_uint(v, "restartCount", "restarts", attest->restart_count, NULL);
}

/* Which bits are the version is each vendor's own choice. */
static void describe_firmware(struct ratls_view *v, uint64_t version)
{
    char text[24];

    snprintf(text, sizeof text, "0x%016" PRIx64, version);
    ratls_view_text(v, "firmwareVersion", "TPM firmware", text);
}

static bool describe_quote(struct ratls_view *v, const struct ratls_evidence *evidence,
                           struct ratls_tpm_attest *ret_attest)
{
    struct ratls_tpm_signature signature;
    char text[160];
    bool readable;

    ratls_view_section(v, "quote", "Quote");
    readable = ratls_tpm_read_attest(evidence->attest, ret_attest);
    if (!readable) {
        ratls_view_text(v, "error", "unreadable", "not a TPMS_ATTEST");
    } else {
        ratls_view_bool(v, "fromTpm", "made inside a TPM",
                        ret_attest->magic == RATLS_TPM_GENERATED);
        ratls_view_bool(v, "isQuote", "is a quote", ret_attest->type == RATLS_TPM_ST_ATTEST_QUOTE);
        ratls_view_hex(v, "extraData", "extraData", ret_attest->extra_data);
        ratls_view_hex(v, "qualifiedSigner", "qualifiedSigner", ret_attest->qualified_signer);
        describe_clock(v, ret_attest);
        describe_firmware(v, ret_attest->firmware_version);
        ratls_tpm_selection_text(ret_attest->selection.banks, ret_attest->selection.count, text,
                                 sizeof text);
        ratls_view_text(v, "pcrSelect", "PCRs", text);
        ratls_view_hex(v, "pcrDigest", "pcrDigest", ret_attest->pcr_digest);
    }
    if (ratls_tpm_read_signature(evidence->signature, &signature))
        ratls_describe_signature(v, &signature);
    else
        ratls_view_text(v, "signatureError", "signature", "unreadable");
    ratls_view_hex(v, "attest", NULL, evidence->attest);
    ratls_view_uint(v, "leafIndex", NULL, evidence->path.leaf_index, NULL);
    ratls_view_uint(v, "treeSize", evidence->path.tree_size == 1 ? NULL : "sessions in it",
                    evidence->path.tree_size, NULL);
    ratls_view_section_end(v);
    return readable;
}

static void describe_bank(struct ratls_view *v, const struct ratls_pcr_bank *bank,
                          struct ratls_reader *values)
{
    const char *name = ratls_tpm_alg_name(bank->hash_alg);
    char label[32];
    char index[8];

    if (v->json)
        ratls_view_section(v, name, NULL);
    for (unsigned i = 0; i < RATLS_PCR_COUNT; i++) {
        if ((bank->pcrs & 1u << i) == 0)
            continue;
        snprintf(index, sizeof index, "%u", i);
        snprintf(label, sizeof label, "%s %2u", name, i);
        ratls_view_digest(v, index, label,
                          ratls_read_bytes(values, ratls_tpm_hash_len(bank->hash_alg)));
    }
    if (v->json)
        ratls_view_section_end(v);
}

static void describe_pcrs(struct ratls_view *v, const struct ratls_evidence *evidence,
                          const struct ratls_tpm_attest *attest)
{
    struct ratls_reader values = ratls_reader(evidence->pcr_values);
    const size_t expected =
        ratls_tpm_selection_values_len(attest->selection.banks, attest->selection.count);

    ratls_view_section(v, "pcrs", "PCR values");
    if (expected == 0 || expected != evidence->pcr_values.len) {
        ratls_view_text(v, "error", "unreadable", "other values than the quote selects");
        ratls_view_hex(v, "bytes", "bytes", evidence->pcr_values);
    } else {
        for (size_t i = 0; i < attest->selection.count; i++)
            describe_bank(v, &attest->selection.banks[i], &values);
    }
    ratls_view_section_end(v);
}

static void describe_ak(struct ratls_view *v, const struct ratls_evidence *evidence)
{
    struct ratls_tpm_public key;

    ratls_view_section(v, "attestationKey", "Attestation key");
    if (evidence->is_ak_named) {
        ratls_view_uint(v, "keyOfRequest", "key of the request", evidence->ak_index,
                        "(from 0): it was not sent, for the other side knows it");
    } else if (ratls_tpm_read_public(evidence->ak_public, &key)) {
        ratls_describe_key(v, &key);
    } else {
        ratls_view_text(v, "error", "unreadable", "not a TPMT_PUBLIC of a signing key");
        ratls_view_hex(v, "publicArea", "bytes", evidence->ak_public);
    }
    ratls_view_section_end(v);
}

static void describe_certificates(struct ratls_view *v, const struct ratls_evidence *evidence)
{
    ratls_view_list(v, "certificates");
    for (size_t i = 0; i < evidence->certificate_count; i++) {
        const uint8_t *p = evidence->certificates[i].p;
        X509 *certificate = d2i_X509(NULL, &p, (long)evidence->certificates[i].len);

        ratls_view_section(v, NULL, i == 0 ? "Certificate of the attestation key" : "Issuer");
        if (certificate == NULL)
            ratls_view_text(v, "error", "unreadable", "not a certificate");
        else
            ratls_describe_certificate(v, certificate);
        ratls_view_hex(v, "der", NULL, evidence->certificates[i]);
        ratls_view_section_end(v);
        X509_free(certificate);
    }
    ratls_view_list_end(v);
}

/* How much there is; `ratls verify` says whether the PCRs vouch for it. */
static void describe_boot_log(struct ratls_view *v, struct ratls_slice bytes)
{
    struct ratls_eventlog log;
    struct ratls_event event;

    ratls_view_section(v, "bootLog", "Boot log (nothing but the PCRs vouches for it)");
    ratls_eventlog_open(bytes, RATLS_EVENTLOG_STRICT, &log);
    while (ratls_eventlog_next(&log, &event))
        continue;
    ratls_view_list(v, "banks");
    for (size_t i = 0; i < log.alg_count; i++)
        ratls_view_text(v, NULL, "bank", ratls_tpm_alg_name(log.algs[i].id));
    ratls_view_list_end(v);
    ratls_view_uint(v, "events", "events", log.events, NULL);
    ratls_view_uint(v, "length", "bytes", bytes.len, NULL);
    if (!ratls_eventlog_done(&log))
        ratls_view_text(v, "error", "unreadable", log.why);
    ratls_view_section_end(v);
}

static void describe_ima(struct ratls_view *v, const struct ratls_ima_slice *ima)
{
    struct ratls_ima_reader reader = ratls_ima_reader(ima->entries, ima->list_alg, ima->offset, 0);
    struct ratls_ima_entry entry;

    ratls_view_section(v, "imaList", "IMA list (nothing but the PCRs vouches for it)");
    while (ratls_ima_next(&reader, &entry))
        continue;
    ratls_view_text(v, "digests", "digests", ratls_tpm_alg_name(ima->list_alg));
    ratls_view_uint(v, "offset", "offset", ima->offset, NULL);
    ratls_view_uint(v, "entries", "entries", reader.entries, NULL);
    ratls_view_uint(v, "length", "bytes", ima->entries.len, NULL);
    ratls_view_uint(v, "total", "total", ima->total,
                    ima->total > ima->offset && ima->total - ima->offset > ima->entries.len
                        ? "bytes or more: this is not all"
                        : NULL);
    if (reader.error.status != RATLS_OK)
        ratls_view_text(v, "error", "unreadable", reader.error.text);
    ratls_view_section_end(v);
}

/* What its time stamp says; by whom it is signed is for `ratls verify` to judge. */
static void describe_token(struct ratls_view *v, struct ratls_slice der)
{
    struct ratls_token token = {0};
    char why[RATLS_TOKEN_WHY_MAX] = "out of memory";
    char when[RATLS_TIME_TEXT_MAX];

    ratls_view_section(v, "timestampToken", "Time stamp (of the epoch)");
    if (ratls_token_read(der, &token, why, NULL) == RATLS_OK && why[0] == '\0') {
        ratls_time_text(token.time, when);
        ratls_view_text(v, "time", "time", when);
        ratls_view_uint(v, "accuracySeconds", "accuracy", token.accuracy_s, "s");
    } else {
        ratls_view_text(v, "error", "unreadable", why);
    }
    ratls_view_uint(v, "length", "bytes", der.len, NULL);
    ratls_view_hex(v, "der", NULL, der);
    ratls_view_section_end(v);
}

/* What the quote covers, and, of an epoch, what its key signed. */
static void describe_statements(struct ratls_view *v, const struct ratls_evidence *evidence)
{
    const struct ratls_epoch_session *session = &evidence->session;
    bool is_valid = false;

    if (evidence->token.len == 0) {
        describe_statement(v, "statement", "Statement", evidence->statement);
        return;
    }
    describe_token(v, evidence->token);
    describe_statement(v, "statement", "Statement of the epoch", evidence->statement);
    describe_statement(v, "sessionStatement", "Statement of the session", session->statement);
    ratls_view_section(v, "session", "Signature of the session");
    if (ratls_epoch_verify(session->key, session->statement, session->signature, &is_valid, NULL) !=
        RATLS_OK)
        is_valid = false;
    ratls_view_bool(v, "byEpochKey", "by the key of the epoch", is_valid);
    ratls_view_hex(v, "epochKey", "key of the epoch", session->key);
    ratls_view_hex(v, "signature", NULL, session->signature);
    ratls_view_section_end(v);
}

bool ratls_describe_evidence(struct ratls_view *v, struct ratls_slice bytes)
{
    struct ratls_evidence evidence;
    struct ratls_tpm_attest attest;

    if (!ratls_evidence_read(bytes, &evidence))
        return false;
    ratls_view_uint(v, "length", NULL, bytes.len, NULL);
    if (evidence.has_quote) {
        describe_statements(v, &evidence);
        describe_ak(v, &evidence);
        if (describe_quote(v, &evidence, &attest))
            describe_pcrs(v, &evidence, &attest);
        describe_certificates(v, &evidence);
    } else {
        ratls_view_note(v, "There is no quote: this answers a request for logs alone.");
    }
    if (evidence.tls_key.len != 0) {
        ratls_view_section(v, "tlsKey", "Proof that the TLS key is in the TPM");
        if (!ratls_describe_tls_key(v, evidence.tls_key))
            ratls_view_text(v, "error", "unreadable", "not three byte strings");
        ratls_view_section_end(v);
    }
    if (evidence.boot_log.len != 0)
        describe_boot_log(v, evidence.boot_log);
    if (evidence.has_ima)
        describe_ima(v, &evidence.ima);
    return true;
}

void ratls_describe_capture(struct ratls_view *v, const struct ratls_capture *capture)
{
    const struct ratls_expectation *e = &capture->expectation;
    char when[RATLS_TIME_TEXT_MAX];

    ratls_time_text(e->now, when);
    ratls_view_section(v, "client", "What the client knew");
    ratls_view_text(v, "serverName", "server name", capture->server_name);
    ratls_view_text(v, "time", "time", when);
    describe_number16(v, "tlsVersion", "TLS version", e->tls_version);
    describe_number16(v, "cipherSuite", "cipher suite", e->cipher_suite);
    ratls_view_digest(v, "nonce", "nonce", ratls_slice(e->nonce, sizeof e->nonce));
    ratls_view_digest(v, "binder", "binder", ratls_slice(e->binder, sizeof e->binder));
    ratls_view_digest(v, "spkiSha256", "TLS key (SHA-256)",
                      ratls_slice(e->spki_sha256, sizeof e->spki_sha256));
    ratls_view_uint(v, "furtherRequests", "further requests", capture->more_count, NULL);
    ratls_view_section_end(v);
    ratls_view_section(v, "evidence", "What the server sent");
    if (!ratls_describe_evidence(v, capture->evidence)) {
        ratls_view_text(v, "error", "unreadable", "not evidence of this version");
        ratls_view_hex(v, "bytes", "bytes", capture->evidence);
    }
    ratls_view_section_end(v);
}
