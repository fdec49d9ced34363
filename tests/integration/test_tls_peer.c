/* The address below a TLS connection, and sockets that go there. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "tcp_server.h"
#include "tls_peer.h"

#define OTHER_LOOPBACK 0x7f000063 /* 127.0.0.99 */
#define NOT_OURS 0xc0000263       /* 192.0.2.99: RFC 5737, documentation */

/* A socket from which the server's greeting was read, and so many bytes of it. */
static int connect_and_read(struct tcp_server *server, size_t *ret_len)
{
    int fd = tcp_server_connect(server);
    char bytes[64];

    *ret_len = (size_t)recv(fd, bytes, sizeof bytes, 0);
    return fd;
}

/* As many bytes were read from each: nothing tells them apart but what they are connected to. */
Test(tls_peer, sockets_that_could_be_meant)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    struct tcp_server *server = tcp_server_new(ctx, AF_INET);
    struct tcp_server *other = tcp_server_new(ctx, AF_INET);
    struct ratls_error error = {0};
    SSL *ssl = SSL_new(ctx);
    struct ratls_peer peer;
    int first, same, second;
    size_t len;

    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    server->first = server->later = other->first = TCP_GREETING;
    first = connect_and_read(server, &len);
    same = connect_and_read(server, &len);
    second = connect_and_read(other, &len);
    cr_assert_eq(ratls_peer_find(ssl, len, &peer, &error), RATLS_USAGE);
    cr_assert_not_null(strstr(error.text, "which of its sockets"), "%s", error.text);
    close(second);
    cr_assert_eq(ratls_peer_find(ssl, len, &peer, NULL), RATLS_OK);
    cr_assert_eq(peer.len, server->address_len);
    cr_assert_arr_eq(&peer.address, &server->address, peer.len);
    cr_assert_eq(ratls_peer_find(ssl, len + 1, &peer, NULL), RATLS_USAGE);
    SSL_free(ssl);
    close(first);
    close(same);
    tcp_server_free(other);
    tcp_server_free(server);
    SSL_CTX_free(ctx);
}

/* Binds a socket to an address of this machine that the kernel would not choose, and to "lo". */
static int bind_socket(int family)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(OTHER_LOOPBACK)};
    int fd = socket(family, SOCK_STREAM, 0);

    cr_assert_geq(fd, 0);
    if (family == AF_INET)
        cr_assert_eq(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
    if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", sizeof "lo") != 0)
        cr_skip_test("SO_BINDTODEVICE: %s", strerror(errno)); /* before Linux 5.7 only for root */
    return fd;
}

/* What a program has bound to a tunnel does not go around it, nor come from another address. */
static void expect_same_way(int family)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    struct tcp_server *server = tcp_server_new(ctx, family);
    int fd = bind_socket(family), again;
    struct sockaddr_storage own = {0};
    socklen_t len = sizeof own;
    char device[16] = "";
    struct ratls_peer peer;

    server->first = server->later = TCP_SILENT;
    cr_assert_eq(connect(fd, (struct sockaddr *)&server->address, server->address_len), 0);
    cr_assert(ratls_peer_of_socket(fd, &peer));
    cr_assert_eq(ratls_peer_connect(&peer, ratls_peer_now_ms() + 10000, &again, NULL), RATLS_OK);
    cr_assert_eq(getsockname(again, (struct sockaddr *)&own, &len), 0);
    if (family == AF_INET)
        cr_expect_eq(((struct sockaddr_in *)&own)->sin_addr.s_addr, htonl(OTHER_LOOPBACK));
    len = sizeof device;
    cr_assert_eq(getsockopt(again, SOL_SOCKET, SO_BINDTODEVICE, device, &len), 0);
    cr_expect_str_eq(device, "lo");
    close(again);
    close(fd);
    tcp_server_free(server);
    SSL_CTX_free(ctx);
}

Test(tls_peer, the_same_way)
{
    expect_same_way(AF_INET);
    expect_same_way(AF_INET6);
}

/* An address that is not there any more: the kernel does not choose another one instead. */
Test(tls_peer, no_other_way)
{
    struct sockaddr_in gone = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(NOT_OURS)};
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    struct tcp_server *server = tcp_server_new(ctx, AF_INET);
    int fd = tcp_server_connect(server), again = -1;
    struct ratls_error error = {0};
    struct ratls_peer peer;

    cr_assert(ratls_peer_of_socket(fd, &peer));
    memcpy(&peer.own, &gone, sizeof gone);
    cr_assert_eq(ratls_peer_connect(&peer, INT64_MAX, &again, &error), RATLS_IO);
    cr_assert_not_null(strstr(error.text, "as the program's socket is"), "%s", error.text);
    cr_assert_eq(again, -1);
    close(fd);
    tcp_server_free(server);
    SSL_CTX_free(ctx);
}

/* What a program that has closed its stderr prints there goes to no server. */
Test(tls_peer, not_among_the_standard_files)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());
    struct tcp_server *server = tcp_server_new(ctx, AF_INET);
    int fd = tcp_server_connect(server), saved = dup(STDERR_FILENO), again = -1;
    enum ratls_status status;
    struct ratls_peer peer;

    server->later = TCP_SILENT;
    cr_assert(ratls_peer_of_socket(fd, &peer));
    close(STDERR_FILENO);
    status = ratls_peer_connect(&peer, ratls_peer_now_ms() + 10000, &again, NULL);
    dup2(saved, STDERR_FILENO);
    cr_assert_eq(status, RATLS_OK);
    cr_expect_gt(again, STDERR_FILENO);
    cr_expect_neq(fcntl(again, F_GETFD) & FD_CLOEXEC, 0);
    cr_expect_neq(fcntl(again, F_GETFL) & O_NONBLOCK, 0);
    close(saved);
    close(again);
    close(fd);
    tcp_server_free(server);
    SSL_CTX_free(ctx);
}

/* A program that does not ignore SIGPIPE goes on. */
Test(tls_peer, no_sigpipe)
{
    struct ratls_error error = {0};
    int pair[2];

    signal(SIGPIPE, SIG_DFL);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    close(pair[1]);
    cr_assert_eq(ratls_peer_send(pair[0], ratls_slice("hello", 5), INT64_MAX, &error), RATLS_IO);
    cr_assert_str_eq(error.text, "cannot send: Broken pipe");
    close(pair[0]);
}

/* The other end of a pair has no address that one could connect to. */
Test(tls_peer, pairs_have_no_address)
{
    struct ratls_peer peer;
    int pair[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    cr_assert_not(ratls_peer_of_socket(pair[0], &peer));
    cr_assert_not(ratls_peer_of_socket(-1, &peer));
    close(pair[0]);
    close(pair[1]);
}
