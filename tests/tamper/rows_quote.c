/* Quotes that are none, or that say something else. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"
#include "rows.h"

#define TPM_ST_ATTEST_CERTIFY 0x8017
#define TPM_ST_ATTEST_TIME 0x8019
#define TPM_RH_OWNER 0x40000001u
#define NEEDS_FORMAT (FROM_TO(QUOTE_SIGNATURE, QUOTE_FIRMWARE) | ALL_OF_PCR)

/* After the signature, which is then over other bytes. */
static void lengthen_attest(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_SIGNED)
        draft->evidence.attest.len += (size_t) * (int *)arg;
}

static void shorten_attest(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_SIGNED)
        draft->evidence.attest.len -= (size_t) * (int *)arg;
}

/* Before it: signed with a trailing byte. */
static void sign_longer_attest(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_ATTEST)
        draft->attest.p[draft->attest.len++] = (uint8_t) * (int *)arg;
}

static void lengthen_signature(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_SIGNED)
        draft->evidence.signature.len += (size_t) * (int *)arg;
}

static void name_signature(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    struct ratls_writer w = ratls_writer(draft->signature.p, sizeof draft->signature.p);

    if (stage == FAKE_SIGNED)
        ratls_write_u16(&w, (uint16_t) * (int *)arg);
}

static void sign_by_another_key(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    static struct fake_tpm *another;

    (void)arg;
    if (stage == FAKE_ATTEST) {
        another = fake_tpm_new(FAKE_ECDSA_P256);
        draft->signer = another->key;
    } else if (stage == FAKE_SIGNED) {
        fake_tpm_free(another);
    }
}

static void change_attest(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_SIGNED)
        draft->attest.p[draft->attest.len - 1 - 32 - 2 - 3 - 2 - 1 - 4 - (size_t) * (int *)arg] ^=
            1;
}

static void sign_otherwise(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_ATTEST)
        draft->signature_alg = (uint16_t) * (int *)arg;
}

static void sign_by_hash(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_ATTEST)
        draft->signature_hash = (uint16_t) * (int *)arg;
}

/* Says that it is what the key requires, and is not. */
static void pad_otherwise(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    sign_otherwise(stage, draft, &(int){RATLS_ALG_RSAPSS});
    name_signature(stage, draft, &(int){RATLS_ALG_RSASSA});
}

static void zero_signature(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_SIGNED) {
        memset(draft->signature.p + 6, 0, 32);
        memset(draft->signature.p + 40, 0, 32);
    }
}

/*
 * Whoever knows the private key d can choose r = -e / d (e: the digest), and the point that is
 * computed is infinity. That OpenSSL calls a failure of its own; it is the peer's all the same.
 */
static void sign_infinity(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    uint8_t digest[32];
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *d = NULL, *n = NULL, *e, *r = BN_new();

    (void)arg;
    fake_digest(RATLS_ALG_SHA256, ratls_slice(draft->attest.p, draft->attest.len), digest);
    e = BN_bin2bn(digest, sizeof digest, NULL);
    must(EVP_PKEY_get_bn_param(draft->tpm->key, OSSL_PKEY_PARAM_PRIV_KEY, &d) == 1 &&
         EVP_PKEY_get_bn_param(draft->tpm->key, OSSL_PKEY_PARAM_EC_ORDER, &n) == 1 &&
         BN_mod_inverse(r, d, n, ctx) != NULL && BN_mod_mul(r, r, e, n, ctx) == 1 &&
         BN_sub(r, n, r) == 1);
    if (stage == FAKE_SIGNED)
        must(BN_bn2binpad(r, draft->signature.p + 6, 32) == 32);
    BN_free(r);
    BN_free(e);
    BN_free(n);
    BN_clear_free(d);
    BN_CTX_free(ctx);
}

static void change_magic(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_QUOTE)
        draft->magic ^= (uint32_t) * (int *)arg;
}

static void change_type(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_QUOTE)
        draft->type = (uint16_t) * (int *)arg;
}

