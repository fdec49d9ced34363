/* Evidence: the CMW collection (WIRE.md, 3) and its X.509 extension (WIRE.md, 4). */
#ifndef RATLS_EVIDENCE_H
#define RATLS_EVIDENCE_H

#include <openssl/x509.h>

#include <ratls/attester.h>
#include <ratls/result.h>

#include "bytes.h"
#include "epoch.h"
#include "evidence_ima.h"
#include "merkle.h"

#define RATLS_CERTIFICATES_MAX 3
#define RATLS_CERTIFICATE_MAX 8192
#define RATLS_TPM_STRUCTURE_MAX 1024
#define RATLS_PCR_VALUES_MAX 6144

#define RATLS_BOOT_LOG_MAX 24576

/* Borrows from the bytes that it was read from. */
struct ratls_evidence {
    bool has_quote; /* false: the answer to a request for logs alone; the next nine are empty */
    struct ratls_slice statement; /* CBOR, for ratls_statement_read() */
    struct ratls_merkle_path path;
    struct ratls_slice attest;    /* TPMS_ATTEST */
    struct ratls_slice signature; /* TPMT_SIGNATURE */
    struct ratls_slice ak_public; /* TPMT_PUBLIC; empty if the key is named: */
    bool is_ak_named;             /* it is one of those that the request names, */
    size_t ak_index;              /* at this place, less than RATLS_KEY_IDS_MAX */
    struct ratls_slice pcr_values;
    size_t certificate_count;
    struct ratls_slice certificates[RATLS_CERTIFICATES_MAX]; /* DER, the AK's first */
    struct ratls_slice tls_key;  /* CBOR, for ratls_tls_key_item_read(); empty: none was sent */
    struct ratls_slice boot_log; /* compact (boot_compact.h); empty: none was sent */
    struct ratls_slice result;   /* an attestation result (CWT); empty: none was sent */
    bool has_ima;
    struct ratls_ima_slice ima;
    struct ratls_slice token; /* TimeStampToken of RFC 3161; empty: it is not of an epoch, */
    struct ratls_epoch_session session; /* and this is empty */
};

bool ratls_evidence_read(struct ratls_slice in, struct ratls_evidence *ret);
/* How many bytes of entries still fit beside all else in it; its ima is not looked at. */
size_t ratls_evidence_ima_room(const struct ratls_evidence *evidence);

void ratls_evidence_write(const struct ratls_evidence *evidence, struct ratls_writer *w);

/*
 * The manifest of the statement: SHA-256 of certificates, token and proof of the TLS key as a
 * collection of their own; empty if there are none. *ret_manifest lies in out.
 */
RATLS_MUST_CHECK enum ratls_status ratls_evidence_manifest(const struct ratls_evidence *evidence,
                                                           uint8_t out[static 32],
                                                           struct ratls_slice *ret_manifest,
                                                           struct ratls_error *err);

/*
 * Evidence in the id-pe-cmw extension of a certificate. Returns false if there is none, or more
 * than one, or its DER is not exactly one OCTET STRING. Borrows from the certificate.
 */
bool ratls_evidence_in_certificate(const X509 *certificate, struct ratls_slice *ret_evidence);

/*
 * An id-pe-cmw extension with this evidence. The caller frees it. RATLS_USAGE for evidence with
 * logs, which no certificate carries (WIRE.md, 4).
 */
RATLS_MUST_CHECK enum ratls_status ratls_evidence_extension(struct ratls_slice evidence,
                                                            X509_EXTENSION **ret_extension,
                                                            struct ratls_error *err);

#endif
