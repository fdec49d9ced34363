/* Further requests for logs: where they go, what they bring, and how they end. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <string.h>
#include <unistd.h>

#include "evidence.h"
#include "hidden_bio.h"
#include "log_list.h"
#include "patience.h"
#include "tcp_server.h"
#include "thread.h"
#include "tls_assert.h"
#include "tls_internal.h"

#define ENTRIES 400
#define PIECE 8192
#define ODD_ERRNO 77

/* A client that collects evidence from a server on a socket, and asks for more of its list. */
struct scene {
    struct tls_world *world;
    struct log_list *log;
    struct tcp_server *server;
    SSL_CTX *client;
    BIO_METHOD *hidden; /* NULL: OpenSSL is shown the socket */
    unsigned each_s;
    unsigned all_s;
    /* What the request within the handshake brought. */
    unsigned asked;
    bool is_ours; /* the IMA list of the log, from where it was asked */
    struct ratls_error error;
};

static struct scene *new_scene(int family)
{
    struct scene *s = calloc(1, sizeof *s);
    const struct ratls_pcr_selection selection = {.count = 1, .banks = {{RATLS_ALG_SHA256, 0x7ff}}};
    const struct ratls_log_request logs = {.ima_bank = RATLS_ALG_SHA256};

    cr_assert_not_null(s);
    s->world = tls_world_new();
    s->log = log_list_new(s->world->tpm);
    log_measure_many(s->log, ENTRIES);
    s->log->piece_max = PIECE;
    s->world->tamper = log_tamper;
    s->world->tamper_arg = s->log;
    s->server = tcp_server_new(s->world->server, family);
    s->client = tls_plain_client(s->world);
    cr_assert_eq(ratls_tls_collect(s->client, &selection, &logs, &s->error), RATLS_OK);
    s->each_s = s->all_s = 20;
    return s;
}

static void free_scene(struct scene *s)
{
    tcp_server_free(s->server);
    SSL_CTX_free(s->client);
    BIO_meth_free(s->hidden);
    log_list_free(s->log);
    tls_world_free(s->world);
    free(s);
}

/* The error stack may have been empty or not: what was there stays, and nothing is added. */
static void ask_for_more(struct scene *s, const SSL *ssl)
{
    const struct ratls_log_request request = {.ima_bank = RATLS_ALG_SHA256, .ima_offset = 1};
    struct ratls_sync sync;
    struct ratls_evidence evidence;
    struct ratls_slice bytes;

    s->asked++;
    ratls_sync_begin(ssl, &sync);
    sync.settings.each_s = s->each_s;
    sync.settings.all_s = s->all_s;
    errno = ODD_ERRNO;
    if (sync.more.fetch(&sync.more, &request, &bytes, &s->error) == RATLS_OK) {
        cr_assert(ratls_evidence_read(bytes, &evidence));
        s->is_ours = evidence.has_ima && !evidence.has_quote && evidence.ima.offset == 1 &&
                     evidence.ima.total == s->log->len;
    }
    cr_assert_eq(errno, ODD_ERRNO);
    cr_assert_eq(ERR_peek_error(), 0);
    ratls_sync_end(&sync);
}

static void see_message(int write, int version, int type, const void *p, size_t len, SSL *ssl,
                        void *arg)
{
    (void)version, (void)len;
    if (!write && type == SSL3_RT_HANDSHAKE && *(const uint8_t *)p == SSL3_MT_CERTIFICATE)
        ask_for_more(arg, ssl);
}

/* A handshake; when the Certificate message is in, within it, more is asked for. */
static void shake_hands(struct scene *s, int fd)
{
    SSL *ssl = SSL_new(s->client);

    cr_assert_not_null(ssl);
    if (s->hidden != NULL) {
        BIO *bio = hidden_bio(s->hidden, fd);

        SSL_set_bio(ssl, bio, bio);
    } else {
        cr_assert(SSL_set_fd(ssl, fd));
    }
    cr_assert(tls_set_sni(ssl, TLS_NAME));
    SSL_set_msg_callback(ssl, see_message);
    SSL_set_msg_callback_arg(ssl, s);
    cr_assert_leq(SSL_connect(ssl), 0, "collecting never connects");
    cr_assert_not_null(ratls_tls_expectation(ssl), "%s", ratls_tls_error(ssl)->text);
    ERR_clear_error();
    cr_assert_eq(s->asked, 1);
    SSL_free(ssl);
}

