/* The test vectors of WIRE.md, 8, byte for byte; their quotes were signed by a TPM. */
#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

#include "crypto.h"
#include "crypto_epoch.h"
#include "eventlog.h"
#include "evidence.h"
#include "ima.h"
#include "octets.h"
#include "request.h"
#include "statement.h"
#include "token.h"
#include "values.h"

#define HIERARCHY_ENDORSEMENT 0x4000000B /* TPM 2.0 Part 2, 7.4 */

/* Handshake mode and certificate mode. */
struct mode_case {
    const char *name;
    enum ratls_mode mode;
    size_t certificates;
    bool is_named; /* the key, by its place in the request; in a batch */
};

static const struct mode_case MODES[] = {
    {"handshake", RATLS_MODE_HANDSHAKE, 1, false},
    {"certificate", RATLS_MODE_CERTIFICATE, 0, false},
    {"batch", RATLS_MODE_HANDSHAKE, 0, true},
};

static const char *folder(void)
{
    static char path[VECTOR_PATH_MAX];
    const char *source = getenv("RATLS_SOURCE_DIR");

    cr_assert_not_null(source, "RATLS_SOURCE_DIR is not set");
    snprintf(path, sizeof path, "%s/tests/vectors", source);
    return path;
}

static struct ratls_slice load(const char *mode, const char *suffix)
{
    char name[64];

    snprintf(name, sizeof name, "%s%s", mode, suffix);
    return vector_load(folder(), name);
}

static void load_values(const char *mode, struct values *values)
{
    char name[64];

    snprintf(name, sizeof name, "%s.values", mode);
    values_load(folder(), name, values);
}

/* Compares with a file. */
static void expect_file(struct ratls_slice actual, const char *mode, const char *suffix)
{
    struct ratls_slice expected = load(mode, suffix);

    cr_expect(ratls_slice_equal(actual, expected), "%s%s: %zu bytes, %zu expected", mode, suffix,
              actual.len, expected.len);
    vector_free(expected);
}

static void expect_value(struct ratls_slice actual, const struct values *values, const char *name)
{
    cr_expect(ratls_slice_equal(actual, values_get(values, name)), "%s", name);
}

Test(vectors, request)
{
    static struct values values;
    struct ratls_slice in = vector_load(folder(), "request.cbor");
    struct ratls_request r;
    uint8_t out[RATLS_REQUEST_MAX];
    struct ratls_writer w = ratls_writer(out, sizeof out);

    load_values("request", &values);
    cr_assert_eq(ratls_request_read(in, &r), RATLS_REQUEST_OK);
    expect_value(ratls_slice(r.nonce, sizeof r.nonce), &values, "nonce");
    cr_expect_eq(r.offers, values_number(&values, "offers"));
    cr_assert_eq(r.selection.count, 2);
    cr_expect_eq(r.selection.banks[0].hash_alg, values_number(&values, "bank-1"));
    cr_expect_eq(r.selection.banks[0].pcrs, values_number(&values, "pcrs-1"));
    cr_expect_eq(r.selection.banks[1].hash_alg, values_number(&values, "bank-2"));
    cr_expect_eq(r.selection.banks[1].pcrs, values_number(&values, "pcrs-2"));
    cr_assert_eq(r.key_id_count, 2);
    expect_value(ratls_slice(r.key_ids[0], RATLS_KEY_ID_LEN), &values, "key-id-1");
    expect_value(ratls_slice(r.key_ids[1], RATLS_KEY_ID_LEN), &values, "key-id-2");
    cr_expect_eq(r.logs.boot_bank, values_number(&values, "boot-bank"));
    cr_expect_eq(r.logs.ima_bank, values_number(&values, "ima-bank"));
    cr_expect_eq(r.logs.ima_offset, values_number(&values, "ima-offset"));
    expect_value(ratls_slice(r.logs.ima_key_id, RATLS_KEY_ID_LEN), &values, "ima-key-id");
    cr_expect_eq(r.logs.ima_reset_count, values_number(&values, "ima-reset-count"));
    cr_expect_eq(r.logs.ima_restart_count, values_number(&values, "ima-restart-count"));
    ratls_request_write(&r, &w);
    cr_expect(ratls_slice_equal(ratls_writer_slice(&w), in));
    vector_free(in);
}

