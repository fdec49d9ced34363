/* Requests, challenges, certificates, tokens and lists of a store; SQLite and PostgreSQL. */
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
    uint8_t head[32];
    int64_t count = 0;
    bool is_whole = false;

    cr_expect_eq(ratls_store_verify_audit(store, head, &count, &is_whole, &err), RATLS_OK, "%s",
                 err.text);
    cr_expect(is_whole && count >= 1, "the audit log holds");
    ratls_store_close(store);
    store_place_remove(&place);
}

TestSuite(store, .init = open_it, .fini = close_it);

#define expect_done(call, wanted)                                                                  \
    do {                                                                                           \
        err = (struct ratls_error){0};                                                             \
        cr_assert_eq(call, RATLS_OK, "%s", err.text);                                              \
        cr_assert_eq(outcome, wanted, "outcome %d", (int)outcome);                                 \
    } while (0)

static void put(const struct store_sample *s, enum ratls_store_outcome wanted)
{
    expect_done(sample_put(store, s, &outcome, &err), wanted);
}

static void issue(const struct store_sample *s, int64_t now, enum ratls_store_outcome wanted)
{
    expect_done(ratls_store_issue(store, &s->issue, now, &outcome, &err), wanted);
}

static struct ratls_store_entry find(const struct store_sample *s, int64_t now)
{
    struct ratls_store_entry entry = {0};

    expect_done(ratls_store_find_challenge(store, s->challenge.id, now, &entry, &outcome, &err),
                RATLS_STORE_DONE);
    return entry;
}

static void expect_state(const struct store_sample *s, int64_t now, enum ratls_store_state state)
{
    struct ratls_store_entry entry = find(s, now);

    cr_expect_eq(entry.state, state, "state %d", (int)entry.state);
    ratls_store_entry_done(&entry);
}

Test(store, an_enrolment)
{
    struct ratls_store_entry entry;
    struct ratls_store_certificate c = {0};
    struct store_sample s;
    uint8_t ek[32];
    enum ratls_store_claim claim;

    store_sample(&s, 1, 1, 1, 1);
    put(&s, RATLS_STORE_DONE);
    entry = find(&s, SAMPLE_NOW);
    cr_expect_eq(entry.state, RATLS_STORE_CHALLENGED);
    cr_expect(ratls_slice_equal(ratls_slice(entry.body, entry.body_len), s.request.body));
    cr_expect(ratls_slice_equal(ratls_slice(entry.challenge, entry.challenge_len),
                                s.challenge.challenge));
    cr_expect_arr_eq(entry.answer_key, s.challenge.answer_key, 32);
    cr_expect_arr_eq(entry.request_sha256, s.request.sha256, 32);
    cr_expect_arr_eq(entry.ek_sha256, s.issue.ek.sha256, 32);
    cr_expect(entry.expires == s.challenge.expires && entry.at == SAMPLE_NOW);
    cr_expect_eq(entry.answered, 0);
    cr_expect_str_eq(entry.names, "a1.bank.example b1.bank.example");
    cr_expect_str_eq(entry.decided_by, "rule");
    ratls_store_entry_done(&entry);
    expect_done(ratls_store_result(store, s.challenge.id, &c, &outcome, &err), RATLS_STORE_UNKNOWN);
    issue(&s, SAMPLE_NOW + 1, RATLS_STORE_DONE);
    expect_done(ratls_store_result(store, s.challenge.id, &c, &outcome, &err), RATLS_STORE_DONE);
    cr_expect(ratls_slice_equal(ratls_slice(c.der, c.der_len), s.issue.der));
    cr_expect(ratls_slice_equal(ratls_slice(c.serial, c.serial_len), s.issue.serial));
    cr_expect(ratls_slice_equal(ratls_slice(c.ak_name, c.ak_name_len), s.issue.ak_name));
    cr_expect_arr_eq(c.issuer_sha256, s.issue.issuer_sha256, 32);
    cr_expect_arr_eq(c.ek_sha256, s.issue.ek.sha256, 32);
    cr_expect(c.not_before == s.issue.not_before && c.not_after == SAMPLE_END && c.revoked == 0);
    ratls_store_certificate_done(&c);
    expect_done(ratls_store_find_certificate(store, s.issue.serial, &c, &outcome, &err),
                RATLS_STORE_DONE);
    cr_expect_str_eq(c.names, "a1.bank.example b1.bank.example");
    ratls_store_certificate_done(&c);
    expect_state(&s, SAMPLE_NOW + 1000, RATLS_STORE_ISSUED);
    cr_assert_eq(ratls_store_owner(store, s.name_slices[1], ek, &claim, &err), RATLS_OK);
    cr_expect_eq(claim, RATLS_STORE_OWNED);
    cr_expect_arr_eq(ek, s.issue.ek.sha256, 32);
}

