/* The proof that a TLS key is in the TPM (WIRE.md, 5.3), as it says it; `ratls verify` judges it.
 */
#include "crypto.h"
#include "describe.h"
#include "tls_key_item.h"

static void describe_attest(struct ratls_view *v, struct ratls_slice bytes)
{
    struct ratls_tpm_attest attest;
    struct ratls_slice name;

    if (!ratls_tpm_read_certify(bytes, &attest, &name)) {
        ratls_view_text(v, "attestError", "certification", "unreadable");
        return;
    }
    ratls_view_bool(v, "fromTpm", "made inside a TPM", attest.magic == RATLS_TPM_GENERATED);
    ratls_view_bool(v, "isCertification", "is a certification",
                    attest.type == RATLS_TPM_ST_ATTEST_CERTIFY);
    ratls_view_digest(v, "certifiedName", "certified Name", name);
    ratls_view_hex(v, "extraData", "extraData", attest.extra_data);
    ratls_view_hex(v, "qualifiedSigner", "qualifiedSigner", attest.qualified_signer);
}

static void describe_key(struct ratls_view *v, struct ratls_slice area)
{
    struct ratls_tpm_public key;
    uint8_t spki[32];

    if (!ratls_tpm_read_public(area, &key)) {
        ratls_view_text(v, "keyError", "key", "not a TPMT_PUBLIC");
        return;
    }
    ratls_describe_key(v, &key);
    if (ratls_public_spki_sha256(&key, spki, NULL) == RATLS_OK)
        ratls_view_digest(v, "spkiSha256", "TLS key (SHA-256)", ratls_slice(spki, sizeof spki));
}

bool ratls_describe_tls_key(struct ratls_view *v, struct ratls_slice bytes)
{
    struct ratls_tpm_signature signature;
    struct ratls_tls_key_item item;

    if (!ratls_tls_key_item_read(bytes, &item))
        return false;
    describe_key(v, item.public_area);
    describe_attest(v, item.attest);
    if (ratls_tpm_read_signature(item.signature, &signature))
        ratls_describe_signature(v, &signature);
    else
        ratls_view_text(v, "signatureError", "signature", "unreadable");
    ratls_view_uint(v, "length", "bytes", bytes.len, NULL);
    return true;
}
