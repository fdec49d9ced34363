/*
 * A bank's log-in page: a small HTTPS server that attests itself to every client that asks for it,
 * in the handshake, and again as long as the client stays.
 *
 *   ratls-example-server --state /var/lib/ratls --cert bank.pem --key bank.key --port 8443
 *
 * GET / and POST /login, for some connections at a time; with --port 0 it prints the port that it
 * got. --ima-list says where the list of Linux IMA is, if not in the kernel. With --agent
 * /run/ratls/agent.sock, in place of --state, ratlsd has the TPM.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <ratls/attester_agent.h>
#include <ratls/attester_tpm.h>
#include <ratls/ratls.h>

enum { WRONG_USAGE = 2, COULD_NOT_WORK = 3 };

#define BACKLOG 16
#define CLIENTS_MAX 32
#define REQUEST_S 10 /* a client that says nothing makes room for others */
#define HELD_S 3600
#define REQUEST_MAX 2048
#define ANSWER_MAX 1024

static const char *const log_in_page =
    "<!doctype html><title>Bank</title><h1>Log in</h1><form method=post action=/login>"
    "<input name=user><input name=password type=password><button>Log in</button></form>";

struct settings {
    const char *state, *agent, *tcti, *cert, *key, *ima_list;
    unsigned short port;
};

struct client {
    struct ratls_connection *connection; /* NULL: this place is free */
    int fd;
    time_t until;
    char request[REQUEST_MAX];
    size_t request_len;
    char answer[ANSWER_MAX];
    size_t answer_len, answer_at;
    bool closes; /* once it has its answer */
    bool wants_write;
};

static enum ratls_status make_attester(const struct settings *settings,
                                       struct ratls_attester **ret_attester,
                                       struct ratls_error *error)
{
    struct ratls_agent_options agent = {.socket = settings->agent};
    struct ratls_tpm_options tpm = {
        .state_dir = settings->state, .tcti = settings->tcti, .ima_list = settings->ima_list};

    return agent.socket == NULL ? ratls_tpm_attester_new(&tpm, ret_attester, error)
                                : ratls_agent_attester_new(&agent, ret_attester, error);
}

