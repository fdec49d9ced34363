/*
 * A TPM that is none: an OpenSSL key that signs quotes as a TPM would, and as none would.
 * Everything it writes goes through a draft that a test may change at each stage, with later stages
 * made from the change: who changes the statement gets a valid quote over the changed statement.
 *
 * Nothing here returns an error but the attester: what fails prints why and aborts the test.
 */
#ifndef RATLS_TEST_FAKE_TPM_H
#define RATLS_TEST_FAKE_TPM_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <ratls/attester.h>
#include <ratls/verifier.h>

#include "evidence.h"
#include "fake_tsa.h"
#include "statement.h"
#include "tpm_wire.h"

enum fake_algorithm {
    FAKE_ECDSA_P256, /* with SHA-256 */
    FAKE_ECDSA_P384, /* with SHA-384 */
    FAKE_RSASSA,     /* 2048 bits, with SHA-256 */
    FAKE_RSAPSS,     /* 2048 bits, with SHA-256 */
};

#define FAKE_AK_ATTRIBUTES                                                                         \
    (RATLS_TPMA_FIXED_TPM | RATLS_TPMA_FIXED_PARENT | RATLS_TPMA_SENSITIVE_DATA_ORIGIN |           \
     RATLS_TPMA_RESTRICTED | RATLS_TPMA_SIGN)

/* What a TPMT_PUBLIC says beside the key. */
struct fake_area {
    uint16_t name_alg;
    uint32_t attributes;
    uint16_t scheme;
    uint16_t scheme_hash;
    uint32_t exponent; /* of RSA; 0 stands for 65537 */
};

#define FAKE_BANKS 4 /* SHA-1, SHA-256, SHA-384, SHA-512 */
#define FAKE_CHAIN_MAX RATLS_CERTIFICATES_MAX

/* Bytes of a draft, longer than any format allows. */
struct fake_bytes {
    size_t len;
    uint8_t p[2048];
};

/* The proof that a TLS key is in the TPM (item 10), while it is made. */
struct fake_proof {
    EVP_PKEY *key; /* borrowed */
    struct fake_area area;
    struct fake_bytes public_area;
    uint8_t spki_sha256[32]; /* that extraData is made of */
    uint32_t magic;
    uint16_t type;
    struct fake_bytes extra_data;
    struct fake_bytes name;
    struct fake_bytes attest;
    EVP_PKEY *signer; /* borrowed */
    struct fake_bytes signature;
    struct fake_bytes item;
};

enum fake_proof_stage {
    FAKE_PROOF_KEY,    /* key and area; then all is made of them */
    FAKE_PROOF_ATTEST, /* public_area and all fields of TPMS_ATTEST; then it is encoded */
    FAKE_PROOF_SIGN,   /* attest and signer; then it is signed */
    FAKE_PROOF_SIGNED, /* signature, and the others; then the item is encoded */
    FAKE_PROOF_ITEM,   /* item; the manifest covers it */
};

struct fake_tpm {
    EVP_PKEY *key;
    struct fake_area area;
    char service[RATLS_SERVICE_MAX + 1];
    uint64_t clock_ms; /* goes on by one with each quote */
    uint32_t reset_count;
    uint32_t restart_count;
    bool safe;
    uint64_t firmware_version;
    uint8_t pcrs[FAKE_BANKS][RATLS_PCR_COUNT][64];
    size_t chain_count; /* certificates of the key, its own first */
    uint8_t *chain[FAKE_CHAIN_MAX];
    size_t chain_len[FAKE_CHAIN_MAX];
    /* Logs of the machine, borrowed: sent if they are asked for. An IMA list needs its ima_alg. */
    struct ratls_slice boot_log;
    uint16_t ima_alg; /* 0: there is none */
    struct ratls_slice ima_list;
    /* NULL: it has no epochs. Else borrowed, with what the token says: evidence is of an epoch. */
    const struct fake_tsa *tsa;
    struct fake_stamp stamp;
    struct ratls_slice
        token_again;     /* borrowed: this one, made before, instead of one that is made */
    EVP_PKEY *epoch_key; /* made when it is needed; owned */
    EVP_PKEY *tls_key;   /* NULL: it has none; else borrowed, and proved to who asks for it */
    /* May be NULL. Called at each stage of such a proof. */
    void (*change_proof)(enum fake_proof_stage stage, struct fake_proof *proof);
};

/* PCR i of every bank begins as bytes that differ between banks and PCRs. */
struct fake_tpm *fake_tpm_new(enum fake_algorithm algorithm);
void fake_tpm_free(struct fake_tpm *tpm);
/* The value of a PCR, as long as a digest of its bank; may be written to. */
uint8_t *fake_tpm_pcr(struct fake_tpm *tpm, uint16_t bank, unsigned index);
/* One more certificate of the chain; copied. */
void fake_tpm_add_certificate(struct fake_tpm *tpm, const X509 *certificate);
/* TPMT_PUBLIC of the key; at most RATLS_TPM_STRUCTURE_MAX bytes. Returns its length. */
size_t fake_tpm_public(const struct fake_tpm *tpm, uint8_t *out);
/* The Name of the key; at most RATLS_TPM_NAME_MAX bytes. Returns its length. */
size_t fake_tpm_name(const struct fake_tpm *tpm, uint8_t *out);

/* The pieces: a TPM2B, a TPMT_PUBLIC, a digest and a Name (Part 1, 16), each by OpenSSL alone. */
void fake_write_tpm2b(struct ratls_writer *w, struct ratls_slice bytes);
void fake_write_public(EVP_PKEY *key, const struct fake_area *area, struct ratls_writer *w);
size_t fake_digest(uint16_t alg, struct ratls_slice in, uint8_t *out);
size_t fake_name(uint16_t alg, struct ratls_slice public, uint8_t *out);

