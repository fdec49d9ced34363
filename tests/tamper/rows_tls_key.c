/* A TLS key that is not in the TPM that attests, or is another one, or is there and elsewhere too.
 */
#include <stdlib.h>
#include <string.h>

#include "rows.h"

#define AREA_ATTRIBUTES_AT 7 /* the last of their four bytes, behind type and nameAlg */
#define AREA_NODA 4          /* bit 10, in the byte before it: of no meaning here */
#define NEEDS_PRESENT FROM_TO(TLS_KEY_FORMAT, TLS_KEY_ATTRIBUTES)
#define NEEDS_FORMAT FROM_TO(TLS_KEY_SIGNATURE, TLS_KEY_ATTRIBUTES)

/* One row at a time. */
static EVP_PKEY *other;

static void forget_other(void)
{
    EVP_PKEY_free(other);
    other = pki_key(PKI_P256);
}

static void have_none(struct scene *scene)
{
    scene_tls_key(scene);
    scene->tpm->tls_key = NULL;
}

#define CHANGE(name, at, statement)                                                                \
    static void change_##name(enum fake_proof_stage stage, struct fake_proof *proof)               \
    {                                                                                              \
        if (stage == FAKE_PROOF_##at) {                                                            \
            statement;                                                                             \
        }                                                                                          \
    }                                                                                              \
    static void name(struct scene *scene)                                                          \
    {                                                                                              \
        scene_tls_key(scene);                                                                      \
        scene->tpm->change_proof = change_##name;                                                  \
    }

/* tls-key.format */
CHANGE(cut_item, ITEM, proof->item.len--)
CHANGE(add_to_item, ITEM, proof->item.len++)
CHANGE(empty_item, ITEM, proof->item.p[0] = 0x80; proof->item.len = 1)
CHANGE(cut_area, SIGNED, proof->public_area.len--)
CHANGE(leave_curve, SIGNED, proof->public_area.p[proof->public_area.len - 1] ^= 1)
CHANGE(name_by_sha1, SIGNED, proof->public_area.p[3] = RATLS_ALG_SHA1)
CHANGE(cut_attest, SIGNED, proof->attest.len--)
CHANGE(add_to_attest, SIGNED, proof->attest.p[proof->attest.len++] = 0)
CHANGE(cut_signature, SIGNED, proof->signature.len--)

/* tls-key.signature */
CHANGE(sign_by_another, SIGN, forget_other(); proof->signer = other)
CHANGE(sign_by_itself, SIGN, proof->signer = proof->key)
CHANGE(flip_signature, SIGNED, proof->signature.p[proof->signature.len - 1] ^= 1)
CHANGE(change_clock, SIGNED, proof->attest.p[proof->attest.len - 90] ^= 1)

/* tls-key.type: the attestation key signs all of this, and none of it says where a key is. */
CHANGE(no_magic, ATTEST, proof->magic ^= 1)
CHANGE(say_quote, ATTEST, proof->type = RATLS_TPM_ST_ATTEST_QUOTE)
CHANGE(say_time, ATTEST, proof->type = 0x8019)
CHANGE(say_creation, ATTEST, proof->type = 0x801A)
CHANGE(for_somebody_else, ATTEST, proof->extra_data.p[0] ^= 1)
CHANGE(for_nobody, ATTEST, proof->extra_data.len = 0)

/* tls-key.name: the certification is of another object than the one that came. */
CHANGE(certify_another, ATTEST, proof->name.p[9] ^= 1)
CHANGE(certify_longer, ATTEST, proof->name.p[proof->name.len++] = 0)
CHANGE(change_area, SIGNED, proof->public_area.p[AREA_ATTRIBUTES_AT - 1] ^= AREA_NODA)

/* tls-key.spki: another key of the same TPM, certified as it should be. */
CHANGE(prove_another, KEY, forget_other(); proof->key = other)

