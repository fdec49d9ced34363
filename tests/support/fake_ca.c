#include "fake_ca.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config.h"
#include "fail.h"
#include "issuer.h"
#include "store.h"

struct fake_ca fake_ca = {.status = RATLS_OK, .http_status = 200};

struct ratls_ca {
    struct ratls_store *store;
    OSSL_LIB_CTX *context; /* of OpenSSL, as that of issuers */
};

static const uint8_t issuer_sha256[32] = {0xab};

enum ratls_status ratls_ca_open(const struct ratls_ca_config *config, int64_t now,
                                struct ratls_ca **ret_ca, struct ratls_error *err)
{
    struct ratls_ca *ca = calloc(1, sizeof *ca);
    enum ratls_status status;

    (void)now;
    if (ca == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = ratls_store_open(config->store, &ca->store, err);
    if (status != RATLS_OK) {
        free(ca);
        return status;
    }
    ca->context = OSSL_LIB_CTX_new();
    fake_ca.opened++;
    *ret_ca = ca;
    return RATLS_OK;
}

void ratls_ca_close(struct ratls_ca *ca)
{
    if (ca == NULL)
        return;
    fake_ca.closed++;
    ratls_store_close(ca->store);
    OSSL_LIB_CTX_free(ca->context);
    free(ca);
}

struct ratls_store *ratls_ca_store(const struct ratls_ca *ca)
{
    return ca->store;
}

struct ratls_issuers *ratls_ca_issuers(const struct ratls_ca *ca)
{
    return (struct ratls_issuers *)(uintptr_t)ca;
}

OSSL_LIB_CTX *ratls_issuers_context(const struct ratls_issuers *issuers)
{
    return ((const struct ratls_ca *)(const void *)issuers)->context;
}

size_t ratls_issuers_count(const struct ratls_issuers *issuers)
{
    (void)issuers;
    return 1;
}

const uint8_t *ratls_issuer_sha256(const struct ratls_issuers *issuers, size_t i)
{
    (void)issuers;
    (void)i;
    return issuer_sha256;
}

/* Enough of one to be written. */
X509 *ratls_issuer_certificate(const struct ratls_issuers *issuers, size_t i)
{
    static X509 *certificate;

    (void)issuers;
    (void)i;
    if (certificate == NULL) {
        EVP_PKEY *key = EVP_EC_gen("P-256");

        certificate = X509_new();
        X509_set_pubkey(certificate, key);
        X509_sign(certificate, key, EVP_sha256());
        EVP_PKEY_free(key);
        atexit((void (*)(void))OPENSSL_cleanup);
    }
    return certificate;
}

void ratls_ca_answer_done(struct ratls_ca_answer *answer)
{
    free(answer->body);
    *answer = (struct ratls_ca_answer){.http_status = 0};
}

static enum ratls_status say(struct ratls_ca *ca, struct ratls_ca_answer *ret_answer,
                             struct ratls_error *err)
{
    uint8_t random[16];
    const struct timespec delay = {fake_ca.delay_ms / 1000,
                                   (long)(fake_ca.delay_ms % 1000) * 1000000};
    unsigned at_work = ++fake_ca.at_work;

    if (at_work > fake_ca.at_work_max)
        fake_ca.at_work_max = at_work;
    fake_ca.calls++;
    (void)RAND_bytes_ex(ca->context, random, sizeof random, 0); /* as who signs */
    if (fake_ca.delay_ms > 0)
        nanosleep(&delay, NULL);
    fake_ca.at_work--;
    if (fake_ca.status != RATLS_OK)
        return ratls_fail(err, fake_ca.status, "postgresql://ca:secret@db/ca: the cause");
    *ret_answer = (struct ratls_ca_answer){.http_status = fake_ca.http_status,
                                           .reason = fake_ca.reason == NULL ? "" : fake_ca.reason,
                                           .is_waiting = fake_ca.is_waiting,
                                           .request_sha256 = {0x12, 0x34},
                                           .id = {0x56}};
    if (fake_ca.detail != NULL)
        strncpy(ret_answer->detail, fake_ca.detail, sizeof ret_answer->detail - 1);
    if (fake_ca.body != NULL) {
        ret_answer->body = (uint8_t *)strdup(fake_ca.body);
        ret_answer->len = strlen(fake_ca.body);
    }
    return RATLS_OK;
}

enum ratls_status ratls_ca_take_request(struct ratls_ca *ca, struct ratls_slice body,
                                        enum ratls_ca_way way, int64_t now,
                                        struct ratls_ca_answer *ret_answer, struct ratls_error *err)
{
    (void)now;
    fake_ca.body_len = body.len;
    return way == RATLS_CA_SERVICE ? say(ca, ret_answer, err) : RATLS_USAGE;
}

enum ratls_status ratls_ca_find_request(struct ratls_ca *ca, const uint8_t sha256[static 32],
                                        int64_t now, struct ratls_ca_answer *ret_answer,
                                        struct ratls_error *err)
{
    (void)sha256;
    (void)now;
    return say(ca, ret_answer, err);
}

enum ratls_status ratls_ca_take_answer(struct ratls_ca *ca, struct ratls_slice body, int64_t now,
                                       struct ratls_ca_answer *ret_answer, struct ratls_error *err)
{
    (void)now;
    fake_ca.body_len = body.len;
    return say(ca, ret_answer, err);
}

enum ratls_status ratls_ca_find_result(struct ratls_ca *ca, const uint8_t id[static 16],
                                       int64_t now, struct ratls_ca_answer *ret_answer,
                                       struct ratls_error *err)
{
    (void)id;
    (void)now;
    return say(ca, ret_answer, err);
}

enum ratls_status ratls_ca_current_crl(struct ratls_ca *ca, size_t issuer, int64_t now,
                                       struct ratls_ca_answer *ret_answer, struct ratls_error *err)
{
    (void)now;
    if (issuer == 0)
        return say(ca, ret_answer, err);
    *ret_answer = (struct ratls_ca_answer){.http_status = 404, .reason = "unknown"};
    return RATLS_OK;
}

bool ratls_ca_request_ek(struct ratls_slice body, uint8_t ret_ek_sha256[static 32])
{
    if (body.len < 3 || memcmp(body.p, "EK", 2) != 0)
        return false;
    memset(ret_ek_sha256, 0, 32);
    ret_ek_sha256[0] = body.p[2];
    return true;
}
