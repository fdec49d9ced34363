/* Evidence in the wrong place, of every length, and twice: what the bytes on the wire can do wrong.
 */
#include <criterion/criterion.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "tls_assert.h"

#define RECORD_HEAD 5
#define RECORD_MAX 16640
#define TAG_LEN 16
#define IV_LEN 12
#define KEY_LEN 16
#define SECRET_LEN 32

/* Where a server may say something, and where only. */
Test(tls_evidence, place_of_the_extension)
{
    static const struct {
        unsigned context;
        size_t chain_index;
        const char *check; /* NULL: OpenSSL does not let it in */
    } rows[] = {
        {SSL_EXT_TLS1_3_CERTIFICATE, 1, "evidence.place"},
        {SSL_EXT_TLS1_3_CERTIFICATE, SIZE_MAX, "evidence.place"},
        {SSL_EXT_TLS1_3_SERVER_HELLO, 0, "evidence.place"},
        {SSL_EXT_TLS1_3_SERVER_HELLO | SSL_EXT_TLS1_3_CERTIFICATE, 0, "evidence.place"},
        {SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS, 0, NULL},
        {SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS | SSL_EXT_TLS1_3_CERTIFICATE, 0, NULL},
    };
    struct tls_world *world = tls_world_new();
    struct tls_bytes evidence = record_evidence(world);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct tls_raw raw = {.context = rows[i].context,
                              .chain_index = rows[i].chain_index,
                              .p = evidence.p,
                              .len = evidence.len};
        SSL_CTX *server;
        struct tls_pair *pair;

        pair = pair_with_raw(world, &server, &raw);
        cr_assert(SSL_add1_chain_cert(pair->server.ssl, world->ca));
        if (rows[i].check != NULL) {
            cr_assert_not(tls_pair_handshake(pair));
            cr_assert_eq(tls_verdict(pair, rows[i].check), RATLS_FAIL, "row %zu: %s", i,
                         pair->client.reason_text);
            assert_nothing_leaves(pair);
        } else {
            assert_stopped(pair, SSL_AD_ILLEGAL_PARAMETER, -1);
        }
        tls_pair_free(pair);
        SSL_CTX_free(server);
    }
    free(evidence.p);
    tls_world_free(world);
}

Test(tls_evidence, lengths)
{
    struct tls_world *world = tls_world_new();
    struct tls_bytes evidence = record_evidence(world);
    static uint8_t longest[RATLS_EVIDENCE_MAX];

    for (size_t len = 0; len <= evidence.len; len += len < 8 ? 1 : 97) {
        size_t sent = len < evidence.len - 97 ? len : evidence.len - 1;
        struct tls_raw raw = {.context = SSL_EXT_TLS1_3_CERTIFICATE, .p = evidence.p, .len = sent};
        SSL_CTX *server;
        struct tls_pair *pair = pair_with_raw(world, &server, &raw);

        assert_refused(pair, "evidence.format");
        tls_pair_free(pair);
        SSL_CTX_free(server);
    }
    memcpy(longest, evidence.p, evidence.len); /* with trailing bytes */
    for (size_t i = 0; i < 2; i++) {
        struct tls_raw raw = {.context = SSL_EXT_TLS1_3_CERTIFICATE,
                              .p = longest,
                              .len = i == 0 ? evidence.len + 1 : sizeof longest};
        SSL_CTX *server;
        struct tls_pair *pair = pair_with_raw(world, &server, &raw);

        assert_refused(pair, "evidence.format");
        tls_pair_free(pair);
        SSL_CTX_free(server);
    }
    free(evidence.p);
    tls_world_free(world);
}

/*
 * No server of OpenSSL sends an extension twice. So the test opens the record of the Certificate
 * message with the server's handshake traffic secret, changes it, and seals it again (RFC
 * 8446, 5.2).
 */
static uint8_t traffic_secret[SECRET_LEN];

static void keep_secret(const SSL *ssl, const char *line)
{
    static const char label[] = "SERVER_HANDSHAKE_TRAFFIC_SECRET ";

    (void)ssl;
    if (strncmp(line, label, sizeof label - 1) == 0)
        cr_assert(ratls_unhex(strrchr(line, ' ') + 1, traffic_secret, sizeof traffic_secret));
}

static void expand(const char *label, uint8_t *out, size_t len)
{
    char digest[] = "SHA256", prefix[] = "tls13 ", words[8];
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", NULL);
    EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM params[6];

    snprintf(words, sizeof words, "%s", label);
    params[0] = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
    params[1] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
    params[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, traffic_secret, SECRET_LEN);
    params[3] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, prefix, strlen(prefix));
    params[4] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, words, strlen(words));
    params[5] = OSSL_PARAM_construct_end();
    cr_assert_eq(EVP_KDF_derive(ctx, out, len, params), 1);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
}

