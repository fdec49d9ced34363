#include "ca_state.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crl_make.h"
#include "fail.h"
#include "roots_folder.h"

#define CRL_LOOK_S                                                                                 \
    10 /* lists are asked for by everybody, and to look costs as much as is revoked */

enum ratls_status ratls_ca_open(const struct ratls_ca_config *config, int64_t now,
                                struct ratls_ca **ret_ca, struct ratls_error *err)
{
    struct ratls_ca *ca = calloc(1, sizeof *ca);
    enum ratls_status status;

    if (ca == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    ca->config = config;
    status = ratls_roots_load(config->roots, &ca->roots, err);
    if (status == RATLS_OK)
        status = ratls_issuers_open(config, &ca->issuers, err);
    if (status == RATLS_OK && config->rules_file != NULL)
        status = ratls_rules_file_open(config->rules_file, &ca->rules, err);
    if (status == RATLS_OK)
        status = ratls_store_open(config->store, &ca->store, err);
    if (status == RATLS_OK)
        status = ratls_ca_sweep(ca, now, err);
    if (status == RATLS_OK)
        *ret_ca = ca;
    else
        ratls_ca_close(ca);
    return status;
}

void ratls_ca_close(struct ratls_ca *ca)
{
    if (ca == NULL)
        return;
    ratls_store_close(ca->store);
    ratls_rules_file_free(ca->rules);
    ratls_issuers_close(ca->issuers);
    ratls_roots_free(ca->roots);
    free(ca);
}

struct ratls_store *ratls_ca_store(const struct ratls_ca *ca)
{
    return ca->store;
}

struct ratls_issuers *ratls_ca_issuers(const struct ratls_ca *ca)
{
    return ca->issuers;
}

void ratls_ca_answer_done(struct ratls_ca_answer *answer)
{
    free(answer->body);
    *answer = (struct ratls_ca_answer){.http_status = 0};
}

struct ratls_enroll_question ratls_ca_question(const struct ratls_ca *ca, struct ratls_slice body,
                                               int64_t now)
{
    return (struct ratls_enroll_question){
        .body = body, .config = ca->config, .roots = ca->roots, .now = now};
}

struct ratls_approver ratls_ca_approver(const struct ratls_ca *ca, int64_t now)
{
    return (struct ratls_approver){
        .config = ca->config, .store = ca->store, .rules = ca->rules, .now = now};
}

bool ratls_ca_request_ek(struct ratls_slice body, uint8_t ret_ek_sha256[static 32])
{
    struct ratls_enroll_request request;
    struct ratls_ek_certificate ek;
    bool has_key;

    if (body.len > RATLS_ENROLL_REQUEST_MAX || !ratls_enroll_request_read(body, &request) ||
        ratls_ek_certificate_read(request.ek_certificates[0], &ek, NULL) != RATLS_OK)
        return false;
    has_key = ek.key != NULL;
    if (has_key)
        memcpy(ret_ek_sha256, ek.sha256, sizeof ek.sha256);
    ratls_ek_certificate_done(&ek);
    return has_key;
}

/* What was revoked when a list was made, or later, and is not in it. */
struct search {
    X509_CRL *crl;
    int64_t this_update;
    bool is_missing;
};

static bool look_for(void *arg, const struct ratls_store_certificate *certificate)
{
    struct search *search = arg;
    BIGNUM *number = BN_bin2bn(certificate->serial, (int)certificate->serial_len, NULL);
    ASN1_INTEGER *serial = number == NULL ? NULL : BN_to_ASN1_INTEGER(number, NULL);
    X509_REVOKED *entry = NULL;

    if (certificate->revoked >= search->this_update)
        search->is_missing =
            serial == NULL || X509_CRL_get0_by_serial(search->crl, &entry, serial) == 0;
    ASN1_INTEGER_free(serial);
    BN_free(number);
    return !search->is_missing;
}

/* The store has every revocation; a list is behind it if its maker was killed in between. */
static enum ratls_status lacks_any(struct ratls_ca *ca, size_t issuer,
                                   const struct ratls_store_crl *crl, int64_t now, bool *ret_lacks,
                                   struct ratls_error *err)
{
    const unsigned char *p = crl->der;
    struct search search = {.crl = d2i_X509_CRL(NULL, &p, (long)crl->len),
                            .this_update = crl->this_update};
    enum ratls_status status = RATLS_OK;

    *ret_lacks = search.crl == NULL;
    if (search.crl == NULL ||
        (now >= ca->crl_looked[issuer] && now - ca->crl_looked[issuer] < CRL_LOOK_S))
        goto out;
    status = ratls_store_each_revoked(ca->store, ratls_issuer_sha256(ca->issuers, issuer), now,
                                      look_for, &search, err);
    *ret_lacks = search.is_missing;
    if (status == RATLS_OK && !search.is_missing)
        ca->crl_looked[issuer] = now;
out:
    X509_CRL_free(search.crl);
    return status;
}

static bool is_old(const struct ratls_store_crl *crl, int64_t now)
{
    return now < crl->this_update ||
           now - crl->this_update > (crl->next_update - crl->this_update) / 2;
}

static enum ratls_status find_crl(struct ratls_ca *ca, size_t issuer, int64_t now,
                                  struct ratls_store_crl *ret_crl, struct ratls_error *err)
{
    struct ratls_store_crl last = {.number = 0};
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    bool is_behind = true;
    enum ratls_status status = ratls_store_last_crl(
        ca->store, ratls_issuer_sha256(ca->issuers, issuer), &last, &outcome, err);

    if (status == RATLS_OK && outcome == RATLS_STORE_DONE && !is_old(&last, now))
        status = lacks_any(ca, issuer, &last, now, &is_behind, err);
    if (status == RATLS_OK && !is_behind) {
        *ret_crl = last;
        return RATLS_OK;
    }
    ratls_store_crl_done(&last);
    if (status == RATLS_OK)
        status = ratls_ca_publish(ca->issuers, ca->store, issuer, now, ca->config->crl_lifetime_s,
                                  ret_crl, err);
    return status;
}

enum ratls_status ratls_ca_current_crl(struct ratls_ca *ca, size_t issuer, int64_t now,
                                       struct ratls_ca_answer *ret_answer, struct ratls_error *err)
{
    struct ratls_ca_answer answer = {.http_status = 0};
    struct ratls_store_crl crl = {.number = 0};
    enum ratls_status status = RATLS_OK;

    if (issuer >= ratls_issuers_count(ca->issuers)) {
        ratls_ca_say(&answer, RATLS_CA_UNKNOWN, "there is no issuer %zu: there are %zu, from 0 on",
                     issuer, ratls_issuers_count(ca->issuers));
    } else {
        status = find_crl(ca, issuer, now, &crl, err);
        if (status == RATLS_OK)
            ratls_ca_say(&answer, RATLS_CA_FOUND, "CRL number %lld", (long long)crl.number);
    }
    answer.body = crl.der;
    answer.len = crl.len;
    if (status == RATLS_OK)
        *ret_answer = answer;
    return status;
}
