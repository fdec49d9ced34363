/* A CA that is asked, answered, and asked again: rules, hands, renewal, results and lists. */
#include "ca_enrol_scene.h"
#include "crypto.h"
#include "crypto_crl.h"
#include "enroll_message.h"
#include "must.h"

#include <stdio.h>
#include <stdlib.h>

#define MINUTE_S 60
#define DAY_S 86400
#define NAME "www.bank.example"
#define COUNT_RECORDS "SELECT count(*) FROM audit WHERE detail LIKE "

static struct ca_machine m, other;
static struct ratls_slice request;
static struct ratls_error err;

static void make_scene(void)
{
    ca_world_make(&w, "");
    w.now -= w.now % MINUTE_S;
    ca_machine_make(&m, &w.maker, RATLS_EK_L2, FAKE_ECDSA_P256);
    ca_machine_make(&other, &w.maker, RATLS_EK_L2, FAKE_ECDSA_P256);
}

static void end_scene(void)
{
    uint8_t head[32];
    int64_t count;
    bool is_whole = false;

    cr_expect_eq(ratls_store_verify_audit(ratls_ca_store(w.ca), head, &count, &is_whole, NULL),
                 RATLS_OK);
    cr_expect(is_whole);
    ca_machine_done(&m);
    ca_machine_done(&other);
    ca_world_done(&w);
}

TestSuite(ca, .init = make_scene, .fini = end_scene, .timeout = 120);

static bool is_same(const struct ratls_ca_answer *a, const struct ratls_ca_answer *b)
{
    return a->len > 0 &&
           ratls_slice_equal(ratls_slice(a->body, a->len), ratls_slice(b->body, b->len));
}

static struct ratls_ca_answer find_request(const uint8_t *sha256)
{
    struct ratls_ca_answer answer = {0};

    cr_assert_eq(ratls_ca_find_request(w.ca, sha256, w.now, &answer, &err), RATLS_OK, "%s",
                 err.text);
    return answer;
}

static struct ratls_ca_answer find_result(const uint8_t *id)
{
    struct ratls_ca_answer answer = {0};

    cr_assert_eq(ratls_ca_find_result(w.ca, id, w.now, &answer, &err), RATLS_OK, "%s", err.text);
    return answer;
}

Test(ca, the_same_again)
{
    struct ratls_ca_answer first, again, found, done, result;

    allow(&m, NAME);
    first = ask_for(&m, NAME, NULL, &request);
    again = ca_world_ask(&w, request);
    found = find_request(first.request_sha256);
    cr_expect(is_same(&first, &again) && is_same(&first, &found));
    cr_expect_eq(first.http_status, 201);
    cr_expect_eq(found.http_status, 200);
    result = find_result(first.id);
    cr_expect_str_eq(result.reason, "unknown");
    done = reply_to(&m, request, &first);
    cr_expect_eq(done.http_status, 200);
    ratls_ca_answer_done(&again);
    ratls_ca_answer_done(&found);
    again = reply_to(&m, request, &first);
    cr_expect_str_eq(again.reason, "answered");
    cr_expect_eq(again.http_status, 409);
    found = ca_world_ask(&w, request);
    result = find_result(first.id);
    cr_expect(is_same(&done, &found) && is_same(&done, &result));
    cr_expect_eq(store_place_number(&w.place, "SELECT count(*) FROM certificate"), 1);
    ratls_ca_answer_done(&first);
    ratls_ca_answer_done(&found);
    ratls_ca_answer_done(&done);
    ratls_ca_answer_done(&result);
}