Test(store, each_challenge_is_answered_once)
{
    struct store_sample right, wrong, late, never;

    store_sample(&right, 1, 1, 1, 1);
    store_sample(&wrong, 2, 2, 2, 2);
    store_sample(&late, 3, 3, 3, 3);
    store_sample(&never, 4, 4, 4, 4);
    put(&right, RATLS_STORE_DONE);
    put(&right, RATLS_STORE_ANSWERED);
    put(&wrong, RATLS_STORE_DONE);
    put(&late, RATLS_STORE_DONE);
    issue(&right, SAMPLE_NOW, RATLS_STORE_DONE);
    issue(&right, SAMPLE_NOW, RATLS_STORE_ANSWERED);
    put(&right, RATLS_STORE_ANSWERED);
    expect_done(ratls_store_fail(store, right.challenge.id, SAMPLE_NOW, "x", &outcome, &err),
                RATLS_STORE_ANSWERED);
    expect_done(
        ratls_store_fail(store, wrong.challenge.id, SAMPLE_NOW, "wrong mac", &outcome, &err),
        RATLS_STORE_DONE);
    issue(&wrong, SAMPLE_NOW, RATLS_STORE_ANSWERED);
    expect_state(&wrong, SAMPLE_NOW, RATLS_STORE_FAILED);
    expect_state(&late, SAMPLE_NOW + SAMPLE_LIFETIME - 1, RATLS_STORE_CHALLENGED);
    expect_state(&late, SAMPLE_NOW + SAMPLE_LIFETIME, RATLS_STORE_EXPIRED);
    issue(&late, SAMPLE_NOW + SAMPLE_LIFETIME, RATLS_STORE_LATE);
    issue(&late, SAMPLE_NOW + SAMPLE_LIFETIME, RATLS_STORE_LATE);
    expect_state(&late, SAMPLE_NOW, RATLS_STORE_EXPIRED);
    issue(&late, SAMPLE_NOW, RATLS_STORE_LATE);
    issue(&never, SAMPLE_NOW, RATLS_STORE_UNKNOWN);
    cr_expect_eq(store_place_number(&place, "SELECT count(*) FROM certificate"), 1);
    cr_expect_eq(store_place_number(&place, "SELECT count(*) FROM enrolment"), 1);
}

static bool count_waiting(void *arg, const struct ratls_store_entry *entry)
{
    cr_expect_eq(entry->state, RATLS_STORE_WAITING);
    cr_expect_not(entry->has_challenge);
    return --*(int *)arg > 0;
}