static void expect_statement(const struct mode_case *mode)
{
    static struct values values;
    struct ratls_slice in = load(mode->name, ".statement.cbor");
    struct ratls_statement s;
    uint8_t leaf[32];
    uint8_t out[RATLS_STATEMENT_MAX];
    struct ratls_writer w = ratls_writer(out, sizeof out);

    load_values(mode->name, &values);
    cr_assert(ratls_statement_read(in, &s), "%s", mode->name);
    expect_value(s.label, &values, "label");
    cr_expect_eq(s.mode, mode->mode);
    cr_expect_eq(s.mode, values_number(&values, "mode"));
    cr_expect_eq(s.role, values_number(&values, "role"));
    cr_expect_eq(s.tls_version, values_number(&values, "tls-version"));
    cr_expect_eq(s.cipher_suite, values_number(&values, "cipher-suite"));
    expect_value(s.nonce, &values, "nonce");
    expect_value(s.binder, &values, "binder");
    expect_value(s.spki_sha256, &values, "spki-sha256");
    expect_value(s.service, &values, "service");
    expect_value(s.context, &values, "context");
    ratls_statement_write(&s, &w);
    cr_expect(ratls_slice_equal(ratls_writer_slice(&w), in), "%s", mode->name);
    cr_assert_eq(ratls_merkle_leaf(in, leaf, NULL), RATLS_OK);
    expect_file(ratls_slice(leaf, sizeof leaf), mode->name, ".leaf.bin");
    vector_free(in);
}

Test(vectors, statements)
{
    for (size_t i = 0; i < sizeof MODES / sizeof *MODES; i++)
        expect_statement(&MODES[i]);
}

Test(vectors, binder_of_a_published_handshake)
{
    static struct values values;
    uint8_t binder[32];

    load_values("handshake", &values);
    cr_assert_eq(ratls_hkdf_expand_label(values_get(&values, "secret"), "ratls bind", binder, NULL),
                 RATLS_OK);
    expect_value(ratls_slice(binder, sizeof binder), &values, "binder");
}

static void expect_key_and_path(const struct mode_case *mode, const struct ratls_evidence *e)
{
    static struct values values;

    cr_assert_eq(e->is_ak_named, mode->is_named, "%s", mode->name);
    if (!mode->is_named) {
        expect_file(e->ak_public, "ak-public", ".bin");
        cr_expect(e->path.leaf_index == 0 && e->path.tree_size == 1 && e->path.count == 0);
        return;
    }
    load_values(mode->name, &values);
    cr_expect_eq(e->ak_index, values_number(&values, "ak-index"));
    cr_expect_eq(e->path.leaf_index, values_number(&values, "leaf-index"));
    cr_expect_eq(e->path.tree_size, values_number(&values, "tree-size"));
    expect_value(ratls_slice(e->path.hashes, e->path.count * sizeof e->path.hashes[0]), &values,
                 "path");
}

static void expect_evidence(const struct mode_case *mode)
{
    static uint8_t out[RATLS_EVIDENCE_MAX];
    struct ratls_slice in = load(mode->name, ".evidence.cbor");
    struct ratls_writer w = ratls_writer(out, sizeof out);
    struct ratls_evidence e;
    struct ratls_statement s;
    uint8_t hash[32];
    struct ratls_slice manifest;

    cr_assert(ratls_evidence_read(in, &e), "%s", mode->name);
    expect_file(e.statement, mode->name, ".statement.cbor");
    expect_file(e.attest, mode->name, ".attest.bin");
    expect_file(e.signature, mode->name, ".signature.bin");
    expect_key_and_path(mode, &e);
    expect_file(e.pcr_values, mode->name, ".pcr-values.bin");
    cr_assert_eq(e.certificate_count, mode->certificates);
    if (mode->certificates > 0)
        expect_file(e.certificates[0], "ak-certificate", ".der");
    ratls_evidence_write(&e, &w);
    cr_expect(ratls_slice_equal(ratls_writer_slice(&w), in), "%s", mode->name);
    cr_assert_eq(ratls_evidence_manifest(&e, hash, &manifest, NULL), RATLS_OK);
    cr_assert(ratls_statement_read(e.statement, &s));
    cr_expect(ratls_slice_equal(s.manifest, manifest));
    vector_free(in);
}

Test(vectors, evidence)
{
    for (size_t i = 0; i < sizeof MODES / sizeof *MODES; i++)
        expect_evidence(&MODES[i]);
}

