#include "load_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <unistd.h>

#include <ratls/ratls.h>

#include "command.h"
#include "tls_pair.h"

#define UNIX_PREFIX "unix:"
#define PIECE_LEN 64     /* of a slow client's ClientHello */
#define PIECE_S 0.03     /* between two of them */
#define READS_LATE_S 0.3 /* a slow client */
#define VANISHES_S 0.3   /* a vanishing client does it within this time */

/* ---- where they go ---- */

static void set_address(struct load_target *target, const char *server)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&target->address;
    struct sockaddr_in *in = (struct sockaddr_in *)&target->address;
    const char *colon = strrchr(server, ':');
    char host[INET_ADDRSTRLEN] = "";

    if (strncmp(server, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0) {
        server += strlen(UNIX_PREFIX);
        bench_must(strlen(server) < sizeof un->sun_path, "the path of the socket is too long");
        un->sun_family = AF_UNIX;
        memcpy(un->sun_path, server, strlen(server) + 1);
        target->address_len = sizeof *un;
        return;
    }
    if (colon != NULL && (size_t)(colon - server) < sizeof host)
        memcpy(host, server, (size_t)(colon - server));
    in->sin_family = AF_INET;
    bench_must(inet_pton(AF_INET, host, &in->sin_addr) == 1,
               "--connect takes ADDRESS:PORT or unix:PATH");
    in->sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    target->address_len = sizeof *in;
}

void load_target_init(struct load_target *target, const struct load_plan *plan)
{
    struct ratls_policy *policy = NULL;
    struct ratls_error error = {0};
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    bench_must(ctx != NULL && SSL_CTX_load_verify_file(ctx, plan->ca) == 1,
               "cannot read the certificates of --ca");
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
    /* Memory of a client that only waits for others of its batch is of no use to anybody. */
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    if (plan->policy != NULL && (ratls_policy_load(plan->policy, &policy, &error) != RATLS_OK ||
                                 ratls_tls_verify(ctx, policy, &error) != RATLS_OK))
        bench_must(false, error.text);
    ratls_policy_free(policy);
    *target = (struct load_target){
        .ctx = ctx, .name = plan->name, .manner = plan->manner, .epoll = epoll_create1(0)};
    bench_must(target->epoll >= 0, "no epoll");
    set_address(target, plan->server);
}

/* ---- one of them ---- */

static bool make_ssl(struct load_client *client, const struct load_target *target)
{
    SSL *ssl = SSL_new(target->ctx);

    client->ssl = ssl;
    if (ssl == NULL || SSL_set_fd(ssl, client->fd) != 1 || !tls_set_sni(ssl, target->name) ||
        SSL_set1_host(ssl, target->name) != 1)
        return false;
    SSL_set_connect_state(ssl);
    /* A slow client's ClientHello stays here first. */
    if (target->manner == LOAD_SLOW)
        SSL_set0_wbio(ssl, BIO_new(BIO_s_mem()));
    return SSL_get_wbio(ssl) != NULL;
}

enum load_step load_client_start(struct load_client *client, const struct load_target *target,
                                 double now_s)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = client};
    int family = target->address.ss_family;
    int yes = 1;

    client->wake_s = 0;
    client->state = LOAD_CONNECTS;
    client->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0)
        return LOAD_BROKEN;
    if (family == AF_INET)
        (void)setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (connect(client->fd, (const struct sockaddr *)&target->address, target->address_len) != 0 &&
        errno != EINPROGRESS)
        return errno == EAGAIN ? LOAD_CROWDED : LOAD_BROKEN;
    if (!make_ssl(client, target) || epoll_ctl(target->epoll, EPOLL_CTL_ADD, client->fd, &event))
        return LOAD_BROKEN;
    return load_client_move(client, target, now_s);
}

/* LOAD_GOES_ON also while it is not there yet. */
static enum load_step finish_connecting(struct load_client *client)
{
    struct sockaddr_storage peer;
    socklen_t peer_len = sizeof peer;
    int error = 0;
    socklen_t error_len = sizeof error;

