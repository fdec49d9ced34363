/*
 * A client that logs in to a bank: it verifies which software the server runs, prints what it
 * verified, and only then sends the password.
 *
 *   ratls-example-client --policy bank.yaml --ca ca.pem [--hold] bank.example 443
 *
 * With --hold it stays connected: the server proves itself again and again, as often as the policy
 * says (renew), and the connection ends when it is not any more what it was.
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
#include <time.h>
#include <unistd.h>

#include <ratls/ratls.h>

enum { ACCEPTED = 0, REFUSED = 1, WRONG_USAGE = 2, COULD_NOT_WORK = 3 };

#define TIMEOUT_S 10

struct settings {
    const char *policy, *ca;
    bool holds;
};

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
static SSL_CTX *make_context(const struct settings *settings, struct ratls_error *error)
{
    struct ratls_policy *policy = NULL;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (ctx == NULL || SSL_CTX_load_verify_locations(ctx, settings->ca, NULL) != 1) {
        snprintf(error->text, sizeof error->text, "cannot use the certificates of %.200s",
                 settings->ca);
        error->status = RATLS_USAGE;
    } else {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
        if (ratls_policy_load(settings->policy, &policy, error) == RATLS_OK &&
            ratls_tls_verify(ctx, policy, error) == RATLS_OK) {
            ratls_policy_free(policy); /* the context has its own reference */
            return ctx;
        }
    }
    ratls_policy_free(policy);
    SSL_CTX_free(ctx);
    return NULL;
}

static void print_report(const struct ratls_connection *connection, unsigned flags)
{
    const struct ratls_report *report = ratls_connection_report(connection);
    char *text = NULL;

    if (report != NULL && ratls_report_text(report, flags, &text) == RATLS_OK)
        fputs(text, stdout);
    free(text);
}

/* While the program waits in a read: the server has proved itself again, or cannot any more. */
static void see_event(void *arg, struct ratls_connection *connection,
                      enum ratls_connection_event event)
{
    const struct ratls_report *report = ratls_connection_report(connection);
    struct ratls_finding finding;
    char now[sizeof "00:00:00"] = "";
    time_t seconds = time(NULL);
    struct tm local;
    size_t passed = 0;

    (void)arg;
    if (event != RATLS_EVENT_RENEWED)
        return;
    for (size_t i = 0; ratls_report_finding(report, i, &finding); i++)
        passed += finding.verdict == RATLS_PASS;
    if (localtime_r(&seconds, &local) != NULL)
        strftime(now, sizeof now, "%T", &local);
    printf("renewed at %s, %zu checks\n", now, passed);
    fflush(stdout);
}

/* What became of a call that did not bring what it was for. */
static int explain(const struct ratls_connection *connection, enum ratls_outcome outcome)
{
    const struct ratls_error *error = ratls_connection_error(connection);

    if (outcome == RATLS_REFUSED)
        print_report(connection, RATLS_TEXT_FAILURES);
    if (error != NULL)
        fprintf(stderr, "%s\n", error->text);
    else if (outcome != RATLS_REFUSED)
        fprintf(stderr, "the server does not answer (%s)\n", ratls_outcome_name(outcome));
    return outcome == RATLS_REFUSED || outcome == RATLS_LAPSED ? REFUSED : COULD_NOT_WORK;
}

/* The secret. Nothing of it leaves before the server was accepted, whatever the program does. */
static enum ratls_outcome log_in(struct ratls_connection *connection, const char *host, bool holds)
{
    static const char form[] = "user=alice&password=correct+horse+battery+staple";
    char request[512];
    size_t sent;
    int len = snprintf(request, sizeof request,
                       "POST /login HTTP/1.1\r\nHost: %.200s\r\nConnection: %s\r\n"
                       "Content-Type: application/x-www-form-urlencoded\r\n"
                       "Content-Length: %zu\r\n\r\n%s",
                       host, holds ? "keep-alive" : "close", strlen(form), form);

    if (len < 0 || (size_t)len >= sizeof request)
        return RATLS_FAILED;
    return ratls_connection_write(connection, request, (size_t)len, &sent);
}

/* What the server says, to the end. With --hold it says no more, and the connection is all. */
static int listen_to(struct ratls_connection *connection, bool holds)
{
    enum ratls_outcome outcome;
    char answer[2048];
    size_t got;

    do {
        outcome = ratls_connection_read(connection, answer, sizeof answer, &got);
        if (outcome == RATLS_DONE) {
            fwrite(answer, 1, got, stdout);
            fflush(stdout);
        }
    } while (outcome == RATLS_DONE || (holds && outcome == RATLS_WANT_READ));
    return outcome == RATLS_CLOSED ? ACCEPTED : explain(connection, outcome);
}

static int talk(struct ratls_connection *connection, const char *host, bool holds)
{
    enum ratls_outcome outcome = ratls_connection_handshake(connection);

    if (outcome == RATLS_DONE) {
        print_report(connection, 0);
        outcome = log_in(connection, host, holds);
    }
    return outcome == RATLS_DONE ? listen_to(connection, holds) : explain(connection, outcome);
}

static int run(SSL_CTX *ctx, char *host, const char *port, bool holds)
{
    const struct ratls_connection_options options = {.on_event = see_event};
    struct ratls_connection *connection = NULL;
    struct ratls_error error = {0};
    int fd = connect_to(host, port);
    SSL *ssl = SSL_new(ctx);
    int result = COULD_NOT_WORK;

    if (fd < 0) {
        fprintf(stderr, "cannot connect to %s:%s\n", host, port);
    } else if (ssl != NULL && SSL_set_tlsext_host_name(ssl, host) && SSL_set1_host(ssl, host) &&
               SSL_set_fd(ssl, fd)) {
        SSL_set_connect_state(ssl);
        if (ratls_connection_new(ssl, &options, &connection, &error) == RATLS_OK) {
            ssl = NULL; /* it is the connection's */
            result = talk(connection, host, holds);
        } else {
            fprintf(stderr, "%s\n", error.text);
        }
    }
    ratls_connection_free(connection);
    SSL_free(ssl);
    if (fd >= 0)
        close(fd);
    return result;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"policy", required_argument, NULL, 'p'},
                                            {"ca", required_argument, NULL, 'c'},
                                            {"hold", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    struct ratls_error error = {0};
    struct settings settings = {0};
    SSL_CTX *ctx;
    int result;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'p')
            settings.policy = optarg;
        else if (option == 'c')
            settings.ca = optarg;
        else if (option == 'h')
            settings.holds = true;
        else
            return WRONG_USAGE;
    }
    if (settings.policy == NULL || settings.ca == NULL || argc - optind != 2) {
        fprintf(stderr, "usage: %s --policy FILE --ca FILE [--hold] HOST PORT\n", argv[0]);
        return WRONG_USAGE;
    }
    ctx = make_context(&settings, &error);
    if (ctx == NULL) {
        fprintf(stderr, "%s\n", error.text);
        return error.status == RATLS_USAGE ? WRONG_USAGE : COULD_NOT_WORK;
    }
    result = run(ctx, argv[optind], argv[optind + 1], settings.holds);
    SSL_CTX_free(ctx);
    return result;
}