static void connect_and_ask(struct scene *s)
{
    int fd = tcp_server_connect(s->server);

    shake_hands(s, fd);
    close(fd);
}

static void assert_brought(const struct scene *s)
{
    cr_assert_str_eq(s->error.text, "");
    cr_assert(s->is_ours);
    cr_assert_eq(s->server->count, 2);
    cr_assert_eq(s->log->quotes, 1, "a request for logs alone costs no quote");
}

static void assert_not_brought(const struct scene *s, enum ratls_status status, const char *words)
{
    cr_assert_not(s->is_ours);
    cr_assert_eq(s->error.status, status, "%s", s->error.text);
    cr_assert_not_null(strstr(s->error.text, words), "%s", s->error.text);
}

Test(tls_sync, every_kind_of_address)
{
    static const int families[] = {AF_INET, AF_INET6, AF_UNIX};

    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        struct scene *s = new_scene(families[i]);

        connect_and_ask(s);
        assert_brought(s);
        free_scene(s);
    }
}

/* curl and others read the socket themselves: it is found by the bytes that came over it. */
Test(tls_sync, socket_that_is_not_shown)
{
    struct scene *s = new_scene(AF_INET);
    struct tcp_server *other = tcp_server_new(s->world->server, AF_INET);
    int unused = tcp_server_connect(other);

    s->hidden = hidden_method();
    connect_and_ask(s);
    assert_brought(s);
    cr_assert_eq(other->count, 1);
    close(unused);
    tcp_server_free(other);
    free_scene(s);
}

static int count_name(SSL *ssl, int *alert, void *arg)
{
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    (void)alert;
    if (name != NULL && strcmp(name, TLS_NAME) == 0)
        atomic_fetch_add((atomic_uint *)arg, 1);
    return SSL_TLSEXT_ERR_OK;
}

/* A server of many names knows which one is meant; a HelloRetryRequest changes nothing. */
Test(tls_sync, same_name_and_hello_retry)
{
    struct scene *s = new_scene(AF_INET);
    atomic_uint named = 0;

    SSL_CTX_set_tlsext_servername_callback(s->world->server, count_name);
    SSL_CTX_set_tlsext_servername_arg(s->world->server, &named);
    cr_assert(SSL_CTX_set1_groups_list(s->world->server, "P-521"));
    connect_and_ask(s);
    assert_brought(s);
    cr_assert_geq(named, 2);
    free_scene(s);
}

/* What a program has allowed its connection, and the server needs, further requests have as well.
 */
Test(tls_sync, chain_and_suite_that_are_not_the_default)
{
    struct scene *s = new_scene(AF_INET);
    STACK_OF(X509) *chain = NULL;

    for (int i = 0; i < 400; i++)
        cr_assert(SSL_CTX_add1_chain_cert(s->world->server, s->world->ca));
    cr_assert(SSL_CTX_get0_chain_certs(s->world->server, &chain));
    cr_assert_gt(400 * i2d_X509(sk_X509_value(chain, 0), NULL), SSL_MAX_CERT_LIST_DEFAULT);
    SSL_CTX_set_max_cert_list(s->client, 1 << 20);
    cr_assert(SSL_CTX_set_ciphersuites(s->client, "TLS_AES_128_CCM_SHA256"));
    cr_assert(SSL_CTX_set_ciphersuites(s->world->server, "TLS_AES_128_CCM_SHA256"));
    connect_and_ask(s);
    assert_brought(s);
    free_scene(s);
}

/* Bytes before TLS: a connection to the same address would meet another protocol. */
Test(tls_sync, starttls)
{
    for (int is_hidden = 0; is_hidden < 2; is_hidden++) {
        struct scene *s = new_scene(AF_INET);
        char greeting[64];
        int fd;

        s->server->first = TCP_GREETING;
        s->hidden = is_hidden ? hidden_method() : NULL;
        fd = tcp_server_connect(s->server);
        cr_assert_gt(recv(fd, greeting, sizeof greeting, 0), 0);
        shake_hands(s, fd);
        assert_not_brought(s, RATLS_USAGE,
                           is_hidden ? "socket on which TLS began" : "did not begin with TLS");
        assert_not_brought(s, RATLS_USAGE, "run `ratls sync` ahead");
        cr_assert_eq(s->server->count, 1);
        close(fd);
        free_scene(s);
    }
}

