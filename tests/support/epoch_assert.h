/* What the tests of epochs share: an attester that takes its time stamps from a file. */
#ifndef RATLS_TEST_EPOCH_ASSERT_H
#define RATLS_TEST_EPOCH_ASSERT_H

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attester_fixture.h"
#include "crypto_epoch.h"
#include "fake_tsa.h"

static struct fake_tsa *tsa;
static char token_path[PATH_LEN];
static atomic_uint notices;
static char last_notice[512];

static inline void hear(void *arg, const char *text)
{
    cr_expect_eq(arg, &notices);
    snprintf(last_notice, sizeof last_notice, "%s", text);
    atomic_fetch_add(&notices, 1);
}

static inline void write_token(int64_t age_s)
{
    const struct fake_stamp stamp = {.time = (int64_t)time(NULL) - age_s};
    uint8_t token[RATLS_TOKEN_MAX];
    size_t len = fake_tsa_token(tsa, &stamp, token);
    char next[PATH_LEN + 8];
    FILE *out;

    snprintf(next, sizeof next, "%s.next", token_path);
    out = fopen(next, "wb");
    cr_assert(out != NULL && fwrite(token, 1, len, out) == len && fclose(out) == 0);
    cr_assert_eq(rename(next, token_path), 0);
}

static inline void begin(void)
{
    set_up();
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    tsa = fake_tsa_new(NULL);
    snprintf(token_path, sizeof token_path, "%s/token", f.tpm.folder);
}

static inline void end(void)
{
    fake_tsa_free(tsa);
    tear_down();
}

static inline struct ratls_attester *new_epochs(const char *source, unsigned epoch_s)
{
    const struct ratls_tpm_options options = {.state_dir = f.state,
                                              .service = "shop",
                                              .deadline_ms = 20000,
                                              .boot_log = "",
                                              .ima_list = "",
                                              .epoch = source,
                                              .epoch_s = epoch_s,
                                              .notice = hear,
                                              .notice_arg = &notices};
    struct ratls_attester *attester = NULL;
    struct ratls_error err = {0};

    assert_ok(ratls_tpm_attester_new(&options, &attester, &err), &err);
    return attester;
}

static inline struct ratls_attest_request new_offer(uint8_t seed)
{
    struct ratls_attest_request request = new_request(seed);

    memset(request.spki_sha256, 0x77, sizeof request.spki_sha256); /* one server */
    request.offers = RATLS_OFFER_EPOCH;
    return request;
}

static inline bool is_of_epoch(const struct sample *s)
{
    return s->evidence.token.len != 0;
}

/* The session's statement is signed, and is that of a quote for the session. */
static inline void assert_session(const struct sample *s,
                                  const struct ratls_attest_request *request)
{
    const struct ratls_epoch_session *session = &s->evidence.session;
    struct ratls_statement statement;
    struct ratls_error err = {0};
    uint8_t digest[32];
    bool valid = false;

    assert_ok(
        ratls_epoch_verify(session->key, session->statement, session->signature, &valid, &err),
        &err);
    cr_assert(valid);
    cr_assert(ratls_statement_read(session->statement, &statement));
    cr_expect_eq(statement.mode, request->mode);
    cr_expect_eq(statement.role, request->role);
    cr_expect_eq(statement.cipher_suite, request->cipher_suite);
    cr_expect(ratls_slice_equal(statement.nonce, ratls_slice(request->nonce, 32)));
    cr_expect(ratls_slice_equal(statement.binder, ratls_slice(request->binder, 32)));
    cr_expect(ratls_slice_equal(statement.manifest, s->statement.manifest));
    cr_expect(ratls_slice_equal(statement.service, ratls_slice("shop", 4)));
    cr_expect_eq(s->statement.mode, RATLS_MODE_EPOCH);
    cr_expect_eq(s->statement.tls_version, 0);
    cr_expect_eq(s->statement.nonce.len + s->statement.binder.len, 0);
    assert_ok(ratls_sha256(session->key, digest, &err), &err);
    cr_expect(ratls_slice_equal(s->statement.context, ratls_slice(digest, 32)));
}

/* Evidence of an epoch, as soon as there is one; until then it is for the nonce. */
static inline struct sample *wait_for_epoch(struct ratls_attester *attester,
                                            const struct ratls_attest_request *request)
{
    const uint64_t limit = now_ms() + 30000;

    for (;;) {
        struct sample *s = attest(attester, request);

        if (is_of_epoch(s)) {
            assert_session(s, request);
            return s;
        }
        cr_assert_eq(s->statement.mode, request->mode);
        free(s);
        cr_assert_lt(now_ms(), limit, "no epoch came: %s", last_notice);
        sleep_ms(20);
    }
}

static inline bool has_same_quote(const struct sample *a, const struct sample *b)
{
    return ratls_slice_equal(a->evidence.attest, b->evidence.attest) &&
           ratls_slice_equal(a->evidence.signature, b->evidence.signature) &&
           ratls_slice_equal(a->evidence.session.key, b->evidence.session.key);
}

#endif
