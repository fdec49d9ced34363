#include "token_source.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/http.h>
#include <openssl/ts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crypto.h"
#include "epoch_source.h"
#include "fail.h"
#include "token.h"

#define IMPRINT_LEN 32
#define ANSWER_MAX (RATLS_TOKEN_MAX + 256) /* status and text around a token */
#define MS_PER_S 1000

/* A query (RFC 3161, 2.4.1) for the digest of nothing that exists. NULL if memory is short. */
static BIO *make_query(const uint8_t imprint[static IMPRINT_LEN])
{
    TS_REQ *query = TS_REQ_new();
    TS_MSG_IMPRINT *stamped = TS_MSG_IMPRINT_new();
    X509_ALGOR *algorithm = X509_ALGOR_new();
    BIO *bio = BIO_new(BIO_s_mem());
    bool is_good = query != NULL && stamped != NULL && algorithm != NULL && bio != NULL;

    if (is_good) {
        unsigned char digest[IMPRINT_LEN];

        memcpy(digest, imprint, sizeof digest);
        X509_ALGOR_set_md(algorithm, ratls_digest_method(RATLS_ALG_SHA256));
        is_good = TS_MSG_IMPRINT_set_algo(stamped, algorithm) == 1 &&
                  TS_MSG_IMPRINT_set_msg(stamped, digest, sizeof digest) == 1 &&
                  TS_REQ_set_version(query, 1) == 1 &&
                  TS_REQ_set_msg_imprint(query, stamped) == 1 &&
                  TS_REQ_set_cert_req(query, 1) == 1 && i2d_TS_REQ_bio(bio, query) == 1;
    }
    TS_REQ_free(query);
    TS_MSG_IMPRINT_free(stamped);
    X509_ALGOR_free(algorithm);
    if (is_good)
        return bio;
    BIO_free(bio);
    return NULL;
}

/* Takes the token out of what came. */
static enum ratls_status take_token(const char *source, struct ratls_slice answer,
                                    struct ratls_stamped *stamped, struct ratls_token *ret_token,
                                    struct ratls_error *err)
{
    struct ratls_slice token = ratls_token_find(answer);
    char why[RATLS_TOKEN_WHY_MAX] = "";
    enum ratls_status status;

    if (token.len == 0 || token.len > sizeof stamped->token)
        return ratls_fail(err, RATLS_MALFORMED, "%.128s: no time stamp was granted", source);
    status = ratls_token_read(token, ret_token, why, err);
    if (status == RATLS_OK && why[0] != '\0')
        return ratls_fail(err, RATLS_MALFORMED, "%.128s: no time stamp: %s", source, why);
    memcpy(stamped->token, token.p, token.len);
    stamped->len = token.len;
    return status;
}

/* OpenSSL 3.5 gives the body of an error, too, and does not say that it is one. */
static enum ratls_status fail_answer(const char *url, struct ratls_error *err)
{
    char what[RATLS_EPOCH_SOURCE_MAX + 64];

    snprintf(what, sizeof what, "%.128s: the authority gave no answer of use", url);
    (void)ratls_fail_openssl(err, what);
    return RATLS_IO;
}

/* What an authority answered, in `out`; or what was wrong. */
static enum ratls_status post(const char *url, unsigned timeout_s, BIO *query, uint8_t *out,
                              size_t *ret_len, struct ratls_error *err)
{
    char *host = NULL, *port = NULL, *path = NULL;
    enum ratls_status status = RATLS_OK;
    BIO *answer = NULL;
    int len = 0;

    if (OSSL_HTTP_parse_url(url, NULL, NULL, &host, &port, NULL, &path, NULL, NULL) != 1)
        return ratls_fail_openssl(err, url);
    /* The host itself as no_proxy: the environment's proxy is not for us. */
    answer = OSSL_HTTP_transfer(NULL, host, port, path, 0, NULL, host, NULL, NULL, NULL, NULL, 0,
                                NULL, "application/timestamp-query", query, NULL, 1, ANSWER_MAX,
                                (int)timeout_s, 0);
    if (answer != NULL)
        len = BIO_read(answer, out, ANSWER_MAX);
    if (len > 0)
        *ret_len = (size_t)len;
    else
        status = fail_answer(url, err);
    BIO_free(answer);
    OPENSSL_free(host);
    OPENSSL_free(port);
    OPENSSL_free(path);
    return status;
}

