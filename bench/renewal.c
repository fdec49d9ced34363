/*
 * A thousand connections on one core, each renewed every second: whether a lease is missed, and
 * what a renewal costs both ends beside the cryptography that it cannot do without. The software
 * TPM's work is taken out, for it stands for a chip. --rounds: seconds. Usage: bench_renewal
 * [--rounds N] [--json]
 */
#include <errno.h>
#include <openssl/ssl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <ratls/ratls.h>

#include "command.h"
#include "fake_policy.h"
#include "pki.h"
#include "renewal_crypto.h"
#include "samples.h"
#include "timed.h"
#include "tls_internal.h"

#define NAME "bank.example"
#define CONNECTIONS 1000
#define SECONDS_DEFAULT 60
#define RENEW_S 1
#define MAX_AGE_S 2
#define EVENTS 256
#define FILES 64 /* that are open beside the sockets */
#define CRYPTO_PER_SAMPLE 200

/* One end of one of the connections. */
struct end {
    struct scene *scene;
    struct ratls_connection *connection;
    int fd;
    int64_t due_ms; /* of a client: when it asks next */
    TAILQ_ENTRY(end) next;
};

TAILQ_HEAD(queue, end);

struct scene {
    SSL_CTX *client, *server;
    struct timed timed;
    struct end ends[2 * CONNECTIONS];
    struct queue due; /* clients, who asks first stands first: all wait as long as each other */
    size_t renewed, missed;
    int64_t latest_ms; /* from when a renewal was due to its verdict */
    int epoll;
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void see_event(void *arg, struct ratls_connection *connection,
                      enum ratls_connection_event event)
{
    struct end *end = arg;
    struct scene *scene = end->scene;
    int64_t now = now_ms();

    if (event == RATLS_EVENT_ENDED) {
        const struct ratls_error *error = ratls_connection_error(connection);

        if (scene->missed++ == 0)
            fprintf(stderr, "ended: %s\n", error == NULL ? "refused" : error->text);
        return;
    }
    if (event == RATLS_EVENT_RENEWED) {
        scene->renewed++;
        if (now - end->due_ms > scene->latest_ms)
            scene->latest_ms = now - end->due_ms;
    }
    end->due_ms = now + RENEW_S * 1000;
    TAILQ_INSERT_TAIL(&scene->due, end, next);
}

static void make_end(struct scene *scene, struct end *end, SSL_CTX *ctx, int fd, bool is_client)
{
    const struct ratls_connection_options options = {.on_event = is_client ? see_event : NULL,
                                                     .arg = end};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = end};
    struct ratls_error error = {0};
    SSL *ssl = SSL_new(ctx);
    char name[] = NAME;

