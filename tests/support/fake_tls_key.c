/* What TPM2_Certify would say of a TLS key (WIRE.md, 3 and 5.3), by a software key. */
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "cbor.h"
#include "fake_tpm.h"
#include "must.h"

static const char label[] = "\x03"
                            "ratls-tls-key-1";

static struct ratls_slice slice_of(const struct fake_bytes *bytes)
{
    return ratls_slice(bytes->p, bytes->len);
}

static struct ratls_writer writer_of(struct fake_bytes *bytes)
{
    return ratls_writer(bytes->p, sizeof bytes->p);
}

static void end_writing(const struct ratls_writer *w, struct fake_bytes *bytes)
{
    must(!w->failed);
    bytes->len = w->len;
}

void fake_spki_sha256(EVP_PKEY *key, uint8_t out[static 32])
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key, &der);

    must(len > 0);
    fake_digest(RATLS_ALG_SHA256, ratls_slice(der, (size_t)len), out);
    OPENSSL_free(der);
}

static void fill_fields(struct fake_draft *draft, struct fake_proof *proof)
{
    uint8_t signed_text[sizeof label - 1 + 32];
    struct ratls_writer w = writer_of(&proof->public_area);

    fake_write_public(proof->key, &proof->area, &w);
    end_writing(&w, &proof->public_area);
    proof->name.len = fake_name(proof->area.name_alg, slice_of(&proof->public_area), proof->name.p);
    fake_spki_sha256(proof->key, proof->spki_sha256);
    memcpy(signed_text, label, sizeof label - 1);
    memcpy(signed_text + sizeof label - 1, proof->spki_sha256, 32);
    proof->extra_data.len = fake_digest(
        RATLS_ALG_SHA256, ratls_slice(signed_text, sizeof signed_text), proof->extra_data.p);
    proof->magic = RATLS_TPM_GENERATED;
    proof->type = RATLS_TPM_ST_ATTEST_CERTIFY;
    proof->signer = draft->tpm->key;
}

static void fill_attest(const struct fake_draft *draft, struct fake_proof *proof)
{
    struct ratls_writer w = writer_of(&proof->attest);

    ratls_write_u32(&w, proof->magic);
    ratls_write_u16(&w, proof->type);
    fake_write_tpm2b(&w, slice_of(&draft->qualified_signer));
    fake_write_tpm2b(&w, slice_of(&proof->extra_data));
    ratls_write_u64(&w, 1); /* long ago, in another boot */
    ratls_write_u32(&w, 1);
    ratls_write_u32(&w, 0);
    ratls_write_u8(&w, 1);
    ratls_write_u64(&w, draft->tpm->firmware_version);
    fake_write_tpm2b(&w, slice_of(&proof->name));
    fake_write_tpm2b(&w, slice_of(&proof->name)); /* nobody knows its parent */
    end_writing(&w, &proof->attest);
}

static void fill_item(struct fake_proof *proof)
{
    struct ratls_writer w = writer_of(&proof->item);

    ratls_cbor_put_array(&w, 3);
    ratls_cbor_put_bytes(&w, slice_of(&proof->public_area));
    ratls_cbor_put_bytes(&w, slice_of(&proof->attest));
    ratls_cbor_put_bytes(&w, slice_of(&proof->signature));
    end_writing(&w, &proof->item);
}

static void change(const struct fake_draft *draft, enum fake_proof_stage stage,
                   struct fake_proof *proof)
{
    if (draft->tpm->change_proof != NULL)
        draft->tpm->change_proof(stage, proof);
}

void fake_tls_key(struct fake_draft *draft)
{
    static const struct fake_area area = {.name_alg = RATLS_ALG_SHA256,
                                          .attributes = FAKE_TLS_KEY_ATTRIBUTES,
                                          .scheme = RATLS_ALG_NULL};
    const struct ratls_attest_request *request = draft->request;
    struct fake_proof *proof;

    if (draft->tpm->tls_key == NULL ||
        ((request->offers & RATLS_OFFER_TLS_KEY) == 0 && request->mode != RATLS_MODE_CERTIFICATE))
        return;
    proof = calloc(1, sizeof *proof);
    must(proof != NULL);
    proof->key = draft->tpm->tls_key;
    proof->area = area;
    change(draft, FAKE_PROOF_KEY, proof);
    fill_fields(draft, proof);
    change(draft, FAKE_PROOF_ATTEST, proof);
    fill_attest(draft, proof);
    change(draft, FAKE_PROOF_SIGN, proof);
    fake_write_signature(proof->signer, draft->tpm->area.scheme, draft->tpm->area.scheme_hash,
                         slice_of(&proof->attest), &proof->signature);
    change(draft, FAKE_PROOF_SIGNED, proof);
    fill_item(proof);
    change(draft, FAKE_PROOF_ITEM, proof);
    draft->tls_key = proof->item;
    draft->evidence.tls_key = slice_of(&draft->tls_key);
    free(proof);
}