/* A record whose head says how long it will be. in and out may be the same. */
static void crypt_record(bool seal, uint64_t number, const uint8_t *head, uint8_t *text, size_t len)
{
    uint8_t key[KEY_LEN], iv[IV_LEN];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n;

    expand("key", key, sizeof key);
    expand("iv", iv, sizeof iv);
    for (unsigned i = 0; i < 8; i++)
        iv[IV_LEN - 1 - i] ^= (uint8_t)(number >> (8 * i));
    cr_assert(EVP_CipherInit_ex(ctx, EVP_aes_128_gcm(), NULL, key, iv, seal));
    cr_assert(EVP_CipherUpdate(ctx, NULL, &n, head, RECORD_HEAD));
    cr_assert(EVP_CipherUpdate(ctx, text, &n, text, (int)len));
    if (!seal)
        cr_assert(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_LEN, text + len));
    cr_assert(EVP_CipherFinal_ex(ctx, text + len, &n), "the record does not open");
    if (seal)
        cr_assert(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN, text + len));
    EVP_CIPHER_CTX_free(ctx);
}

static void add_to_length(uint8_t *p, size_t bytes, size_t more)
{
    size_t value = more;

    for (size_t i = 0; i < bytes; i++)
        value += (size_t)p[i] << (8 * (bytes - 1 - i));
    for (size_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

/* A Certificate message of one entry, whose only extension is doubled. Returns its new length. */
static size_t double_extension(uint8_t *message, size_t len)
{
    size_t certificate_len = (size_t)message[8] << 16 | (size_t)message[9] << 8 | message[10];
    size_t at = 11 + certificate_len; /* of the length of the extensions */
    size_t extensions = len - at - 2;

    cr_assert_eq(message[0], SSL3_MT_CERTIFICATE);
    cr_assert_eq(message[at + 2] << 8 | message[at + 3], TLS_EXTENSION);
    memcpy(message + len, message + at + 2, extensions);
    add_to_length(message + 1, 3, extensions);
    add_to_length(message + 5, 3, extensions);
    add_to_length(message + at, 2, extensions);
    return len + extensions;
}

/* The second encrypted record of the server's flight; all others stay as they are. */
static void forward_flight(struct tls_pair *pair, bool doubled)
{
    uint8_t head[RECORD_HEAD];
    static uint8_t text[2 * RECORD_MAX];
    uint64_t encrypted = 0;

    while (BIO_read(pair->server.wire, head, sizeof head) == sizeof head) {
        size_t len = (size_t)head[3] << 8 | head[4];

        cr_assert_eq(BIO_read(pair->server.wire, text, (int)len), (int)len);
        if (head[0] == SSL3_RT_APPLICATION_DATA && encrypted++ == 1) {
            crypt_record(false, 1, head, text, len - TAG_LEN);
            len -= TAG_LEN + 1; /* the last byte is the type of the content */
            if (doubled)
                len = double_extension(text, len);
            text[len++] = SSL3_RT_HANDSHAKE;
            head[3] = (uint8_t)((len + TAG_LEN) >> 8);
            head[4] = (uint8_t)(len + TAG_LEN);
            crypt_record(true, 1, head, text, len);
            len += TAG_LEN;
        }
        cr_assert_eq(BIO_write(pair->client.wire, head, sizeof head), sizeof head);
        cr_assert_eq(BIO_write(pair->client.wire, text, (int)len), (int)len);
    }
    cr_assert_gt(encrypted, 2);
}

Test(tls_evidence, twice_in_one_entry)
{
    struct tls_world *world = tls_world_new();

    cr_assert(SSL_CTX_set_ciphersuites(world->client, "TLS_AES_128_GCM_SHA256"));
    SSL_CTX_set_keylog_callback(world->server, keep_secret);
    for (int doubled = 0; doubled < 2; doubled++) {
        struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);

        cr_assert_eq(SSL_do_handshake(pair->client.ssl), -1);
        tls_pair_carry(pair);
        cr_assert_eq(SSL_do_handshake(pair->server.ssl), -1);
        forward_flight(pair, doubled != 0);
        if (doubled) {
            assert_stopped(pair, SSL_AD_ILLEGAL_PARAMETER, -1);
            cr_assert_null(ratls_tls_report(pair->client.ssl));
        } else {
            assert_accepted(pair); /* the harness itself: opened and sealed, nothing changed */
        }
        tls_pair_free(pair);
    }
    tls_world_free(world);
}
