#include "crl_fetch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "file.h"
#include "http.h"
#include "policy_file.h"

#define FILE_MODE 0644 /* what is public anyway */
#define CERTIFICATE_FILE_MAX (64 * 1024)

static enum ratls_status read_issuer(const char *path, X509 **ret_issuer, struct ratls_error *err)
{
    struct ratls_error why = {0};
    uint8_t *pem = NULL;
    size_t len = 0;
    enum ratls_status status = ratls_policy_file_read(path, CERTIFICATE_FILE_MAX, &pem, &len, err);

    if (status != RATLS_OK)
        return status;
    status = ratls_ca_certificate(ratls_slice(pem, len), ret_issuer, &why);
    free(pem);
    return status == RATLS_OK ? RATLS_OK : ratls_fail(err, status, "%s: %s", path, why.text);
}

/* NULL if there is none, or it is no list of this issuer: then no policy can be loaded with it. */
static enum ratls_status read_old(const char *path, X509 *issuer, struct ratls_crl **ret_old,
                                  struct ratls_error *err)
{
    struct ratls_error ignored = {0};
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum ratls_status status;

    *ret_old = NULL;
    if (access(path, F_OK) != 0)
        return RATLS_OK;
    status = ratls_file_read_long(path, RATLS_CRL_FILE_MAX, &bytes, &len, err);
    if (status != RATLS_OK)
        return status;
    status = ratls_crl_read(ratls_slice(bytes, len), issuer, ret_old, &ignored);
    free(bytes);
    return status == RATLS_MEMORY ? ratls_fail(err, status, "%s", ignored.text) : RATLS_OK;
}

static enum ratls_status get(const struct ratls_crl_fetch *fetch, struct ratls_http_answer *answer,
                             struct ratls_error *err)
{
    const struct ratls_http_call call = {
        .url = fetch->url, .tls_ca = fetch->tls_ca, .max = RATLS_CRL_FILE_MAX};
    char words[RATLS_HTTP_PROBLEM_MAX];
    enum ratls_status status = ratls_http(&call, answer, err);

    if (status != RATLS_OK || answer->status == 200)
        return status;
    ratls_http_problem(answer, words);
    return ratls_fail(err, RATLS_IO, "%s: %s", fetch->url, words);
}

static enum ratls_status check(const struct ratls_crl_fetch *fetch, const struct ratls_crl *list,
                               const struct ratls_crl *old, struct ratls_error *err)
{
    char why[RATLS_WHY_MAX];

    if (fetch->now < ratls_crl_from(list))
        return ratls_fail(err, RATLS_REJECTED,
                          "%s: this list is of the future, or the clock of "
                          "this machine is wrong",
                          fetch->url);
    if (fetch->now >= ratls_crl_until(list))
        return ratls_fail(err, RATLS_REJECTED, "%s: this list is out of date", fetch->url);
    if (old != NULL && !ratls_crl_same(list, old) && !ratls_crl_follows(list, old, why))
        return ratls_fail(err, RATLS_REJECTED, "%s: this list is refused: %s", fetch->url, why);
    return RATLS_OK;
}

static enum ratls_status put(const struct ratls_crl_fetch *fetch, struct ratls_slice bytes,
                             const struct ratls_crl *list, const struct ratls_crl *old,
                             struct ratls_crl_fetched *ret_fetched, struct ratls_error *err)
{
    struct ratls_crl_fetched fetched = {
        .is_new = old == NULL || !ratls_crl_same(list, old),
        .from = ratls_crl_from(list),
        .until = ratls_crl_until(list),
        .count = ratls_crl_count(list),
    };
    enum ratls_status status = check(fetch, list, old, err);

    ratls_crl_number(list, fetched.number);
    if (status == RATLS_OK && fetched.is_new)
        status = ratls_file_write(fetch->place->path, bytes, FILE_MODE, true, err);
    if (status == RATLS_OK)
        *ret_fetched = fetched;
    return status;
}

enum ratls_status ratls_crl_fetch(const struct ratls_crl_fetch *fetch,
                                  struct ratls_crl_fetched *ret_fetched, struct ratls_error *err)
{
    struct ratls_http_answer answer = {0};
    struct ratls_crl *old = NULL, *list = NULL;
    struct ratls_error why = {0};
    X509 *issuer = NULL;
    enum ratls_status status = read_issuer(fetch->place->issuer_path, &issuer, err);

    if (status == RATLS_OK)
        status = read_old(fetch->place->path, issuer, &old, err);
    if (status == RATLS_OK)
        status = get(fetch, &answer, err);
    if (status == RATLS_OK) {
        status = ratls_crl_read(ratls_slice(answer.body, answer.len), issuer, &list, &why);
        if (status != RATLS_OK)
            status = ratls_fail(err, status == RATLS_USAGE ? RATLS_REJECTED : status, "%s: %s",
                                fetch->url, why.text);
    }
    if (status == RATLS_OK)
        status = put(fetch, ratls_slice(answer.body, answer.len), list, old, ret_fetched, err);
    ratls_crl_free(list);
    ratls_crl_free(old);
    ratls_http_answer_done(&answer);
    ratls_certificate_free(issuer);
    return status;
}
