/* RFC 8446, 7.5 with SHA-256, from a secret and HMAC alone: what OpenSSL's exporter must give. */
#ifndef RATLS_TEST_EXPORTER_BY_HAND_H
#define RATLS_TEST_EXPORTER_BY_HAND_H

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "bytes.h"
#include "must.h"

#define EXPORTER_HASH_LEN 32

/* HKDF-Expand-Label() of one block is HMAC(secret, HkdfLabel || 01). */
static inline void expand_label_by_hand(const uint8_t *secret, const char *label,
                                        const uint8_t *hash, uint8_t *out)
{
    uint8_t info[128];
    struct ratls_writer w = ratls_writer(info, sizeof info);

    ratls_write_u16(&w, EXPORTER_HASH_LEN);
    ratls_write_u8(&w, (uint8_t)(strlen("tls13 ") + strlen(label)));
    ratls_write_bytes(&w, ratls_slice("tls13 ", strlen("tls13 ")));
    ratls_write_bytes(&w, ratls_slice(label, strlen(label)));
    ratls_write_u8(&w, EXPORTER_HASH_LEN);
    ratls_write_bytes(&w, ratls_slice(hash, EXPORTER_HASH_LEN));
    ratls_write_u8(&w, 1);
    must(!w.failed);
    must(HMAC(EVP_sha256(), secret, EXPORTER_HASH_LEN, info, w.len, out, NULL) != NULL);
}

static inline void export_by_hand(const uint8_t *secret, const char *label,
                                  struct ratls_slice bound, uint8_t out[static EXPORTER_HASH_LEN])
{
    uint8_t hash[EXPORTER_HASH_LEN], derived[EXPORTER_HASH_LEN];

    must(EVP_Digest("", 0, hash, NULL, EVP_sha256(), NULL) == 1);
    expand_label_by_hand(secret, label, hash, derived);
    must(EVP_Digest(bound.p, bound.len, hash, NULL, EVP_sha256(), NULL) == 1);
    expand_label_by_hand(derived, "exporter", hash, out);
}

#endif
