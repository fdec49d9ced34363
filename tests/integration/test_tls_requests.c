/* Clients that ask in ways in which ours never does: what an attesting server makes of them. */
#include <criterion/criterion.h>
#include <string.h>

#include "request.h"
#include "tls_assert.h"

/* All extensions together have 65535 bytes; a key share of X25519MLKEM768 takes 1216 of them. */
#define REQUEST_MAX (65535 - 2000)

/* What a client says in extension 65300 of its first and of its second ClientHello. */
struct asker {
    const uint8_t *p[2]; /* NULL: it does not send the extension */
    size_t len[2];
    size_t hellos;
    unsigned answers; /* how often the server sent the extension */
};

static int ask(SSL *ssl, unsigned type, unsigned context, const unsigned char **out,
               size_t *ret_len, X509 *certificate, size_t chain_index, int *alert, void *arg)
{
    struct asker *asker = arg;
    size_t i = asker->hellos;

    (void)ssl, (void)type, (void)certificate, (void)chain_index, (void)alert;
    if (context != SSL_EXT_CLIENT_HELLO)
        return 0;
    cr_assert_lt(i, 2);
    asker->hellos++;
    *out = asker->p[i];
    *ret_len = asker->len[i];
    return asker->p[i] != NULL;
}

static int count_answer(SSL *ssl, unsigned type, unsigned context, const unsigned char *in,
                        size_t len, X509 *certificate, size_t chain_index, int *alert, void *arg)
{
    struct asker *asker = arg;

    (void)ssl, (void)type, (void)context, (void)in, (void)len, (void)certificate;
    (void)chain_index, (void)alert;
    asker->answers++;
    return 1;
}

static SSL_CTX *asking_client(struct tls_world *world, struct asker *asker)
{
    SSL_CTX *client = tls_plain_client(world);

    cr_assert(SSL_CTX_add_custom_ext(client, TLS_EXTENSION,
                                     SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_CERTIFICATE, ask, NULL,
                                     asker, count_answer, asker));
    return client;
}

struct request_bytes {
    uint8_t p[RATLS_REQUEST_MAX];
    size_t len;
};

static struct request_bytes make_request(uint8_t nonce, uint32_t pcrs)
{
    struct request_bytes bytes = {0};
    struct ratls_request request = {.selection = {.count = 1, .banks = {{0x000B, pcrs}}}};
    struct ratls_writer w = ratls_writer(bytes.p, sizeof bytes.p);

    memset(request.nonce, nonce, sizeof request.nonce);
    ratls_request_write(&request, &w);
    cr_assert_not(w.failed);
    bytes.len = w.len;
    return bytes;
}

static struct request_bytes make_log_request(uint64_t ima_offset)
{
    struct request_bytes bytes = {0};
    struct ratls_request request = {.logs = {.boot_bank = 0x000B, .ima_bank = 0x000C}};
    struct ratls_writer w = ratls_writer(bytes.p, sizeof bytes.p);

    request.logs.ima_offset = ima_offset;
    memset(request.nonce, 7, sizeof request.nonce);
    ratls_request_write(&request, &w);
    cr_assert_not(w.failed);
    bytes.len = w.len;
    return bytes;
}

static struct request_bytes make_other_version(void)
{
    struct request_bytes bytes = make_request(7, 0xff);

    cr_assert_eq(bytes.p[1], 1); /* behind the head of the array */
    bytes.p[1] = 2;
    return bytes;
}

/* The harness itself. */
Test(tls_requests, asked_and_answered)
{
    struct tls_world *world = tls_world_new();
    struct request_bytes request = make_request(7, 0xff);
    struct asker asker = {{request.p, NULL}, {request.len, 0}, 0, 0};
    SSL_CTX *client = asking_client(world, &asker);
    struct tls_pair *pair = tls_pair_new(client, world->server, TLS_NAME);

    assert_connected(pair);
    cr_assert_eq(asker.answers, 1);
    cr_assert_eq(world->attested, 1);
    cr_assert_eq(world->asked.nonce[0], 7);
    cr_assert_eq(world->asked.selection.banks[0].pcrs, 0xff);
    tls_pair_free(pair);
    SSL_CTX_free(client);
    tls_world_free(world);
}

Test(tls_requests, logs_alone)
{
    struct tls_world *world = tls_world_new();
    struct request_bytes request = make_log_request(9);
    struct asker asker = {{request.p, NULL}, {request.len, 0}, 0, 0};
    SSL_CTX *client = asking_client(world, &asker);
    struct tls_pair *pair = tls_pair_new(client, world->server, TLS_NAME);

    assert_connected(pair);
    cr_assert_eq(asker.answers, 1);
    cr_assert_eq(world->asked.selection.count, 0);
    cr_assert_eq(world->asked.logs.boot_bank, 0x000B);
    cr_assert_eq(world->asked.logs.ima_bank, 0x000C);
    cr_assert_eq(world->asked.logs.ima_offset, 9);
    tls_pair_free(pair);
    SSL_CTX_free(client);
    tls_world_free(world);
}