static void sign_in_hierarchy(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    uint8_t name[RATLS_TPM_NAME_MAX], bytes[4 + RATLS_TPM_NAME_MAX];
    struct ratls_writer w = ratls_writer(bytes, sizeof bytes);

    if (stage != FAKE_QUOTE)
        return;
    ratls_write_u32(&w, (uint32_t) * (int *)arg);
    ratls_write_bytes(&w, ratls_slice(name, fake_tpm_name(draft->tpm, name)));
    draft->qualified_signer.len =
        fake_name(RATLS_ALG_SHA256, ratls_writer_slice(&w), draft->qualified_signer.p);
}

static void give_name(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_QUOTE)
        draft->qualified_signer.len = fake_tpm_name(draft->tpm, draft->qualified_signer.p);
}

static void give_no_signer(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_QUOTE)
        draft->qualified_signer.len = (size_t) * (int *)arg;
}

static void set_unsafe(struct scene *scene)
{
    scene->tpm->safe = false;
}

/* The verifier has accepted a quote before, with the counters that the TPM has now. */
static void accept_one(struct scene *scene)
{
    struct fake_draft *draft = scene_attest(scene, NULL, NULL);
    struct ratls_report *report = scene_appraise(scene, draft->wire, draft->wire_len);

    if (!ratls_report_accepted(report))
        abort();
    ratls_report_free(report);
    free(draft);
}

static void lower_reset(struct scene *scene)
{
    accept_one(scene);
    scene->tpm->reset_count--;
    scene->tpm->restart_count += 5;
}

static void lower_restart(struct scene *scene)
{
    accept_one(scene);
    scene->tpm->restart_count--;
}

static void lower_clock(struct scene *scene)
{
    accept_one(scene);
    scene->tpm->clock_ms -= 60002; /* a quote may be overtaken by a minute */
}

static void deny_firmware(struct scene *scene)
{
    fake_policy_deny_firmware(scene->policy, 1);
    fake_policy_deny_firmware(scene->policy, scene->tpm->firmware_version);
    fake_policy_deny_firmware(scene->policy, 2);
}

