#include "service_answer.h"

#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enroll_message.h"
#include "fail.h"
#include "issuer.h"
#include "store.h"

#define CRL_TYPE "application/pkix-crl"
#define PEM_TYPE "application/x-pem-file"
#define RETRY_WAITING_S 15 /* people approve by hand */
#define STATUS_CREATED 201
#define STATUS_ACCEPTED 202
#define STATUS_REFUSED 300 /* and all above */

static void set_waiting(const struct ratls_ca_answer *answer, struct ratls_http_reply *reply)
{
    char hex[2 * sizeof answer->request_sha256 + 1], text[128];

    ratls_hex(ratls_slice(answer->request_sha256, sizeof answer->request_sha256), hex, sizeof hex);
    snprintf(text, sizeof text, "{\"id\":\"%s\",\"status\":\"waiting\"}\n", hex);
    ratls_http_reply_text(reply, STATUS_ACCEPTED, "application/json", text);
    snprintf(reply->location, sizeof reply->location, "/v1/requests/%s", hex);
    reply->retry_after_s = RETRY_WAITING_S;
}

static void set_location(const struct ratls_ca_answer *answer, struct ratls_http_reply *reply)
{
    char hex[2 * sizeof answer->request_sha256 + 1];

    ratls_hex(ratls_slice(answer->request_sha256, sizeof answer->request_sha256), hex, sizeof hex);
    snprintf(reply->location, sizeof reply->location, "/v1/requests/%s", hex);
}

/* The body changes hands. */
static void take_over(struct ratls_ca_answer *answer, const char *type,
                      struct ratls_http_reply *reply)
{
    if (answer->http_status >= STATUS_REFUSED) {
        ratls_http_reply_problem(reply, answer->http_status, answer->reason, answer->detail);
    } else if (answer->is_waiting) {
        set_waiting(answer, reply);
    } else {
        *reply = (struct ratls_http_reply){.status = answer->http_status,
                                           .reason = "",
                                           .type = type,
                                           .body = answer->body,
                                           .len = answer->len};
        answer->body = NULL;
        if (reply->status == STATUS_CREATED)
            set_location(answer, reply);
    }
    ratls_ca_answer_done(answer);
}

/* ---- what needs no decision ---- */

static enum ratls_status write_issuers(struct ratls_issuers *issuers, BIO *out,
                                       struct ratls_http_reply *reply, struct ratls_error *err)
{
    char *text = NULL;
    long len;

    for (size_t i = 0; i < ratls_issuers_count(issuers); i++)
        if (PEM_write_bio_X509(out, ratls_issuer_certificate(issuers, i)) != 1)
            return ratls_fail_openssl(err, "writing a certificate");
    len = BIO_get_mem_data(out, &text);
    *reply = (struct ratls_http_reply){.status = 200, .reason = "", .type = PEM_TYPE};
    reply->body = malloc((size_t)len + 1);
    if (reply->body == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    memcpy(reply->body, text, (size_t)len);
    reply->len = (size_t)len;
    return RATLS_OK;
}

static enum ratls_status give_issuers(struct ratls_ca *ca, struct ratls_http_reply *reply,
                                      struct ratls_error *err)
{
    BIO *out = BIO_new(BIO_s_mem());
    enum ratls_status status;

    if (out == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = write_issuers(ratls_ca_issuers(ca), out, reply, err);
    BIO_free(out);
    return status;
}

/* An id that nobody has: the answer does not matter, that there is one does. */
static enum ratls_status give_health(struct ratls_ca *ca, struct ratls_http_reply *reply,
                                     struct ratls_error *err)
{
    const uint8_t nobody[RATLS_STORE_ID_LEN] = {0};
    struct ratls_store_certificate certificate = {.der = NULL};
    enum ratls_store_outcome outcome;
    enum ratls_status status =
        ratls_store_result(ratls_ca_store(ca), nobody, &certificate, &outcome, err);

