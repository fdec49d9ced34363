/*
 * Credentials that OpenSSL seals and a TPM opens: for endorsement keys of every template that the
 * software TPM can make, and for no other key than the one that was meant.
 */
#include "attester_fixture.h"

#include <openssl/evp.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>

#include "activate.h"
#include "credential.h"
#include "crypto.h"

#define NO_SESSION ESYS_TR_NONE

struct machine {
    struct ratls_tpm tpm;
    struct ratls_ak_state state;
    struct ratls_ak ak;
    ESYS_TR ek;
    const struct ratls_ek_profile *profile;
    uint8_t area[RATLS_EK_AREA_MAX]; /* of the endorsement key, as the TPM has it */
    size_t area_len;
    EVP_PKEY *key;
};

static const uint8_t value[] = "a secret that only one TPM reads";
#define VALUE_LEN 32

static void open_machine(struct machine *m, const char *tcti)
{
    struct ratls_error err = {0};

    memset(m, 0, sizeof *m);
    assert_ok(ratls_tpm_open(tcti, &m->tpm, &err), &err);
    memset(m->state.auth, 7, sizeof m->state.auth);
    assert_ok(ratls_ak_create(&m->tpm, false, &m->state, &err), &err);
    assert_ok(ratls_ak_load(&m->tpm, &m->state, &m->ak, &err), &err);
}

static void close_machine(struct machine *m)
{
    EVP_PKEY_free(m->key);
    ratls_ak_unload(&m->tpm, &m->ak);
    ratls_tpm_close(&m->tpm);
}

/* The creation template: the area, with zeros for a key, or, in the high range, with nothing. */
static TPM2B_PUBLIC make_template(const struct ratls_ek_profile *profile)
{
    TPM2B_PUBLIC made = {.publicArea = {.type = profile->type,
                                        .nameAlg = profile->name_alg,
                                        .objectAttributes = ratls_ek_attributes(profile)}};
    const struct ratls_slice policy = ratls_ek_policy(profile);
    TPMT_PUBLIC *area = &made.publicArea;
    TPMT_SYM_DEF_OBJECT *symmetric = &area->parameters.asymDetail.symmetric;

    area->authPolicy.size = (UINT16)policy.len;
    memcpy(area->authPolicy.buffer, policy.p, policy.len);
    symmetric->algorithm = TPM2_ALG_AES;
    symmetric->keyBits.aes = profile->aes_bits;
    symmetric->mode.aes = TPM2_ALG_CFB;
    area->parameters.asymDetail.scheme.scheme = TPM2_ALG_NULL;
    if (profile->type == TPM2_ALG_RSA) {
        area->parameters.rsaDetail.keyBits = profile->rsa_bits;
        area->unique.rsa.size = profile->is_high ? 0 : profile->rsa_bits / 8;
        return made;
    }
    area->parameters.eccDetail.curveID = profile->curve;
    area->parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
    area->unique.ecc.x.size = area->unique.ecc.y.size = profile->is_high ? 0 : 32;
    return made;
}

/* False if the TPM does not have such keys. */
static bool make_ek(struct machine *m, unsigned id)
{
    const struct ratls_ek_profile *profile = ratls_ek_profile(id);
    const TPM2B_PUBLIC template = make_template(profile);
    const TPM2B_SENSITIVE_CREATE sensitive = {0};
    const TPM2B_DATA no_info = {0};
    const TPML_PCR_SELECTION no_pcrs = {0};
    TPM2B_PUBLIC *public = NULL;
    struct ratls_tpm_public area;
    TSS2_RC rc = Esys_CreatePrimary(m->tpm.esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD,
                                    NO_SESSION, NO_SESSION, &sensitive, &template, &no_info,
                                    &no_pcrs, &m->ek, &public, NULL, NULL, NULL);

    m->profile = profile;
    if (rc != TSS2_RC_SUCCESS)
        return false;
    m->area_len = 0;
    cr_assert_eq(
        Tss2_MU_TPMT_PUBLIC_Marshal(&public->publicArea, m->area, sizeof m->area, &m->area_len),
        TSS2_RC_SUCCESS);
    Esys_Free(public);
    EVP_PKEY_free(m->key);
    cr_assert(ratls_tpm_read_public(ratls_slice(m->area, m->area_len), &area));
    cr_assert(ratls_public_key(&area, &m->key, NULL) == RATLS_OK);
    return true;
}

static enum ratls_status activate(struct machine *m, const struct ratls_credential *credential,
                                  uint8_t out[static RATLS_ACTIVATE_MAX], size_t *ret_len,
                                  struct ratls_error *err)
{
    return ratls_activate(
        &m->tpm, m->profile, m->ek, &m->ak, ratls_slice(credential->blob, credential->blob_len),
        ratls_slice(credential->secret, credential->secret_len), out, ret_len, err);
}

static struct ratls_credential seal(const struct machine *m, struct ratls_slice name)
{
    const struct ratls_credential_wish wish = {.profile = m->profile,
                                               .key = m->key,
                                               .area = ratls_slice(m->area, m->area_len),
                                               .name = name,
                                               .value = ratls_slice(value, VALUE_LEN)};
    struct ratls_credential credential;
    struct ratls_error err = {0};

    assert_ok(ratls_make_credential(&wish, &credential, &err), &err);
    return credential;
}

static void expect_opened(struct machine *m, const struct ratls_credential *credential)
{
    uint8_t opened[RATLS_ACTIVATE_MAX];
    struct ratls_error err = {0};
    size_t len = 0;

    assert_ok(activate(m, credential, opened, &len, &err), &err);
    cr_expect(ratls_slice_equal(ratls_slice(opened, len), ratls_slice(value, VALUE_LEN)), "%s",
              m->profile->name);
}

