#include "enroll_check.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "ak_form.h"
#include "ca_outcome.h"
#include "crypto.h"

#define DEFECTS 12 /* of enum ratls_ek_defect */

_Static_assert(RATLS_EK_DEFECT_SOFTWARE == 1 << (DEFECTS - 1) &&
                   RATLS_CA_EK_SOFTWARE == RATLS_CA_EK_FORMAT + DEFECTS - 1,
               "the outcomes have the order of the defects");

static bool read_message(const struct ratls_enroll_question *q, struct ratls_ca_answer *answer,
                         struct ratls_enrollee *e)
{
    if (q->body.len > RATLS_ENROLL_REQUEST_MAX)
        ratls_ca_say(answer, RATLS_CA_TOO_LONG, "a request has %d bytes at most, not %zu",
                     RATLS_ENROLL_REQUEST_MAX, q->body.len);
    else if (!ratls_enroll_request_read(q->body, &e->request))
        ratls_ca_say(answer, RATLS_CA_MALFORMED,
                     "these %zu bytes are no request for enrolment: 'ratls ca request' and "
                     "'ratls enroll' of this version make them",
                     q->body.len);
    return !ratls_ca_is_refused(answer);
}

/* The one that is first in the table gives the word; the text has them all. */
static enum ratls_ca_outcome find_outcome(unsigned defects)
{
    unsigned i = 0;

    while (i < DEFECTS - 1 && (defects >> i & 1) == 0)
        i++;
    return (enum ratls_ca_outcome)(RATLS_CA_EK_FORMAT + (int)i);
}

static enum ratls_status check_ek(const struct ratls_enroll_question *q,
                                  struct ratls_ca_answer *answer, struct ratls_enrollee *e,
                                  struct ratls_error *err)
{
    const struct ratls_ek_question question = {
        .certificates = e->request.ek_certificates,
        .count = e->request.ek_certificate_count,
        .roots = q->roots,
        .now = q->now,
        .profile = ratls_ek_profile(e->request.ek_template),
        .area = e->request.ek_public,
        .allows_software = q->config->allows_software,
    };
    enum ratls_status status;

    e->profile = question.profile;
    if (e->profile == NULL) { /* the reader takes none; without it no area would be compared */
        ratls_ca_say(answer, RATLS_CA_MALFORMED, "there is no template %u", e->request.ek_template);
        return RATLS_OK;
    }
    status = ratls_ek_check(&question, &e->ek, err);
    if (status == RATLS_OK && e->ek.defects != 0)
        ratls_ca_say(answer, find_outcome(e->ek.defects),
                     "the endorsement key is refused: %s%s%s; 'ratls roots check' on that machine "
                     "and 'ratls roots show' at the CA explain it",
                     e->ek.why, e->ek.missing[0] == '\0' ? "" : "; the missing CA is at ",
                     e->ek.missing);
    return status;
}

static enum ratls_status make_ak(struct ratls_enrollee *e, struct ratls_error *why)
{
    enum ratls_status status = ratls_tpm_name(&e->ak, e->ak_name, &e->ak_name_len, why);

    return status == RATLS_OK ? ratls_public_key(&e->ak, &e->ak_key, why) : status;
}

static void say_format(struct ratls_ca_answer *answer, const char *actual)
{
    ratls_ca_say(answer, RATLS_CA_AK_FORMAT,
                 "the attestation key: expected is a TPMT_PUBLIC of P-256, P-384, P-521, or RSA of "
                 "2048 to 4096 bits with exponent 65537, name by SHA-2; seen is %s. 'ratls init' "
                 "makes such a key",
                 actual);
}

static enum ratls_status check_ak_format(struct ratls_ca_answer *answer, struct ratls_enrollee *e,
                                         struct ratls_error *err)
{
    struct ratls_error why = {0};
    enum ratls_status status;