    if (status != RATLS_OK)
        return status;
    ratls_store_certificate_done(&certificate);
    ratls_http_reply_text(reply, 200, "text/plain", "ok\n");
    return RATLS_OK;
}

/* ---- what the CA decides ---- */

static size_t find_issuer(struct ratls_ca *ca, const uint8_t sha256[static 32])
{
    struct ratls_issuers *issuers = ratls_ca_issuers(ca);
    const size_t count = ratls_issuers_count(issuers);
    size_t i = 0;

    while (i < count && memcmp(ratls_issuer_sha256(issuers, i), sha256, 32) != 0)
        i++;
    return i;
}

static enum ratls_status decide(struct ratls_ca *ca, const struct ratls_http_route *route,
                                struct ratls_slice body, int64_t now,
                                struct ratls_ca_answer *answer, struct ratls_error *err)
{
    switch (route->action) {
    case RATLS_HTTP_POST_REQUEST:
        return ratls_ca_take_request(ca, body, RATLS_CA_SERVICE, now, answer, err);
    case RATLS_HTTP_GET_REQUEST:
        return ratls_ca_find_request(ca, route->id, now, answer, err);
    case RATLS_HTTP_POST_ANSWER:
        return ratls_ca_take_answer(ca, body, now, answer, err);
    case RATLS_HTTP_GET_RESULT:
        return ratls_ca_find_result(ca, route->id, now, answer, err);
    case RATLS_HTTP_GET_CRL:
        return ratls_ca_current_crl(ca, 0, now, answer, err);
    case RATLS_HTTP_GET_CRL_OF:
        return ratls_ca_current_crl(ca, find_issuer(ca, route->id), now, answer, err);
    default:
        return ratls_fail(err, RATLS_USAGE, "no action of the CA");
    }
}

enum ratls_status ratls_service_ask_ca(struct ratls_ca *ca, const struct ratls_http_route *route,
                                       struct ratls_slice body, int64_t now,
                                       struct ratls_http_reply *ret_reply, struct ratls_error *err)
{
    const bool is_crl =
        route->action == RATLS_HTTP_GET_CRL || route->action == RATLS_HTTP_GET_CRL_OF;
    struct ratls_ca_answer answer = {.body = NULL};
    enum ratls_status status;

    if (route->action == RATLS_HTTP_GET_CA)
        return give_issuers(ca, ret_reply, err);
    if (route->action == RATLS_HTTP_GET_HEALTH)
        return give_health(ca, ret_reply, err);
    status = decide(ca, route, body, now, &answer, err);
    if (status == RATLS_OK)
        take_over(&answer, is_crl ? CRL_TYPE : RATLS_HTTP_ENROLL_TYPE, ret_reply);
    return status;
}

/* ---- tokens ---- */

static bool is_of_token(const struct ratls_store_token *token, struct ratls_slice body,
                        struct ratls_slice seen)
{
    uint8_t mac[RATLS_ENROLL_MAC_LEN];

    return ratls_enroll_token_mac(ratls_slice(token->key, sizeof token->key), body, mac, NULL) ==
               RATLS_OK &&
           ratls_slice_equal(ratls_slice(mac, sizeof mac), seen);
}

bool ratls_service_has_token(struct ratls_ca *ca, struct ratls_slice body, int64_t now)
{
    struct ratls_store_token token = {.names = NULL};
    struct ratls_enroll_request request;
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    bool is_good;

    if (!ratls_enroll_request_read(body, &request) || request.token_id.len == 0)
        return false;
    if (ratls_store_find_token(ratls_ca_store(ca), request.token_id.p, &token, &outcome, NULL) !=
            RATLS_OK ||
        outcome != RATLS_STORE_DONE)
        return false;
    is_good =
        token.uses_left > 0 && token.expires > now && is_of_token(&token, body, request.token_mac);
    ratls_store_token_done(&token);
    return is_good;
}
