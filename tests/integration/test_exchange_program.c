/*
 * A program as ratls_exchange(3) has it: HTTP over a TLS session of its own, a TPM on one side, a
 * policy file on the other.
 */
#include <ratls/ratls.h>

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attester_fixture.h"
#include "must.h"
#include "pki.h"

#define NAME "server.example"
#define ROUNDS 3

TestSuite(exchange_program, .init = set_up, .fini = tear_down, .timeout = 120);

/* What the program has before it knows of attestation. */
struct server {
    SSL *ssl;
    struct ratls_attester *attester;
    unsigned answered;
};

struct body {
    uint8_t *p;
    size_t len;
};

static void write_all(SSL *ssl, const void *p, size_t len)
{
    size_t written = 0;

    must(SSL_write_ex(ssl, p, len, &written) == 1 && written == len);
}

static bool read_all(SSL *ssl, uint8_t *p, size_t len)
{
    size_t count = 0;

    for (size_t done = 0; done < len; done += count)
        if (SSL_read_ex(ssl, p + done, len - done, &count) != 1)
            return false;
    return true;
}

/* A head up to its empty line, and then as many bytes as it says. False at the end of the session.
 */
static bool read_message(SSL *ssl, struct body *ret_body)
{
    char head[512] = "";
    const char *length;
    size_t len = 0;

    while (len < sizeof head - 1 && (len < 4 || memcmp(head + len - 4, "\r\n\r\n", 4) != 0))
        if (!read_all(ssl, (uint8_t *)head + len++, 1))
            return false;
    length = strstr(head, "Content-Length: ");
    must(length != NULL);
    ret_body->len = strtoul(length + strlen("Content-Length: "), NULL, 10);
    must(ret_body->len <= RATLS_EXCHANGE_ANSWER_MAX);
    ret_body->p = malloc(ret_body->len + 1);
    must(ret_body->p != NULL);
    return read_all(ssl, ret_body->p, ret_body->len);
}

static void write_message(SSL *ssl, const char *first_line, const uint8_t *body, size_t len)
{
    char head[256];

    snprintf(head, sizeof head, "%s\r\nContent-Length: %zu\r\n\r\n", first_line, len);
    write_all(ssl, head, strlen(head));
    write_all(ssl, body, len);
}

static uint8_t *post(SSL *ssl, const char *path, const uint8_t *body, size_t len,
                     size_t *ret_answer_len)
{
    char line[128];
    struct body answer = {0};

    snprintf(line, sizeof line, "POST %s HTTP/1.1\r\nHost: " NAME, path);
    write_message(ssl, line, body, len);
    must(read_message(ssl, &answer));
    *ret_answer_len = answer.len;
    return answer.p;
}

static void reply(SSL *ssl, const uint8_t *answer, size_t len)
{
    write_message(ssl, "HTTP/1.1 200 OK", answer, len);
}

/* ratls_exchange(3), EXAMPLES: the server. */
static void *serve(void *arg)
{
    struct server *server = arg;
    SSL *ssl = server->ssl;
    struct body body = {0};

    must(SSL_accept(ssl) == 1);
    while (read_message(ssl, &body)) {
        struct ratls_error error = {0};
        uint8_t *answer = NULL;
        size_t answer_len;

        if (ratls_exchange_answer(ssl, RATLS_ROLE_SERVER, server->attester, body.p, body.len,
                                  &answer, &answer_len, &error) == RATLS_OK)
            reply(ssl, answer, answer_len);
        else
            fprintf(stderr, "server: %s\n", error.text);
        server->answered += answer != NULL;
        free(answer);
        free(body.p);
        body = (struct body){0};
    }
    free(body.p);
    return NULL;
}

/* ratls_exchange(3), EXAMPLES: the client. Returns how often the server was accepted. */
static unsigned ask(SSL *ssl, struct ratls_policy *policy, const char *name, unsigned rounds)
{
    struct ratls_exchange *exchange = NULL;
    struct ratls_error error = {0};
    enum ratls_status status;
    unsigned accepted = 0;

    status = ratls_exchange_new(ssl, policy, name, RATLS_ROLE_SERVER, &exchange, &error);
    for (unsigned i = 0; status == RATLS_OK && i < rounds; i++) {
        struct ratls_report *report = NULL;
        uint8_t *challenge = NULL;
        uint8_t *answer = NULL;
        size_t challenge_len, answer_len;

        status = ratls_exchange_challenge(exchange, &challenge, &challenge_len, &error);
        if (status == RATLS_OK)
            answer = post(ssl, "/attest", challenge, challenge_len, &answer_len);
        if (status == RATLS_OK)
            status = ratls_exchange_check(exchange, answer, answer_len, &report, &error);
        accepted += status == RATLS_OK && ratls_report_accepted(report);
        ratls_report_free(report);
        free(challenge);
        free(answer);
    }
    if (status != RATLS_OK)
        fprintf(stderr, "client: %s: %s\n", ratls_status_name(status), error.text);
    ratls_exchange_free(exchange);
    return accepted;
}

