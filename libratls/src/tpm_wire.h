/*
 * Readers of TPM structures that a peer sent (TPM 2.0 Part 2). They borrow from their input, check
 * every bound and every enumeration, and refuse trailing bytes. No tss2 header is used.
 */
#ifndef RATLS_TPM_WIRE_H
#define RATLS_TPM_WIRE_H

#include <ratls/attester.h>

#include "bytes.h"

#define RATLS_TPM_GENERATED 0xff544347u /* Part 2, 6.2 */
#define RATLS_TPM_ST_ATTEST_CERTIFY 0x8017 /* Part 2, 6.9 */
#define RATLS_TPM_ST_ATTEST_QUOTE 0x8018
#define RATLS_TPM_BANKS_MAX 16
#define RATLS_TPM_NAME_MAX 66 /* u16 algorithm and a SHA-512 digest */

enum ratls_tpm_alg { /* Part 2, 6.3 */
    RATLS_ALG_RSA = 0x0001,
    RATLS_ALG_TDES = 0x0003,
    RATLS_ALG_SHA1 = 0x0004,
    RATLS_ALG_AES = 0x0006,
    RATLS_ALG_MGF1 = 0x0007,
    RATLS_ALG_SHA256 = 0x000B,
    RATLS_ALG_SHA384 = 0x000C,
    RATLS_ALG_SHA512 = 0x000D,
    RATLS_ALG_NULL = 0x0010,
    RATLS_ALG_SM3_256 = 0x0012,
    RATLS_ALG_SM4 = 0x0013,
    RATLS_ALG_RSASSA = 0x0014,
    RATLS_ALG_RSAES = 0x0015,
    RATLS_ALG_RSAPSS = 0x0016,
    RATLS_ALG_OAEP = 0x0017,
    RATLS_ALG_ECDSA = 0x0018,
    RATLS_ALG_ECDH = 0x0019,
    RATLS_ALG_ECDAA = 0x001A,
    RATLS_ALG_SM2 = 0x001B,
    RATLS_ALG_ECSCHNORR = 0x001C,
    RATLS_ALG_ECMQV = 0x001D,
    RATLS_ALG_KDF1_SP800_56A = 0x0020,
    RATLS_ALG_KDF2 = 0x0021,
    RATLS_ALG_KDF1_SP800_108 = 0x0022,
    RATLS_ALG_ECC = 0x0023,
    RATLS_ALG_CAMELLIA = 0x0026,
    RATLS_ALG_SHA3_256 = 0x0027,
    RATLS_ALG_SHA3_384 = 0x0028,
    RATLS_ALG_SHA3_512 = 0x0029,
};

enum ratls_tpm_curve { /* Part 2, 6.4 */
    RATLS_CURVE_P192 = 0x0001,
    RATLS_CURVE_P256 = 0x0003,
    RATLS_CURVE_P384 = 0x0004,
    RATLS_CURVE_P521 = 0x0005,
    RATLS_CURVE_BN_P256 = 0x0010,
    RATLS_CURVE_BN_P638 = 0x0011,
    RATLS_CURVE_SM2_P256 = 0x0020,
};

enum ratls_tpm_attribute { /* Part 2, 8.3 (TPMA_OBJECT) */
    RATLS_TPMA_FIXED_TPM = 1 << 1,
    RATLS_TPMA_FIXED_PARENT = 1 << 4,
    RATLS_TPMA_SENSITIVE_DATA_ORIGIN = 1 << 5,
    RATLS_TPMA_USER_WITH_AUTH = 1 << 6,
    RATLS_TPMA_ADMIN_WITH_POLICY = 1 << 7,
    RATLS_TPMA_ENCRYPTED_DUPLICATION = 1 << 11,
    RATLS_TPMA_RESTRICTED = 1 << 16,
    RATLS_TPMA_DECRYPT = 1 << 17,
    RATLS_TPMA_SIGN = 1 << 18,
    RATLS_TPMA_X509_SIGN = 1 << 19,
};