#define WITHOUT(bit)                                                                               \
    CHANGE(without_##bit, KEY, proof->area.attributes &= ~(uint32_t)RATLS_TPMA_##bit)
#define WITH(bit) CHANGE(with_##bit, KEY, proof->area.attributes |= RATLS_TPMA_##bit)
WITHOUT(FIXED_TPM)
WITHOUT(FIXED_PARENT)
WITHOUT(SENSITIVE_DATA_ORIGIN)
WITHOUT(SIGN)
WITH(RESTRICTED)
WITH(ENCRYPTED_DUPLICATION)
CHANGE(import, KEY, proof->area.attributes = RATLS_TPMA_USER_WITH_AUTH | RATLS_TPMA_SIGN)

/* A quote by the attestation key, of an earlier session, in the place of a certification. */
static struct fake_bytes quote, quote_signature;

CHANGE(pass_off_quote, SIGNED, proof->attest = quote; proof->signature = quote_signature)

static void quote_before(struct scene *scene)
{
    struct fake_draft *draft = scene_attest(scene, NULL, NULL);

    quote = draft->attest;
    quote_signature = draft->signature;
    free(draft);
    pass_off_quote(scene);
}

/* It was accepted, and is known; then the connection has another key. */
static void know_then_change(struct scene *scene)
{
    scene_tls_key(scene);
    scene_pin(scene);
    scene_name_keys(scene);
    scene->key_id_count = 0;
    scene->expectation.spki_sha256[0] ^= 1;
}

static void of_epoch(struct scene *scene)
{
    scene_tls_key(scene);
    scene_epoch(scene);
    scene->tpm->change_proof = change_prove_another;
}

#define ROW(words, id, change, unrun)                                                              \
    {                                                                                              \
        .name = words, .check = RATLS_CHECK_##id, .not_run = unrun, .before = change               \
    }

static const struct row rows[] = {
    {.name = "no proof",
     .check = RATLS_CHECK_TLS_KEY_PRESENT,
     .not_run = NEEDS_PRESENT,
     .before = have_none,
     .at = "evidence",
     .expected = "a proof that the TLS key is in the TPM"},
    {.name = "no proof in a certificate",
     .check = RATLS_CHECK_TLS_KEY_PRESENT,
     .not_run = NEEDS_PRESENT,
     .mode = RATLS_MODE_CERTIFICATE,
     .before = have_none},
    ROW("an item that is cut short", TLS_KEY_FORMAT, cut_item, NEEDS_FORMAT),
    ROW("an item with more behind it", TLS_KEY_FORMAT, add_to_item, NEEDS_FORMAT),
    ROW("an item of nothing", TLS_KEY_FORMAT, empty_item, NEEDS_FORMAT),
    ROW("a public area that is cut short", TLS_KEY_FORMAT, cut_area, NEEDS_FORMAT),
    ROW("a point on no curve", TLS_KEY_FORMAT, leave_curve, NEEDS_FORMAT),
    ROW("a Name by SHA-1", TLS_KEY_FORMAT, name_by_sha1, NEEDS_FORMAT),
    ROW("a certification that is cut short", TLS_KEY_FORMAT, cut_attest, NEEDS_FORMAT),
    ROW("a certification with more behind it", TLS_KEY_FORMAT, add_to_attest, NEEDS_FORMAT),
    ROW("a signature that is cut short", TLS_KEY_FORMAT, cut_signature, NEEDS_FORMAT),
    ROW("signed by another attestation key", TLS_KEY_SIGNATURE, sign_by_another, 0),
    ROW("signed by the TLS key itself", TLS_KEY_SIGNATURE, sign_by_itself, 0),
    ROW("another signature", TLS_KEY_SIGNATURE, flip_signature, 0),
    ROW("changed behind the signature", TLS_KEY_SIGNATURE, change_clock, 0),
    ROW("not made inside a TPM", TLS_KEY_TYPE, no_magic, BIT(TLS_KEY_NAME)),
    ROW("a quote, it says", TLS_KEY_TYPE, say_quote, BIT(TLS_KEY_NAME)),
    ROW("a time", TLS_KEY_TYPE, say_time, BIT(TLS_KEY_NAME)),
    ROW("a creation", TLS_KEY_TYPE, say_creation, BIT(TLS_KEY_NAME)),
    ROW("certified for another purpose", TLS_KEY_TYPE, for_somebody_else, BIT(TLS_KEY_NAME)),
    ROW("certified for no purpose", TLS_KEY_TYPE, for_nobody, BIT(TLS_KEY_NAME)),
    ROW("a quote of an earlier session", TLS_KEY_TYPE, quote_before, BIT(TLS_KEY_NAME)),
    ROW("of another object", TLS_KEY_NAME, certify_another, 0),
    ROW("of a longer Name", TLS_KEY_NAME, certify_longer, 0),
    ROW("another public area", TLS_KEY_NAME, change_area, 0),
    ROW("an older key of the same server", TLS_KEY_SPKI, prove_another, 0),
    ROW("an older key, of an epoch", TLS_KEY_SPKI, of_epoch, 0),
    {.name = "known, and then another TLS key",
     .check = RATLS_CHECK_TLS_KEY_SPKI,
     .before = know_then_change},
    ROW("it may leave the TPM", TLS_KEY_ATTRIBUTES, without_FIXED_TPM, 0),
    ROW("it may have another parent", TLS_KEY_ATTRIBUTES, without_FIXED_PARENT, 0),
    ROW("it was made elsewhere", TLS_KEY_ATTRIBUTES, without_SENSITIVE_DATA_ORIGIN, 0),
    ROW("it does not sign", TLS_KEY_ATTRIBUTES, without_SIGN, 0),
    ROW("restricted", TLS_KEY_ATTRIBUTES, with_RESTRICTED, 0),
    ROW("of duplicates that are encrypted", TLS_KEY_ATTRIBUTES, with_ENCRYPTED_DUPLICATION, 0),
    {.name = "imported",
     .check = RATLS_CHECK_TLS_KEY_ATTRIBUTES,
     .before = import,
     .at = "tls-key.public.objectAttributes",
     .expected = "fixedTPM fixedParent sensitiveDataOrigin sign",
     .actual = "sign"},
};

const struct rows rows_tls_key = {rows, sizeof rows / sizeof rows[0]};
