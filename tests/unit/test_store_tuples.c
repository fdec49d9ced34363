/* Name, endorsement key and attestation key stay together: what may not be leaves no trace. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "store_sample.h"

static struct store_place place;
static struct ratls_store *store;
static enum ratls_store_outcome outcome;
static struct ratls_error err;

static void open_it(void)
{
    store_place_make(&place);
    store = store_at(&place);
}

static void close_it(void)
{
    ratls_store_close(store);
    store_place_remove(&place);
}

TestSuite(store_tuples, .init = open_it, .fini = close_it);

static enum ratls_store_outcome enroll(unsigned ek, unsigned ak, unsigned name, unsigned which)
{
    struct store_sample s;

    store_sample(&s, ek, ak, name, which);
    return sample_enroll(store, &s);
}

/* How many rows say who is who. */
static int64_t count_rows(void)
{
    return store_place_number(&place,
                              "SELECT (SELECT count(*) FROM ek) + (SELECT count(*) FROM enrolment)"
                              " + (SELECT count(*) FROM owner) + (SELECT count(*) FROM certificate)"
                              " + (SELECT count(*) FROM certificate_name)"
                              " + (SELECT count(*) FROM token_use)");
}

static void expect_refused(unsigned ek, unsigned ak, unsigned name, unsigned which,
                           enum ratls_store_outcome wanted)
{
    const int64_t before = count_rows();
    struct ratls_store_entry entry = {0};
    struct store_sample s;

    store_sample(&s, ek, ak, name, which);
    cr_expect_eq(sample_enroll(store, &s), wanted);
    cr_expect_eq(count_rows(), before);
    cr_assert_eq(
        ratls_store_find_challenge(store, s.challenge.id, SAMPLE_NOW, &entry, &outcome, &err),
        RATLS_OK);
    cr_expect_eq(entry.state, RATLS_STORE_FAILED);
    cr_expect_neq(entry.answered, 0, "the challenge is used up");
    cr_expect_gt(strlen(entry.reason), 10);
    ratls_store_entry_done(&entry);
}

Test(store_tuples, a_name_has_one_endorsement_key)
{
    cr_assert_eq(enroll(1, 1, 1, 1), RATLS_STORE_DONE);
    expect_refused(2, 2, 1, 2, RATLS_STORE_OTHER_EK);
    cr_expect_eq(enroll(1, 1, 1, 3), RATLS_STORE_DONE, "it may be renewed");
    cr_expect_eq(enroll(1, 1, 2, 4), RATLS_STORE_DONE, "and have more names");
    cr_expect_eq(enroll(2, 2, 3, 5), RATLS_STORE_DONE);
}

/* One name of two is another's: neither is enrolled. */
Test(store_tuples, one_name_of_two)
{
    struct store_sample s;

    cr_assert_eq(enroll(1, 1, 1, 1), RATLS_STORE_DONE);
    store_sample(&s, 2, 2, 1, 2);
    snprintf(s.name_texts[0], sizeof s.name_texts[0], "a0.bank.example");
    cr_expect_eq(sample_enroll(store, &s), RATLS_STORE_OTHER_EK);
    cr_expect_eq(store_place_number(&place, "SELECT count(*) FROM owner"), 2);
}

Test(store_tuples, an_attestation_key_is_of_one_tpm)
{
    cr_assert_eq(enroll(1, 1, 1, 1), RATLS_STORE_DONE);
    expect_refused(2, 1, 2, 2, RATLS_STORE_OTHER_TPM);
    cr_assert_eq(enroll(2, 2, 2, 3), RATLS_STORE_DONE);
    expect_refused(1, 2, 1, 4, RATLS_STORE_OTHER_TPM);
}

static void revoke(enum ratls_store_by by, struct ratls_slice value, size_t wanted)
{
    size_t count = 99;

    cr_assert_eq(ratls_store_revoke(store, by, value, 4, SAMPLE_NOW + 9, &count, &outcome, &err),
                 RATLS_OK, "%s", err.text);
    cr_expect_eq(outcome, RATLS_STORE_DONE);
    cr_expect_eq(count, wanted, "%zu", count);
}

Test(store_tuples, two_attestation_keys_for_a_name)
{
    struct store_sample s;

    cr_assert_eq(enroll(1, 1, 1, 1), RATLS_STORE_DONE);
    cr_assert_eq(enroll(1, 2, 1, 2), RATLS_STORE_DONE);
    cr_assert_eq(enroll(1, 2, 1, 3), RATLS_STORE_DONE, "one of the two again");
    expect_refused(1, 3, 1, 4, RATLS_STORE_OVERLAP);
    store_sample(&s, 1, 1, 1, 1);
    revoke(RATLS_STORE_BY_SERIAL, s.issue.serial, 1);
    cr_expect_eq(enroll(1, 3, 1, 5), RATLS_STORE_DONE, "after one of them was revoked");
    expect_refused(1, 1, 1, 6, RATLS_STORE_OVERLAP);
}