    if (getpeername(client->fd, (struct sockaddr *)&peer, &peer_len) == 0)
        client->state = LOAD_SHAKES;
    else if (getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &error_len) != 0 || error != 0)
        return LOAD_BROKEN;
    return LOAD_GOES_ON;
}

/* The end of what the client says; then the server has read its Finished message when it ends. */
static enum load_step leave(struct load_client *client)
{
    char passed_over[2048];
    ssize_t n;

    if (client->state != LOAD_LEAVES) {
        client->state = LOAD_LEAVES;
        (void)SSL_shutdown(client->ssl);
        (void)shutdown(client->fd, SHUT_WR);
        return LOAD_ACCEPTED;
    }
    do {
        n = recv(client->fd, passed_over, sizeof passed_over, 0);
    } while (n > 0);
    return n < 0 && errno == EAGAIN ? LOAD_GOES_ON : LOAD_OVER;
}

static enum load_step shake(struct load_client *client, const struct load_target *target,
                            double now_s)
{
    int result;

    ERR_clear_error();
    result = SSL_do_handshake(client->ssl);
    if (result == 1)
        return leave(client);
    switch (SSL_get_error(client->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        break;
    case SSL_ERROR_SSL:
        return LOAD_REFUSED;
    default:
        return LOAD_BROKEN;
    }
    if (target->manner == LOAD_VANISHING && client->wake_s == 0)
        client->wake_s = now_s + VANISHES_S * drand48();
    if (BIO_method_type(SSL_get_wbio(client->ssl)) == BIO_TYPE_MEM)
        client->state = LOAD_SENDS;
    return LOAD_GOES_ON;
}

/* A slow client: one piece of its ClientHello; after the last a rest before it reads. */
static enum load_step send_piece(struct load_client *client, double now_s)
{
    BIO *pieces = SSL_get_wbio(client->ssl);
    BIO *wire = SSL_get_rbio(client->ssl);
    char piece[PIECE_LEN];
    int len = BIO_read(pieces, piece, sizeof piece);

    if (len > 0 && send(client->fd, piece, (size_t)len, MSG_NOSIGNAL) != len)
        return LOAD_BROKEN;
    client->wake_s = now_s + PIECE_S;
    if (BIO_pending(pieces) > 0)
        return LOAD_GOES_ON;
    if (!BIO_up_ref(wire))
        return LOAD_BROKEN;
    SSL_set0_wbio(client->ssl, wire);
    client->state = LOAD_WAITS;
    client->wake_s = now_s + READS_LATE_S;
    return LOAD_GOES_ON;
}

/* Every second one with a reset. */
static enum load_step vanish(const struct load_client *client)
{
    const struct linger reset = {.l_onoff = 1};

    if (drand48() < 0.5)
        (void)setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    return LOAD_VANISHED;
}

enum load_step load_client_move(struct load_client *client, const struct load_target *target,
                                double now_s)
{
    enum load_step step = LOAD_GOES_ON;

    if (client->state == LOAD_LEAVES)
        return leave(client);
    if (client->wake_s > now_s && target->manner == LOAD_SLOW)
        return LOAD_GOES_ON;
    if (client->wake_s != 0 && client->wake_s <= now_s && target->manner == LOAD_VANISHING)
        return vanish(client);
    if (client->state == LOAD_WAITS)
        client->state = LOAD_SHAKES;
    if (client->state == LOAD_CONNECTS)
        step = finish_connecting(client);
    if (step == LOAD_GOES_ON && client->state == LOAD_SHAKES)
        step = shake(client, target, now_s);
    if (step == LOAD_GOES_ON && client->state == LOAD_SENDS)
        step = send_piece(client, now_s);
    return step;
}

void load_client_stop(struct load_client *client)
{
    SSL_free(client->ssl);
    client->ssl = NULL;
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    client->state = LOAD_FREE;
}
