/*
 * What the TPM itself refuses of a sealed attestation key, whatever the attester around it would
 * do: here each of its own checks is left out, as an attacker with all of the machine leaves it
 * out.
 */
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <string.h>
#include <tss2/tss2_esys.h>

#include "ak_use.h"
#include "cbor.h"
#include "quote.h"
#include "seal_scene.h"
#include "seals.h"

#define NO_SESSION ESYS_TR_NONE

struct machine {
    struct seal_scene_authority authority;
    struct ratls_ak_state state;
    struct ratls_tpm tpm;
    struct ratls_ak ak;
};

static struct machine m;

static void open_machine(void)
{
    struct ratls_error err = {0};

    set_up();
    m.authority = seal_scene_authority_new("authority", "EC");
    seal_scene_init(&m.authority, false);
    seal_scene_authorize_now(&m.authority, "first");
    assert_ok(ratls_ak_state_load(f.state, &m.state, &err), &err);
    cr_assert_eq(m.state.seals->count, 1);
    assert_ok(ratls_tpm_open(f.tpm.tcti, &m.tpm, &err), &err);
    assert_ok(ratls_ak_load(&m.tpm, &m.state, &m.ak, &err), &err);
}

static void close_machine(void)
{
    ratls_ak_unload(&m.tpm, &m.ak);
    ratls_tpm_close(&m.tpm);
    ratls_ak_state_clear(&m.state);
    EVP_PKEY_free(m.authority.key);
    tear_down();
}

TestSuite(seal_refused, .init = open_machine, .fini = close_machine, .timeout = 120);

static TSS2_RC quote(ESYS_CONTEXT *esys, ESYS_TR key, ESYS_TR session, void *arg)
{
    const TPMT_SIG_SCHEME scheme = {.scheme = TPM2_ALG_NULL};
    const TPML_PCR_SELECTION none = {0};
    const TPM2B_DATA data = {0};
    TPMT_SIGNATURE *signature = NULL;
    TPM2B_ATTEST *attest = NULL;
    TSS2_RC rc = Esys_Quote(esys, key, session, NO_SESSION, NO_SESSION, &data, &scheme, &none,
                            &attest, &signature);

    (void)arg;
    Esys_Free(attest);
    Esys_Free(signature);
    return rc;
}

static const struct ratls_ak_command quoting = {RATLS_AK_SIGNS, "quoting", quote, NULL};

/* Others need the few that the TPM has room for. */
static void expect_no_session(void)
{
    TPMS_CAPABILITY_DATA *data = NULL;
    TPMI_YES_NO more;

    cr_assert_eq(Esys_GetCapability(m.tpm.esys, NO_SESSION, NO_SESSION, NO_SESSION,
                                    TPM2_CAP_HANDLES, TPM2_LOADED_SESSION_FIRST, 1, &more, &data),
                 TSS2_RC_SUCCESS);
    cr_expect_eq(data->data.handles.count, 0, "a session is left in the TPM");
    Esys_Free(data);
}

static enum ratls_status use(struct ratls_error *err)
{
    enum ratls_status status;

    *err = (struct ratls_error){.status = RATLS_OK};
    status = ratls_ak_use(&m.tpm, &m.ak, &quoting, err);
    expect_no_session();
    return status;
}

static void expect_works(void)
{
    struct ratls_error err;

    assert_ok(use(&err), &err);
}

static void expect_refused(TSS2_RC code, const char *text)
{
    struct ratls_error err;

    assert_fails(use(&err), RATLS_TPM, &err, text);
    cr_expect_eq(ratls_tpm_code(m.tpm.last_rc), code, "0x%x", m.tpm.last_rc);
}

/* The state that was taken, with what a test makes of it; nothing of it is checked again. */
static void put_state(const struct seal_scene_state *state)
{
    struct ratls_sealed_state *taken = &m.state.seals->states[0];
    struct ratls_error err = {0};

    taken->seal = state->seal;
    taken->has_ticket = false;
    assert_ok(ratls_seal_pcr_digest(&taken->seal, taken->pcr_digest, &err), &err);
    assert_ok(ratls_seal_policy(&taken->seal, taken->policy, &err), &err);
}

static struct seal_scene_state *state_now(void)
{
    static struct seal_scene_state state;

    seal_scene_read(f.tpm.tcti, &seal_scene_pcrs, &state);
    return &state;
}