/* Certificates that have ended do not count. */
Test(store_tuples, attestation_keys_of_before)
{
    for (unsigned i = 1; i <= 2; i++) {
        struct store_sample s;

        store_sample(&s, 1, i, 1, i);
        s.issue.not_after = SAMPLE_NOW + 1;
        cr_assert_eq(sample_enroll(store, &s), RATLS_STORE_DONE);
    }
    cr_expect_eq(enroll(1, 3, 1, 3), RATLS_STORE_DONE);
}

static void deny(const char *kind, const uint8_t *value, size_t len)
{
    char hex[140];
    struct ratls_store_denial denial = {.kind = kind, .value = hex, .reason = ""};

    ratls_hex(ratls_slice(value, len), hex, sizeof hex);
    cr_assert_eq(ratls_store_deny(store, &denial, SAMPLE_NOW, &outcome, &err), RATLS_OK);
}

Test(store_tuples, denied_keys)
{
    struct store_sample s;

    store_sample(&s, 1, 1, 1, 1);
    deny("ek", s.issue.ek.sha256, 32);
    expect_refused(1, 1, 1, 1, RATLS_STORE_DENIED);
    store_sample(&s, 2, 2, 2, 2);
    deny("ak", s.ak_name, sizeof s.ak_name);
    expect_refused(2, 2, 2, 2, RATLS_STORE_DENIED);
    cr_expect_eq(enroll(2, 3, 2, 3), RATLS_STORE_DONE);
}

Test(store_tuples, a_revoked_attestation_key_stays_out)
{
    struct store_sample s;

    store_sample(&s, 1, 1, 1, 1);
    cr_assert_eq(enroll(1, 1, 1, 1), RATLS_STORE_DONE);
    revoke(RATLS_STORE_BY_AK, s.issue.ak_name, 1);
    revoke(RATLS_STORE_BY_AK, s.issue.ak_name, 0);
    expect_refused(1, 1, 1, 2, RATLS_STORE_DENIED);
    cr_expect_eq(enroll(1, 2, 1, 3), RATLS_STORE_DONE);
    revoke(RATLS_STORE_BY_EK, ratls_slice(s.issue.ek.sha256, 32), 1);
    expect_refused(1, 2, 1, 4, RATLS_STORE_DENIED);
}

static enum ratls_store_claim owner(unsigned name, unsigned ek)
{
    struct store_sample s;
    enum ratls_store_claim claim;
    uint8_t sha256[32] = {0};

    store_sample(&s, ek, 0, name, 0);
    cr_assert_eq(ratls_store_owner(store, s.name_slices[0], sha256, &claim, &err), RATLS_OK);
    cr_expect(claim == RATLS_STORE_FREE || memcmp(sha256, s.issue.ek.sha256, 32) == 0);
    return claim;
}

static void replace(unsigned name, const uint8_t *by, size_t revoked,
                    enum ratls_store_outcome wanted)
{
    struct store_sample s;
    size_t count = 99;

    store_sample(&s, 0, 0, name, 0);
    cr_assert_eq(ratls_store_replace(store, &s.request.names, by, "new board", SAMPLE_NOW + 9,
                                     &count, &outcome, &err),
                 RATLS_OK, "%s", err.text);
    cr_expect_eq(outcome, wanted);
    cr_expect_eq(count, revoked);
}

Test(store_tuples, another_machine)
{
    struct store_sample s;

    cr_assert_eq(enroll(1, 1, 1, 1), RATLS_STORE_DONE);
    cr_assert_eq(enroll(1, 1, 1, 2), RATLS_STORE_DONE);
    store_sample(&s, 3, 3, 1, 3);
    replace(1, s.issue.ek.sha256, 2, RATLS_STORE_DONE);
    cr_expect_eq(owner(1, 3), RATLS_STORE_PROMISED);
    expect_refused(2, 2, 1, 4, RATLS_STORE_OTHER_EK);
    expect_refused(1, 1, 1, 5, RATLS_STORE_OTHER_EK);
    cr_expect_eq(enroll(3, 3, 1, 6), RATLS_STORE_DONE);
    cr_expect_eq(owner(1, 3), RATLS_STORE_OWNED);
    replace(1, NULL, 1, RATLS_STORE_DONE);
    cr_expect_eq(owner(1, 3), RATLS_STORE_FREE);
    replace(1, NULL, 0, RATLS_STORE_UNKNOWN);
    cr_expect_eq(enroll(2, 2, 1, 7), RATLS_STORE_DONE);
    cr_expect_eq(store_place_number(&place, "SELECT count(*) FROM owner"), 6, "all that were");
    cr_expect_eq(store_place_number(&place, "SELECT count(*) FROM owner WHERE ended = 0"), 2);
}