    bench_must(ssl != NULL && SSL_set_fd(ssl, fd) == 1, "cannot make an SSL");
    if (is_client) {
        bench_must(SSL_set1_host(ssl, name) && SSL_set_tlsext_host_name(ssl, name), "no name");
        SSL_set_connect_state(ssl);
    } else {
        SSL_set_accept_state(ssl);
    }
    end->scene = scene;
    end->fd = fd;
    if (ratls_connection_new(ssl, &options, &end->connection, &error) != RATLS_OK)
        bench_must(0, error.text);
    bench_must(epoll_ctl(scene->epoll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll");
}

static void move(struct end *end)
{
    enum ratls_outcome outcome = ratls_connection_tick(end->connection);

    if (outcome != RATLS_DONE)
        epoll_ctl(end->scene->epoll, EPOLL_CTL_DEL, end->fd, NULL);
}

/* What can be read, and who has to ask. */
static void turn(struct scene *scene, int64_t until_ms)
{
    struct epoll_event events[EVENTS];
    struct end *first = TAILQ_FIRST(&scene->due);
    int64_t wait_ms = (first == NULL || first->due_ms > until_ms ? until_ms : first->due_ms);
    int count;

    wait_ms -= now_ms();
    count = epoll_wait(scene->epoll, events, EVENTS, wait_ms < 0 ? 0 : (int)wait_ms);
    bench_must(count >= 0 || errno == EINTR, "epoll");
    for (int i = 0; i < count; i++)
        move(events[i].data.ptr);
    while ((first = TAILQ_FIRST(&scene->due)) != NULL && first->due_ms <= now_ms()) {
        TAILQ_REMOVE(&scene->due, first, next);
        move(first);
    }
}

/* One after the other, while those that are open are renewed. */
static void open_all(struct scene *scene)
{
    for (size_t i = 0; i < CONNECTIONS; i++) {
        struct end *client = &scene->ends[2 * i];
        struct end *server = &scene->ends[2 * i + 1];
        int ends[2];

        bench_must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0, "no sockets");
        make_end(scene, client, scene->client, ends[0], true);
        make_end(scene, server, scene->server, ends[1], false);
        while (ratls_connection_handshake(client->connection) != RATLS_DONE) {
            bench_must(ratls_connection_handshake(server->connection) < RATLS_CLOSED &&
                           scene->missed == 0,
                       "a handshake failed");
        }
        turn(scene, 0);
    }
}

static double used_us(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void make_scene(struct scene *scene, struct fake_tpm *tpm)
{
    EVP_PKEY *key = pki_key(PKI_P256);
    X509 *root = pki_ca("root", key, NULL, NULL);
    X509 *leaf = pki_server_certificate(key, "DNS:" NAME, root, key);
    struct ratls_policy *policy = fake_policy_new(tpm);
    struct ratls_error error = {0};
    struct ratls_tls *tls = NULL;

    fake_policy_pin(policy, tpm, NULL);
    fake_policy_rules(policy)->renew_s = RENEW_S;
    fake_policy_rules(policy)->max_age_s = MAX_AGE_S;
    timed_begin(&scene->timed, fake_attester_new(tpm, NULL, NULL));
    scene->client = SSL_CTX_new(TLS_client_method());
    scene->server = SSL_CTX_new(TLS_server_method());
    bench_must(X509_STORE_add_cert(SSL_CTX_get_cert_store(scene->client), root) == 1 &&
                   SSL_CTX_use_certificate(scene->server, leaf) == 1 &&
                   SSL_CTX_use_PrivateKey(scene->server, key) == 1,
               "no certificates");
    SSL_CTX_set_verify(scene->client, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_num_tickets(scene->server, 0);
    if (ratls_tls_attest(scene->server, &scene->timed.interface, &error) != RATLS_OK ||
        ratls_tls_verify(scene->client, policy, &error) != RATLS_OK ||
        ratls_tls_hook(scene->client, RATLS_TLS_EXTENSION_DEFAULT, &tls, &error) != RATLS_OK)
        bench_must(0, error.text);
    tls->brief = true; /* as the provider: nobody reads what was right */
    ratls_policy_free(policy);
    X509_free(leaf);
    X509_free(root);
    EVP_PKEY_free(key);
    TAILQ_INIT(&scene->due);
    scene->epoll = epoll_create1(EPOLL_CLOEXEC);
    bench_must(scene->epoll >= 0, "epoll");
}

static void free_scene(struct scene *scene)
{
    for (size_t i = 0; i < sizeof scene->ends / sizeof *scene->ends; i++) {
        ratls_connection_free(scene->ends[i].connection);
        close(scene->ends[i].fd);
    }
    SSL_CTX_free(scene->client);
    SSL_CTX_free(scene->server);
    scene->timed.inner->free(scene->timed.inner);
    close(scene->epoll);
}

/* Once in a while, so that it meets the same moods of the machine. Returns the time it took. */
static double sample_crypto(struct renewal_crypto *crypto, struct samples *samples)
{
    double begin = cpu_us();
    double us;

    for (int i = 0; i < CRYPTO_PER_SAMPLE; i++)
        renewal_crypto_run(crypto);
    us = cpu_us() - begin;
    samples_add(samples, us / CRYPTO_PER_SAMPLE);
    return us;
}

static void go_on(struct scene *scene, int64_t ms)
{
    const int64_t until_ms = now_ms() + ms;

    while (now_ms() < until_ms)
        turn(scene, until_ms);
}

static void run(struct scene *scene, size_t seconds, bool json)
{
    static struct samples samples;
    struct renewal_crypto *crypto;
    double each_us, ratio, other_us = 0;

    open_all(scene);
    go_on(scene, 2 * RENEW_S * 1000); /* as it will be */
    crypto = renewal_crypto_new(ratls_mutable(ratls_connection_ssl(scene->ends[0].connection)));
    scene->renewed = 0;
    scene->latest_ms = 0;
    scene->timed.us = 0;
    each_us = -used_us();
    for (size_t i = 0; i < seconds; i++) {
        go_on(scene, 1000);
        other_us += sample_crypto(crypto, &samples);
    }
    each_us = (each_us + used_us() - other_us - scene->timed.us) / (double)scene->renewed;
    renewal_crypto_free(crypto);
    ratio = each_us / samples_median(&samples);
    printf("%s; %d connections on one core, for %zu s\n", OpenSSL_version(OPENSSL_VERSION),
           CONNECTIONS, seconds);
    printf("%-46s %9zu\n", "renewals", scene->renewed);
    printf("%-46s %9zu  (0)\n", "leases missed", scene->missed);
    printf("%-46s %9lld ms\n", "latest verdict, from when it was due", (long long)scene->latest_ms);
    printf("%-46s %9.1f us CPU\n", "a renewal, both ends, without the TPM", each_us);
    printf("%-46s %9.1f us CPU\n", "its cryptography alone", samples_median(&samples));
    printf("%-46s %9.2f  (<= 1.50)\n", "ratio", ratio);
    if (json)
        printf("{\"renewals\":%zu,\"missed\":%zu,\"us\":%.1f,\"crypto\":%.1f,\"ratio\":%.3f}\n",
               scene->renewed, scene->missed, each_us, samples_median(&samples), ratio);
}

int main(int argc, char **argv)
{
    const struct bench_command command = bench_command(argc, argv, SECONDS_DEFAULT);
    struct rlimit files = {0};
    static struct scene scene; /* too large for the stack */
    struct fake_tpm *tpm = fake_tpm_new(FAKE_ECDSA_P256);
    cpu_set_t core;
    bool failed;

    CPU_ZERO(&core);
    CPU_SET(sched_getcpu() < 0 ? 0 : (unsigned)sched_getcpu(), &core);
    bench_must(sched_setaffinity(0, sizeof core, &core) == 0, "cannot stay on one core");
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    bench_must(files.rlim_max >= 2 * CONNECTIONS + FILES, "too few open files are allowed");
    make_scene(&scene, tpm);
    run(&scene, command.rounds, command.is_json);
    failed = scene.missed != 0;
    free_scene(&scene);
    fake_tpm_free(tpm);
    return failed;
}