/* What a client makes of it: RFC 5280, 6, with the issuer that its policy names. */
Test(ca, the_certificate_is_that_of_the_key)
{
    struct ratls_ca_answer challenged, done;
    struct ratls_enroll_result result;
    struct ratls_ak_chain chain = {.count = 1, .anchor = w.issuer, .key = m.ak->key, .now = w.now};
    int64_t until;
    char why[RATLS_WHY_MAX];

    allow(&m, NAME);
    challenged = ask_for(&m, NAME, NULL, &request);
    done = reply_to(&m, request, &challenged);
    cr_assert(ratls_enroll_result_read(ratls_slice(done.body, done.len), &result));
    cr_assert_eq(result.certificate_count, 1);
    chain.certificates = result.certificates;
    cr_assert_eq(ratls_ak_chain(&chain, &until, why, &err), RATLS_OK);
    cr_expect_str_eq(why, "");
    cr_expect(ratls_certificate_names(result.certificates[0], NAME));
    cr_expect_not(ratls_certificate_names(result.certificates[0], "mail.bank.example"));
    ratls_ca_answer_done(&challenged);
    ratls_ca_answer_done(&done);
}

static struct ratls_ca_answer approve(const uint8_t *sha256, const char *names)
{
    struct ratls_ca_answer answer = {0};

    cr_assert_eq(ratls_ca_approve(w.ca, sha256, names, "root", w.now, &answer, &err), RATLS_OK,
                 "%s", err.text);
    return answer;
}

Test(ca, by_hand)
{
    struct ratls_ca_answer asked = ask_for(&m, NAME, NULL, &request), answer, done;

    cr_expect(asked.is_waiting && asked.http_status == 202 && asked.body == NULL);
    answer = find_request(asked.request_sha256);
    cr_expect(answer.is_waiting);
    answer = approve(asked.request_sha256, "mail.bank.example");
    cr_expect_str_eq(answer.reason, "name");
    w.now += 20 * DAY_S;
    answer = approve(asked.request_sha256, NAME);
    cr_expect_eq(answer.http_status, 200, "%s", answer.detail);
    done = approve(asked.request_sha256, NULL);
    cr_expect_str_eq(done.reason, "answered");
    done = reply_to(&m, request, &answer);
    cr_expect_eq(done.http_status, 200, "%s", done.detail);
    ratls_ca_answer_done(&answer);
    ratls_ca_answer_done(&done);
}

Test(ca, what_was_enrolled_meanwhile_is_not_approved)
{
    struct ratls_ca_answer asked = ask_for(&m, NAME, NULL, &request), answer;
    struct ratls_store_token terms = {
        .names = (char[]){""}, .uses_left = 1, .expires = w.now + 9, .note = (char[]){""}};
    char token[CA_TOKEN_SIZE];

    ca_world_token(&w, &terms, token);
    cr_expect_str_eq(enrol(&other, NAME, token), "");
    answer = approve(asked.request_sha256, NULL);
    cr_expect_str_eq(answer.reason, "enrolled");
    cr_expect_eq(ca_world_count_refused(&w, "refused", "enrolled"), 1);
}

Test(ca, refused_by_hand)
{
    struct ratls_ca_answer asked = ask_for(&m, NAME, NULL, &request), answer = {0};

    cr_assert_eq(
        ratls_ca_refuse(w.ca, asked.request_sha256, "root", "not ours", w.now, &answer, &err),
        RATLS_OK);
    cr_expect_eq(answer.http_status, 200);
    answer = ca_world_ask(&w, request);
    cr_expect_str_eq(answer.reason, "refused");
    cr_expect_not_null(strstr(answer.detail, "not ours"));
    answer = approve(asked.request_sha256, NULL);
    cr_expect_str_eq(answer.reason, "answered");
    memset(asked.request_sha256, 1, 32);
    answer = approve(asked.request_sha256, NULL);
    cr_expect_str_eq(answer.reason, "unknown");
}