Test(seal_refused, secret_alone)
{
    cr_expect_eq(ratls_tpm_code(quote(m.tpm.esys, m.ak.key, ESYS_TR_PASSWORD, NULL)),
                 TPM2_RC_AUTH_UNAVAILABLE);
    expect_works();
}

static ESYS_TR start_policy(void)
{
    const TPMT_SYM_DEF none = {.algorithm = TPM2_ALG_NULL};
    ESYS_TR session = ESYS_TR_NONE;

    cr_assert_eq(Esys_StartAuthSession(m.tpm.esys, ESYS_TR_NONE, ESYS_TR_NONE, NO_SESSION,
                                       NO_SESSION, NO_SESSION, NULL, TPM2_SE_POLICY, &none,
                                       TPM2_ALG_SHA256, &session),
                 TSS2_RC_SUCCESS);
    return session;
}

Test(seal_refused, policy_without_authority)
{
    const TPM2B_DIGEST any_values = {.size = 0};
    TPML_PCR_SELECTION pcrs;
    ESYS_TR session = start_policy();

    ratls_tpm_selection_out(&seal_scene_pcrs, &pcrs);
    cr_expect_eq(ratls_tpm_code(quote(m.tpm.esys, m.ak.key, session, NULL)), TPM2_RC_POLICY_FAIL,
                 "an empty policy");
    cr_assert_eq(Esys_PolicyPCR(m.tpm.esys, session, NO_SESSION, NO_SESSION, NO_SESSION,
                                &any_values, &pcrs),
                 TSS2_RC_SUCCESS);
    cr_assert_eq(Esys_PolicyAuthValue(m.tpm.esys, session, NO_SESSION, NO_SESSION, NO_SESSION),
                 TSS2_RC_SUCCESS);
    cr_expect_eq(ratls_tpm_code(quote(m.tpm.esys, m.ak.key, session, NULL)), TPM2_RC_POLICY_FAIL,
                 "PolicyPCR and PolicyAuthValue");
    Esys_FlushContext(m.tpm.esys, session);
}

Test(seal_refused, wrong_secret)
{
    TPM2B_AUTH wrong = {.size = 32};

    memset(wrong.buffer, 0x5a, wrong.size);
    cr_assert_eq(Esys_TR_SetAuth(m.tpm.esys, m.ak.key, &wrong), TSS2_RC_SUCCESS);
    expect_refused(TPM2_RC_BAD_AUTH, "is `auth` in ak.conf that of the attestation key?");
    memcpy(wrong.buffer, m.state.auth, wrong.size);
    cr_assert_eq(Esys_TR_SetAuth(m.tpm.esys, m.ak.key, &wrong), TSS2_RC_SUCCESS);
    expect_works();
}

/* The signature of another key over the same, verified as that key's: another policy. */
Test(seal_refused, another_authority)
{
    struct seal_scene_authority other = seal_scene_authority_new("other", "EC");
    struct seal_scene_state *state = state_now();

    seal_scene_sign(state, &other);
    put_state(state);
    expect_refused(TPM2_RC_SIGNATURE, "verifying the signature of the authority");
    m.state.seals->authority = other.area;
    expect_refused(TPM2_RC_POLICY_FAIL, "quoting");
    EVP_PKEY_free(other.key);
}

/* What the authority signed for something else: here with another policyRef, of the same length. */
Test(seal_refused, another_policy_ref)
{
    struct seal_scene_state *state = state_now();
    uint8_t message[RATLS_SEAL_MESSAGE_LEN], der[128];
    size_t len = sizeof der;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    struct ratls_writer w = ratls_writer(state->signature, sizeof state->signature);
    const uint8_t *rest = der;
    ECDSA_SIG *signature;
    uint8_t number[32];

    cr_assert(ratls_seal_message(&state->seal, message, NULL) == RATLS_OK);
    memset(message + RATLS_SEAL_DIGEST_LEN, 0, RATLS_SEAL_DIGEST_LEN);
    cr_assert(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, m.authority.key, NULL) == 1 &&
              EVP_DigestSign(ctx, der, &len, message, sizeof message) == 1);
    signature = d2i_ECDSA_SIG(NULL, &rest, (long)len);
    cr_assert_not_null(signature);
    ratls_write_u16(&w, RATLS_ALG_ECDSA);
    ratls_write_u16(&w, RATLS_ALG_SHA256);
    for (int i = 0; i < 2; i++) {
        const BIGNUM *part = i == 0 ? ECDSA_SIG_get0_r(signature) : ECDSA_SIG_get0_s(signature);

        cr_assert_eq(BN_bn2binpad(part, number, sizeof number), (int)sizeof number);
        ratls_write_u16(&w, sizeof number);
        ratls_write_bytes(&w, ratls_slice(number, sizeof number));
    }
    ECDSA_SIG_free(signature);
    EVP_MD_CTX_free(ctx);
    state->seal.authority = ratls_slice(m.authority.area.name, RATLS_SEAL_NAME_LEN);
    state->seal.signature = ratls_writer_slice(&w);
    put_state(state);
    expect_refused(TPM2_RC_SIGNATURE, "verifying the signature of the authority");
}

