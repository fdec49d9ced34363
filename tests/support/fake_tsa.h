/*
 * A time stamp authority, and what passes itself off as one: tokens of RFC 3161 as a test wants
 * them, put together by hand, for OpenSSL's own maker refuses to make most of the bad ones.
 * Nothing here returns an error: what fails prints why and aborts the test.
 */
#ifndef RATLS_TEST_FAKE_TSA_H
#define RATLS_TEST_FAKE_TSA_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "epoch.h"
#include "token.h"

struct fake_tsa {
    EVP_PKEY *key;
    X509 *certificate;
    X509 *issuer; /* sent too; NULL: none; owned */
};

/* What a token says, and how it is signed. All but the time may stay 0. */
struct fake_stamp {
    int64_t time; /* genTime */
    long accuracy_s;
    long accuracy_ms;
    const char *time_text;   /* instead of time */
    long version;            /* 0: 1 */
    const uint8_t *imprint;  /* 32 bytes that are stamped; NULL: random */
    int content;             /* NID of the content; 0: TSTInfo */
    int signed_content;      /* NID in the signed attributes; 0: TSTInfo */
    const EVP_MD *digest;    /* of the signature; NULL: SHA-256 */
    bool has_no_attributes;  /* none is signed */
    bool has_no_ess;         /* no signing certificate among them */
    int digest_type;         /* tag of the messageDigest; 0: OCTET STRING */
    int ess_type;            /* tag of the signing certificate; 0: SEQUENCE */
    bool has_no_certificate; /* none is sent */
    bool is_cut;             /* of TSTInfo only the first half is there */
    bool has_critical;       /* a critical extension in TSTInfo */
    bool is_signed_twice;
};

/* Signed by itself, for time stamps alone, valid now; or with `spec`, whose key is made here. */
struct pki_spec;
struct fake_tsa *fake_tsa_new(const struct pki_spec *spec);
void fake_tsa_free(struct fake_tsa *tsa); /* accepts NULL */

/* DER; returns its length. */
size_t fake_tsa_token(const struct fake_tsa *tsa, const struct fake_stamp *stamp,
                      uint8_t out[static RATLS_TOKEN_MAX]);

#endif
