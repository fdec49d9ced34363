/*
 * Public areas of endorsement keys, as the templates of the TCG EK Credential Profile (for TPM 2.0,
 * version 2.5, B.3 and B.4) make them. A maker certifies a key only: that it is a restricted
 * decryption key follows from the area, which is therefore made here and never taken from a peer.
 */
#ifndef RATLS_EK_TEMPLATE_H
#define RATLS_EK_TEMPLATE_H

#include <openssl/types.h>

#include <ratls/error.h>

#include "bytes.h"

/* The numbers are those of requests (WIRE.md). H-5, whose key is of SM2, has none. */
enum ratls_ek_template {
    RATLS_EK_L1 = 1, /* RSA 2048 */
    RATLS_EK_L2,     /* P-256 */
    RATLS_EK_H1,     /* RSA 2048 */
    RATLS_EK_H2,     /* P-256 */
    RATLS_EK_H3,     /* P-384 */
    RATLS_EK_H4,     /* P-521 */
    RATLS_EK_H6,     /* RSA 3072 */
    RATLS_EK_H7,     /* RSA 4096 */
};

#define RATLS_EK_AREA_MAX 640 /* RSA 4096, with a policy of SHA-384, needs 590 */

struct ratls_ek_profile {
    enum ratls_ek_template id;
    const char *name;        /* "L-1" */
    const char *key;         /* "RSA 2048", for people */
    bool is_high;            /* of the range whose keys can be used with their empty password */
    uint16_t type;           /* RATLS_ALG_RSA or RATLS_ALG_ECC */
    uint16_t name_alg;       /* also of the credential's seed and integrity */
    uint16_t aes_bits;       /* of its protection */
    uint16_t rsa_bits;       /* 0: ECC */
    uint16_t curve;          /* 0: RSA */
    uint32_t certificate_nv; /* indices of the TPM's NV memory */
    uint32_t nonce_nv;       /* 0: this range has none */
    uint32_t template_nv;
    uint32_t handle; /* where such a key may lie; 0: nowhere in particular */
};

/* NULL if there is no such template. */
const struct ratls_ek_profile *ratls_ek_profile(unsigned id);
/* By its name, such as "L-1"; NULL if there is none. */
const struct ratls_ek_profile *ratls_ek_profile_named(const char *name);

uint32_t ratls_ek_attributes(const struct ratls_ek_profile *profile);
struct ratls_slice ratls_ek_policy(const struct ratls_ek_profile *profile);

/* Whether the key is of the type and the size of the template. */
bool ratls_ek_fits(const struct ratls_ek_profile *profile, const EVP_PKEY *key);

/*
 * The TPMT_PUBLIC of this key under this template, with coordinates in full length, or, for a TPM
 * that leaves leading zeros out, without those. RATLS_MALFORMED if the key does not fit.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ek_area(const struct ratls_ek_profile *profile,
                                                 EVP_PKEY *key, bool is_stripped,
                                                 uint8_t out[static RATLS_EK_AREA_MAX],
                                                 size_t *ret_len, struct ratls_error *err);

/* Whether a peer's area is exactly that of this key under this template. */
RATLS_MUST_CHECK enum ratls_status ratls_ek_area_matches(const struct ratls_ek_profile *profile,
                                                         EVP_PKEY *key, struct ratls_slice area,
                                                         bool *ret_matches,
                                                         struct ratls_error *err);

#endif