static const struct row rows[] = {
    {.name = "a byte behind the quote",
     .check = RATLS_CHECK_QUOTE_FORMAT,
     .not_run = NEEDS_FORMAT,
     .tamper = lengthen_attest,
     .param = 1,
     .at = "quote.attest",
     .expected = "a TPMS_ATTEST"},
    {.name = "a byte behind the quote, signed",
     .check = RATLS_CHECK_QUOTE_FORMAT,
     .not_run = NEEDS_FORMAT,
     .tamper = sign_longer_attest},
    {.name = "a quote without its last byte",
     .check = RATLS_CHECK_QUOTE_FORMAT,
     .not_run = NEEDS_FORMAT,
     .tamper = shorten_attest,
     .param = 1},
    {.name = "a byte behind the signature",
     .check = RATLS_CHECK_QUOTE_FORMAT,
     .not_run = NEEDS_FORMAT,
     .tamper = lengthen_signature,
     .param = 1,
     .at = "quote.signature"},
    {.name = "a signature without algorithm",
     .check = RATLS_CHECK_QUOTE_FORMAT,
     .not_run = NEEDS_FORMAT,
     .tamper = name_signature,
     .param = RATLS_ALG_NULL},
    {.name = "signed by another key",
     .check = RATLS_CHECK_QUOTE_SIGNATURE,
     .tamper = sign_by_another_key,
     .at = "quote.signature",
     .expected = "a signature by the attestation key, ecdsa with sha256",
     .actual = "another signature, ecdsa with sha256"},
    {.name = "a signature of zeros",
     .check = RATLS_CHECK_QUOTE_SIGNATURE,
     .tamper = zero_signature},
    {.name = "a signature that leads to infinity",
     .check = RATLS_CHECK_QUOTE_SIGNATURE,
     .tamper = sign_infinity,
     .actual = "another signature, ecdsa with sha256"},
    {.name = "firmware version changed after the signature",
     .check = RATLS_CHECK_QUOTE_SIGNATURE,
     .tamper = change_attest,
     .param = 0},
    {.name = "RSAPSS by a key for RSASSA",
     .check = RATLS_CHECK_QUOTE_SIGNATURE,
     .algorithm = FAKE_RSASSA,
     .tamper = sign_otherwise,
     .param = RATLS_ALG_RSAPSS,
     .expected = "a signature by the attestation key, rsassa with sha256",
     .actual = "another signature, rsapss with sha256"},
    {.name = "RSAPSS that says it is RSASSA",
     .check = RATLS_CHECK_QUOTE_SIGNATURE,
     .algorithm = FAKE_RSASSA,
     .tamper = pad_otherwise},
    {.name = "RSASSA by a key for RSAPSS",
     .check = RATLS_CHECK_QUOTE_SIGNATURE,
     .algorithm = FAKE_RSAPSS,
     .tamper = sign_otherwise,
     .param = RATLS_ALG_RSASSA},
    {.name = "SHA-512 by a key for SHA-256",
     .check = RATLS_CHECK_QUOTE_SIGNATURE,
     .tamper = sign_by_hash,
     .param = RATLS_ALG_SHA512},
    {.name = "SHA-1 by a key for SHA-256",
     .check = RATLS_CHECK_QUOTE_SIGNATURE,
     .tamper = sign_by_hash,
     .param = RATLS_ALG_SHA1,
     .actual = "another signature, ecdsa with sha1"},
    {.name = "wrong magic",
     .check = RATLS_CHECK_QUOTE_MAGIC,
     .tamper = change_magic,
     .param = 1,
     .at = "quote.attest.magic",
     .expected = "0xff544347",
     .actual = "0xff544346"},
    {.name = "a certification",
     .check = RATLS_CHECK_QUOTE_TYPE,
     .not_run = ALL_OF_PCR,
     .tamper = change_type,
     .param = TPM_ST_ATTEST_CERTIFY,
     .at = "quote.attest.type",
     .expected = "0x8018",
     .actual = "0x8017"},
    {.name = "a time",
     .check = RATLS_CHECK_QUOTE_TYPE,
     .not_run = ALL_OF_PCR,
     .tamper = change_type,
     .param = TPM_ST_ATTEST_TIME},
    {.name = "no type at all",
     .check = RATLS_CHECK_QUOTE_TYPE,
     .not_run = ALL_OF_PCR,
     .tamper = change_type,
     .param = 0},
    {.name = "a key of the owner hierarchy",
     .check = RATLS_CHECK_QUOTE_SIGNER,
     .tamper = sign_in_hierarchy,
     .param = TPM_RH_OWNER,
     .at = "quote.attest.qualifiedSigner"},
    {.name = "the Name, not the QualifiedName",
     .check = RATLS_CHECK_QUOTE_SIGNER,
     .tamper = give_name},
    {.name = "no signer",
     .check = RATLS_CHECK_QUOTE_SIGNER,
     .tamper = give_no_signer,
     .param = 0,
     .actual = "empty"},
    {.name = "clock not safe",
     .check = RATLS_CHECK_QUOTE_CLOCK,
     .after = set_unsafe,
     .at = "quote.attest.clockInfo.safe",
     .expected = "yes",
     .actual = "no"},
    {.name = "resetCount went back",
     .check = RATLS_CHECK_QUOTE_COUNTERS,
     .after = lower_reset,
     .at = "quote.attest.clockInfo",
     .expected = "not before reset 7, restart 3, clock 940000 ms",
     .actual = "reset 6, restart 8, clock 1000001 ms"},
    {.name = "restartCount went back", .check = RATLS_CHECK_QUOTE_COUNTERS, .after = lower_restart},
    {.name = "the clock went back",
     .check = RATLS_CHECK_QUOTE_COUNTERS,
     .after = lower_clock,
     .actual = "reset 7, restart 3, clock 939999 ms"},
    {.name = "denied firmware",
     .check = RATLS_CHECK_QUOTE_FIRMWARE,
     .after = deny_firmware,
     .at = "quote.attest.firmwareVersion",
     .expected = "a version that is not denied",
     .actual = "0x2024012500120000"},
};

const struct rows rows_quote = {rows, sizeof rows / sizeof rows[0]};