static uint64_t now_ms(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * MS_PER_S + (uint64_t)t.tv_nsec / 1000000;
}

enum ratls_status ratls_token_ask(const char *url, unsigned timeout_s,
                                  struct ratls_stamped *ret_stamped, struct ratls_error *err)
{
    const uint64_t begin = now_ms(CLOCK_MONOTONIC);
    uint8_t imprint[IMPRINT_LEN];
    uint8_t *answer = malloc(ANSWER_MAX);
    struct ratls_token token;
    BIO *query = NULL;
    size_t len = 0;
    enum ratls_status status = ratls_random(imprint, sizeof imprint, err);

    ERR_set_mark();
    if (status == RATLS_OK)
        query = make_query(imprint);
    if (status == RATLS_OK && (query == NULL || answer == NULL))
        status = ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (status == RATLS_OK)
        status = post(url, timeout_s, query, answer, &len, err);
    if (status == RATLS_OK)
        status = take_token(url, ratls_slice(answer, len), ret_stamped, &token, err);
    if (status == RATLS_OK && !ratls_token_stamps(ratls_slice(ret_stamped->token, ret_stamped->len),
                                                  ratls_slice(imprint, sizeof imprint)))
        status =
            ratls_fail(err, RATLS_MALFORMED, "%.128s: the time stamp is of something else", url);
    BIO_free(query);
    ERR_pop_to_mark();
    free(answer);
    ret_stamped->age_ms = now_ms(CLOCK_MONOTONIC) - begin;
    return status;
}

static enum ratls_status read_file(const char *path, uint8_t *out, size_t *ret_len,
                                   struct ratls_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t len = 0;
    size_t filled = 0;

    if (fd < 0)
        return ratls_fail(err, RATLS_IO, "%.200s: %s", path, strerror(errno));
    while (filled < ANSWER_MAX && (len = read(fd, out + filled, ANSWER_MAX - filled)) > 0)
        filled += (size_t)len;
    close(fd);
    if (len < 0)
        return ratls_fail(err, RATLS_IO, "%.200s: cannot be read", path);
    *ret_len = filled;
    return RATLS_OK;
}

enum ratls_status ratls_token_load(const char *path, struct ratls_stamped *ret_stamped,
                                   struct ratls_error *err)
{
    uint8_t *bytes = malloc(ANSWER_MAX);
    struct ratls_token token;
    uint64_t now, then;
    size_t len = 0;
    enum ratls_status status = bytes == NULL ? ratls_fail(err, RATLS_MEMORY, "out of memory")
                                             : read_file(path, bytes, &len, err);

    if (status == RATLS_OK)
        status = take_token(path, ratls_slice(bytes, len), ret_stamped, &token, err);
    free(bytes);
    if (status != RATLS_OK)
        return status;
    now = now_ms(CLOCK_REALTIME);
    then = (uint64_t)token.time * MS_PER_S;
    ret_stamped->age_ms = now > then ? now - then : 0;
    return RATLS_OK;
}

bool ratls_token_file_changed(const char *path, struct stat *known)
{
    struct stat now = {0};
    bool is_changed;

    (void)stat(path, &now);
    is_changed = now.st_dev != known->st_dev || now.st_ino != known->st_ino ||
                 now.st_size != known->st_size || now.st_mtim.tv_sec != known->st_mtim.tv_sec ||
                 now.st_mtim.tv_nsec != known->st_mtim.tv_nsec;
    *known = now;
    return is_changed;
}