void fake_bytes_set(struct fake_bytes *bytes, const void *p, size_t len);

enum fake_stage {
    FAKE_AREA,      /* area; then the Name is made */
    FAKE_STATEMENT, /* statement; then it is encoded */
    FAKE_EPOCH,  /* of an epoch: epoch_statement, session_cbor, epoch_signer; then it is signed */
    FAKE_LEAF,   /* statement_cbor and path; then the root is made */
    FAKE_QUOTE,  /* all fields of TPMS_ATTEST, and the PCR values; then it is encoded */
    FAKE_ATTEST, /* attest; then it is signed */
    FAKE_SIGNED, /* signature, ak_public, chain, all else that the evidence has; then encoded */
    FAKE_WIRE,   /* wire */
};

struct fake_draft {
    struct fake_tpm *tpm;
    const struct ratls_attest_request *request;

    struct fake_area area;
    struct ratls_statement statement; /* the slices may be replaced */
    uint8_t manifest[32];             /* what statement.manifest is in */
    struct fake_bytes statement_cbor; /* what is quoted: of an epoch, epoch_statement's */
    struct ratls_merkle_path path;

    uint32_t magic;
    uint16_t type;
    struct fake_bytes qualified_signer;
    struct fake_bytes extra_data;
    uint64_t clock_ms;
    uint32_t reset_count;
    uint32_t restart_count;
    uint8_t safe;
    uint64_t firmware_version;
    struct ratls_tpm_selection selection;
    struct fake_bytes pcr_digest;
    struct fake_bytes pcr_values;
    struct fake_bytes attest;

    size_t token_len;              /* 0: not of an epoch, and so with what follows */
    struct ratls_slice token_text; /* sent instead of a token, if it is not empty */
    uint8_t token[RATLS_TOKEN_MAX];
    struct ratls_statement epoch_statement;
    uint8_t epoch_context[32];
    struct fake_bytes session_cbor; /* of statement */
    struct fake_bytes epoch_spki;
    EVP_PKEY *epoch_signer; /* borrowed */
    struct fake_bytes epoch_signature;

    EVP_PKEY *signer; /* borrowed */
    uint16_t signature_alg;
    uint16_t signature_hash;
    struct fake_bytes signature;
    struct fake_bytes ak_public;
    struct fake_bytes tls_key;      /* the proof; empty if there is none */
    struct ratls_evidence evidence; /* of what is above; changes at FAKE_SIGNED are kept */

    size_t wire_len;
    uint8_t wire[RATLS_EVIDENCE_MAX + 1024];
};

/* Called at each stage. */
typedef void fake_tamper(enum fake_stage stage, struct fake_draft *draft, void *arg);

#define FAKE_BATCH_DEPTH 6

/* A fake_tamper: the quote of a batch of 64, the hashes of the others are whatever they are. */
void fake_batch(enum fake_stage stage, struct fake_draft *draft, void *arg);

/* A draft that went through all stages. tamper may be NULL. The caller frees it with free(). */
struct fake_draft *fake_tpm_attest(struct fake_tpm *tpm, const struct ratls_attest_request *request,
                                   fake_tamper *tamper, void *arg);
/* The same in a draft that is there; but for its wire, nothing of before is left in it. */
void fake_tpm_attest_into(struct fake_tpm *tpm, const struct ratls_attest_request *request,
                          fake_tamper *tamper, void *arg, struct fake_draft *draft);

/* fake_tls_key.c: before the manifest is made, which covers it. */
void fake_tls_key(struct fake_draft *draft);
#define FAKE_TLS_KEY_ATTRIBUTES                                                                    \
    (RATLS_TPMA_FIXED_TPM | RATLS_TPMA_FIXED_PARENT | RATLS_TPMA_SENSITIVE_DATA_ORIGIN |           \
     RATLS_TPMA_USER_WITH_AUTH | RATLS_TPMA_SIGN)
/* SHA-256 of the SubjectPublicKeyInfo, by OpenSSL alone. */
void fake_spki_sha256(EVP_PKEY *key, uint8_t out[static 32]);
/* TPMT_SIGNATURE over bytes, by the scheme of the key that signs. */
void fake_write_signature(EVP_PKEY *signer, uint16_t alg, uint16_t hash, struct ratls_slice bytes,
                          struct fake_bytes *out);

/* The stages of an epoch, in fake_epoch.c. */
void fake_epoch_token(struct fake_draft *draft);
void fake_epoch_fill(struct fake_draft *draft);
void fake_epoch_sign(struct fake_draft *draft);

/* PCR values of the draft's selection, and their digest by the hash of the scheme. */
void fake_draft_pcrs(struct fake_draft *draft);

/* The request that an honest TLS side would make for what a verifier expects. */
void fake_request(const struct ratls_expectation *expectation,
                  const struct ratls_pcr_selection *selection, struct ratls_attest_request *ret);

/* An attester over a TPM that it borrows; may be used by many threads. tamper may be NULL. */
struct ratls_attester *fake_attester_new(struct fake_tpm *tpm, fake_tamper *tamper, void *arg);

/* Changed while it is used, from any thread. A changed state is one of the TPM: fake_tpm_pcr(). */
struct fake_attester_knobs {
    atomic_uint delay_ms; /* before each answer */
    atomic_bool fails;    /* RATLS_TPM instead of evidence or a state */
    atomic_uint states;   /* counts how often the state was asked for */
};

/* Borrowed, as long as the attester lives. */
void fake_attester_set_knobs(struct ratls_attester *interface, struct fake_attester_knobs *knobs);

#endif
