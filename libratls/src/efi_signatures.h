/*
 * What PK, KEK, db and dbx hold: lists of certificates and digests (UEFI Specification 2.10,
 * 32.4.1, EFI_SIGNATURE_LIST). It borrows from its input and allocates nothing.
 */
#ifndef RATLS_EFI_SIGNATURES_H
#define RATLS_EFI_SIGNATURES_H

#include "bytes.h"

enum ratls_efi_signature_kind {
    RATLS_EFI_OTHER, /* of a type that is none of the others */
    RATLS_EFI_X509,  /* a certificate (DER) */
    RATLS_EFI_SHA256 /* the Authenticode digest of an image */
};

struct ratls_efi_signature {
    enum ratls_efi_signature_kind kind;
    struct ratls_slice owner; /* GUID of who put it there; states nothing */
    struct ratls_slice data;
};

/* Nothing in it may be taken for what the variable holds before the walk has come to a good end. */
struct ratls_efi_signatures {
    struct ratls_reader reader;
    struct ratls_reader list; /* what is left of the current list */
    enum ratls_efi_signature_kind kind;
    uint32_t signature_len; /* of the current list, with the owner */
};

struct ratls_efi_signatures ratls_efi_signatures(struct ratls_slice content);
/* False at the end, and at what is not such a list. */
bool ratls_efi_signatures_next(struct ratls_efi_signatures *signatures,
                               struct ratls_efi_signature *ret_signature);
/* Whether the end was reached and all was good. */
bool ratls_efi_signatures_done(const struct ratls_efi_signatures *signatures);

#endif