Test(tls_sync, memory_has_no_address)
{
    struct scene *s = new_scene(AF_INET);
    struct tls_pair *pair = tls_pair_new(s->client, s->world->server, TLS_NAME);

    SSL_set_msg_callback(pair->client.ssl, see_message);
    SSL_set_msg_callback_arg(pair->client.ssl, s);
    cr_assert_not(tls_pair_handshake(pair));
    cr_assert_eq(s->asked, 1);
    assert_not_brought(s, RATLS_USAGE, "run `ratls sync` ahead");
    tls_pair_free(pair);
    free_scene(s);
}

/* Both limits of time hold, the one for a request and the one for all. */
Test(tls_sync, servers_that_do_not_answer)
{
    static const struct {
        enum tcp_manner manner;
        unsigned each_s, all_s;
        const char *words;
    } rows[] = {
        {TCP_SILENT, 1, 20, "no answer: Connection timed out"},
        {TCP_SILENT, 20, 1, "no answer: Connection timed out"},
        {TCP_SILENT, 1, 0, "no answer: Connection timed out"},
        {TCP_TRICKLE, 1, 20, "no answer: Connection timed out"},
        {TCP_CLOSE, 20, 20, "cannot be had: "},
        {TCP_GREETING, 20, 20, "cannot be had: no handshake"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene *s = new_scene(AF_INET);
        int64_t begin_ms = ratls_peer_now_ms();

        s->server->later = rows[i].manner;
        s->each_s = rows[i].each_s;
        s->all_s = rows[i].all_s;
        connect_and_ask(s);
        assert_not_brought(s, RATLS_IO, rows[i].words);
        cr_assert_lt(ratls_peer_now_ms() - begin_ms, 10000, "row %zu", i);
        free_scene(s);
    }
}

/* What the same address says the next time may be another server's word. */
Test(tls_sync, server_without_logs)
{
    struct scene *s = new_scene(AF_INET);
    SSL_CTX *plain = tls_plain_server(s->world);

    s->server->later_ctx = plain;
    connect_and_ask(s);
    assert_not_brought(s, RATLS_IO, "the server sent no logs");
    free_scene(s);
    SSL_CTX_free(plain);
}

Test(tls_sync, server_with_tls12_alone)
{
    struct scene *s = new_scene(AF_INET);
    SSL_CTX *old = tls_plain_server(s->world);

    cr_assert(SSL_CTX_set_max_proto_version(old, TLS1_2_VERSION));
    s->server->later_ctx = old;
    connect_and_ask(s);
    assert_not_brought(s, RATLS_IO, "no handshake: ");
    free_scene(s);
    SSL_CTX_free(old);
}

static void stop_listening(struct log_list *log, struct ratls_ima_slice *piece, unsigned number)
{
    (void)piece, (void)number;
    shutdown(log->bend_fd, SHUT_RDWR);
}

Test(tls_sync, server_that_is_gone)
{
    struct scene *s = new_scene(AF_INET);

    s->log->bend = stop_listening;
    s->log->bend_fd = s->server->listener;
    connect_and_ask(s);
    assert_not_brought(s, RATLS_IO, "cannot connect: Connection refused");
    free_scene(s);
}

/* Calls see for each open file of this process. Returns how many there are. */
static size_t look_at_files(void (*see)(int fd))
{
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *entry;
    size_t count = 0;

    cr_assert_not_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        int fd = (int)strtol(entry->d_name, NULL, 10);

        count += entry->d_name[0] != '.' && fd != dirfd(folder);
        if (see != NULL && entry->d_name[0] != '.')
            see(fd);
    }
    closedir(folder);
    return count;
}

static void see_file(int fd)
{
    int type;
    socklen_t len = sizeof type;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM)
        cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC, "a child would have socket %d", fd);
}

/* Called by the server while the client's socket of this request is open. */
static void look_at_sockets(struct log_list *log, struct ratls_ima_slice *piece, unsigned number)
{
    (void)log, (void)piece, (void)number;
    look_at_files(see_file);
}

Test(tls_sync, no_socket_stays_open)
{
    struct scene *s = new_scene(AF_INET);
    int fd = tcp_server_connect(s->server);
    size_t before;

    cr_assert_gt(ratls_thread_count(), 0); /* its descriptor stays for the life of the process */
    before = look_at_files(NULL);
    s->log->bend = look_at_sockets;
    shake_hands(s, fd);
    assert_brought(s);
    close(fd);
    /* The server closes its ends when it sees ours closed. */
    assert_soon(look_at_files(NULL) < before);
    free_scene(s);
}