    if (!ratls_tpm_read_public(e->request.ak_public, &e->ak)) {
        say_format(answer, "what cannot be read");
        return RATLS_OK;
    }
    if (!ratls_tpm_is_strong_hash(e->ak.name_alg)) {
        say_format(answer, "a name by a weak hash");
        return RATLS_OK;
    }
    status = make_ak(e, &why);
    if (status == RATLS_MALFORMED) {
        say_format(answer, why.text[0] == '\0' ? "no such key" : why.text);
        return RATLS_OK;
    }
    if (status != RATLS_OK && err != NULL)
        *err = why;
    return status;
}

static void check_ak_rules(const struct ratls_enroll_question *q, struct ratls_ca_answer *answer,
                           const struct ratls_enrollee *e)
{
    struct ratls_ak_words words;

    if (!ratls_ak_has_attributes(&e->ak)) {
        ratls_ak_say_attributes(&e->ak, &words);
        ratls_ca_say(answer, RATLS_CA_AK_ATTRIBUTES,
                     "attributes of the attestation key: expected %s; seen %s. A key that is not "
                     "restricted signs what anybody writes, and one that is not fixed leaves its "
                     "TPM: make one by 'ratls init'",
                     words.expected, words.actual);
    }
    if (!ratls_ak_has_algorithm(&e->ak, q->config->algorithms)) {
        ratls_ak_say_algorithm(&e->ak, q->config->algorithms, &words);
        ratls_ca_say(answer, RATLS_CA_AK_ALGORITHM,
                     "algorithm of the attestation key: allowed here (algorithms in the "
                     "configuration of the CA) are %s; seen is %s",
                     words.expected, words.actual);
    }
}

static void check_names(const struct ratls_enroll_question *q, struct ratls_ca_answer *answer,
                        const struct ratls_enrollee *e)
{
    for (size_t i = 0; i < e->request.name_count; i++) {
        const struct ratls_slice name = e->request.names[i];

        if (!ratls_ca_name_fits(q->config->names, q->config->name_count, name))
            ratls_ca_say(answer, RATLS_CA_NAME,
                         "%.*s: this CA never certifies this name, whoever asks: it is not among "
                         "'names' of its configuration",
                         (int)name.len, (const char *)name.p);
    }
}

static enum ratls_status check(const struct ratls_enroll_question *q,
                               struct ratls_ca_answer *answer, struct ratls_enrollee *e,
                               struct ratls_error *err)
{
    enum ratls_status status = ratls_sha256(q->body, e->sha256, err);

    if (status == RATLS_OK && read_message(q, answer, e))
        status = check_ek(q, answer, e, err);
    if (status == RATLS_OK && !ratls_ca_is_refused(answer))
        status = check_ak_format(answer, e, err);
    if (status == RATLS_OK && !ratls_ca_is_refused(answer))
        check_ak_rules(q, answer, e);
    if (status == RATLS_OK && !ratls_ca_is_refused(answer))
        check_names(q, answer, e);
    return status;
}

enum ratls_status ratls_enroll_check(const struct ratls_enroll_question *question,
                                     struct ratls_ca_answer *answer,
                                     struct ratls_enrollee *ret_enrollee, struct ratls_error *err)
{
    struct ratls_enrollee enrollee = {.profile = NULL};
    enum ratls_status status = check(question, answer, &enrollee, err);

    if (status == RATLS_OK)
        *ret_enrollee = enrollee;
    else
        ratls_enrollee_done(&enrollee);
    return status;
}

void ratls_enrollee_done(struct ratls_enrollee *enrollee)
{
    EVP_PKEY_free(enrollee->ak_key);
    ratls_ek_answer_done(&enrollee->ek);
    *enrollee = (struct ratls_enrollee){.profile = NULL};
}

void ratls_ca_names_text(const struct ratls_enroll_request *request,
                         char out[static RATLS_CA_NAMES_TEXT_MAX])
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < request->name_count && len < RATLS_CA_NAMES_TEXT_MAX; i++)
        len +=
            (size_t)snprintf(out + len, RATLS_CA_NAMES_TEXT_MAX - len, "%s%.*s", i == 0 ? "" : " ",
                             (int)request->names[i].len, (const char *)request->names[i].p);
}
