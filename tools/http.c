#include "http.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "http_target.h"

#define CONNECT_S 10L
#define WHOLE_S 30L
#define HEADERS_MAX 16384 /* of one answer; libcurl keeps them all in memory */
#define FIRST_STATUS 200  /* libcurl takes the interim ones itself */
#define LAST_STATUS 599
#define SAID_MAX 200 /* of what libcurl says */

struct transfer {
    struct ratls_http_answer answer;
    size_t room; /* of the body, with a byte behind it for the end of a text */
    size_t max, headers;
    bool is_too_long, has_long_headers, is_out_of_memory;
};

/* ---- what comes ---- */

/* Twice as much each time: a long body that comes in many pieces is not copied for each. */
static bool make_room(struct transfer *transfer, size_t len)
{
    const size_t needed = transfer->answer.len + len + 1;
    size_t room = 2 * needed;
    uint8_t *longer;

    if (needed <= transfer->room)
        return true;
    if (room > transfer->max + 1)
        room = transfer->max + 1;
    longer = realloc(transfer->answer.body, room);
    if (longer == NULL)
        return false;
    transfer->answer.body = longer;
    transfer->room = room;
    return true;
}

/* A number of bytes other than it was given ends the transfer. */
static size_t take_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *transfer = arg;
    const size_t len = size * count;
    struct ratls_http_answer *answer = &transfer->answer;

    if (len > transfer->max - answer->len) {
        transfer->is_too_long = true;
        return CURL_WRITEFUNC_ERROR;
    }
    if (!make_room(transfer, len)) {
        transfer->is_out_of_memory = true;
        return CURL_WRITEFUNC_ERROR;
    }
    if (len > 0)
        memcpy(answer->body + answer->len, bytes, len);
    answer->len += len;
    answer->body[answer->len] = '\0';
    return len;
}

static size_t count_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct transfer *transfer = arg;
    const size_t len = size * count;

    (void)bytes;
    if (len > HEADERS_MAX - transfer->headers) {
        transfer->has_long_headers = true;
        return CURL_WRITEFUNC_ERROR;
    }
    transfer->headers += len;
    return len;
}

static void read_type(const char *said, char out[static RATLS_HTTP_TYPE_MAX])
{
    const size_t len = said == NULL ? 0 : strcspn(said, "; \t");

    out[0] = '\0';
    if (len >= RATLS_HTTP_TYPE_MAX || !ratls_slice_is_printable(ratls_slice(said, len)))
        return;
    for (size_t i = 0; i < len; i++)
        out[i] = (char)tolower((unsigned char)said[i]);
    out[len] = '\0';
}

static enum ratls_status finish(CURL *curl, struct transfer *transfer, const char *url,
                                struct ratls_error *err)
{
    curl_off_t retry_after = 0;
    const char *type = NULL;

    if (curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &transfer->answer.status) != CURLE_OK ||
        curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type) != CURLE_OK ||
        curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after) != CURLE_OK)
        return ratls_fail(err, RATLS_IO, "libcurl tells nothing about the answer");
    if (transfer->answer.status < FIRST_STATUS || transfer->answer.status > LAST_STATUS)
        return ratls_fail(err, RATLS_IO, "%s: answered with the status %ld, which there is not",
                          url, transfer->answer.status);
    read_type(type, transfer->answer.type);
    transfer->answer.retry_after_s = retry_after > INT32_MAX ? INT32_MAX
                                     : retry_after < 0       ? 0
                                                             : (unsigned)retry_after;
    return RATLS_OK;
}

/* ---- asking ---- */

static bool set_bounds(CURL *curl)
{
    return curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_TIMEOUT, WHOLE_S) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK && /* nor what variables say */
           curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK;
}

static bool set_tls(CURL *curl, const char *tls_ca)
{
    if (tls_ca != NULL && (curl_easy_setopt(curl, CURLOPT_CAINFO, tls_ca) != CURLE_OK ||
                           curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) != CURLE_OK))
        return false;
    return curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK;
}

static bool set_target(CURL *curl, const struct ratls_http_target *target)
{
    return curl_easy_setopt(curl, CURLOPT_URL, target->url) == CURLE_OK &&
           (target->socket[0] == '\0' ||
            curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, target->socket) == CURLE_OK);
}

static bool set_question(CURL *curl, const struct ratls_http_call *call, struct curl_slist *headers)
{
    /* Without a body libcurl would read one from standard input. */
    const char *body = call->body.len == 0 ? "" : (const char *)call->body.p;

    if (call->type != NULL &&
        (curl_easy_setopt(curl, CURLOPT_POST, 1L) != CURLE_OK ||
         curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)call->body.len) != CURLE_OK ||
         curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body) != CURLE_OK))
        return false;
    return curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK;
}

static bool set_answer(CURL *curl, struct transfer *transfer, char said[static CURL_ERROR_SIZE])
{
    return curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, count_header) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HEADERDATA, transfer) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, said) == CURLE_OK;
}

