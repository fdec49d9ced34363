#include "ima_signature.h"

#include "ima_fields.h"

#define VERSION_CONTENT 2
#define VERSION_FILE_ID 3

const char *ratls_ima_signature_read(struct ratls_slice xattr,
                                     struct ratls_ima_signature *ret_signature)
{
    struct ratls_reader r = ratls_reader(xattr);
    struct ratls_ima_signature signature = {0};
    uint16_t len;

    signature.type = ratls_read_u8(&r);
    signature.version = ratls_read_u8(&r);
    signature.hash = ratls_read_u8(&r);
    signature.key_id = ratls_read_bytes(&r, RATLS_SIGNER_ID_LEN);
    len = ratls_read_u16(&r); /* unlike the list, in network byte order */
    signature.value = ratls_read_bytes(&r, len);
    if (!ratls_reader_done(&r))
        return "the signature is not as long as it says";
    if (len == 0)
        return "the signature is empty";
    if (signature.type != RATLS_IMA_XATTR_DIGSIG && signature.type != RATLS_IMA_XATTR_VERITY_DIGSIG)
        return "the xattr is not a signature of a file";
    if (signature.version !=
        (signature.type == RATLS_IMA_XATTR_DIGSIG ? VERSION_CONTENT : VERSION_FILE_ID))
        return "the signature has a version that its type does not have";
    *ret_signature = signature;
    return NULL;
}

/* NULL if a signature of this kind can be one over the digest that the entry has. */
static const char *match_kinds(const struct ratls_ima_entry *entry,
                               const struct ratls_ima_signature *signature)
{
    bool is_verity = signature->type == RATLS_IMA_XATTR_VERITY_DIGSIG;
    const char *name = ratls_ima_hash_name(signature->hash);

    if (entry->file.value.len == 0)
        return "the entry has no digest that could be signed";
    if (entry->file.is_verity != is_verity)
        return "the signature is over another kind of digest than the entry has";
    if (signature->hash != entry->file.hash)
        return "the signature names another hash than the digest of the file";
    if (name == NULL || !ratls_tpm_is_strong_hash(ratls_tpm_hash_alg(name)))
        return "the signature is by none of SHA-256, SHA-384 and SHA-512";
    return NULL;
}

/* What is signed: the digest, or for fs-verity that of struct ima_file_id { type, hash, digest }.
 */
static enum ratls_status make_signed(const struct ratls_ima_entry *entry,
                                     const struct ratls_ima_signature *signature, uint16_t alg,
                                     uint8_t buffer[static RATLS_DIGEST_MAX],
                                     struct ratls_slice *ret_signed, struct ratls_error *err)
{
    const uint8_t head[] = {signature->type, signature->hash};
    const struct ratls_slice parts[] = {{head, sizeof head}, entry->file.value};
    enum ratls_status status = RATLS_OK;

    if (!entry->file.is_verity) {
        *ret_signed = entry->file.value;
        return RATLS_OK;
    }
    status = ratls_digest(alg, parts, 2, buffer, err);
    if (status == RATLS_OK)
        *ret_signed = ratls_slice(buffer, ratls_tpm_hash_len(alg));
    return status;
}

/* Tries each signer that the key id stands for. */
static enum ratls_status try_signers(const struct ratls_ima_entry *entry,
                                     const struct ratls_ima_signature *signature,
                                     const struct ratls_signer *signers, size_t count,
                                     const char **ret_why, struct ratls_error *err)
{
    uint16_t alg = ratls_tpm_hash_alg(ratls_ima_hash_name(signature->hash));
    const char *why = "the signature is by a key that is not among the allowed ones";
    uint8_t buffer[RATLS_DIGEST_MAX];
    struct ratls_slice message;
    enum ratls_status status = make_signed(entry, signature, alg, buffer, &message, err);

    for (size_t i = 0; i < count && why != NULL && status == RATLS_OK; i++) {
        bool is_valid = false;

        if (!ratls_signer_has_id(&signers[i], signature->key_id))
            continue;
        status = ratls_signer_verify(&signers[i], alg, message, signature->value, &is_valid, err);
        why = is_valid ? NULL : "the signature is not one over this digest by the key it names";
    }
    if (status == RATLS_OK)
        *ret_why = why;
    return status;
}

enum ratls_status ratls_ima_check_signature(const struct ratls_ima_entry *entry,
                                            const struct ratls_signer *signers, size_t count,
                                            const char **ret_why, struct ratls_error *err)
{
    struct ratls_ima_signature signature;
    struct ratls_slice xattr = ratls_ima_field(entry, RATLS_IMA_SIG);
    const char *why = NULL;

    if (entry->is_violation)
        why = "the entry is a violation: its signature stands for nothing";
    else if (xattr.len == 0)
        why = "the file has no signature";
    else
        why = ratls_ima_signature_read(xattr, &signature);
    if (why == NULL)
        why = match_kinds(entry, &signature);
    if (why != NULL) {
        *ret_why = why;
        return RATLS_OK;
    }
    return try_signers(entry, &signature, signers, count, ret_why, err);
}
