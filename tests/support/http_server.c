#include "http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "must.h"

#define MADE_MAX 65536
#define TRICKLE_US 200000

struct peer {
    int fd;
    SSL *ssl;
};

static ssize_t peer_read(struct peer *peer, char *out, size_t cap)
{
    return peer->ssl != NULL ? SSL_read(peer->ssl, out, (int)cap) : read(peer->fd, out, cap);
}

static bool peer_write(struct peer *peer, const char *bytes, size_t len)
{
    if (len == 0)
        return true;
    if (peer->ssl != NULL)
        return SSL_write(peer->ssl, bytes, (int)len) == (int)len;
    return send(peer->fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* Whether header and body are there. */
static bool is_whole(const char *question, size_t len)
{
    const char *end = strstr(question, "\r\n\r\n");
    const char *line = strcasestr(question, "\r\nContent-Length: ");

    if (end == NULL)
        return false;
    return line == NULL || line > end ||
           len >= (size_t)(end + 4 - question) + strtoul(line + 18, NULL, 10);
}

static void read_question(struct http_server *server, struct peer *peer)
{
    server->question_len = 0;
    do {
        const ssize_t n = peer_read(peer, server->question + server->question_len,
                                    sizeof server->question - 1 - server->question_len);

        if (n <= 0)
            return;
        server->question_len += (size_t)n;
        server->question[server->question_len] = '\0';
    } while (!is_whole(server->question, server->question_len));
}

static void answer(struct http_server *server, struct peer *peer)
{
    char *made = server->make == NULL ? NULL : malloc(MADE_MAX);
    char byte;

    if (server->make != NULL)
        peer_write(
            peer, made,
            server->make(server->make_arg, server->question, server->question_len, made, MADE_MAX));
    else if (server->manner == HTTP_ANSWER)
        peer_write(peer, server->answer, server->len);
    if (server->manner == HTTP_SILENT)
        while (peer_read(peer, &byte, 1) > 0)
            ;
    if (server->manner == HTTP_TRICKLE)
        for (size_t i = 0; i < server->len && peer_write(peer, server->answer + i, 1); i++)
            usleep(TRICKLE_US);
    free(made);
}

static void serve(struct http_server *server, int fd)
{
    struct peer peer = {.fd = fd};

    atomic_fetch_add(&server->asked, 1);
    if (server->ctx != NULL) {
        peer.ssl = SSL_new(server->ctx);
        must(peer.ssl != NULL && SSL_set_fd(peer.ssl, fd) == 1);
    }
    if (peer.ssl == NULL || SSL_accept(peer.ssl) == 1) {
        read_question(server, &peer);
        answer(server, &peer);
    }
    if (peer.ssl != NULL)
        SSL_shutdown(peer.ssl);
    SSL_free(peer.ssl);
    close(fd);
    ERR_clear_error();
}

static void *run(void *arg)
{
    struct http_server *server = arg;
    struct pollfd fds[3] = {{.fd = server->listeners[0], .events = POLLIN},
                            {.fd = server->listeners[1], .events = POLLIN},
                            {.fd = server->stop[0], .events = POLLIN}};

    for (;;) {
        must(poll(fds, 3, -1) > 0);
        if (fds[2].revents != 0)
            break;
        for (int i = 0; i < 2; i++)
            if (fds[i].revents != 0)
                serve(server, accept(fds[i].fd, NULL, NULL));
    }
    OPENSSL_thread_stop();
    return NULL;
}

static void listen_tcp(struct http_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;

    server->listeners[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(bind(server->listeners[0], (struct sockaddr *)&address, len) == 0);
    must(listen(server->listeners[0], 8) == 0);
    must(getsockname(server->listeners[0], (struct sockaddr *)&address, &len) == 0);
    snprintf(server->url, sizeof server->url, "http%s://localhost:%u",
             server->ctx == NULL ? "" : "s", ntohs(address.sin_port));
}

static void listen_unix(struct http_server *server)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(server->folder, sizeof server->folder, "/tmp/ratls.XXXXXX");
    must(mkdtemp(server->folder) != NULL);
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", server->folder);
    server->listeners[1] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(bind(server->listeners[1], (struct sockaddr *)&address, sizeof address) == 0);
    must(listen(server->listeners[1], 8) == 0);
    snprintf(server->unix_url, sizeof server->unix_url, "unix:%s/socket", server->folder);
}

struct http_server *http_server_new(enum http_manner manner, const char *answer_bytes, SSL_CTX *ctx)
{
    struct http_server *server = calloc(1, sizeof *server);

    must(server != NULL && signal(SIGPIPE, SIG_IGN) != SIG_ERR); /* as the tool has it */
    server->manner = manner;
    server->answer = answer_bytes;
    server->len = strlen(answer_bytes);
    server->ctx = ctx;
    listen_tcp(server);
    listen_unix(server);
    must(pipe(server->stop) == 0);
    must(pthread_create(&server->thread, NULL, run, server) == 0);
    return server;
}

void http_server_free(struct http_server *server)
{
    char path[64];

    must(write(server->stop[1], "", 1) == 1);
    must(pthread_join(server->thread, NULL) == 0);
    close(server->stop[0]);
    close(server->stop[1]);
    close(server->listeners[0]);
    close(server->listeners[1]);
    snprintf(path, sizeof path, "%s/socket", server->folder);
    unlink(path);
    rmdir(server->folder);
    free(server);
}