Test(store, approval_by_hand)
{
    struct ratls_store_decision yes = {.who = "root", .reason = "called back"}, no = yes;
    struct store_sample s[3];
    int left = 100;

    for (unsigned i = 0; i < 3; i++) {
        store_sample(&s[i], i, i, i, i + 1);
        s[i].request.challenge = NULL;
        s[i].request.waiting_max = 2;
        put(&s[i], i < 2 ? RATLS_STORE_DONE : RATLS_STORE_FULL);
    }
    cr_assert_eq(ratls_store_each_waiting(store, SAMPLE_NOW, count_waiting, &left, &err), RATLS_OK);
    cr_expect_eq(left, 98);
    left = 1;
    cr_assert_eq(ratls_store_each_waiting(store, SAMPLE_NOW, count_waiting, &left, &err), RATLS_OK);
    cr_expect_eq(left, 0);
    memcpy(yes.request_sha256, s[0].request.sha256, 32);
    memcpy(no.request_sha256, s[1].request.sha256, 32);
    yes.challenge = &s[0].challenge;
    expect_done(ratls_store_decide(store, &yes, SAMPLE_NOW, &outcome, &err), RATLS_STORE_DONE);
    expect_done(ratls_store_decide(store, &yes, SAMPLE_NOW, &outcome, &err), RATLS_STORE_ANSWERED);
    expect_done(ratls_store_decide(store, &no, SAMPLE_NOW, &outcome, &err), RATLS_STORE_DONE);
    no.challenge = &s[1].challenge;
    expect_done(ratls_store_decide(store, &no, SAMPLE_NOW, &outcome, &err), RATLS_STORE_ANSWERED);
    memset(no.request_sha256, 0xff, 32);
    expect_done(ratls_store_decide(store, &no, SAMPLE_NOW, &outcome, &err), RATLS_STORE_UNKNOWN);
    issue(&s[0], SAMPLE_NOW, RATLS_STORE_DONE);
    issue(&s[1], SAMPLE_NOW, RATLS_STORE_UNKNOWN);
    put(&s[2], RATLS_STORE_DONE);
}

/* One that asks again and again keeps no more than that: of others, and of what is open, all. */
Test(store, what_is_over_of_one_key)
{
    struct store_sample s;

    store_sample(&s, 2, 2, 2, 1);
    s.challenge.expires = SAMPLE_NOW;
    put(&s, RATLS_STORE_DONE);
    for (unsigned i = 0; i < 200; i++) {
        store_sample(&s, 1, 1, 1, 1000 + i);
        s.request.undone_per_ek_max = 64;
        s.challenge.expires = i < 50 ? SAMPLE_NOW + 1 : SAMPLE_NOW;
        put(&s, RATLS_STORE_DONE);
    }
    cr_expect_leq(store_place_number(&place, "SELECT count(*) FROM request"), 1 + 50 + 64);
    cr_expect_leq(store_place_number(&place, "SELECT count(*) FROM challenge"), 1 + 50 + 64);
    cr_expect_geq(store_place_number(&place, "SELECT count(*) FROM request"), 1 + 50 + 1);
    issue(&s, SAMPLE_NOW, RATLS_STORE_LATE);
    store_sample(&s, 1, 1, 1, 1000);
    issue(&s, SAMPLE_NOW, RATLS_STORE_DONE);
}

Test(store, tokens)
{
    struct ratls_store_token token = {.uses_left = 2,
                                      .expires = SAMPLE_NOW + 100,
                                      .names = (char *)"a.bank.example",
                                      .note = (char *)"it's \"mine\"; DROP TABLE token; \xff"};
    struct ratls_store_token found = {.names = NULL};

    memset(token.id, 0x11, sizeof token.id);
    memset(token.key, 0x22, sizeof token.key);
    expect_done(ratls_store_add_token(store, &token, SAMPLE_NOW, &outcome, &err), RATLS_STORE_DONE);
    expect_done(ratls_store_add_token(store, &token, SAMPLE_NOW, &outcome, &err),
                RATLS_STORE_ANSWERED);
    expect_done(ratls_store_find_token(store, token.id, &found, &outcome, &err), RATLS_STORE_DONE);
    cr_expect_arr_eq(found.key, token.key, 32);
    cr_expect(found.uses_left == 2 && found.expires == SAMPLE_NOW + 100 && !found.has_ek);
    cr_expect_str_eq(found.names, "a.bank.example");
    cr_expect_str_eq(found.note, "it's \"mine\"; DROP TABLE token; \\xff");
    ratls_store_token_done(&found);
    for (unsigned i = 1; i <= 4; i++) {
        struct store_sample s;

        store_sample(&s, i, i, i, i);
        s.request.token_id = ratls_slice(token.id, sizeof token.id);
        s.challenge.expires = SAMPLE_NOW + 1000;
        put(&s, RATLS_STORE_DONE);
        if (i == 1) /* a request that fails uses no token */
            expect_done(ratls_store_fail(store, s.challenge.id, SAMPLE_NOW, "", &outcome, &err),
                        RATLS_STORE_DONE);
        else if (i == 2) /* late for the token */
            issue(&s, SAMPLE_NOW + 100, RATLS_STORE_TOKEN);
        else
            issue(&s, SAMPLE_NOW, RATLS_STORE_DONE);
    }
    expect_done(ratls_store_revoke_token(store, token.id, SAMPLE_NOW, &outcome, &err),
                RATLS_STORE_ANSWERED);
    cr_expect_eq(store_place_number(&place, "SELECT count(*) FROM token_use"), 2);
    cr_expect_eq(store_place_number(&place, "SELECT uses_left FROM token"), 0);
}