/* Refused without a quote: a stranger must not keep the TPM busy with bytes that mean nothing. */
Test(tls_requests, malformed)
{
    static uint8_t zeros[REQUEST_MAX];
    struct tls_world *world = tls_world_new();
    struct request_bytes request = make_request(7, 0xff);
    const struct {
        const uint8_t *p;
        size_t len;
    } rows[] = {
        {zeros, 0},
        {zeros, 1},
        {request.p, request.len - 1},
        {request.p, request.len + 1},
        {zeros, sizeof zeros},
        {(const uint8_t *)"\x84\x01\x40\x80\x80", 5},
        {(const uint8_t *)"\xff\xff\xff\xff", 4},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct asker asker = {{rows[i].p, NULL}, {rows[i].len, 0}, 0, 0};
        SSL_CTX *client = asking_client(world, &asker);
        struct tls_pair *pair = tls_pair_new(client, world->server, TLS_NAME);

        cr_assert_not(tls_pair_handshake(pair), "row %zu", i);
        cr_assert_eq(pair->server.alert_sent, SSL_AD_DECODE_ERROR, "row %zu: alert %d", i,
                     pair->server.alert_sent);
        cr_assert_null(ratls_tls_report(pair->server.ssl));
        tls_pair_free(pair);
        SSL_CTX_free(client);
    }
    cr_assert_eq(world->attested, 0);
    tls_world_free(world);
}

/* RFC 8446, 4.2: what a server does not know, it ignores. */
Test(tls_requests, other_version)
{
    struct tls_world *world = tls_world_new();
    struct request_bytes request = make_request(7, 0xff);
    struct asker asker = {{request.p, NULL}, {request.len, 0}, 0, 0};
    SSL_CTX *client = asking_client(world, &asker);
    struct tls_pair *pair = tls_pair_new(client, world->server, TLS_NAME);

    cr_assert_eq(request.p[1], 1, "the version");
    request.p[1] = 2;
    assert_connected(pair);
    cr_assert_eq(asker.answers, 0);
    cr_assert_eq(world->attested, 0);
    tls_pair_free(pair);
    SSL_CTX_free(client);
    tls_world_free(world);
}

/* RFC 8446, 4.1.2: the second ClientHello is the first, but for what the RetryRequest asked for. */
Test(tls_requests, changed_after_retry)
{
    struct tls_world *world = tls_world_new();
    const struct request_bytes a = make_request(7, 0xff), b = make_request(8, 0xff),
                               c = make_request(7, 0x80), d = make_log_request(1),
                               e = make_log_request(2), f = make_other_version();
    const struct {
        const char *name;
        const struct request_bytes *first, *second;
        int alert; /* -1: goes on */
        unsigned answers;
    } rows[] = {
        {"the same", &a, &a, -1, 1},
        {"another nonce", &a, &b, SSL_AD_ILLEGAL_PARAMETER, 0},
        {"another selection", &a, &c, SSL_AD_ILLEGAL_PARAMETER, 0},
        {"the same logs", &d, &d, -1, 1},
        {"another offset", &d, &e, SSL_AD_ILLEGAL_PARAMETER, 0},
        {"logs and no quote", &a, &d, SSL_AD_ILLEGAL_PARAMETER, 0},
        {"another version", &a, &f, SSL_AD_ILLEGAL_PARAMETER, 0},
        {"a version that is not ours", &f, &f, -1, 0},
        {"only in the first", &a, NULL, -1, 0},
        {"only in the second", NULL, &a, -1, 1},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct asker asker = {{NULL, NULL}, {0, 0}, 0, 0};
        SSL_CTX *client = asking_client(world, &asker);
        struct tls_pair *pair = tls_pair_new(client, world->server, TLS_NAME);

        if (rows[i].first != NULL)
            asker.p[0] = rows[i].first->p, asker.len[0] = rows[i].first->len;
        if (rows[i].second != NULL)
            asker.p[1] = rows[i].second->p, asker.len[1] = rows[i].second->len;
        world->attested = 0;
        cr_assert(SSL_set1_groups_list(pair->client.ssl, "X25519:P-384"));
        cr_assert(SSL_set1_groups_list(pair->server.ssl, "P-384"));
        cr_assert_eq(tls_pair_handshake(pair), rows[i].alert < 0, "%s: %s", rows[i].name,
                     pair->client.reason_text);
        cr_assert_eq(pair->server.alert_sent, rows[i].alert, "%s: alert %d", rows[i].name,
                     pair->server.alert_sent);
        cr_assert_eq(asker.hellos, 2, "%s", rows[i].name);
        cr_assert_eq(asker.answers, rows[i].answers, "%s: %u answers", rows[i].name, asker.answers);
        cr_assert_eq(world->attested, rows[i].answers, "%s", rows[i].name);
        tls_pair_free(pair);
        SSL_CTX_free(client);
    }
    tls_world_free(world);
}