/* The logs in it are whole: what the vector claims to be is not only its frame. */
static void expect_logs(const struct ratls_evidence *e)
{
    struct ratls_ima_reader list =
        ratls_ima_reader(e->ima.entries, e->ima.list_alg, e->ima.offset, 0);
    struct ratls_eventlog log;
    struct ratls_event event;
    struct ratls_ima_entry entry;

    cr_assert(ratls_eventlog_open(e->boot_log, RATLS_EVENTLOG_STRICT, &log), "%s", log.why);
    while (ratls_eventlog_next(&log, &event))
        continue;
    cr_expect(ratls_eventlog_done(&log) && log.events == 2, "%s", log.why);
    cr_assert(ratls_ima_next(&list, &entry), "%s", list.error.text);
    cr_expect(ratls_slice_equal(entry.path, ratls_slice("/usr/bin/example", 16)));
    cr_expect(!ratls_ima_next(&list, &entry) && list.error.status == RATLS_OK);
}

Test(vectors, logs)
{
    static struct values values;
    struct ratls_slice in = vector_load(folder(), "logs.evidence.cbor");
    uint8_t out[VALUE_LINE_MAX];
    struct ratls_writer w = ratls_writer(out, sizeof out);
    struct ratls_evidence e;

    load_values("logs", &values);
    cr_assert(ratls_evidence_read(in, &e));
    cr_expect_not(e.has_quote);
    expect_value(e.boot_log, &values, "boot-log");
    cr_assert(e.has_ima);
    cr_expect_eq(e.ima.list_alg, values_number(&values, "ima-list-alg"));
    cr_expect_eq(e.ima.offset, values_number(&values, "ima-offset"));
    cr_expect_eq(e.ima.total, values_number(&values, "ima-total"));
    expect_value(e.ima.entries, &values, "ima-entries");
    expect_logs(&e);
    ratls_evidence_write(&e, &w);
    cr_expect(ratls_slice_equal(ratls_writer_slice(&w), in));
    vector_free(in);
}

static void expect_signed(const struct mode_case *mode, const struct ratls_evidence *e,
                          const struct ratls_tpm_public *ak)
{
    struct ratls_tpm_signature signature;
    EVP_PKEY *key = NULL;
    bool is_valid = false;

    cr_assert(ratls_tpm_read_signature(e->signature, &signature), "%s", mode->name);
    cr_assert_eq(ratls_public_key(ak, &key, NULL), RATLS_OK);
    cr_assert_eq(ratls_verify(key, ak, &signature, e->attest, &is_valid, NULL), RATLS_OK);
    cr_expect(is_valid, "%s", mode->name);
    EVP_PKEY_free(key);
}

static void expect_quoted(const struct mode_case *mode, const struct ratls_evidence *e,
                          const struct ratls_tpm_attest *attest)
{
    static struct values values;
    uint8_t leaf[32];
    uint8_t root[32];
    uint8_t digest[32];
    char selection[128];
    bool is_valid = false;

    load_values(mode->name, &values);
    ratls_tpm_selection_text(attest->selection.banks, attest->selection.count, selection,
                             sizeof selection);
    expect_value(ratls_slice(selection, strlen(selection)), &values, "selection");
    cr_assert_eq(ratls_merkle_leaf(e->statement, leaf, NULL), RATLS_OK);
    cr_assert_eq(ratls_merkle_root(leaf, &e->path, &is_valid, root, NULL), RATLS_OK);
    cr_assert(is_valid);
    cr_expect(ratls_slice_equal(attest->extra_data, ratls_slice(root, sizeof root)));
    cr_expect_eq(ratls_tpm_selection_values_len(attest->selection.banks, attest->selection.count),
                 e->pcr_values.len);
    cr_assert_eq(ratls_sha256(e->pcr_values, digest, NULL), RATLS_OK);
    cr_expect(ratls_slice_equal(attest->pcr_digest, ratls_slice(digest, sizeof digest)));
}

static void expect_signer(const struct ratls_tpm_attest *attest, const struct ratls_tpm_public *ak)
{
    uint8_t name[RATLS_TPM_NAME_MAX];
    uint8_t qualified[RATLS_TPM_NAME_MAX];
    size_t len = 0;

    cr_assert_eq(ratls_tpm_name(ak, name, &len, NULL), RATLS_OK);
    cr_assert_eq(ratls_tpm_qualified_name(ratls_slice(name, len), HIERARCHY_ENDORSEMENT, qualified,
                                          &len, NULL),
                 RATLS_OK);
    cr_expect(ratls_slice_equal(attest->qualified_signer, ratls_slice(qualified, len)));
}

