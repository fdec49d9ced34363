/* Requests and certificates for stores of tests: each follows from a few numbers. */
#ifndef RATLS_TEST_STORE_SAMPLE_H
#define RATLS_TEST_STORE_SAMPLE_H

#include <stdio.h>
#include <string.h>

#include "must.h"
#include "store.h"
#include "store_place.h"

#define SAMPLE_NOW 1800000000
#define SAMPLE_LIFETIME 300
#define SAMPLE_END (SAMPLE_NOW + 31536000)

/* Not moved: it points into itself. */
struct store_sample {
    char name_texts[2][32];
    struct ratls_slice name_slices[2];
    uint8_t ak_name[34], ak_area[40], body[1000], challenge_bytes[300], der[700], serial[16];
    uint8_t ek_area[300], ek_certificate[900];
    struct ratls_store_new_challenge challenge;
    struct ratls_store_request request;
    struct ratls_store_issue issue;
};

/* Bytes that are of this number and purpose alone. */
static inline void sample_bytes(uint8_t *out, size_t len, uint8_t purpose, unsigned number)
{
    memset(out, purpose, len);
    for (size_t i = 0; i < 4 && i < len; i++)
        out[i] = (uint8_t)(number >> 8 * (3 - i));
}

/* Endorsement key ek with attestation key ak asks for two names of number name; it is asked with
 * number `which`, which is also that of the challenge and of the certificate. */
static inline void store_sample(struct store_sample *s, unsigned ek, unsigned ak, unsigned name,
                                unsigned which)
{
    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < 2; i++) {
        snprintf(s->name_texts[i], sizeof s->name_texts[i], "%c%u.bank.example", (char)('a' + i),
                 name);
        s->name_slices[i] = ratls_slice(s->name_texts[i], strlen(s->name_texts[i]));
    }
    sample_bytes(s->ak_name, sizeof s->ak_name, 0xa0, ak);
    sample_bytes(s->ak_area, sizeof s->ak_area, 0xa1, ak);
    sample_bytes(s->ek_area, sizeof s->ek_area, 0xe1, ek);
    sample_bytes(s->ek_certificate, sizeof s->ek_certificate, 0xe2, ek);
    sample_bytes(s->body, sizeof s->body, 0x01, which);
    sample_bytes(s->challenge_bytes, sizeof s->challenge_bytes, 0x02, which);
    sample_bytes(s->der, sizeof s->der, 0x03, which);
    sample_bytes(s->serial, sizeof s->serial, 0x04, which);
    sample_bytes(s->challenge.id, sizeof s->challenge.id, 0x05, which);
    sample_bytes(s->challenge.answer_key, sizeof s->challenge.answer_key, 0x06, which);
    s->challenge.challenge = ratls_slice(s->challenge_bytes, sizeof s->challenge_bytes);
    s->challenge.expires = SAMPLE_NOW + SAMPLE_LIFETIME;
    s->issue.ek.template_id = 1;
    s->issue.ek.area = ratls_slice(s->ek_area, sizeof s->ek_area);
    s->issue.ek.certificate = ratls_slice(s->ek_certificate, sizeof s->ek_certificate);
    s->issue.ek.manufacturer = "id:49465800";
    s->issue.ek.model = "SLB 9670";
    s->issue.ek.version = "id:0007";
    sample_bytes(s->issue.ek.sha256, 32, 0xe0, ek);
    sample_bytes(s->request.sha256, 32, 0x07, which);
    memcpy(s->request.ek_sha256, s->issue.ek.sha256, 32);
    s->request.body = ratls_slice(s->body, sizeof s->body);
    s->request.ak_name = s->issue.ak_name = ratls_slice(s->ak_name, sizeof s->ak_name);
    s->request.names = s->issue.names = (struct ratls_store_names){s->name_slices, 2};
    s->request.challenge = &s->challenge;
    s->request.decided_by = "rule";
    memcpy(s->issue.id, s->challenge.id, sizeof s->issue.id);
    memset(s->issue.issuer_sha256, 0x0c, sizeof s->issue.issuer_sha256);
    s->issue.ak_area = ratls_slice(s->ak_area, sizeof s->ak_area);
    s->issue.serial = ratls_slice(s->serial, sizeof s->serial);
    s->issue.der = ratls_slice(s->der, sizeof s->der);
    s->issue.not_before = SAMPLE_NOW - 300;
    s->issue.not_after = SAMPLE_END;
}

static inline struct ratls_store *store_at(const struct store_place *place)
{
    struct ratls_store *store = NULL;
    struct ratls_error err = {0};
    enum ratls_status status = ratls_store_open(place->where, &store, &err);

    if (status != RATLS_OK)
        fprintf(stderr, "%s\n", err.text);
    must(status == RATLS_OK);
    return store;
}

/* RATLS_OK or not, and the outcome. */
static inline enum ratls_status sample_put(struct ratls_store *store, const struct store_sample *s,
                                           enum ratls_store_outcome *ret_outcome,
                                           struct ratls_error *err)
{
    struct ratls_store_entry entry = {0};
    enum ratls_status status =
        ratls_store_put_request(store, &s->request, SAMPLE_NOW, &entry, ret_outcome, err);

    ratls_store_entry_done(&entry);
    return status;
}

/* Asked and answered at once. */
static inline enum ratls_store_outcome sample_enroll(struct ratls_store *store,
                                                     const struct store_sample *s)
{
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    struct ratls_error err = {0};

    must(sample_put(store, s, &outcome, &err) == RATLS_OK);
    if (ratls_store_issue(store, &s->issue, SAMPLE_NOW + 1, &outcome, &err) != RATLS_OK) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    return outcome;
}

#endif
