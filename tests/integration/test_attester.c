/* Quotes of libratls-attester: keys of each kind, statements, PCRs. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attester_fixture.h"

TestSuite(attester, .init = set_up, .fini = tear_down, .timeout = 120);

static bool is_text(struct ratls_slice slice, const char *text)
{
    return ratls_slice_equal(slice, ratls_slice(text, strlen(text)));
}

static void quote_with(enum ratls_ak_algorithm algorithm, bool transient, uint16_t scheme)
{
    const uint32_t required = RATLS_TPMA_FIXED_TPM | RATLS_TPMA_FIXED_PARENT |
                              RATLS_TPMA_SENSITIVE_DATA_ORIGIN | RATLS_TPMA_RESTRICTED |
                              RATLS_TPMA_SIGN;
    const uint32_t forbidden =
        RATLS_TPMA_DECRYPT | RATLS_TPMA_X509_SIGN | RATLS_TPMA_ENCRYPTED_DUPLICATION;
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct ratls_error err = {0};
    uint8_t public[512];
    size_t public_len = 0;
    uint8_t name[RATLS_TPM_NAME_MAX];
    uint8_t qualified[RATLS_TPM_NAME_MAX];
    size_t name_len = 0;
    size_t qualified_len = 0;
    struct sample *s;

    init_key(f.tpm.tcti, algorithm, transient);
    attester = new_attester(NULL, 0);
    s = attest(attester, &request);
    cr_assert_eq(s->ak.scheme, scheme);
    cr_assert_eq(s->ak.scheme_hash, RATLS_ALG_SHA256);
    cr_assert_eq(s->ak.attributes & required, required);
    cr_assert_eq(s->ak.attributes & forbidden, 0);
    assert_ok(ratls_tpm_ak_public(f.state, public, sizeof public, &public_len, &err), &err);
    cr_assert(ratls_slice_equal(ratls_slice(public, public_len), s->evidence.ak_public));
    assert_ok(ratls_tpm_name(&s->ak, name, &name_len, &err), &err);
    assert_ok(ratls_tpm_qualified_name(ratls_slice(name, name_len), 0x4000000B, qualified,
                                       &qualified_len, &err),
              &err);
    cr_assert(ratls_slice_equal(ratls_slice(qualified, qualified_len), s->attest.qualified_signer),
              "the key is not in the endorsement hierarchy");
    cr_assert(is_text(s->statement.label, "ratls-1"));
    cr_assert(is_text(s->statement.service, "shop"));
    cr_assert_eq(s->statement.mode, RATLS_MODE_HANDSHAKE);
    cr_assert_eq(s->statement.role, RATLS_ROLE_SERVER);
    cr_assert_eq(s->statement.tls_version, 0x0304);
    cr_assert_eq(s->statement.cipher_suite, 0x1301);
    cr_assert(ratls_slice_equal(s->statement.nonce, ratls_slice(request.nonce, 32)));
    cr_assert(ratls_slice_equal(s->statement.binder, ratls_slice(request.binder, 32)));
    cr_assert_eq(s->evidence.path.tree_size, 1);
    cr_assert_eq(s->evidence.pcr_values.len, 16 * 32);
    cr_assert_eq(s->attest.selection.count, 1);
    cr_assert_eq(s->attest.selection.banks[0].pcrs, 0xffff);
    free(s);
    attester->free(attester);
}

Test(attester, ecdsa_persistent)
{
    quote_with(RATLS_AK_ECDSA_P256, false, RATLS_ALG_ECDSA);
}

Test(attester, rsa_persistent)
{
    quote_with(RATLS_AK_RSA_2048, false, RATLS_ALG_RSASSA);
}

Test(attester, ecdsa_transient)
{
    quote_with(RATLS_AK_ECDSA_P256, true, RATLS_ALG_ECDSA);
}

Test(attester, rsa_transient)
{
    quote_with(RATLS_AK_RSA_2048, true, RATLS_ALG_RSASSA);
}

/* Three slots for transient keys are all that a TPM has to have. */
Test(attester, transient_keys_are_given_back)
{
    const struct ratls_attest_request request = new_request(1);
    int i;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, true);
    for (i = 0; i < 5; i++) {
        struct ratls_attester *attester = new_attester(NULL, 0);

        free(attest(attester, &request));
        attester->free(attester);
    }
}