Test(vectors, quotes_verify)
{
    for (size_t i = 0; i < sizeof MODES / sizeof *MODES; i++) {
        struct ratls_slice in = load(MODES[i].name, ".evidence.cbor");
        struct ratls_evidence evidence;
        struct ratls_tpm_attest attest;
        struct ratls_slice public;
        struct ratls_tpm_public ak;

        cr_assert(ratls_evidence_read(in, &evidence));
        cr_assert(ratls_tpm_read_attest(evidence.attest, &attest));
        public = vector_load(folder(), "ak-public.bin");
        cr_assert(ratls_tpm_read_public(public, &ak));
        cr_expect_eq(attest.magic, RATLS_TPM_GENERATED);
        cr_expect_eq(attest.type, RATLS_TPM_ST_ATTEST_QUOTE);
        expect_signed(&MODES[i], &evidence, &ak);
        expect_quoted(&MODES[i], &evidence, &attest);
        expect_signer(&attest, &ak);
        vector_free(public);
        vector_free(in);
    }
}

static void expect_manifest_of_token(struct ratls_slice statement, struct ratls_slice token)
{
    const struct ratls_evidence evidence = {.token = token};
    struct ratls_statement s;
    uint8_t hash[32];
    struct ratls_slice manifest;

    cr_assert(ratls_statement_read(statement, &s));
    cr_assert_eq(ratls_evidence_manifest(&evidence, hash, &manifest, NULL), RATLS_OK);
    cr_expect(ratls_slice_equal(s.manifest, manifest));
}

/* OpenSSL's commands made the time stamp and the signature. */
Test(vectors, epoch)
{
    static const struct mode_case modes[] = {{"epoch", RATLS_MODE_EPOCH, 0, false},
                                             {"session", RATLS_MODE_HANDSHAKE, 0, false}};
    struct ratls_slice in = load("session", ".cbor"), token = load("epoch-", "token.der");
    struct ratls_slice der = load("epoch-", "authority.der"), key = load("epoch-", "key.der");
    struct ratls_slice epoch = load("epoch", ".statement.cbor");
    const unsigned char *p = der.p;
    X509 *authority = d2i_X509(NULL, &p, (long)der.len);
    const struct ratls_authorities authorities = {&authority, 1};
    struct ratls_epoch_session session;
    struct ratls_token stamp = {0};
    char why[RATLS_TOKEN_WHY_MAX] = "unset";
    bool is_valid = false;

    expect_statement(&modes[0]);
    expect_statement(&modes[1]);
    cr_assert(ratls_epoch_session_read(in, &session));
    cr_expect(ratls_slice_equal(session.key, key));
    expect_file(session.statement, "session", ".statement.cbor");
    expect_file(session.signature, "session", ".signature.bin");
    cr_assert_eq(ratls_epoch_verify(key, session.statement, session.signature, &is_valid, NULL),
                 RATLS_OK);
    cr_expect(is_valid);
    expect_manifest_of_token(session.statement, token);
    expect_manifest_of_token(epoch, token);
    cr_assert_eq(ratls_token_read(token, &stamp, why, NULL), RATLS_OK);
    cr_assert_eq(ratls_token_verify(token, &authorities, stamp.time, &stamp, why, NULL), RATLS_OK);
    cr_expect_str_eq(why, "");
    cr_expect_eq(stamp.accuracy_s, 1);
    X509_free(authority);
    vector_free(in);
    vector_free(token);
    vector_free(der);
    vector_free(key);
    vector_free(epoch);
}

Test(vectors, certificate)
{
    static struct values values;
    struct ratls_slice der = vector_load(folder(), "certificate.der");
    const unsigned char *p = der.p;
    X509 *certificate = d2i_X509(NULL, &p, (long)der.len);
    struct ratls_slice evidence;
    uint8_t spki[32];

    load_values("certificate", &values);
    cr_assert_not_null(certificate);
    cr_assert(ratls_evidence_in_certificate(certificate, &evidence));
    expect_file(evidence, "certificate", ".evidence.cbor");
    cr_assert_eq(ratls_spki_sha256(certificate, spki, NULL), RATLS_OK);
    expect_value(ratls_slice(spki, sizeof spki), &values, "spki-sha256");
    X509_free(certificate);
    vector_free(der);
}
