/* Questions by HTTPS: whose certificate counts. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http.h"
#include "http_server.h"
#include "must.h"
#include "pki.h"

#define GOOD "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

struct scene {
    EVP_PKEY *ca_key, *key;
    X509 *ca, *certificate;
    SSL_CTX *ctx;
    struct http_server *server;
    char ca_file[32], bad_file[32];
};

static void make_file(char path[static 32])
{
    int fd;

    snprintf(path, 32, "/tmp/ratls.XXXXXX");
    fd = mkstemp(path);
    must(fd >= 0 && write(fd, "no certificate", 14) == 14);
    close(fd);
}

static struct scene new_scene(const char *names)
{
    struct scene s = {.ca_key = pki_key(PKI_P256), .key = pki_key(PKI_P256)};

    s.ca = pki_ca("CA", s.ca_key, NULL, NULL);
    s.certificate = pki_server_certificate(s.key, names, s.ca, s.ca_key);
    s.ctx = SSL_CTX_new(TLS_server_method());
    must(s.ctx != NULL && SSL_CTX_use_certificate(s.ctx, s.certificate) == 1 &&
         SSL_CTX_use_PrivateKey(s.ctx, s.key) == 1);
    make_file(s.ca_file);
    make_file(s.bad_file);
    pki_write_certificate(s.ca_file, s.ca);
    s.server = http_server_new(HTTP_ANSWER, GOOD, s.ctx);
    return s;
}

static void free_scene(struct scene *s)
{
    http_server_free(s->server);
    unlink(s->ca_file);
    unlink(s->bad_file);
    SSL_CTX_free(s->ctx);
    X509_free(s->certificate);
    X509_free(s->ca);
    EVP_PKEY_free(s->key);
    EVP_PKEY_free(s->ca_key);
}

static void expect(const struct scene *s, const char *tls_ca, enum ratls_status expected,
                   const char *words)
{
    const struct ratls_http_call call = {.url = s->server->url, .tls_ca = tls_ca, .max = 100};
    struct ratls_http_answer answer = {0};
    struct ratls_error err = {0};

    s->server->question_len = 0;
    cr_assert_eq(ratls_http(&call, &answer, &err), expected, "%s", err.text);
    cr_assert_not_null(strstr(err.text, words), "%s", err.text);
    cr_assert_eq(s->server->question_len > 0, expected == RATLS_OK, "the question has gone out");
    ratls_http_answer_done(&answer);
}

Test(http_tls, by_the_ca_alone)
{
    struct scene s = new_scene("DNS:localhost");

    expect(&s, s.ca_file, RATLS_OK, "");
    expect(&s, NULL, RATLS_IO, "name it with --tls-ca");
    expect(&s, s.bad_file, RATLS_IO, "PEM");
    expect(&s, "/nonexistent/ca.pem", RATLS_IO, "PEM");
    free_scene(&s);
}

Test(http_tls, of_this_name_alone)
{
    struct scene s = new_scene("DNS:other.example");

    expect(&s, s.ca_file, RATLS_IO, "localhost");
    free_scene(&s);
}

Test(http_tls, not_with_an_old_version)
{
    struct scene s = new_scene("DNS:localhost");

    SSL_CTX_set_security_level(s.ctx, 0);
    SSL_CTX_set_min_proto_version(s.ctx, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(s.ctx, TLS1_1_VERSION);
    expect(&s, s.ca_file, RATLS_IO, "");
    SSL_CTX_set_max_proto_version(s.ctx, TLS1_2_VERSION);
    expect(&s, s.ca_file, RATLS_OK, "");
    free_scene(&s);
}
