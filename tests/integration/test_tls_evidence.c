/* Evidence in the wrong place, of every length, and twice: what the bytes on the wire can do wrong. */
#include <criterion/criterion.h>
#include <string.h>

#include "tls_assert.h"

static struct tls_pair *pair_with_raw(struct tls_world *world, SSL_CTX **ret_server,
                                      struct tls_raw *raw)
{
    *ret_server = tls_plain_server(world);
    tls_raw_add(*ret_server, raw);
    return tls_pair_new(world->client, *ret_server, TLS_NAME);
}

/* What the server of this world sends in a handshake with its client. Freed by the caller. */
static struct tls_bytes record_evidence(struct tls_world *world)
{
    struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);
    struct tls_bytes evidence = {0};
    const uint8_t *p;
    size_t len;

    assert_accepted(pair);
    p = ratls_tls_evidence(pair->client.ssl, &len);
    cr_assert_not_null(p);
    tls_bytes_add(&evidence, p, len);
    tls_pair_free(pair);
    return evidence;
}

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
        struct tls_raw raw = {.context = rows[i].context, .chain_index = rows[i].chain_index,
                              .p = evidence.p, .len = evidence.len};
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
        struct tls_raw raw = {.context = SSL_EXT_TLS1_3_CERTIFICATE, .p = longest,
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