/* The words say what it was made for, as far as the TPM lets know. */
static void expect_closed(struct machine *m, const struct ratls_credential *credential,
                          const char *what, const char *words)
{
    uint8_t opened[RATLS_ACTIVATE_MAX];
    struct ratls_error err = {0};
    size_t len = 0;

    cr_expect(activate(m, credential, opened, &len, &err) == RATLS_REJECTED, "%s: %s: %s",
              m->profile->name, what, err.text);
    cr_expect(strstr(err.text, words) != NULL, "%s: %s: %s", m->profile->name, what, err.text);
    cr_expect_eq(len, 0);
}

static struct ratls_slice name_of(const struct machine *m)
{
    return ratls_slice(m->state.name, sizeof m->state.name);
}

TestSuite(credential, .init = set_up, .fini = tear_down);

/* Of the ones that swtpm and makers of TPMs use, none may be left out. */
Test(credential, every_template)
{
    struct ratls_error err = {0};
    unsigned made = 0;
    struct machine m;

    open_machine(&m, f.tpm.tcti);
    for (unsigned id = RATLS_EK_L1; ratls_ek_profile(id) != NULL; id++) {
        uint8_t area[RATLS_EK_AREA_MAX];
        struct ratls_credential credential;
        size_t len = 0;

        if (!make_ek(&m, id))
            continue;
        made |= 1u << id;
        assert_ok(ratls_ek_area(m.profile, m.key, false, area, &len, &err), &err);
        cr_expect(ratls_slice_equal(ratls_slice(area, len), ratls_slice(m.area, m.area_len)), "%s",
                  m.profile->name);
        credential = seal(&m, name_of(&m));
        expect_opened(&m, &credential);
        Esys_FlushContext(m.tpm.esys, m.ek);
    }
    made |= 1u << RATLS_EK_H7; /* swtpm has no RSA 4096, or none yet */
    cr_expect_eq(made, 0x1fe, "%x", made);
    close_machine(&m);
}

static void refuse_other_keys(unsigned id)
{
    /* An RSA key notices that a seed is not for it. */
    const char *key = id == RATLS_EK_L1 ? "made for another endorsement key (" : "another end";
    struct ratls_ak_state other = {0};
    struct ratls_credential credential;
    struct ratls_error err = {0};
    struct machine m;

    open_machine(&m, f.tpm.tcti);
    cr_assert(make_ek(&m, id));
    other.unique[0] = 1; /* another attestation key of the same TPM */
    assert_ok(ratls_ak_create(&m.tpm, false, &other, &err), &err);
    credential = seal(&m, ratls_slice(other.name, sizeof other.name));
    expect_closed(&m, &credential, "sealed for another key", "another attestation key");

    credential = seal(&m, name_of(&m));
    credential.blob[credential.blob_len - 1] ^= 1;
    expect_closed(&m, &credential, "value changed", "another attestation key");
    credential = seal(&m, name_of(&m));
    credential.blob[2] ^= 1;
    expect_closed(&m, &credential, "integrity changed", "another attestation key");
    credential = seal(&m, name_of(&m));
    credential.secret[credential.secret_len - 1] ^= 1;
    expect_closed(&m, &credential, "seed changed", key);
    credential = seal(&m, name_of(&m));
    expect_opened(&m, &credential);
    close_machine(&m);
}

Test(credential, other_keys_rsa)
{
    refuse_other_keys(RATLS_EK_L1);
}

Test(credential, other_keys_ecc)
{
    refuse_other_keys(RATLS_EK_L2);
}

/* The attestation key may be the same to the byte: it is the endorsement key that must be there. */
Test(credential, another_tpm)
{
    struct ratls_credential credential;
    struct swtpm second;
    struct machine a, b;

    cr_assert(swtpm_start(&second));
    open_machine(&a, f.tpm.tcti);
    open_machine(&b, second.tcti);
    cr_assert(make_ek(&a, RATLS_EK_L2) && make_ek(&b, RATLS_EK_L2));
    credential = seal(&a, name_of(&b));
    expect_closed(&b, &credential, "sealed for another TPM", "another endorsement key or");
    expect_closed(&a, &credential, "sealed for a key of another TPM", "another attestation key");
    close_machine(&a);
    close_machine(&b);
    swtpm_stop(&second);
}

Test(credential, limits)
{
    static const uint8_t long_value[33];
    struct ratls_credential credential;
    struct ratls_credential_wish wish;
    struct ratls_error err = {0};
    struct machine m;

    open_machine(&m, f.tpm.tcti);
    cr_assert(make_ek(&m, RATLS_EK_L2));
    wish = (struct ratls_credential_wish){.profile = m.profile,
                                          .key = m.key,
                                          .area = ratls_slice(m.area, m.area_len),
                                          .name = name_of(&m),
                                          .value = ratls_slice(long_value, sizeof long_value)};
    cr_expect(ratls_make_credential(&wish, &credential, &err) == RATLS_USAGE); /* SHA-256 has 32 */
    wish.value.len = 0;
    cr_expect(ratls_make_credential(&wish, &credential, &err) == RATLS_USAGE);
    wish.value.len = 1;
    wish.profile = ratls_ek_profile(RATLS_EK_L1);
    cr_expect(ratls_make_credential(&wish, &credential, &err) == RATLS_MALFORMED);
    wish.profile = m.profile;
    wish.area.len--;
    cr_expect(ratls_make_credential(&wish, &credential, &err) == RATLS_MALFORMED);
    close_machine(&m);
}
