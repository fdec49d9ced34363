/*
 * Signatures of files that an IMA list carries: the xattr security.ima, in field sig. Version 2 is
 * over the digest of the file's content, version 3 over a structure with the digest of fs-verity.
 * (Linux, security/integrity: signature_v2_hdr, ima_file_id.) Versions and types of newer kernels,
 * and signatures with SHA-1, are not valid.
 */
#ifndef RATLS_IMA_SIGNATURE_H
#define RATLS_IMA_SIGNATURE_H

#include "crypto_signer.h"
#include "ima.h"

enum ratls_ima_xattr { /* enum evm_ima_xattr_type, those that are signatures by a key */
                       RATLS_IMA_XATTR_DIGSIG = 3,
                       RATLS_IMA_XATTR_VERITY_DIGSIG = 6,
};

struct ratls_ima_signature {
    uint8_t type;    /* enum ratls_ima_xattr */
    uint8_t version; /* 2 for DIGSIG, 3 for VERITY_DIGSIG */
    uint8_t hash;    /* the kernel's number: ratls_ima_hash_name() */
    struct ratls_slice key_id;
    struct ratls_slice value;
};

/* Returns NULL, or what is wrong with the bytes of the xattr. */
const char *ratls_ima_signature_read(struct ratls_slice xattr,
                                     struct ratls_ima_signature *ret_signature);

/*
 * *ret_why: NULL if the entry has a signature over its file's digest by one of the signers; else
 * why not. What it says of the file holds as far as the entry was replayed to a quoted PCR.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ima_check_signature(const struct ratls_ima_entry *entry,
                                                             const struct ratls_signer *signers,
                                                             size_t count, const char **ret_why,
                                                             struct ratls_error *err);

#endif