/*
 * What the authority signed for machines whose keys are sealed to fewer PCRs is true of this one,
 * too, whatever its other PCRs are; and who asks the TPM need not be a program of ours.
 */
Test(seal_refused, state_of_fewer_pcrs)
{
    static const struct ratls_pcr_selection fewer = {1, {{RATLS_ALG_SHA256, 1u << 16}}};
    struct seal_scene_state state;

    expect_works();
    seal_scene_read(f.tpm.tcti, &fewer, &state);
    seal_scene_sign(&state, &m.authority);
    put_state(&state);
    m.state.seals->selection = fewer;
    expect_refused(TPM2_RC_POLICY_FAIL, "quoting");
}

/* A ticket is of one policy: it is of no use for the state that the machine is in. */
Test(seal_refused, ticket_of_another_state)
{
    struct ratls_sealed_state *taken = &m.state.seals->states[0];
    struct seal_scene_state *state;
    TPMT_TK_VERIFIED ticket;

    expect_works();
    ticket = taken->ticket;
    cr_assert(swtpm_extend(f.tpm.tcti, 0, 1));
    state = state_now();
    seal_scene_sign(state, &m.authority);
    state->signature[state->seal.signature.len - 1] ^= 1;
    put_state(state);
    taken->ticket = ticket;
    taken->has_ticket = true;
    expect_refused(TPM2_RC_SIGNATURE, "verifying the signature of the authority");
}

/* As after TPM2_Clear: the TPM does not know its ticket any more, and makes another. */
Test(seal_refused, ticket_is_old)
{
    struct ratls_sealed_state *taken = &m.state.seals->states[0];

    expect_works();
    cr_assert(taken->has_ticket);
    taken->ticket.digest.buffer[0] ^= 1;
    expect_works();
    expect_works();
}

/* A file for more PCRs, or fewer, or of another bank, is none of this key. */
Test(seal_refused, another_selection)
{
    static const struct ratls_pcr_selection others[] = {
        {1, {{RATLS_ALG_SHA256, 1u << 0}}},
        {1, {{RATLS_ALG_SHA256, 1u << 0 | 1u << 7 | 1u << 8}}},
        {1, {{RATLS_ALG_SHA384, 1u << 0 | 1u << 7}}},
    };
    struct ratls_seals *seals = NULL;
    struct ratls_error err = {0};
    static struct seal_scene_state state;

    seal_scene_remove("first");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        seal_scene_read(f.tpm.tcti, &others[i], &state);
        seal_scene_sign(&state, &m.authority);
        seal_scene_write(&state, "other");
        assert_ok(ratls_seals_read(f.state, &m.authority.area, &seal_scene_pcrs, &seals, &err),
                  &err);
        cr_expect_eq(seals->count, 0);
        cr_expect_eq(seals->passed_over, 1);
        cr_expect_not_null(strstr(seals->fault.text, "; the key is sealed to sha256:0,7"), "%s",
                           seals->fault.text);
        ratls_seals_free(seals);
        expect_refused(TSS2_RC_SUCCESS, "passed over: ");
    }
}

/* The values of one state under the signature of another. */
Test(seal_refused, signature_of_another_state)
{
    struct seal_scene_state *state = state_now();

    seal_scene_sign(state, &m.authority);
    cr_assert(swtpm_extend(f.tpm.tcti, 7, 9));
    seal_scene_foresee(state, 7, 9);
    put_state(state);
    expect_refused(TPM2_RC_SIGNATURE, "verifying the signature of the authority");
}
