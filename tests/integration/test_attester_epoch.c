/* Evidence of an epoch: one quote for many sessions, and what becomes of it without time stamps. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "attester_fixture.h"
#include "crypto_epoch.h"
#include "fake_tsa.h"

#define EPOCH_S 3
#define SESSIONS 20
#define THREADS 8

static struct fake_tsa *tsa;
static char token_path[PATH_LEN];
static atomic_uint notices;
static char last_notice[512];

static void hear(void *arg, const char *text)
{
    cr_expect_eq(arg, &notices);
    snprintf(last_notice, sizeof last_notice, "%s", text);
    atomic_fetch_add(&notices, 1);
}

static void write_token(int64_t age_s)
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

static void begin(void)
{
    set_up();
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    tsa = fake_tsa_new(NULL);
    snprintf(token_path, sizeof token_path, "%s/token", f.tpm.folder);
}

static void end(void)
{
    fake_tsa_free(tsa);
    tear_down();
}

TestSuite(attester_epoch, .init = begin, .fini = end, .timeout = 180);

static struct ratls_attester *new_epochs(const char *source, unsigned epoch_s)
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

static struct ratls_attest_request new_offer(uint8_t seed)
{
    struct ratls_attest_request request = new_request(seed);

    memset(request.spki_sha256, 0x77, sizeof request.spki_sha256); /* one server */
    request.offers = RATLS_OFFER_EPOCH;
    return request;
}

static bool is_of_epoch(const struct sample *s)
{
    return s->evidence.token.len != 0;
}

/* The session's statement is signed, and is that of a quote for the session. */
static void assert_session(const struct sample *s, const struct ratls_attest_request *request)
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
static struct sample *wait_for_epoch(struct ratls_attester *attester,
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

static bool has_same_quote(const struct sample *a, const struct sample *b)
{
    return ratls_slice_equal(a->evidence.attest, b->evidence.attest) &&
           ratls_slice_equal(a->evidence.signature, b->evidence.signature) &&
           ratls_slice_equal(a->evidence.session.key, b->evidence.session.key);
}

Test(attester_epoch, one_quote_for_many_sessions)
{
    struct ratls_attest_request request = new_offer(1);
    struct ratls_attester *attester;
    struct sample *first;

    write_token(0);
    attester = new_epochs(token_path, 60);
    first = wait_for_epoch(attester, &request);
    for (uint8_t i = 2; i < SESSIONS; i++) {
        struct ratls_attest_request next = new_offer(i);
        struct sample *s;

        next.mode = i % 2 == 0 ? RATLS_MODE_HANDSHAKE : RATLS_MODE_EXPORTER;
        s = attest(attester, &next);
        cr_assert(is_of_epoch(s));
        assert_session(s, &next);
        cr_expect(has_same_quote(first, s));
        free(s);
    }
    cr_expect_eq(atomic_load(&notices), 0);
    free(first);
    attester->free(attester);
}

/* Whoever asks for something else has a quote of that, which is then there, too. */
Test(attester_epoch, every_use_has_a_quote)
{
    struct ratls_attest_request request = new_offer(1), other = new_offer(2), key = new_offer(3);
    struct ratls_attester *attester;
    struct sample *a, *b, *c, *again;

    write_token(0);
    attester = new_epochs(token_path, 60);
    a = wait_for_epoch(attester, &request);
    other.selection.banks[0].pcrs = 0x0f;
    memset(key.spki_sha256, 0x78, sizeof key.spki_sha256);
    b = attest(attester, &other);
    c = attest(attester, &key);
    cr_expect(is_of_epoch(b) && is_of_epoch(c));
    cr_expect_not(has_same_quote(a, b) || has_same_quote(a, c) || has_same_quote(b, c));
    again = attest(attester, &other);
    cr_expect(has_same_quote(b, again));
    free(a);
    free(b);
    free(c);
    free(again);
    attester->free(attester);
}

/* Who does not take epochs, or asks in a certificate, has a quote for himself. */
Test(attester_epoch, only_who_takes_it)
{
    struct ratls_attest_request request = new_offer(1), nonce = new_offer(2);
    struct ratls_attester *attester;
    struct sample *s;

    write_token(0);
    attester = new_epochs(token_path, 60);
    free(wait_for_epoch(attester, &request));
    nonce.offers = 0;
    s = attest(attester, &nonce);
    cr_expect(!is_of_epoch(s) && s->statement.mode == RATLS_MODE_HANDSHAKE);
    free(s);
    nonce = (struct ratls_attest_request){.mode = RATLS_MODE_CERTIFICATE,
                                          .role = RATLS_ROLE_SERVER,
                                          .offers = RATLS_OFFER_EPOCH,
                                          .selection = nonce.selection};
    s = calloc(1, sizeof *s);
    assert_ok(try_attest(attester, &nonce, s, &(struct ratls_error){0}), &(struct ratls_error){0});
    cr_assert(ratls_evidence_read(ratls_slice(s->bytes, s->len), &s->evidence));
    cr_expect_not(is_of_epoch(s));
    free(s);
    attester->free(attester);
}

/* What was asked for often is quoted before the next epoch begins: nobody waits for the TPM. */
Test(attester_epoch, the_next_epoch)
{
    struct ratls_attest_request request = new_offer(1);
    struct ratls_attester *attester;
    struct sample *first, *s;
    const uint64_t limit = now_ms() + 30000;

    write_token(0);
    attester = new_epochs(token_path, 60);
    first = wait_for_epoch(attester, &request);
    free(attest(attester, &request));
    write_token(0);
    for (s = attest(attester, &request); has_same_quote(first, s); s = attest(attester, &request)) {
        free(s);
        cr_assert_lt(now_ms(), limit, "the file was not read again");
        sleep_ms(50);
    }
    cr_expect(is_of_epoch(s));
    cr_expect_not(ratls_slice_equal(first->evidence.session.key, s->evidence.session.key));
    cr_expect_not(ratls_slice_equal(first->evidence.token, s->evidence.token));
    free(first);
    free(s);
    attester->free(attester);
}

/* A time stamp that is used up is not used: the quote is for the nonce again, and somebody hears.
 */
Test(attester_epoch, the_end_of_time_stamps)
{
    struct ratls_attest_request request = new_offer(1);
    const uint64_t limit = now_ms() + 60000;
    struct ratls_attester *attester;
    struct sample *s;

    write_token(0);
    attester = new_epochs(token_path, EPOCH_S);
    free(wait_for_epoch(attester, &request));
    for (s = attest(attester, &request); is_of_epoch(s); s = attest(attester, &request)) {
        free(s);
        cr_assert_lt(now_ms(), limit, "an epoch without end");
        sleep_ms(50);
    }
    free(s);
    while (atomic_load(&notices) == 0 && now_ms() < limit)
        free(attest(attester, &request));
    cr_expect_not_null(strstr(last_notice, "no time stamp: each connection waits for a quote"));
    sleep_ms(1000);
    cr_expect_eq(atomic_load(&notices), 1);
    write_token(0);
    free(wait_for_epoch(attester, &request));
    cr_expect_eq(atomic_load(&notices), 2);
    cr_expect_str_eq(last_notice, "time stamps come again: connections share quotes");
    attester->free(attester);
}

Test(attester_epoch, bad_sources)
{
    static const char *const bad[] = {"token", "https://tsa.example/", "ftp://tsa.example/", ""};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct ratls_tpm_options options = {.state_dir = f.state, .epoch = bad[i]};
        struct ratls_attester *attester = NULL;
        struct ratls_error err = {0};

        assert_fails(ratls_tpm_attester_new(&options, &attester, &err), RATLS_USAGE, &err,
                     "http://");
    }
}

