#include "tls_pair.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "must.h"

#define WIRE_BYTES (256 * 1024) /* more than a flight with the longest evidence */
#define COPY_BYTES 2048
#define HELLO_HEAD 4

void tls_bytes_add(struct tls_bytes *bytes, const void *p, size_t len)
{
    bytes->p = realloc(bytes->p, bytes->len + len + 1);
    must(bytes->p != NULL);
    memcpy(bytes->p + bytes->len, p, len);
    bytes->len += len;
}

bool tls_bytes_contain(const struct tls_bytes *bytes, const char *text)
{
    return bytes->len != 0 && memmem(bytes->p, bytes->len, text, strlen(text)) != NULL;
}

static pthread_once_t index_once = PTHREAD_ONCE_INIT;
static int index_of_side;

static void make_index(void)
{
    index_of_side = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

static int side_index(void)
{
    pthread_once(&index_once, make_index);
    return index_of_side;
}

static void see_alert(const SSL *ssl, int where, int ret)
{
    struct tls_side *side = SSL_get_ex_data(ssl, side_index());

    if (where & SSL_CB_ALERT && side != NULL)
        *(where & SSL_CB_READ ? &side->alert_received : &side->alert_sent) = ret & 0xff;
}

static void prepare_side(struct tls_side *side)
{
    BIO *own = NULL;

    BIO_free(side->wire);
    side->wire = NULL;
    must(BIO_new_bio_pair(&own, WIRE_BYTES, &side->wire, WIRE_BYTES) == 1);
    SSL_set_bio(side->ssl, own, own);
    must(SSL_set_ex_data(side->ssl, side_index(), side) == 1);
    SSL_set_info_callback(side->ssl, see_alert);
    side->done = 0;
    side->alert_sent = side->alert_received = -1;
    side->reason = 0;
    side->library[0] = side->reason_text[0] = side->data[0] = '\0';
    side->sent.len = side->received.len = 0;
}

void tls_pair_connect(struct tls_pair *pair)
{
    prepare_side(&pair->client);
    prepare_side(&pair->server);
    SSL_set_connect_state(pair->client.ssl);
    SSL_set_accept_state(pair->server.ssl);
}

bool tls_set_sni(SSL *ssl, const char *name)
{
    union {
        const char *in;
        void *out;
    } same = {.in = name};

    return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, same.out) == 1;
}

struct tls_pair *tls_pair_new(SSL_CTX *client, SSL_CTX *server, const char *name)
{
    struct tls_pair *pair = calloc(1, sizeof *pair);

    must(pair != NULL);
    pair->client.ssl = SSL_new(client);
    pair->server.ssl = SSL_new(server);
    must(pair->client.ssl != NULL && pair->server.ssl != NULL);
    if (name != NULL) {
        must(SSL_set1_host(pair->client.ssl, name) == 1);
        must(tls_set_sni(pair->client.ssl, name));
    }
    tls_pair_connect(pair);
    return pair;
}

static void free_side(struct tls_side *side)
{
    SSL_free(side->ssl);
    BIO_free(side->wire);
    free(side->sent.p);
    free(side->received.p);
}

void tls_pair_free(struct tls_pair *pair)
{
    if (pair == NULL)
        return;
    free_side(&pair->client);
    free_side(&pair->server);
    free(pair);
}

/* What the program would find on its error stack. */
static void keep_errors(struct tls_side *side)
{
    const char *data = NULL;
    const char *text;
    int flags = 0;

    side->reason = ERR_peek_error_all(NULL, NULL, NULL, &data, &flags);
    side->last_reason = ERR_peek_last_error();
    text = ERR_lib_error_string(side->reason);
    snprintf(side->library, sizeof side->library, "%s", text == NULL ? "" : text);
    text = ERR_reason_error_string(side->reason);
    snprintf(side->reason_text, sizeof side->reason_text, "%s", text == NULL ? "" : text);
    snprintf(side->data, sizeof side->data, "%s",
             data != NULL && flags & ERR_TXT_STRING ? data : "");
}

static void judge_call(struct tls_side *side, int result)
{
    int error = SSL_get_error(side->ssl, result);
    bool failed = error != SSL_ERROR_NONE && error != SSL_ERROR_WANT_READ &&
                  error != SSL_ERROR_WANT_WRITE && error != SSL_ERROR_ZERO_RETURN &&
                  error != SSL_ERROR_WANT_X509_LOOKUP && error != SSL_ERROR_WANT_ASYNC;

    if (failed) {
        keep_errors(side);
        side->done = -1;
    } else if (ERR_peek_error() != 0) {
        side->stray_errors++;
    }
}