Test(store, a_token_that_was_revoked)
{
    struct ratls_store_token token = {
        .uses_left = 1, .expires = SAMPLE_NOW + 100, .names = (char *)"", .has_ek = true};
    struct store_sample s;

    expect_done(ratls_store_add_token(store, &token, SAMPLE_NOW, &outcome, &err), RATLS_STORE_DONE);
    store_sample(&s, 1, 1, 1, 1);
    s.request.token_id = ratls_slice(token.id, sizeof token.id);
    put(&s, RATLS_STORE_DONE);
    expect_done(ratls_store_revoke_token(store, token.id, SAMPLE_NOW, &outcome, &err),
                RATLS_STORE_DONE);
    issue(&s, SAMPLE_NOW, RATLS_STORE_TOKEN);
    expect_state(&s, SAMPLE_NOW, RATLS_STORE_FAILED);
    cr_expect_eq(store_place_number(&place, "SELECT count(*) FROM owner"), 0);
    token.id[0] = 1;
    expect_done(ratls_store_revoke_token(store, token.id, SAMPLE_NOW, &outcome, &err),
                RATLS_STORE_UNKNOWN);
    token.expires = SAMPLE_NOW;
    cr_expect_eq(ratls_store_add_token(store, &token, SAMPLE_NOW, &outcome, NULL), RATLS_USAGE);
}

Test(store, lists_of_revoked_certificates)
{
    uint8_t issuer[32] = {7}, other[32] = {8}, der[900];
    struct ratls_store_crl crl = {.number = 1, .this_update = 5, .next_update = 9, .der = der};
    struct ratls_store_crl last = {0};

    memset(der, 0x30, sizeof der);
    crl.len = sizeof der;
    expect_done(ratls_store_last_crl(store, issuer, &last, &outcome, &err), RATLS_STORE_UNKNOWN);
    expect_done(ratls_store_put_crl(store, issuer, &crl, SAMPLE_NOW, &outcome, &err),
                RATLS_STORE_DONE);
    expect_done(ratls_store_put_crl(store, issuer, &crl, SAMPLE_NOW, &outcome, &err),
                RATLS_STORE_ANSWERED);
    crl.number = 3;
    expect_done(ratls_store_put_crl(store, issuer, &crl, SAMPLE_NOW, &outcome, &err),
                RATLS_STORE_ANSWERED);
    crl.number = 2;
    expect_done(ratls_store_put_crl(store, issuer, &crl, SAMPLE_NOW, &outcome, &err),
                RATLS_STORE_DONE);
    expect_done(ratls_store_put_crl(store, other, &crl, SAMPLE_NOW, &outcome, &err),
                RATLS_STORE_ANSWERED);
    expect_done(ratls_store_last_crl(store, issuer, &last, &outcome, &err), RATLS_STORE_DONE);
    cr_expect(last.number == 2 && last.this_update == 5 && last.next_update == 9);
    cr_expect(last.len == sizeof der && memcmp(last.der, der, sizeof der) == 0);
    ratls_store_crl_done(&last);
}

static bool count_denials(void *arg, const struct ratls_store_denial *denial)
{
    cr_expect_str_eq(denial->reason, "worn out");
    (*(int *)arg)++;
    return true;
}

