/*
 * A client that logs in to a bank: it verifies which software the server runs, prints what it
 * verified, and only then sends the password.
 *
 *   ratls-example-client --policy bank.yaml --ca ca.pem bank.example 443
 */
#include <getopt.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <ratls/ratls.h>

enum { ACCEPTED = 0, REFUSED = 1, WRONG_USAGE = 2, COULD_NOT_WORK = 3 };

#define TIMEOUT_S 10

static int connect_to(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct timeval timeout = {.tv_sec = TIMEOUT_S};
    struct addrinfo *list = NULL;
    int fd = -1;

    if (getaddrinfo(host, port, &hints, &list) != 0)
        return -1;
    for (struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd < 0)
            continue;
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
        if (connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    return fd;
}

/* A context that accepts nothing but servers of this policy, with a certificate of this CA. */
static SSL_CTX *make_context(const char *policy_path, const char *ca, struct ratls_error *error)
{
    struct ratls_policy *policy = NULL;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (ctx == NULL || SSL_CTX_load_verify_locations(ctx, ca, NULL) != 1) {
        snprintf(error->text, sizeof error->text, "cannot use the certificates of %.200s", ca);
        error->status = RATLS_USAGE;
    } else {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
        if (ratls_policy_load(policy_path, &policy, error) == RATLS_OK &&
            ratls_tls_verify(ctx, policy, error) == RATLS_OK) {
            ratls_policy_free(policy); /* the context has its own reference */
            return ctx;
        }
    }
    ratls_policy_free(policy);
    SSL_CTX_free(ctx);
    return NULL;
}

static void print_report(const SSL *ssl)
{
    const struct ratls_report *report = ratls_tls_report(ssl);
    char *text = NULL;

    if (report != NULL && ratls_report_text(report, 0, &text) == RATLS_OK)
        fputs(text, stdout);
    free(text);
}

/* The secret. Only an accepted report leads here. */
static int log_in(SSL *ssl, const char *host)
{
    static const char form[] = "user=alice&password=correct+horse+battery+staple";
    char request[512];
    char answer[2048];
    int len = snprintf(request, sizeof request,
                       "POST /login HTTP/1.1\r\nHost: %.200s\r\nConnection: close\r\n"
                       "Content-Type: application/x-www-form-urlencoded\r\n"
                       "Content-Length: %zu\r\n\r\n%s",
                       host, strlen(form), form);
    size_t got;

    if (len < 0 || (size_t)len >= sizeof request || SSL_write(ssl, request, len) != len)
        return COULD_NOT_WORK;
    while (SSL_read_ex(ssl, answer, sizeof answer, &got))
        fwrite(answer, 1, got, stdout);
    return ACCEPTED;
}

static int talk(SSL *ssl, const char *host)
{
    const struct ratls_error *error;
    int connected = SSL_connect(ssl);

    print_report(ssl);
    if (connected == 1 && ratls_report_accepted(ratls_tls_report(ssl)))
        return log_in(ssl, host);
    error = ratls_tls_error(ssl);
    if (error != NULL)
        fprintf(stderr, "%s\n", error->text);
    else
        ERR_print_errors_fp(stderr);
    return ratls_tls_report(ssl) != NULL ? REFUSED : COULD_NOT_WORK;
}

static int run(SSL_CTX *ctx, char *host, const char *port)
{
    int fd = connect_to(host, port);
    SSL *ssl = SSL_new(ctx);
    int result = COULD_NOT_WORK;

    if (fd < 0)
        fprintf(stderr, "cannot connect to %s:%s\n", host, port);
    else if (ssl != NULL && SSL_set_tlsext_host_name(ssl, host) && SSL_set1_host(ssl, host) &&
             SSL_set_fd(ssl, fd))
        result = talk(ssl, host);
    SSL_free(ssl);
    if (fd >= 0)
        close(fd);
    return result;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"policy", required_argument, NULL, 'p'},
                                            {"ca", required_argument, NULL, 'c'},
                                            {NULL, 0, NULL, 0}};
    struct ratls_error error = {0};
    const char *policy = NULL;
    const char *ca = NULL;
    SSL_CTX *ctx;
    int result;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'p')
            policy = optarg;
        else if (option == 'c')
            ca = optarg;
        else
            return WRONG_USAGE;
    }
    if (policy == NULL || ca == NULL || argc - optind != 2) {
        fprintf(stderr, "usage: %s --policy FILE --ca FILE HOST PORT\n", argv[0]);
        return WRONG_USAGE;
    }
    ctx = make_context(policy, ca, &error);
    if (ctx == NULL) {
        fprintf(stderr, "%s\n", error.text);
        return error.status == RATLS_USAGE ? WRONG_USAGE : COULD_NOT_WORK;
    }
    result = run(ctx, argv[optind], argv[optind + 1]);
    SSL_CTX_free(ctx);
    return result;
}