static int call_openssl(struct tls_pair *pair, struct tls_side *side, uint8_t *bytes)
{
    int result;

    if (pair->around != NULL)
        pair->around(pair, side, true, pair->around_arg);
    result = side->done == 0 ? SSL_do_handshake(side->ssl) : SSL_read(side->ssl, bytes, COPY_BYTES);
    if (pair->around != NULL)
        pair->around(pair, side, false, pair->around_arg);
    return result;
}

static void move_side(struct tls_pair *pair, struct tls_side *side)
{
    uint8_t bytes[COPY_BYTES];
    int result;

    ERR_clear_error();
    if (side->done < 0)
        return;
    result = call_openssl(pair, side, bytes);
    if (result <= 0)
        judge_call(side, result);
    else if (side->done > 0)
        tls_bytes_add(&side->received, bytes, (size_t)result);
    else if (ERR_peek_error() != 0)
        side->stray_errors++;
    if (result == 1 && side->done == 0)
        side->done = 1;
}

/* The bytes that one side wrote, to the other. */
static bool carry(struct tls_pair *pair, struct tls_side *from, struct tls_side *to)
{
    uint8_t bytes[COPY_BYTES];
    bool moved = false;
    int len;

    while ((len = BIO_read(from->wire, bytes, sizeof bytes)) > 0) {
        tls_bytes_add(&from->sent, bytes, (size_t)len);
        if (pair->filter != NULL)
            pair->filter(from == &pair->client, bytes, (size_t)len, pair->filter_arg);
        must(BIO_write(to->wire, bytes, len) == len);
        moved = true;
    }
    return moved;
}

void tls_pair_carry(struct tls_pair *pair)
{
    carry(pair, &pair->client, &pair->server);
    carry(pair, &pair->server, &pair->client);
}

bool tls_pair_step(struct tls_pair *pair)
{
    bool moved;

    move_side(pair, &pair->client);
    moved = carry(pair, &pair->client, &pair->server);
    move_side(pair, &pair->server);
    return carry(pair, &pair->server, &pair->client) || moved;
}

bool tls_pair_handshake(struct tls_pair *pair)
{
    while (tls_pair_step(pair))
        continue;
    return pair->client.done == 1 && pair->server.done == 1;
}

int tls_pair_write(struct tls_pair *pair, const char *text)
{
    int result;

    ERR_clear_error();
    result = SSL_write(pair->client.ssl, text, (int)strlen(text));
    while (tls_pair_step(pair))
        continue;
    ERR_clear_error();
    return result;
}

struct ratls_finding tls_failure(const struct tls_pair *pair)
{
    struct ratls_finding finding = {.check = "", .at = "", .expected = "", .actual = ""};

    ratls_report_first_failure(ratls_tls_report(pair->client.ssl), &finding);
    return finding;
}

enum ratls_verdict tls_verdict(const struct tls_pair *pair, const char *check)
{
    const struct ratls_report *report = ratls_tls_report(pair->client.ssl);
    struct ratls_finding finding;

    for (size_t i = 0; ratls_report_finding(report, i, &finding); i++)
        if (strcmp(finding.check, check) == 0)
            return finding.verdict;
    fprintf(stderr, "no report, or none of a check %s\n", check);
    abort();
}

/* RFC 8446, 4.1.2. */
struct ratls_slice tls_hello_extension(struct ratls_slice hello, unsigned type)
{
    struct ratls_reader r = ratls_reader(hello);

    ratls_read_bytes(&r, HELLO_HEAD + 2 + SSL3_RANDOM_SIZE);
    ratls_read_bytes(&r, ratls_read_u8(&r));  /* legacy_session_id */
    ratls_read_bytes(&r, ratls_read_u16(&r)); /* cipher_suites */
    ratls_read_bytes(&r, ratls_read_u8(&r));  /* legacy_compression_methods */
    ratls_read_u16(&r);
    while (!r.failed && r.rest.len != 0) {
        unsigned found = ratls_read_u16(&r);
        struct ratls_slice data = ratls_read_bytes(&r, ratls_read_u16(&r));

        if (found == type)
            return data;
    }
    return ratls_slice(NULL, 0);
}