Test(store, denials)
{
    const struct ratls_store_denial model = {
        .kind = "model", .value = "x' OR '1'='1", .reason = "worn out"};
    bool is_denied = true;
    int count = 0;

    cr_assert_eq(ratls_store_is_denied(store, model.kind, model.value, &is_denied, &err), RATLS_OK);
    cr_expect_not(is_denied);
    for (int i = 0; i < 2; i++) {
        expect_done(ratls_store_deny(store, &model, SAMPLE_NOW, &outcome, &err), RATLS_STORE_DONE);
        expect_done(ratls_store_deny(store, &model, SAMPLE_NOW, &outcome, &err),
                    RATLS_STORE_ANSWERED);
        cr_assert_eq(ratls_store_is_denied(store, model.kind, model.value, &is_denied, &err),
                     RATLS_OK);
        cr_expect(is_denied);
        cr_assert_eq(ratls_store_each_denied(store, count_denials, &count, &err), RATLS_OK);
        expect_done(
            ratls_store_allow_again(store, model.kind, model.value, SAMPLE_NOW, &outcome, &err),
            RATLS_STORE_DONE);
        expect_done(
            ratls_store_allow_again(store, model.kind, model.value, SAMPLE_NOW, &outcome, &err),
            RATLS_STORE_UNKNOWN);
    }
    cr_expect_eq(count, 2);
    cr_assert_eq(ratls_store_is_denied(store, model.kind, model.value, &is_denied, &err), RATLS_OK);
    cr_expect_not(is_denied);
}

Test(store, what_is_over_is_swept_away)
{
    struct store_sample s[4];

    for (unsigned i = 0; i < 4; i++) {
        store_sample(&s[i], i, i, i, i + 1);
        if (i == 3)
            s[i].request.challenge = NULL;
        if (i == 2)
            s[i].challenge.expires = SAMPLE_NOW + 10000;
        put(&s[i], RATLS_STORE_DONE);
    }
    issue(&s[0], SAMPLE_NOW, RATLS_STORE_DONE);
    cr_assert_eq(ratls_store_sweep(store, SAMPLE_NOW, SAMPLE_NOW, SAMPLE_NOW + 500, &err),
                 RATLS_OK);
    cr_expect_eq(store_place_number(&place, "SELECT count(*) FROM request"), 4);
    cr_assert_eq(ratls_store_sweep(store, SAMPLE_NOW + 400, SAMPLE_NOW, SAMPLE_NOW + 500, &err),
                 RATLS_OK);
    cr_expect_eq(store_place_number(&place, "SELECT count(*) FROM request"), 3);
    cr_expect_eq(store_place_number(&place, "SELECT count(*) FROM request WHERE state = 0"), 1);
    cr_assert_eq(ratls_store_sweep(store, SAMPLE_NOW, SAMPLE_NOW + 1, SAMPLE_NOW + 500, &err),
                 RATLS_OK);
    cr_expect_eq(store_place_number(&place, "SELECT count(*) FROM request"), 2);
    expect_state(&s[0], SAMPLE_NOW + 500, RATLS_STORE_ISSUED);
    expect_state(&s[2], SAMPLE_NOW + 500, RATLS_STORE_CHALLENGED);
    issue(&s[2], SAMPLE_NOW + 500, RATLS_STORE_DONE);
    issue(&s[1], SAMPLE_NOW + 500, RATLS_STORE_UNKNOWN);
}

static const char *const bad_names[][2] = {
    {"b.example", "a.example"}, {"a.example", "a.example"}, {"a example", "b.example"},
    {"", "b.example"},          {"a\nb", "b.example"},      {"a.example", "b\\x00"},
    {"a.example", "\xc3\xa4"},
};

Test(store, names_that_are_none)
{
    for (size_t i = 0; i < sizeof bad_names / sizeof bad_names[0]; i++) {
        struct store_sample s;

        store_sample(&s, 1, 1, 1, 1);
        for (size_t j = 0; j < 2; j++)
            s.name_slices[j] = ratls_slice(bad_names[i][j], strlen(bad_names[i][j]));
        cr_expect_eq(sample_put(store, &s, &outcome, NULL), RATLS_USAGE, "%zu", i);
        cr_expect_eq(ratls_store_issue(store, &s.issue, SAMPLE_NOW, &outcome, NULL), RATLS_USAGE);
    }
}