static bool count_certificates(void *arg, const struct ratls_store_certificate *certificate)
{
    cr_expect_eq(certificate->serial_len, 16);
    (*(unsigned *)arg)++;
    return true;
}

static void expect_listed(struct ratls_store_filter filter, unsigned wanted)
{
    unsigned count = 0;

    cr_assert_eq(ratls_store_list(store, &filter, count_certificates, &count, &err), RATLS_OK, "%s",
                 err.text);
    cr_expect_eq(count, wanted, "%u, not %u", count, wanted);
}

Test(store_tuples, lists_of_certificates)
{
    struct store_sample s;
    unsigned count = 0;

    for (unsigned i = 1; i <= 3; i++) {
        store_sample(&s, i, i, i, i);
        s.issue.not_after = SAMPLE_NOW + 1000 * i;
        cr_assert_eq(sample_enroll(store, &s), RATLS_STORE_DONE);
    }
    expect_listed((struct ratls_store_filter){.by = RATLS_STORE_BY_ALL}, 3);
    expect_listed((struct ratls_store_filter){RATLS_STORE_BY_SERIAL, s.issue.serial, 0, 0, 0}, 1);
    expect_listed((struct ratls_store_filter){RATLS_STORE_BY_NAME, s.name_slices[1], 0, 0, 0}, 1);
    expect_listed((struct ratls_store_filter){RATLS_STORE_BY_AK, s.issue.ak_name, 0, 0, 0}, 1);
    expect_listed(
        (struct ratls_store_filter){RATLS_STORE_BY_EK, ratls_slice(s.issue.ek.sha256, 32), 0, 0, 0},
        1);
    expect_listed((struct ratls_store_filter){.valid_from = SAMPLE_NOW + 2000}, 2);
    expect_listed((struct ratls_store_filter){.valid_until = SAMPLE_NOW + 2000}, 2);
    revoke(RATLS_STORE_BY_NAME, s.name_slices[0], 1);
    expect_listed((struct ratls_store_filter){.only_revoked = true}, 1);
    expect_listed((struct ratls_store_filter){.valid_until = SAMPLE_NOW + 3000}, 2);
    cr_assert_eq(ratls_store_each_revoked(store, s.issue.issuer_sha256, SAMPLE_NOW + 3000,
                                          count_certificates, &count, &err),
                 RATLS_OK);
    cr_assert_eq(ratls_store_each_revoked(store, s.issue.issuer_sha256, SAMPLE_NOW + 3001,
                                          count_certificates, &count, &err),
                 RATLS_OK);
    cr_expect_eq(count, 1, "one that has ended is not in it");
    cr_assert_eq(ratls_store_revoke(store, RATLS_STORE_BY_SERIAL, ratls_slice("x", 1), 0,
                                    SAMPLE_NOW, &(size_t){0}, &outcome, &err),
                 RATLS_OK);
    cr_expect_eq(outcome, RATLS_STORE_UNKNOWN);
    cr_expect_eq(ratls_store_revoke(store, RATLS_STORE_BY_ALL, ratls_slice(NULL, 0), 0, SAMPLE_NOW,
                                    &(size_t){0}, &outcome, NULL),
                 RATLS_USAGE);
}

/* A certificate that is not for what was asked is a mistake of the CA: it changes nothing. */
Test(store_tuples, not_what_was_asked)
{
    struct store_sample s, t;

    for (unsigned i = 0; i < 3; i++) {
        const int64_t before = count_rows();

        store_sample(&s, 1, 1, 1, i + 1);
        store_sample(&t, i == 0 ? 2 : 1, i == 1 ? 2 : 1, i == 2 ? 2 : 1, i + 1);
        cr_assert_eq(sample_put(store, &s, &outcome, &err), RATLS_OK);
        cr_expect_eq(ratls_store_issue(store, &t.issue, SAMPLE_NOW, &outcome, NULL), RATLS_USAGE);
        cr_expect_eq(count_rows(), before);
        cr_expect_eq(ratls_store_issue(store, &s.issue, SAMPLE_NOW, &outcome, NULL), RATLS_OK);
        cr_expect_eq(outcome, RATLS_STORE_DONE);
    }
    store_sample(&s, 1, 1, 1, 9);
    cr_assert_eq(sample_put(store, &s, &outcome, &err), RATLS_OK);
    s.serial[3] = 1; /* the serial number of the first */
    cr_expect_eq(ratls_store_issue(store, &s.issue, SAMPLE_NOW, &outcome, &err), RATLS_IO);
    s.serial[3] = 9;
    cr_expect_eq(ratls_store_issue(store, &s.issue, SAMPLE_NOW, &outcome, NULL), RATLS_OK);
    cr_expect_eq(outcome, RATLS_STORE_DONE);
}