static SSL_CTX *make_context(const struct settings *settings)
{
    struct ratls_attester *attester = NULL;
    struct ratls_error error = {0};
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

    if (ctx == NULL || SSL_CTX_use_certificate_chain_file(ctx, settings->cert) != 1 ||
        SSL_CTX_use_PrivateKey_file(ctx, settings->key, SSL_FILETYPE_PEM) != 1) {
        ERR_print_errors_fp(stderr);
    } else if (make_attester(settings, &attester, &error) == RATLS_OK) {
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
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
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

static void drop(struct client *client)
{
    const struct ratls_error *error = ratls_connection_error(client->connection);

    if (error != NULL)
        fprintf(stderr, "%s\n", error->text);
    ratls_connection_free(client->connection);
    close(client->fd);
    *client = (struct client){0};
}

/* The next client, in a free place. */
static void welcome(SSL_CTX *ctx, int listener, struct client *client)
{
    struct ratls_error error = {0};
    SSL *ssl = NULL;

    client->fd = accept(listener, NULL, NULL);
    if (client->fd < 0)
        return;
    ssl = SSL_new(ctx);
    if (ssl == NULL || fcntl(client->fd, F_SETFL, O_NONBLOCK) != 0 ||
        !SSL_set_fd(ssl, client->fd)) {
        SSL_free(ssl);
        close(client->fd);
        return;
    }
    SSL_set_accept_state(ssl);
    if (ratls_connection_new(ssl, NULL, &client->connection, &error) != RATLS_OK) {
        fprintf(stderr, "%s\n", error.text);
        SSL_free(ssl);
        close(client->fd);
        return;
    }
    client->until = time(NULL) + REQUEST_S;
}

static void answer(struct client *client, const char *status, const char *body)
{
    int len = snprintf(client->answer, sizeof client->answer,
                       "HTTP/1.1 %s\r\nContent-Type: text/html\r\nContent-Length: %zu\r\n\r\n%s",
                       status, strlen(body), body);

    client->answer_len = len < 0 ? 0 : (size_t)len;
    client->answer_at = 0;
    client->closes = strstr(client->request, "\r\nConnection: close") != NULL;
    client->request_len = 0;
    client->until = time(NULL) + HELD_S;
}

/* Up to the end of the headers; the body of the form is of no interest here. */
static void see_request(struct client *client)
{
    client->request[client->request_len] = '\0';
    if (strstr(client->request, "\r\n\r\n") == NULL) {
        if (client->request_len == REQUEST_MAX - 1)
            answer(client, "431 Request Header Fields Too Large", "");
    } else if (strncmp(client->request, "POST /login ", strlen("POST /login ")) == 0) {
        answer(client, "200 OK", "<p>Welcome.</p>\n");
    } else if (strncmp(client->request, "GET / ", strlen("GET / ")) == 0) {
        answer(client, "200 OK", log_in_page);
    } else {
        answer(client, "404 Not Found", "<p>There is nothing here.</p>");
    }
}

/* As far as it goes without waiting. What is due for the attestation is done inside of it. */
static enum ratls_outcome move(struct client *client)
{
    enum ratls_outcome outcome = RATLS_DONE;
    size_t len;

    while (outcome == RATLS_DONE) {
        if (client->answer_at < client->answer_len) {
            outcome = ratls_connection_write(client->connection, client->answer + client->answer_at,
                                             client->answer_len - client->answer_at, &len);
            client->answer_at += outcome == RATLS_DONE ? len : 0;
        } else if (client->answer_len != 0 && client->closes) {
            outcome = ratls_connection_shutdown(client->connection);
            return outcome == RATLS_DONE ? RATLS_CLOSED : outcome;
        } else {
            outcome =
                ratls_connection_read(client->connection, client->request + client->request_len,
                                      REQUEST_MAX - 1 - client->request_len, &len);
            if (outcome == RATLS_DONE) {
                client->request_len += len;
                see_request(client);
            }
        }
    }
    client->wants_write = outcome == RATLS_WANT_WRITE;
    return outcome;
}

static int sooner(int a_ms, int b_ms)
{
    return a_ms < 0 || (b_ms >= 0 && b_ms < a_ms) ? b_ms : a_ms;
}

/* Waits for all of them at once: their sockets, their evidence that is being made, their time. */
static void wait_for_work(const struct client *clients, int listener)
{
    struct pollfd polled[1 + 2 * CLIENTS_MAX];
    nfds_t count = 0;
    int timeout_ms = REQUEST_S * 1000;
    bool has_room = false;

    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        const struct ratls_connection *c = clients[i].connection;
        short events = POLLIN;

        if (c == NULL) {
            has_room = true;
            continue;
        }
        events |= ratls_connection_events(c) | (clients[i].wants_write ? POLLOUT : 0);
        polled[count++] = (struct pollfd){.fd = clients[i].fd, .events = events};
        polled[count++] = (struct pollfd){.fd = ratls_connection_attester_fd(c), .events = POLLIN};
        timeout_ms = sooner(timeout_ms, ratls_connection_timeout_ms(c));
    }
    polled[count++] = (struct pollfd){.fd = has_room ? listener : -1, .events = POLLIN};
    (void)poll(polled, count, timeout_ms);
}

static void serve(SSL_CTX *ctx, int listener)
{
    static struct client clients[CLIENTS_MAX];

    for (;;) {
        wait_for_work(clients, listener);
        for (size_t i = 0; i < CLIENTS_MAX; i++) {
            struct client *client = &clients[i];

            if (client->connection == NULL)
                welcome(ctx, listener, client);
            if (client->connection != NULL &&
                (move(client) >= RATLS_CLOSED || time(NULL) > client->until))
                drop(client);
        }
    }
}

static int run(const struct settings *settings)
{
    SSL_CTX *ctx = make_context(settings);
    int listener = ctx == NULL ? -1 : listen_on(settings->port);

    signal(SIGPIPE, SIG_IGN);
    if (listener >= 0)
        serve(ctx, listener); /* until it is ended */
    SSL_CTX_free(ctx);
    return COULD_NOT_WORK;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"state", required_argument, NULL, 's'},    {"agent", required_argument, NULL, 'a'},
        {"tcti", required_argument, NULL, 't'},     {"cert", required_argument, NULL, 'c'},
        {"key", required_argument, NULL, 'k'},      {"port", required_argument, NULL, 'p'},
        {"ima-list", required_argument, NULL, 'i'}, {NULL, 0, NULL, 0}};
    struct settings settings = {.port = 8443};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 's')
            settings.state = optarg;
        else if (option == 'a')
            settings.agent = optarg;
        else if (option == 't')
            settings.tcti = optarg;
        else if (option == 'c')
            settings.cert = optarg;
        else if (option == 'k')
            settings.key = optarg;
        else if (option == 'p')
            settings.port = (unsigned short)strtoul(optarg, NULL, 10);
        else if (option == 'i')
            settings.ima_list = optarg;
        else
            return WRONG_USAGE;
    }
    if ((settings.state == NULL) == (settings.agent == NULL) || settings.cert == NULL ||
        settings.key == NULL) {
        fprintf(stderr,
                "usage: %s --state DIR [--tcti CONF] [--ima-list FILE] | --agent SOCKET "
                "--cert FILE --key FILE [--port N]\n",
                argv[0]);
        return WRONG_USAGE;
    }
    return run(&settings);
}