Test(ca, renewal_and_replacement)
{
    const struct ratls_slice name = ratls_slice(NAME, strlen(NAME));
    const struct ratls_store_names names = {.p = &name, .count = 1};
    enum ratls_store_outcome outcome;
    uint8_t by[32];
    size_t count = 0;

    allow(&m, NAME);
    cr_expect_str_eq(enrol(&m, NAME, NULL), "");
    ca_world_reopen(&w, "");
    fake_tpm_free(m.ak);
    m.ak = fake_tpm_new(FAKE_ECDSA_P256);
    cr_expect_str_eq(enrol(&m, NAME, NULL), "", "another key of the same TPM");
    cr_expect_str_eq(enrol(&m, "mail.bank.example " NAME, NULL), "waiting", "one name more");
    cr_expect_str_eq(enrol(&other, NAME, NULL), "enrolled");
    ca_machine_ek(&other, by);
    cr_assert_eq(ratls_store_replace(ratls_ca_store(w.ca), &names, by, "burnt", w.now, &count,
                                     &outcome, &err),
                 RATLS_OK);
    cr_expect_eq(count, 2);
    cr_expect_str_eq(enrol(&m, NAME, NULL), "enrolled");
    cr_expect_str_eq(enrol(&other, NAME, NULL), "");
}

Test(ca, rules_of_a_file)
{
    char hex[65], path[128], more[256];
    FILE *file;

    ca_machine_ek_text(&m, hex);
    snprintf(path, sizeof path, "%s/eks.csv", w.folder);
    file = fopen(path, "w");
    fprintf(file, "%s,%s mail.bank.example\n", hex, NAME);
    fclose(file);
    snprintf(more, sizeof more, "approval: {rules-file: eks.csv, by-hand: refuse}\n");
    ca_world_reopen(&w, more);
    cr_expect_str_eq(enrol(&m, "mail.bank.example " NAME, NULL), "");
    cr_expect_str_eq(enrol(&m, "pop.bank.example", NULL), "not-allowed");
    cr_expect_str_eq(enrol(&other, "pop.bank.example", NULL), "not-allowed");
}

/* Its number; *ret_has: whether the only certificate is in it. */
static int64_t crl_number(bool *ret_has)
{
    struct ratls_ca_answer answer = {0};
    struct ratls_crl *crl = NULL;
    struct ratls_enroll_result result;
    struct ratls_ca_answer issued;
    char why[RATLS_WHY_MAX];
    long long number = 0;

    issued = ca_world_ask(&w, request);
    cr_assert(ratls_enroll_result_read(ratls_slice(issued.body, issued.len), &result));
    cr_assert_eq(ratls_ca_current_crl(w.ca, 0, w.now, &answer, &err), RATLS_OK, "%s", err.text);
    cr_assert_eq(ratls_crl_read(ratls_slice(answer.body, answer.len), w.issuer, &crl, &err),
                 RATLS_OK, "%s", err.text);
    *ret_has = !ratls_crl_clears(crl, result.certificates[0], w.now, why);
    cr_assert_eq(sscanf(answer.detail, "CRL number %lld", &number), 1);
    ratls_crl_free(crl);
    ratls_ca_answer_done(&answer);
    ratls_ca_answer_done(&issued);
    return number;
}

Test(ca, lists_of_what_is_revoked)
{
    struct ratls_ca_answer answer, done;
    enum ratls_store_outcome outcome;
    bool has;
    size_t count;

    allow(&m, NAME);
    answer = ask_for(&m, NAME, NULL, &request);
    done = reply_to(&m, request, &answer);
    cr_assert_eq(done.http_status, 200);
    cr_expect_eq(crl_number(&has), 1);
    cr_expect_not(has);
    cr_expect_eq(crl_number(&has), 1, "nothing changed");
    cr_assert_eq(ratls_store_revoke(ratls_ca_store(w.ca), RATLS_STORE_BY_NAME,
                                    ratls_slice(NAME, strlen(NAME)), 1, w.now, &count, &outcome,
                                    &err),
                 RATLS_OK);
    w.now += 10;
    cr_expect_eq(crl_number(&has), 2, "revoked, and nobody published it");
    cr_expect(has);
    cr_expect_eq(crl_number(&has), 2);
    w.now += 4 * DAY_S; /* of seven */
    cr_expect_eq(crl_number(&has), 3, "half of its life is over");
    cr_expect(has);
    ratls_ca_answer_done(&answer);
    ratls_ca_answer_done(&done);
    cr_assert_eq(ratls_ca_current_crl(w.ca, 1, w.now, &answer, &err), RATLS_OK);
    cr_expect_eq(answer.http_status, 404);
}