/* "sha256" and so on; NULL for an algorithm that is not one of SHA-1 and SHA-2. */
const char *ratls_tpm_hash_name(uint16_t alg);
uint16_t ratls_tpm_hash_alg(const char *name); /* 0 if there is none */
size_t ratls_tpm_hash_len(uint16_t alg);       /* in bytes; 0 for what is not known */
bool ratls_tpm_is_strong_hash(uint16_t alg);   /* SHA-256, SHA-384 or SHA-512 */
const char *ratls_tpm_alg_name(uint16_t alg);  /* for reports: any TPM_ALG_ID, or "unknown" */

/* TPML_PCR_SELECTION as it was signed: order, duplicates and empty banks are kept. */
struct ratls_tpm_selection {
    size_t count;
    struct ratls_pcr_bank banks[RATLS_TPM_BANKS_MAX];
};

/* Part 2, 10.12.12 (TPMS_ATTEST). */
struct ratls_tpm_attest {
    struct ratls_slice raw; /* what the signature is over */
    uint32_t magic;
    uint16_t type;
    struct ratls_slice qualified_signer;
    struct ratls_slice extra_data;
    uint64_t clock_ms;
    uint32_t reset_count;
    uint32_t restart_count;
    bool safe;
    uint64_t firmware_version;
    /* TPMS_QUOTE_INFO; count 0 and an empty digest if type is not a quote. */
    struct ratls_tpm_selection selection;
    struct ratls_slice pcr_digest;
};

/*
 * False if the bytes are not a TPMS_ATTEST. A wrong magic, or another type than a quote, is read as
 * far as it can be and left to the checks; then what follows firmwareVersion is not looked at.
 */
bool ratls_tpm_read_attest(struct ratls_slice in, struct ratls_tpm_attest *ret_attest);
/*
 * The same of what TPM2_Certify signs (TPMS_CERTIFY_INFO): *ret_name is the Name of the key that is
 * certified; empty if the type is another, of which what follows firmwareVersion is not looked at.
 */
bool ratls_tpm_read_certify(struct ratls_slice in, struct ratls_tpm_attest *ret_attest,
                            struct ratls_slice *ret_name);

/* Part 2, 12.2.4 (TPMT_PUBLIC), of a signing key. */
struct ratls_tpm_public {
    struct ratls_slice raw;
    uint16_t type; /* RATLS_ALG_RSA or RATLS_ALG_ECC */
    uint16_t name_alg;
    uint32_t attributes;
    struct ratls_slice auth_policy;
    uint16_t scheme; /* RATLS_ALG_NULL: none */
    uint16_t scheme_hash;
    uint16_t rsa_bits;
    uint32_t rsa_exponent; /* 0 stands for 65537 and is replaced by it */
    struct ratls_slice rsa_modulus;
    uint16_t curve;
    struct ratls_slice x, y;
};

bool ratls_tpm_read_public(struct ratls_slice in, struct ratls_tpm_public *ret_public);

/* Part 2, 11.3.4 (TPMT_SIGNATURE): ECDSA, RSASSA or RSAPSS; false for any other. */
struct ratls_tpm_signature {
    uint16_t alg;
    uint16_t hash;
    struct ratls_slice r, s; /* ECDSA */
    struct ratls_slice rsa;
};

bool ratls_tpm_read_signature(struct ratls_slice in, struct ratls_tpm_signature *ret_signature);

/* "sha256:0,1,7 sha384:0", for reports. */
void ratls_tpm_selection_text(const struct ratls_pcr_bank *banks, size_t count, char *out,
                              size_t cap);

/* Sum of the digest lengths of all PCRs of a selection; 0 if a bank's hash is not known. */
size_t ratls_tpm_selection_values_len(const struct ratls_pcr_bank *banks, size_t count);

#endif
