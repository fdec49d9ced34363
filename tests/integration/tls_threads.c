/*
 * Threads that share contexts, a policy and a TPM. A program of its own, since the workers of
 * Criterion do not start under ThreadSanitizer: built with -fsanitize=thread it fails on a race.
 */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <string.h>

#include "must.h"
#include "tls_pair.h"

#define THREADS 8
#define CONNECTIONS 10 /* of each thread */
#define SECRET "secret"

static void see_line(const SSL *ssl, const char *line)
{
    (void)ssl, (void)line;
}

struct thread {
    struct tls_world *world;
    unsigned number;
};

static void connect_once(struct thread *thread, bool retry)
{
    struct tls_pair *pair = tls_pair_new(thread->world->client, thread->world->server, TLS_NAME);
    int p384[] = {NID_secp384r1};
    bool done;

    if (retry)
        must(SSL_set1_groups(pair->server.ssl, p384, 1) == 1);
    done = tls_pair_handshake(pair);
    if (!done)
        fprintf(stderr, "client: %s: %s; server: %s: %s\n", pair->client.reason_text,
                pair->client.data, pair->server.reason_text, pair->server.data);
    must(done);
    must(ratls_report_accepted(ratls_tls_report(pair->client.ssl)));
    must(tls_pair_write(pair, SECRET) == (int)strlen(SECRET));
    must(pair->server.received.len == strlen(SECRET));
    tls_pair_free(pair);
}

/* A client that stops after its ClientHello, as one that runs into a timeout. */
static void give_up(struct thread *thread)
{
    struct tls_pair *pair = tls_pair_new(thread->world->client, thread->world->server, TLS_NAME);

    must(SSL_do_handshake(pair->client.ssl) == -1);
    ERR_clear_error();
    tls_pair_free(pair);
}

static void *connect_often(void *arg)
{
    struct thread *thread = arg;

    for (unsigned i = 0; i < CONNECTIONS; i++) {
        connect_once(thread, (thread->number + i) % 3 == 0);
        if ((thread->number + i) % 4 == 0)
            give_up(thread);
    }
    return NULL;
}

static void run_threads(struct tls_world *world)
{
    struct thread threads[THREADS];
    pthread_t ids[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        threads[i] = (struct thread){world, i};
        must(pthread_create(&ids[i], NULL, connect_often, &threads[i]) == 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        must(pthread_join(ids[i], NULL) == 0);
}

int main(void)
{
    struct tls_world *world = tls_world_new();

    /* OpenSSL reads extensions at first use, guarded by atomics that ThreadSanitizer cannot see. */
    X509_check_purpose(world->ca, -1, 0);
    X509_check_purpose(world->certificate, -1, 0);
    run_threads(world);
    SSL_CTX_set_keylog_callback(world->client, see_line);
    SSL_CTX_set_keylog_callback(world->server, see_line);
    run_threads(world);
    must(world->attested == 2 * THREADS * CONNECTIONS);
    must(SSL_CTX_get_keylog_callback(world->client) == see_line);
    tls_world_free(world);
    return 0;
}