/* No token at all: everything goes on as without epochs. */
Test(attester_epoch, files_that_are_none)
{
    struct ratls_attest_request request = new_offer(1);
    struct ratls_attester *attester = new_epochs(token_path, 60);
    const uint64_t limit = now_ms() + 30000;

    while (atomic_load(&notices) == 0 && now_ms() < limit) {
        struct sample *s = attest(attester, &request);

        cr_expect_not(is_of_epoch(s));
        free(s);
        sleep_ms(20);
    }
    cr_expect_not_null(strstr(last_notice, "No such file or directory"));
    attester->free(attester);
}

static void *attest_often(void *arg)
{
    struct ratls_attester *attester = arg;

    for (uint8_t i = 0; i < SESSIONS; i++) {
        struct ratls_attest_request request = new_offer(i);
        struct sample *s = attest(attester, &request);

        if (is_of_epoch(s))
            assert_session(s, &request);
        free(s);
    }
    return NULL;
}

Test(attester_epoch, threads)
{
    pthread_t threads[THREADS];
    struct ratls_attester *attester;

    write_token(0);
    attester = new_epochs(token_path, EPOCH_S);
    for (size_t i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, attest_often, attester), 0);
    for (size_t i = 0; i < THREADS; i++) {
        if (i % 2 == 0)
            write_token(0);
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
    }
    attester->free(attester);
}

/* Each process has a key of its own. */
Test(attester_epoch, fork)
{
    struct ratls_attest_request request = new_offer(1);
    struct ratls_attester *attester;
    struct sample *parents;
    int status = -1;
    pid_t child;

    write_token(0);
    attester = new_epochs(token_path, 60);
    parents = wait_for_epoch(attester, &request);
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        struct sample *s = wait_for_epoch(attester, &request);
        bool is_other =
            !ratls_slice_equal(s->evidence.session.key, parents->evidence.session.key) &&
            ratls_slice_equal(s->evidence.token, parents->evidence.token);

        attester->free(attester);
        _exit(is_other ? 0 : 1);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%x", (unsigned)status);
    free(parents);
    attester->free(attester);
}

/* The private part of a key is not in a child: what a child was given cannot sign there. */
Test(attester_epoch, a_key_is_wiped_in_a_child)
{
    struct ratls_epoch_key *key = NULL;
    struct ratls_error err = {0};
    uint8_t signature[RATLS_EPOCH_SIGNATURE_MAX];
    size_t len = 0;
    int status = -1;
    pid_t child;

    assert_ok(ratls_epoch_key_new(&key, &err), &err);
    assert_ok(ratls_epoch_key_sign(key, ratls_slice("x", 1), signature, &len, &err), &err);
    child = fork();
    cr_assert_geq(child, 0);
    if (child == 0)
        _exit(ratls_epoch_key_sign(key, ratls_slice("x", 1), signature, &len, &err) == RATLS_CRYPTO
                  ? 0
                  : 1);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%x", (unsigned)status);
    ratls_epoch_key_free(key);
}
