/* What was issued, as often as it is fetched. */
#include <stdlib.h>
#include <string.h>

#include "ca_state.h"
#include "fail.h"

/*
 * The certificate of the key alone: clients name the CA that signed it, whose CRL may speak only of
 * what it has certified itself.
 */
static enum ratls_status write_result(const struct ratls_store_certificate *certificate,
                                      const uint8_t id[static RATLS_STORE_ID_LEN],
                                      struct ratls_ca_answer *answer, struct ratls_error *err)
{
    const struct ratls_enroll_result result = {
        .id = ratls_slice(id, RATLS_STORE_ID_LEN),
        .certificates = {ratls_slice(certificate->der, certificate->der_len)},
        .certificate_count = 1,
    };
    struct ratls_writer w;

    answer->body = malloc(RATLS_ENROLL_RESULT_MAX);
    if (answer->body == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    w = ratls_writer(answer->body, RATLS_ENROLL_RESULT_MAX);
    ratls_enroll_result_write(&result, &w);
    if (w.failed)
        return ratls_fail(err, RATLS_LIMIT, "a certificate that is too long");
    answer->len = w.len;
    return RATLS_OK;
}

enum ratls_status ratls_ca_say_result(struct ratls_ca *ca,
                                      const uint8_t id[static RATLS_STORE_ID_LEN],
                                      struct ratls_ca_answer *answer, struct ratls_error *err)
{
    struct ratls_store_certificate certificate = {.der = NULL};
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    char serial[2 * RATLS_STORE_SERIAL_MAX + 1];
    enum ratls_status status = ratls_store_result(ca->store, id, &certificate, &outcome, err);

    if (status != RATLS_OK)
        return status;
    memcpy(answer->id, id, sizeof answer->id);
    if (outcome != RATLS_STORE_DONE) {
        ratls_ca_say(answer, RATLS_CA_UNKNOWN, "nothing was issued for this challenge");
        return RATLS_OK;
    }
    ratls_hex(ratls_slice(certificate.serial, certificate.serial_len), serial, sizeof serial);
    ratls_ca_say(answer, RATLS_CA_ISSUED, "certificate %s for %s", serial, certificate.names);
    status = write_result(&certificate, id, answer, err);
    ratls_store_certificate_done(&certificate);
    return status;
}

enum ratls_status ratls_ca_find_result(struct ratls_ca *ca, const uint8_t id[static 16],
                                       int64_t now, struct ratls_ca_answer *ret_answer,
                                       struct ratls_error *err)
{
    struct ratls_ca_answer answer = {.http_status = 0};
    enum ratls_status status = ratls_ca_say_result(ca, id, &answer, err);

    if (status == RATLS_OK)
        status = ratls_ca_record(ca, &answer, ratls_slice(id, RATLS_STORE_ID_LEN), "", now, err);
    if (status == RATLS_OK)
        *ret_answer = answer;
    else
        ratls_ca_answer_done(&answer);
    return status;
}
