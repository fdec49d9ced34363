/*
 * What answers one question by HTTP after the other, with the same bytes or with what a test makes
 * of each, on a socket of loopback and on one in a folder; a thread. What fails in the set-up
 * prints why and aborts.
 */
#ifndef RATLS_TEST_HTTP_SERVER_H
#define RATLS_TEST_HTTP_SERVER_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#define HTTP_QUESTION_MAX 65536

enum http_manner {
    HTTP_ANSWER,
    HTTP_CLOSE,   /* closes when the question has come */
    HTTP_SILENT,  /* says nothing, and waits until the other side closes */
    HTTP_TRICKLE, /* a byte of the answer each 200 ms */
};

struct http_server {
    enum http_manner manner;
    const char *answer;
    size_t len;
    /* NULL, or what makes the answer; it returns its length, 0: the connection is closed. */
    size_t (*make)(void *make_arg, const char *question, size_t question_len, char *out,
                   size_t cap);
    void *make_arg;
    SSL_CTX *ctx;  /* borrowed; NULL: without TLS */
    char url[256]; /* how it is reached: by TCP */
    char unix_url[128];
    char folder[32];
    int listeners[2];
    int stop[2];
    atomic_uint asked;
    char question[HTTP_QUESTION_MAX]; /* the last one; read when its answer has come */
    size_t question_len;
    pthread_t thread;
};

/* `answer` is borrowed, and may change while nobody asks. */
struct http_server *http_server_new(enum http_manner manner, const char *answer, SSL_CTX *ctx);
void http_server_free(struct http_server *server);

#endif