/* What somebody can do about it; "" if nothing is known. */
static const char *advise(CURLcode code, const char *tls_ca)
{
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
        return "; if a CA of your own issued its certificate, name it with --tls-ca";
    case CURLE_SSL_CACERT_BADFILE:
        return tls_ca != NULL ? "; --tls-ca wants a file of certificates in PEM"
                              : "; this system has no list of CAs (package ca-certificates); if a "
                                "CA of your own issued the server's certificate, name it with "
                                "--tls-ca";
    default:
        return "";
    }
}

/* libcurl has the same words for each cause, and a host and a port for a socket that has none. */
static enum ratls_status fail_connect(CURL *curl, const char *url, bool is_socket,
                                      const char *words, struct ratls_error *err)
{
    long cause = 0;

    if (curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &cause) != CURLE_OK || cause == 0)
        return ratls_fail(err, RATLS_IO, "%s: %s; is the service running there?", url, words);
    if (is_socket && cause == EACCES)
        return ratls_fail(err, RATLS_IO,
                          "%s: %s: only the owner and the group of the socket may connect", url,
                          strerror((int)cause));
    return ratls_fail(err, RATLS_IO, "%s: %s%s; is the service running there?", url,
                      strerror((int)cause),
                      cause == ECONNREFUSED ? ": nobody listens at this address" : "");
}

static enum ratls_status fail_transfer(CURL *curl, const struct transfer *transfer,
                                       const struct ratls_http_call *call, bool is_socket,
                                       CURLcode code, const char *said, struct ratls_error *err)
{
    const char *url = call->url;
    char words[SAID_MAX];

    if (transfer->is_too_long)
        return ratls_fail(err, RATLS_LIMIT, "%s: the answer is longer than %zu bytes", url,
                          transfer->max);
    if (transfer->has_long_headers)
        return ratls_fail(err, RATLS_LIMIT, "%s: the header of the answer is longer than %d bytes",
                          url, HEADERS_MAX);
    if (transfer->is_out_of_memory || code == CURLE_OUT_OF_MEMORY)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (said[0] == '\0')
        said = curl_easy_strerror(code);
    ratls_escape(ratls_slice(said, strlen(said)), words, sizeof words);
    if (code == CURLE_COULDNT_CONNECT)
        return fail_connect(curl, url, is_socket, words, err);
    return ratls_fail(err, RATLS_IO, "%s: %s%s", url, words, advise(code, call->tls_ca));
}

static enum ratls_status ask(CURL *curl, const struct ratls_http_call *call,
                             const struct ratls_http_target *target, struct curl_slist *headers,
                             struct transfer *transfer, struct ratls_error *err)
{
    char said[CURL_ERROR_SIZE] = "";
    CURLcode code;

    transfer->answer.body = calloc(1, 1);
    if (transfer->answer.body == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (!set_bounds(curl) || !set_tls(curl, call->tls_ca) || !set_target(curl, target) ||
        !set_question(curl, call, headers) || !set_answer(curl, transfer, said))
        return ratls_fail(err, RATLS_IO, "libcurl does not take the options of a call");
    code = curl_easy_perform(curl);
    if (code != CURLE_OK)
        return fail_transfer(curl, transfer, call, target->socket[0] != '\0', code, said, err);
    return finish(curl, transfer, call->url, err);
}

/* "Expect" would wait a second for servers that do not know it. */
static struct curl_slist *make_headers(const char *type)
{
    char line[RATLS_HTTP_TYPE_MAX + sizeof "Content-Type: "];
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    struct curl_slist *longer;

    if (headers == NULL || type == NULL)
        return headers;
    snprintf(line, sizeof line, "Content-Type: %s", type);
    longer = curl_slist_append(headers, line);
    if (longer == NULL)
        curl_slist_free_all(headers);
    return longer;
}

enum ratls_status ratls_http(const struct ratls_http_call *call,
                             struct ratls_http_answer *ret_answer, struct ratls_error *err)
{
    struct transfer transfer = {.max = call->max};
    struct curl_slist *headers = NULL;
    struct ratls_http_target target;
    CURL *curl = NULL;
    enum ratls_status status = ratls_http_target(call->url, call->path, &target, err);

    if (status != RATLS_OK)
        return status;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        return ratls_fail(err, RATLS_MEMORY, "libcurl does not start");
    headers = make_headers(call->type);
    curl = curl_easy_init();
    if (headers == NULL || curl == NULL)
        status = ratls_fail(err, RATLS_MEMORY, "out of memory");
    else
        status = ask(curl, call, &target, headers, &transfer, err);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    curl_global_cleanup();
    if (status == RATLS_OK)
        *ret_answer = transfer.answer;
    else
        free(transfer.answer.body);
    return status;
}

void ratls_http_answer_done(struct ratls_http_answer *answer)
{
    free(answer->body);
    *answer = (struct ratls_http_answer){0};
}
