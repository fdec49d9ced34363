/* What was approved before, and is not any more: revoked keys, and challenges of before. */
#include "ca_enrol_scene.h"

#include <stdio.h>
#include <stdlib.h>

#define NAME "www.bank.example"

static struct ca_machine m;
static struct ratls_error err;

static void make_scene(void)
{
    ca_world_make(&w, "");
    ca_machine_make(&m, &w.maker, RATLS_EK_L2, FAKE_ECDSA_P256);
}

static void end_scene(void)
{
    ca_machine_done(&m);
    ca_world_done(&w);
}

TestSuite(ca_withdrawn, .init = make_scene, .fini = end_scene, .timeout = 120);

static void revoke_name(unsigned reason, size_t wanted)
{
    enum ratls_store_outcome outcome;
    size_t count = 99;

    cr_assert_eq(ratls_store_revoke(ratls_ca_store(w.ca), RATLS_STORE_BY_NAME,
                                    ratls_slice(NAME, strlen(NAME)), reason, w.now, &count,
                                    &outcome, &err),
                 RATLS_OK);
    cr_expect_eq(count, wanted);
}

/* Or whoever has the machine gets a new certificate instead of the one that was revoked. */
Test(ca_withdrawn, what_is_compromised_does_not_renew)
{
    allow(&m, NAME);
    cr_expect_str_eq(enrol(&m, NAME, NULL), "");
    ca_world_reopen(&w, "");
    revoke_name(4, 1);
    cr_expect_str_eq(enrol(&m, NAME, NULL), "", "one that was superseded");
    revoke_name(1, 1);
    cr_expect_str_eq(enrol(&m, NAME, NULL), "ak-denied");
    fake_tpm_free(m.ak);
    m.ak = fake_tpm_new(FAKE_ECDSA_P256);
    cr_expect_str_eq(enrol(&m, NAME, NULL), "waiting", "another key of the same TPM");
    allow(&m, NAME);
    cr_expect_str_eq(enrol(&m, NAME, NULL), "", "somebody said that it may");
    ca_world_reopen(&w, "");
    cr_expect_str_eq(enrol(&m, NAME, NULL), "");
}

/* A challenge that was got before is no way around what was decided since. */
Test(ca_withdrawn, what_spoke_for_a_request_must_still_do_so)
{
    struct ratls_slice request;
    struct ratls_ca_answer challenged, done;

    allow(&m, NAME);
    challenged = ask_for(&m, NAME, NULL, &request);
    cr_assert_str_eq(challenged.reason, "");
    ca_world_reopen(&w, "");
    done = reply_to(&m, request, &challenged);
    cr_expect_str_eq(done.reason, "not-allowed", "the rule is gone");
    ratls_ca_answer_done(&done);
    ratls_ca_answer_done(&challenged);
    allow(&m, NAME);
    cr_expect_str_eq(enrol(&m, NAME, NULL), "");
    ca_world_reopen(&w, "");
    fake_tpm_free(m.ak);
    m.ak = fake_tpm_new(FAKE_ECDSA_P256);
    challenged = ask_for(&m, NAME, NULL, &request);
    cr_assert_str_eq(challenged.reason, "", "a renewal");
    revoke_name(1, 1);
    done = reply_to(&m, request, &challenged);
    cr_expect_str_eq(done.reason, "not-allowed", "revoked for key-compromise meanwhile");
    ratls_ca_answer_done(&done);
    ratls_ca_answer_done(&challenged);
}