/* Allows the TPM's key, and zeros in PCR 7: what a TPM has that measured nothing. */
static struct ratls_policy *load_policy(const char *pcr)
{
    struct ratls_policy *policy = NULL;
    struct ratls_error error = {0};
    struct ratls_tpm_public area;
    uint8_t public[512], name[RATLS_TPM_NAME_MAX];
    char hex[2 * RATLS_TPM_NAME_MAX + 1], path[PATH_LEN + 16];
    size_t len = 0;
    FILE *stream;

    assert_ok(ratls_tpm_ak_public(f.state, public, sizeof public, &len, &error), &error);
    cr_assert(ratls_tpm_read_public(ratls_slice(public, len), &area));
    assert_ok(ratls_tpm_name(&area, name, &len, &error), &error);
    ratls_hex(ratls_slice(name, len), hex, sizeof hex);
    snprintf(path, sizeof path, "%s/policy.yaml", f.tpm.folder);
    stream = fopen(path, "w");
    cr_assert_not_null(stream);
    fprintf(stream,
            "policy: ratls-1\nservers: [" NAME "]\nservice: shop\nbinding: exporter\n"
            "attestation-keys: [{name: %s}]\npcrs: [{index: 7, sha256: [%s]}]\n",
            hex, pcr);
    cr_assert_eq(fclose(stream), 0);
    assert_ok(ratls_policy_load(path, &policy, &error), &error);
    return policy;
}

/* Both ends of a socket, with contexts that know nothing of ratls. */
static void connect_ends(SSL **ret_client, SSL **ret_server)
{
    EVP_PKEY *ca_key = pki_key(PKI_P256), *key = pki_key(PKI_P256);
    X509 *ca = pki_ca("Test CA", ca_key, NULL, NULL);
    X509 *certificate = pki_server_certificate(key, "DNS:" NAME, ca, ca_key);
    SSL_CTX *client = SSL_CTX_new(TLS_client_method());
    SSL_CTX *server = SSL_CTX_new(TLS_server_method());
    int ends[2];

    must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    must(X509_STORE_add_cert(SSL_CTX_get_cert_store(client), ca) == 1);
    SSL_CTX_set_verify(client, SSL_VERIFY_PEER, NULL);
    must(SSL_CTX_use_certificate(server, certificate) == 1 &&
         SSL_CTX_use_PrivateKey(server, key) == 1);
    *ret_client = SSL_new(client);
    *ret_server = SSL_new(server);
    must(SSL_set_fd(*ret_client, ends[0]) == 1 && SSL_set_fd(*ret_server, ends[1]) == 1);
    must(SSL_set1_host(*ret_client, NAME) == 1);
    SSL_CTX_free(client);
    SSL_CTX_free(server);
    X509_free(certificate);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
}

static void end_ends(SSL *client, SSL *server)
{
    close(SSL_get_fd(client));
    close(SSL_get_fd(server));
    SSL_free(client);
    SSL_free(server);
}

/* How often the client accepts a server whose PCR 7 has to be this. */
static unsigned run(const char *pcr, unsigned *ret_answered)
{
    struct server server = {0};
    struct ratls_policy *policy;
    pthread_t thread;
    unsigned accepted;
    SSL *client;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    server.attester = new_attester(NULL, 0);
    policy = load_policy(pcr);
    connect_ends(&client, &server.ssl);
    cr_assert_eq(pthread_create(&thread, NULL, serve, &server), 0);
    cr_assert_eq(SSL_connect(client), 1);
    accepted = ask(client, policy, NAME, ROUNDS);
    SSL_shutdown(client);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    *ret_answered = server.answered;
    end_ends(client, server.ssl);
    ratls_policy_free(policy);
    server.attester->free(server.attester);
    return accepted;
}

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define OTHER "0000000000000000000000000000000000000000000000000000000000000001"

Test(exchange_program, server_that_is_as_it_should_be)
{
    unsigned answered = 0;

    cr_assert_eq(run(ZEROS, &answered), ROUNDS);
    cr_assert_eq(answered, ROUNDS);
}

Test(exchange_program, server_that_is_not)
{
    unsigned answered = 0;

    cr_assert_eq(run(OTHER, &answered), 0);
    cr_assert_eq(answered, 1, "the client asks no further");
}