/* Noise is recorded up to a limit, and then counted. */
Test(ca, noise_does_not_fill_the_log)
{
    static const uint8_t noise[] = "no request";

    for (unsigned i = 0; i < 200; i++) {
        struct ratls_ca_answer answer = i % 2 == 0 ? ca_world_ask(&w, ratls_slice(noise, 5))
                                                   : ca_world_answer(&w, ratls_slice(noise, 5));

        cr_assert_eq(answer.http_status, 400);
    }
    cr_expect_eq(ca_world_count_refused(&w, "refused", "malformed"), 60);
    w.now += MINUTE_S;
    (void)ca_world_ask(&w, ratls_slice(noise, 5));
    cr_expect_eq(ca_world_count_refused(&w, "refused", "malformed"), 61);
    cr_expect_eq(store_place_number(&w.place, COUNT_RECORDS "'140 more %'"), 1);
}

/* The certificate of a TPM's key is public: who has one is not known, and may ask as often. */
Test(ca, who_has_a_certificate_does_not_fill_the_log)
{
    for (unsigned i = 0; i < 70; i++)
        cr_expect_str_eq(enrol(&m, "www.other.test", NULL), "name");
    cr_expect_eq(ca_world_count_refused(&w, "refused", "name"), 60);
    w.now += MINUTE_S;
    cr_expect_str_eq(enrol(&m, "www.other.test", NULL), "name");
    cr_expect_eq(ca_world_count_refused(&w, "refused", "name"), 61);
    cr_expect_eq(store_place_number(&w.place, COUNT_RECORDS "'10 more %'"), 1);
}

Test(ca, old_requests_are_swept_away)
{
    struct ratls_ca_answer asked = ask_for(&m, NAME, NULL, &request), answer;
    const char *const count = "SELECT count(*) FROM request";

    w.now += 29 * DAY_S;
    answer = ask_for(&m, "mail.bank.example", NULL, &request);
    cr_expect_eq(store_place_number(&w.place, count), 2);
    w.now += 2 * DAY_S;
    answer = ask_for(&m, "pop.bank.example", NULL, &request);
    cr_expect_eq(store_place_number(&w.place, count), 2);
    answer = find_request(asked.request_sha256);
    cr_expect_str_eq(answer.reason, "unknown");
    cr_expect_eq(answer.http_status, 404);
}

Test(ca, challenges_that_nobody_answered_are_swept_away)
{
    struct ratls_ca_answer answer;
    const char *const count = "SELECT count(*) FROM request";

    allow(&m, NAME);
    answer = ask_for(&m, NAME, NULL, &request);
    ratls_ca_answer_done(&answer);
    w.now += 8 * DAY_S - 60;
    answer = ca_world_ask(&w, request);
    cr_expect_str_eq(answer.reason, "late");
    cr_expect_eq(store_place_number(&w.place, count), 1);
    w.now += 4000;
    answer = ask_for(&m, NAME, NULL, &request);
    cr_expect_eq(store_place_number(&w.place, count), 1, "only the new one");
    ratls_ca_answer_done(&answer);
}

Test(ca, the_key_of_a_request)
{
    struct ca_wish wish;
    uint8_t ek[32], expected[32];
    size_t len;
    uint8_t *bytes;

    ca_machine_wish(&m, NAME, &wish);
    bytes = ca_wish_write(&wish, NULL, &len);
    ca_machine_ek(&m, expected);
    cr_expect(ratls_ca_request_ek(ratls_slice(bytes, len), ek));
    cr_expect_arr_eq(ek, expected, sizeof ek);
    cr_expect_not(ratls_ca_request_ek(ratls_slice(bytes, len - 1), ek));
    wish.request.ek_certificates[0] = ratls_slice("0", 1);
    free(bytes);
    bytes = ca_wish_write(&wish, NULL, &len);
    cr_expect_not(ratls_ca_request_ek(ratls_slice(bytes, len), ek));
    free(bytes);
}