Test(attester, certificate_mode)
{
    struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct sample *s;

    request.mode = RATLS_MODE_CERTIFICATE;
    request.tls_version = 0;
    request.cipher_suite = 0;
    request.context_len = 8;
    memcpy(request.context, "\0\0\0\0\x65\x00\x00\x00", 8);
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 0);
    s = attest(attester, &request);
    cr_assert_eq(s->statement.mode, RATLS_MODE_CERTIFICATE);
    cr_assert_eq(s->statement.nonce.len, 0);
    cr_assert_eq(s->statement.binder.len, 0);
    cr_assert(ratls_slice_equal(s->statement.context, ratls_slice(request.context, 8)));
    free(s);
    attester->free(attester);
}

Test(attester, malformed_requests)
{
    static const struct {
        const char *name;
        struct ratls_attest_request request;
        const char *text;
    } cases[] = {
        {"mode", {.mode = 6, .role = 1, .selection = {1, {{0xb, 1}}}}, "unknown mode 6"},
        {"role", {.mode = 2, .role = 9, .selection = {1, {{0xb, 1}}}}, "unknown role 9"},
        {"context",
         {.mode = 2, .role = 1, .context_len = 256, .selection = {1, {{0xb, 1}}}},
         "context of more than 255"},
        {"key ids",
         {.mode = 2, .role = 1, .key_id_count = 5, .selection = {1, {{0xb, 1}}}},
         "more than 4 key ids"},
        {"key ids for a certificate",
         {.mode = 1, .role = 1, .key_id_count = 1, .selection = {1, {{0xb, 1}}}},
         "no key ids"},
        {"no selection", {.mode = 2, .role = 1}, "PCR selection"},
        {"empty bank", {.mode = 2, .role = 1, .selection = {1, {{0xb, 0}}}}, "PCR selection"},
        {"SHA-1", {.mode = 2, .role = 1, .selection = {1, {{0x4, 1}}}}, "PCR selection"},
        {"order", {.mode = 2, .role = 1, .selection = {2, {{0xc, 1}, {0xb, 1}}}}, "PCR selection"},
    };
    struct ratls_attester *attester;
    size_t i;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 0);
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fprintf(stderr, "case %s\n", cases[i].name);
        assert_attest_fails(attester, &cases[i].request, RATLS_USAGE, cases[i].text);
    }
    attester->free(attester);
}

Test(attester, values_follow_extends)
{
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct sample *before;
    struct sample *after;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 0);
    before = attest(attester, &request);
    cr_assert(swtpm_extend(f.tpm.tcti, 9, 0x5a));
    after = attest(attester, &request);
    cr_assert(memcmp(before->evidence.pcr_values.p, after->evidence.pcr_values.p, 9 * 32) == 0);
    cr_assert(memcmp(before->evidence.pcr_values.p + 9 * 32, after->evidence.pcr_values.p + 9 * 32,
                     32) != 0);
    cr_assert(memcmp(before->evidence.pcr_values.p + 10 * 32,
                     after->evidence.pcr_values.p + 10 * 32, 6 * 32) == 0);
    free(before);
    free(after);
    attester->free(attester);
}

static atomic_bool extending;

static void *extend_often(void *arg)
{
    uint8_t value = 0;

    (void)arg;
    while (extending)
        cr_expect(swtpm_extend(f.tpm.tcti, 10, value++));
    return NULL;
}

/* As IMA does it: PCR 10 moves while we quote. Evidence agrees, or there is none. */
Test(attester, moving_pcr)
{
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct sample *s = calloc(1, sizeof *s);
    pthread_t thread;
    int sound = 0;
    int i;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 0);
    extending = true;
    cr_assert_eq(pthread_create(&thread, NULL, extend_often, NULL), 0);
    for (i = 0; i < 50; i++) {
        struct ratls_error err = {0};
        enum ratls_status status = try_attest(attester, &request, s, &err);

        if (status == RATLS_OK) {
            cr_assert(is_sound(s, &request));
            sound++;
        } else {
            assert_fails(status, RATLS_TPM, &err, "a PCR moved");
        }
    }
    extending = false;
    pthread_join(thread, NULL);
    cr_expect_gt(sound, 0);
    free(attest(attester, &request));
    free(s);
    attester->free(attester);
}

