/*
 * The N-th allocation fails, of ours or of OpenSSL: a CA then says that it could not work. It
 * certifies nothing by mistake, and what it was asked can be asked again. What short memory
 * looks like is a certificate or a signature that OpenSSL cannot read or verify: that is refused.
 */
#include "ca_enrol_scene.h"
#include "failmalloc.h"

#include <stdio.h>
#include <stdlib.h>

#define ALLOCATIONS_MAX 20000
#define DENSE 200 /* each of the first; then one of STEP */
#define STEP 41
#define NAME "www.bank.example"

static struct ca_machine m;

static void make_scene(void)
{
    char hex[65], more[256];

    ca_world_make(&w, "");
    ca_machine_make(&m, &w.maker, RATLS_EK_L2, FAKE_ECDSA_P256);
    ca_machine_ek_text(&m, hex);
    snprintf(more, sizeof more, "approval: {rules: [{ek: %s, names: [%s]}]}\n", hex, NAME);
    ca_world_reopen(&w, more);
}

static void end_scene(void)
{
    ca_machine_done(&m);
    ca_world_done(&w);
}

TestSuite(ca_short, .init = make_scene, .fini = end_scene, .timeout = 240);

static uint8_t *make_request(size_t *ret_len)
{
    static struct ca_wish wish;

    ca_machine_wish(&m, NAME, &wish);
    return ca_wish_write(&wish, NULL, ret_len);
}

static bool is_unread(const struct ratls_ca_answer *answer)
{
    return answer->reason != NULL && (strncmp(answer->reason, "ek-", 3) == 0 ||
                                      strcmp(answer->reason, "quote-signature") == 0);
}

static size_t next(size_t n)
{
    return n + (n < DENSE ? 1 : STEP);
}

Test(ca_short, of_a_request)
{
    size_t failures = 0;
    bool failed = true;

    for (size_t n = 1; failed && n < ALLOCATIONS_MAX; n = next(n)) {
        struct ratls_ca_answer answer = {0}, again;
        struct ratls_error err = {0};
        enum ratls_status status;
        size_t len;
        uint8_t *request = make_request(&len);

        failmalloc_arm(n);
        status = ratls_ca_take_request(w.ca, ratls_slice(request, len), RATLS_CA_FILES, w.now,
                                       &answer, &err);
        failed = failmalloc_disarm();
        failures += status != RATLS_OK;
        if (status == RATLS_OK)
            cr_expect(answer.http_status == 201 || is_unread(&answer), "%zu: %s: %s", n,
                      answer.reason, answer.detail);
        else
            cr_expect_neq(err.text[0], '\0', "%zu", n);
        again = ca_world_ask(&w, ratls_slice(request, len));
        cr_expect_eq(again.http_status, 201, "%zu: %s", n, again.detail);
        ratls_ca_answer_done(&answer);
        ratls_ca_answer_done(&again);
        free(request);
    }
    cr_expect_not(failed);
    cr_expect_gt(failures, 8, "%zu", failures);
}

Test(ca_short, of_an_answer)
{
    size_t failures = 0;
    bool failed = true;

    for (size_t n = 1; failed && n < ALLOCATIONS_MAX; n = next(n)) {
        struct ratls_ca_answer challenged, done = {0}, again;
        struct ratls_error err = {0};
        uint8_t bytes[RATLS_ENROLL_ANSWER_MAX];
        enum ratls_status status;
        struct ca_reply reply;
        size_t len, reply_len;
        uint8_t *request = make_request(&len);

        challenged = ca_world_ask(&w, ratls_slice(request, len));
        ca_machine_reply(&m, ratls_slice(request, len),
                         ratls_slice(challenged.body, challenged.len), NULL, &reply);
        reply_len = ca_reply_write(&reply, bytes);
        failmalloc_arm(n);
        status = ratls_ca_take_answer(w.ca, ratls_slice(bytes, reply_len), w.now, &done, &err);
        failed = failmalloc_disarm();
        failures += status != RATLS_OK;
        if (status == RATLS_OK)
            cr_expect(done.http_status == 200 || is_unread(&done), "%zu: %s: %s", n, done.reason,
                      done.detail);
        /* It was issued before memory was short, or is now; either way it can be had. */
        again = ca_world_answer(&w, ratls_slice(bytes, reply_len));
        cr_expect(again.http_status == 200 || again.http_status == 409, "%zu: %s", n, again.detail);
        ratls_ca_answer_done(&again);
        again = ca_world_ask(&w, ratls_slice(request, len));
        cr_expect_eq(again.http_status, is_unread(&done) ? 403 : 200, "%zu: %s", n, again.detail);
        ratls_ca_answer_done(&again);
        ratls_ca_answer_done(&challenged);
        ratls_ca_answer_done(&done);
        ca_reply_done(&reply);
        free(request);
    }
    cr_expect_not(failed);
    cr_expect_gt(failures, 8, "%zu", failures);
}
