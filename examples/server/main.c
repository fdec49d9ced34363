/*
 * A bank's log-in page: a small HTTPS server that attests every handshake whose client asks for it.
 *
 *   ratls-example-server --state /var/lib/ratls --cert bank.pem --key bank.key --port 8443
 *
 * One connection at a time, GET / and POST /login; with --port 0 it prints the port that it got.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <ratls/attester_tpm.h>
#include <ratls/ratls.h>

enum { WRONG_USAGE = 2, COULD_NOT_WORK = 3 };

#define BACKLOG 16
#define TIMEOUT_S 10
#define REQUEST_MAX 2048

static const char *const log_in_page =
    "<!doctype html><title>Bank</title><h1>Log in</h1><form method=post action=/login>"
    "<input name=user><input name=password type=password><button>Log in</button></form>";

struct settings {
    const char *state, *tcti, *cert, *key;
    unsigned short port;
};

static SSL_CTX *make_context(const struct settings *settings)
{
    struct ratls_tpm_options options = {.state_dir = settings->state, .tcti = settings->tcti};
    struct ratls_attester *attester = NULL;
    struct ratls_error error = {0};
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (ctx == NULL || SSL_CTX_use_certificate_chain_file(ctx, settings->cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, settings->key, SSL_FILETYPE_PEM) != 1) {
        ERR_print_errors_fp(stderr);
    } else if (ratls_tpm_attester_new(&options, &attester, &error) == RATLS_OK) {
        enum ratls_status status = ratls_tls_attest(ctx, attester, &error);

        attester->free(attester); /* the context has its own reference */
        if (status == RATLS_OK)
            return ctx;
    }
    if (error.text[0] != '\0')
        fprintf(stderr, "%s\n", error.text);
    SSL_CTX_free(ctx);
    return NULL;
}

static int listen_on(unsigned short port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int yes = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        perror("cannot listen");
        if (fd >= 0)
            close(fd);
        return -1;
    }
    printf("listening on 127.0.0.1:%u\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

/* Reads up to the end of the headers; the body of the form is of no interest here. */
static bool read_request(SSL *ssl, char request[static REQUEST_MAX])
{
    size_t len = 0;
    size_t got;

    while (len < REQUEST_MAX - 1 && SSL_read_ex(ssl, request + len, REQUEST_MAX - 1 - len, &got)) {
        len += got;
        request[len] = '\0';
        if (strstr(request, "\r\n\r\n") != NULL)
            return true;
    }
    return false;
}

static void answer(SSL *ssl, const char *status, const char *body)
{
    char text[1024];
    int len = snprintf(text, sizeof text,
                       "HTTP/1.1 %s\r\nContent-Type: text/html\r\nContent-Length: %zu\r\n"
                       "Connection: close\r\n\r\n%s",
                       status, strlen(body), body);

    if (len > 0 && (size_t)len < sizeof text)
        SSL_write(ssl, text, len);
}

static void serve(SSL_CTX *ctx, int fd)
{
    struct timeval timeout = {.tv_sec = TIMEOUT_S};
    SSL *ssl = SSL_new(ctx);
    char request[REQUEST_MAX];

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (ssl == NULL || !SSL_set_fd(ssl, fd) || SSL_accept(ssl) != 1) {
        ERR_print_errors_fp(stderr);
    } else if (read_request(ssl, request)) {
        if (strncmp(request, "POST /login ", strlen("POST /login ")) == 0)
            answer(ssl, "200 OK", "<p>Welcome.</p>");
        else if (strncmp(request, "GET / ", strlen("GET / ")) == 0)
            answer(ssl, "200 OK", log_in_page);
        else
            answer(ssl, "404 Not Found", "<p>There is nothing here.</p>");
        SSL_shutdown(ssl);
    }
    SSL_free(ssl);
    close(fd);
}

static int run(const struct settings *settings)
{
    SSL_CTX *ctx = make_context(settings);
    int listener = ctx == NULL ? -1 : listen_on(settings->port);

    signal(SIGPIPE, SIG_IGN);
    while (listener >= 0) { /* NOLINT(bugprone-infinite-loop): it serves until it is ended */
        int fd = accept(listener, NULL, NULL);

        if (fd >= 0)
            serve(ctx, fd);
    }
    SSL_CTX_free(ctx);
    return COULD_NOT_WORK;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"state", required_argument, NULL, 's'}, {"tcti", required_argument, NULL, 't'},
        {"cert", required_argument, NULL, 'c'},  {"key", required_argument, NULL, 'k'},
        {"port", required_argument, NULL, 'p'},  {NULL, 0, NULL, 0}};
    struct settings settings = {.port = 8443};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 's')
            settings.state = optarg;
        else if (option == 't')
            settings.tcti = optarg;
        else if (option == 'c')
            settings.cert = optarg;
        else if (option == 'k')
            settings.key = optarg;
        else if (option == 'p')
            settings.port = (unsigned short)strtoul(optarg, NULL, 10);
        else
            return WRONG_USAGE;
    }
    if (settings.state == NULL || settings.cert == NULL || settings.key == NULL) {
        fprintf(stderr, "usage: %s --state DIR --cert FILE --key FILE [--tcti CONF] [--port N]\n",
                argv[0]);
        return WRONG_USAGE;
    }
    return run(&settings);
}