Test(attester, two_banks_in_order)
{
    struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct sample *one;
    struct sample *two;

    request.selection = (struct ratls_pcr_selection){1, {{RATLS_ALG_SHA384, 0x00ffffff}}};
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 0);
    one = attest(attester, &request);
    cr_assert_eq(one->evidence.pcr_values.len, 24 * 48);
    request.selection = (struct ratls_pcr_selection){
        2, {{RATLS_ALG_SHA256, 0x00ffffff}, {RATLS_ALG_SHA384, 0x00ffffff}}};
    two = attest(attester, &request);
    cr_assert_eq(two->evidence.pcr_values.len, 24 * (32 + 48));
    cr_assert(memcmp(two->evidence.pcr_values.p + 24 * 32, one->evidence.pcr_values.p, 24 * 48) ==
              0);
    free(one);
    free(two);
    attester->free(attester);
}

Test(attester, allocated_banks)
{
    struct ratls_pcr_selection selection = {0};
    struct ratls_error err = {0};
    size_t i;

    assert_ok(ratls_tpm_pcr_selection(f.tpm.tcti, &selection, &err), &err);
    cr_assert_eq(selection.banks[0].hash_alg, RATLS_ALG_SHA256);
    for (i = 0; i < selection.count; i++) {
        cr_assert_eq(selection.banks[i].pcrs, 0x00ffffff);
        cr_assert(i == 0 || selection.banks[i].hash_alg > selection.banks[i - 1].hash_alg);
    }
}

/* A quote about other PCRs than those that were asked for would be worse than none. */
Test(attester, bank_not_allocated)
{
    const struct ratls_attest_request allocated = new_request(1);
    struct ratls_attest_request request = new_request(1);
    struct ratls_pcr_selection selection = {0};
    struct ratls_attester *attester;
    struct ratls_error err = {0};

    cr_assert(swtpm_allocate_sha256_only(f.tpm.tcti));
    cr_assert(swtpm_restart(&f.tpm));
    assert_ok(ratls_tpm_pcr_selection(f.tpm.tcti, &selection, &err), &err);
    cr_assert_eq(selection.count, 1);
    cr_assert_eq(selection.banks[0].hash_alg, RATLS_ALG_SHA256);
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 0);
    request.selection = (struct ratls_pcr_selection){1, {{RATLS_ALG_SHA384, 0x83}}};
    assert_attest_fails(attester, &request, RATLS_TPM, "not allocated the PCRs sha384:0,1,7");
    request.selection =
        (struct ratls_pcr_selection){2, {{RATLS_ALG_SHA256, 1}, {RATLS_ALG_SHA384, 1}}};
    assert_attest_fails(attester, &request, RATLS_TPM, "not allocated the PCRs sha384:0");
    free(attest(attester, &allocated));
    attester->free(attester);
}

/* PCRs are read once, as long as each quote's digest says that they are the same. */
Test(attester, values_are_read_when_they_move)
{
    const char *const options[] = {"--error", "101", "--command", "17e", "--disarmed", NULL};
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attest_request other = new_request(1);
    struct ratls_attester *attester;
    struct tpm_mux mux;
    int i;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, true);
    cr_assert(tpm_mux_start(&mux, &f.tpm, options));
    attester = new_attester(mux.tcti, 0);
    free(attest(attester, &request));
    tpm_mux_arm(&mux, true);
    for (i = 0; i < 3; i++)
        free(attest(attester, &request));
    cr_assert(swtpm_extend(f.tpm.tcti, 3, 1));
    assert_attest_fails(attester, &request, RATLS_TPM, "reading the PCRs");
    tpm_mux_arm(&mux, false);
    free(attest(attester, &request));
    tpm_mux_arm(&mux, true);
    other.selection.banks[0].pcrs = 1;
    assert_attest_fails(attester, &other, RATLS_TPM, "reading the PCRs");
    attester->free(attester);
    tpm_mux_stop(&mux);
}
