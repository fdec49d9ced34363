/* The N-th allocation of a further request fails, in our code and in OpenSSL's. */
#include <criterion/criterion.h>
#include <unistd.h>

#include "evidence.h"
#include "failmalloc.h"
#include "log_list.h"
#include "tcp_server.h"
#include "tls_assert.h"
#include "tls_internal.h"

#define ENTRIES 50
#define EACH_UP_TO 200 /* then every eighth part more: a handshake has thousands */
#define ALLOCATIONS_MAX 100000

/* A connection on which evidence was collected: what is behind the handshake stays as it was. */
static SSL *collect(SSL_CTX *client, struct tcp_server *server, struct ratls_peer *ret_peer)
{
    SSL *ssl = SSL_new(client);

    cr_assert(SSL_set_fd(ssl, tcp_server_connect(server)) && tls_set_sni(ssl, TLS_NAME));
    cr_assert(ratls_peer_of_socket(SSL_get_fd(ssl), ret_peer));
    cr_assert_leq(SSL_connect(ssl), 0);
    cr_assert_not_null(ratls_tls_expectation(ssl));
    ERR_clear_error();
    return ssl;
}

/* True if an allocation failed. Whatever failed, there is a reason, or the right answer. */
static bool ask(const SSL *ssl, const struct ratls_peer *peer, size_t n)
{
    const struct ratls_log_request request = {.ima_bank = RATLS_ALG_SHA256};
    struct ratls_error error = {0};
    struct ratls_evidence evidence;
    struct ratls_slice bytes;
    struct ratls_sync sync;
    enum ratls_status status;
    bool has_failed;

    ratls_sync_begin(ssl, &sync);
    sync.peer = *peer;
    failmalloc_arm(n);
    status = sync.more.fetch(&sync.more, &request, &bytes, &error);
    has_failed = failmalloc_disarm();
    if (status == RATLS_OK)
        cr_assert(ratls_evidence_read(bytes, &evidence) && evidence.has_ima, "allocation %zu", n);
    else
        cr_assert(has_failed && error.text[0] != '\0', "allocation %zu: %s", n, error.text);
    cr_assert_eq(ERR_peek_error(), 0);
    ratls_sync_end(&sync);
    return has_failed;
}

Test(tls_sync_memory, every_allocation)
{
    const struct ratls_pcr_selection selection = {.count = 1, .banks = {{RATLS_ALG_SHA256, 0x7ff}}};
    struct tls_world *world = tls_world_new();
    struct log_list *log = log_list_new(world->tpm);
    struct tcp_server *server = tcp_server_new(world->server, AF_INET);
    SSL_CTX *client = tls_plain_client(world);
    struct ratls_peer peer;
    size_t n = 1;
    SSL *ssl;

    log_measure_many(log, ENTRIES);
    world->tamper = log_tamper;
    world->tamper_arg = log;
    cr_assert_eq(ratls_tls_collect(client, &selection, NULL, NULL), RATLS_OK);
    ssl = collect(client, server, &peer);
    while (ask(ssl, &peer, n)) {
        n += n < EACH_UP_TO ? 1 : n / 8;
        cr_assert_lt(n, ALLOCATIONS_MAX);
    }
    cr_assert_gt(n, EACH_UP_TO, "it has so few allocations");
    close(SSL_get_fd(ssl));
    SSL_free(ssl);
    SSL_CTX_free(client);
    tcp_server_free(server);
    log_list_free(log);
    tls_world_free(world);
}
