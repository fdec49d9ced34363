#include "attester_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "merkle.h"

struct fixture f;

void set_up(void)
{
    setenv("TSS2_LOG", "all+NONE", 1); /* tpm2-tss logs to stderr what the tests provoke */
    cr_assert(swtpm_start(&f.tpm));
    snprintf(f.state, sizeof f.state, "%s/state", f.tpm.folder);
}

void tear_down(void)
{
    swtpm_stop(&f.tpm);
}

void assert_ok(enum ratls_status status, const struct ratls_error *err)
{
    cr_assert_eq(status, RATLS_OK, "%s: %s", ratls_status_name(status), err->text);
}

void assert_fails(enum ratls_status status, enum ratls_status expected,
                  const struct ratls_error *err, const char *text)
{
    cr_assert_eq(status, expected, "%s: %s", ratls_status_name(status), err->text);
    cr_assert_not_null(strstr(err->text, text), "\"%s\" has no \"%s\"", err->text, text);
}

void init_key(const char *tcti, enum ratls_ak_algorithm algorithm, bool transient)
{
    const struct ratls_tpm_init_options options = {
        .state_dir = f.state, .tcti = tcti, .algorithm = algorithm, .transient = transient};
    struct ratls_error err = {0};

    assert_ok(ratls_tpm_init(&options, &err), &err);
}

void begin_over_mux(struct tpm_mux *mux, const char *const *options)
{
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    cr_assert(tpm_mux_start(mux, &f.tpm, options));
}

struct ratls_attester *new_attester(const char *tcti, unsigned deadline_ms)
{
    const struct ratls_tpm_options options = {
        .state_dir = f.state, .tcti = tcti, .service = "shop", .deadline_ms = deadline_ms};
    struct ratls_attester *attester = NULL;
    struct ratls_error err = {0};

    assert_ok(ratls_tpm_attester_new(&options, &attester, &err), &err);
    return attester;
}

struct ratls_tpm_counts counts_of(const struct ratls_attester *attester)
{
    struct ratls_tpm_counts counts;

    ratls_tpm_attester_counts(attester, &counts);
    return counts;
}

struct ratls_attest_request new_request(uint8_t seed)
{
    struct ratls_attest_request request = {
        .mode = RATLS_MODE_HANDSHAKE,
        .role = RATLS_ROLE_SERVER,
        .tls_version = 0x0304,
        .cipher_suite = 0x1301,
        .selection = {1, {{RATLS_ALG_SHA256, 0x0000ffff}}}, /* sixteen: two TPM2_PCR_Read */
    };

    memset(request.nonce, seed, sizeof request.nonce);
    memset(request.binder, seed + 1, sizeof request.binder);
    memset(request.spki_sha256, seed + 2, sizeof request.spki_sha256);
    return request;
}

/* A verifier that names a key has what is left out. */
static bool read_key(struct sample *s, const struct ratls_attest_request *request)
{
    const struct ratls_evidence *e = &s->evidence;
    struct ratls_slice area = e->ak_public;
    uint8_t name[RATLS_TPM_NAME_MAX], id[32];
    size_t len = 0;

    if (!e->is_ak_named)
        return ratls_tpm_read_public(area, &s->ak);
    if (ratls_tpm_ak_public(f.state, s->ak_public, sizeof s->ak_public, &len, NULL) != RATLS_OK)
        return false;
    area = ratls_slice(s->ak_public, len);
    return ratls_tpm_read_public(area, &s->ak) &&
           ratls_tpm_name(&s->ak, name, &len, NULL) == RATLS_OK &&
           ratls_sha256(ratls_slice(name, len), id, NULL) == RATLS_OK &&
           e->ak_index < request->key_id_count &&
           memcmp(request->key_ids[e->ak_index], id, RATLS_KEY_ID_LEN) == 0;
}

