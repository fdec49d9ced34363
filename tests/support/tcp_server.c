#include "tcp_server.h"

#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "must.h"

#define GREETING "220 server.example\r\n"
#define TRICKLE_US 50000

/* Bytes between a memory BIO and the socket, one at a time. */
static bool trickle(SSL *ssl, int fd)
{
    char byte;

    while (BIO_read(SSL_get_wbio(ssl), &byte, 1) == 1) {
        usleep(TRICKLE_US);
        if (send(fd, &byte, 1, MSG_NOSIGNAL) != 1)
            return false;
    }
    return recv(fd, &byte, 1, 0) == 1 && BIO_write(SSL_get_rbio(ssl), &byte, 1) == 1;
}

static void serve_slowly(SSL *ssl, int fd)
{
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    while (SSL_accept(ssl) != 1 && SSL_want_read(ssl) && trickle(ssl, fd))
        continue;
}

static void serve(struct tcp_connection *connection)
{
    const bool is_first = connection->number < connection->server->later_from;
    const enum tcp_manner manner = is_first ? connection->server->first : connection->server->later;
    SSL_CTX *later = connection->server->later_ctx;
    SSL *ssl = SSL_new(is_first || later == NULL ? connection->server->ctx : later);
    char bytes[256];
    int len;

    must(ssl != NULL);
    if (manner == TCP_SILENT) {
        while (recv(connection->fd, bytes, sizeof bytes, 0) > 0)
            continue;
    } else if (manner == TCP_TRICKLE) {
        serve_slowly(ssl, connection->fd);
    } else if (manner != TCP_CLOSE) {
        if (manner == TCP_GREETING)
            must(send(connection->fd, GREETING, strlen(GREETING), MSG_NOSIGNAL) > 0);
        SSL_set_fd(ssl, connection->fd);
        if (SSL_accept(ssl) == 1)
            while ((len = SSL_read(ssl, bytes, sizeof bytes)) > 0)
                connection->received += (size_t)len;
    }
    SSL_free(ssl);
    ERR_clear_error();
}

/* The client's half of a test must do without. */
static void block_sigpipe(void)
{
    sigset_t signals;

    must(sigemptyset(&signals) == 0 && sigaddset(&signals, SIGPIPE) == 0 &&
         pthread_sigmask(SIG_BLOCK, &signals, NULL) == 0);
}

static void *run_connection(void *arg)
{
    struct tcp_connection *connection = arg;

    block_sigpipe();
    serve(connection);
    close(connection->fd);
    return NULL;
}

static void *run_acceptor(void *arg)
{
    struct tcp_server *server = arg;
    int fd;

    while ((fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
        unsigned i = atomic_load(&server->count);

        must(i < TCP_CONNECTIONS_MAX);
        server->connections[i] = (struct tcp_connection){.server = server, .number = i, .fd = fd};
        atomic_store(&server->count, i + 1); /* before it is served: who was served counts it */
        must(pthread_create(&server->threads[i], NULL, run_connection, &server->connections[i]) ==
             0);
    }
    return NULL;
}

static void name_address(struct tcp_server *server, int family)
{
    struct sockaddr_un *local = (struct sockaddr_un *)&server->address;

    server->address.ss_family = (sa_family_t)family;
    server->address_len = sizeof(struct sockaddr_in6);
    if (family == AF_INET6) {
        ((struct sockaddr_in6 *)&server->address)->sin6_addr = in6addr_loopback;
    } else if (family == AF_INET) {
        server->address_len = sizeof(struct sockaddr_in);
        ((struct sockaddr_in *)&server->address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
        snprintf(server->folder, sizeof server->folder, "/tmp/ratls-test-XXXXXX");
        must(mkdtemp(server->folder) != NULL);
        snprintf(local->sun_path, sizeof local->sun_path, "%s/socket", server->folder);
        server->address_len = sizeof *local;
    }
}

struct tcp_server *tcp_server_new(SSL_CTX *ctx, int family)
{
    struct tcp_server *server = calloc(1, sizeof *server);

    must(server != NULL);
    server->ctx = ctx;
    server->later_from = 1;
    name_address(server, family);
    server->listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(server->listener >= 0 &&
         bind(server->listener, (struct sockaddr *)&server->address, server->address_len) == 0 &&
         listen(server->listener, 16) == 0);
    server->address_len = sizeof server->address;
    must(getsockname(server->listener, (struct sockaddr *)&server->address, &server->address_len) ==
         0);
    must(pthread_create(&server->acceptor, NULL, run_acceptor, server) == 0);
    return server;
}

void tcp_server_free(struct tcp_server *server)
{
    shutdown(server->listener, SHUT_RDWR); /* accept() returns */
    pthread_join(server->acceptor, NULL);
    for (unsigned i = 0; i < atomic_load(&server->count); i++)
        pthread_join(server->threads[i], NULL);
    close(server->listener);
    if (server->folder[0] != '\0') {
        unlink(((struct sockaddr_un *)&server->address)->sun_path);
        rmdir(server->folder);
    }
    free(server);
}

int tcp_server_connect(const struct tcp_server *server)
{
    int fd = socket(server->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    must(fd >= 0 &&
         connect(fd, (const struct sockaddr *)&server->address, server->address_len) == 0);
    return fd;
}