bool is_sound(struct sample *s, const struct ratls_attest_request *request)
{
    struct ratls_error err = {0};
    uint8_t leaf[32];
    uint8_t root[32];
    uint8_t digest[32];
    uint8_t hash[32];
    struct ratls_slice manifest;
    bool valid = false;
    EVP_PKEY *key = NULL;
    bool sound =
        ratls_evidence_read(ratls_slice(s->bytes, s->len), &s->evidence) &&
        ratls_statement_read(s->evidence.statement, &s->statement) &&
        ratls_tpm_read_attest(s->evidence.attest, &s->attest) &&
        read_key(s, request) &&
        ratls_tpm_read_signature(s->evidence.signature, &s->signature) &&
        ratls_public_key(&s->ak, &key, &err) == RATLS_OK &&
        ratls_verify(key, &s->ak, &s->signature, s->attest.raw, &valid, &err) == RATLS_OK &&
        valid && s->attest.magic == RATLS_TPM_GENERATED &&
        s->attest.type == RATLS_TPM_ST_ATTEST_QUOTE &&
        ratls_merkle_leaf(s->evidence.statement, leaf, &err) == RATLS_OK &&
        ratls_merkle_root(leaf, &s->evidence.path, &valid, root, &err) == RATLS_OK && valid &&
        ratls_slice_equal(ratls_slice(root, 32), s->attest.extra_data) &&
        ratls_sha256(s->evidence.pcr_values, digest, &err) == RATLS_OK &&
        ratls_slice_equal(ratls_slice(digest, 32), s->attest.pcr_digest) &&
        ratls_evidence_manifest(&s->evidence, hash, &manifest, &err) == RATLS_OK &&
        ratls_slice_equal(manifest, s->statement.manifest) &&
        ratls_slice_equal(ratls_slice(request->nonce, s->statement.nonce.len),
                          s->statement.nonce) &&
        ratls_slice_equal(ratls_slice(request->spki_sha256, 32), s->statement.spki_sha256);

    if (!sound)
        fprintf(stderr, "unsound evidence: %s\n", err.text);
    EVP_PKEY_free(key);
    return sound;
}

void sample_keep(struct sample *s, const uint8_t *evidence, size_t len)
{
    cr_assert_leq(len, sizeof s->bytes);
    memcpy(s->bytes, evidence, len);
    s->len = len;
}

enum ratls_status try_attest(struct ratls_attester *attester,
                             const struct ratls_attest_request *request, struct sample *s,
                             struct ratls_error *err)
{
    uint8_t *evidence = NULL;
    enum ratls_status status = attester->attest(attester, request, &evidence, &s->len, err);

    if (status == RATLS_OK)
        sample_keep(s, evidence, s->len);
    free(evidence);
    return status;
}

struct sample *attest(struct ratls_attester *attester, const struct ratls_attest_request *request)
{
    struct sample *s = calloc(1, sizeof *s);
    struct ratls_error err = {0};

    cr_assert_not_null(s);
    assert_ok(try_attest(attester, request, s, &err), &err);
    cr_assert(is_sound(s, request));
    return s;
}

void attester_ask(struct asker *asker, struct ratls_attester *attester, uint8_t seed)
{
    if (asker->request.mode == 0)
        asker->request = new_request(seed);
    asker_begin(asker, attester);
}

struct sample *sample_of(struct asker *asker)
{
    struct sample *s = calloc(1, sizeof *s);

    cr_assert_not_null(s);
    asker_wait(asker);
    if (!asker->takes_at_once)
        asker_take(asker);
    assert_ok(asker->status, &asker->err);
    sample_keep(s, asker->evidence, asker->len);
    asker_forget(asker);
    cr_assert(is_sound(s, &asker->request));
    return s;
}

/* Whether it came out so: NULL: there is evidence; else why there is none. */
static bool comes_out(struct ratls_attester *attester, const struct ratls_attest_request *request,
                      struct sample *s, const char *text)
{
    struct ratls_error err = {0};
    enum ratls_status status = try_attest(attester, request, s, &err);

    if (text == NULL)
        return status == RATLS_OK && is_sound(s, request);
    return status == RATLS_TPM && strstr(err.text, text) != NULL;
}

static void await_outcome(struct ratls_attester *attester,
                          const struct ratls_attest_request *request, const char *text)
{
    struct sample *s = calloc(1, sizeof *s);

    cr_assert_not_null(s);
    assert_soon(comes_out(attester, request, s, text));
    free(s);
}

void await_failure(struct ratls_attester *attester, const struct ratls_attest_request *request,
                   const char *text)
{
    await_outcome(attester, request, text);
}

void await_evidence(struct ratls_attester *attester, const struct ratls_attest_request *request)
{
    await_outcome(attester, request, NULL);
}

void assert_attest_fails(struct ratls_attester *attester,
                         const struct ratls_attest_request *request, enum ratls_status status,
                         const char *text)
{
    struct sample *s = calloc(1, sizeof *s);
    struct ratls_error err = {0};

    cr_assert_not_null(s);
    s->len = 4711;
    assert_fails(try_attest(attester, request, s, &err), status, &err, text);
    cr_assert_eq(s->len, 4711, "a failure must not write the length");
    free(s);
}
