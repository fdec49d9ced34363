/* Evidence of an epoch: one quote for many sessions. */
#include "epoch_assert.h"

#define SESSIONS 20

TestSuite(attester_epoch, .init = begin, .fini = end, .timeout = 180);

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

static void grow(const char *path, size_t len)
{
    static const uint8_t bytes[256];
    FILE *list = fopen(path, "ab");

    cr_assert(list != NULL && fwrite(bytes, 1, len, list) == len && fclose(list) == 0);
}

static void name_key(const struct sample *s, struct ratls_log_request *logs)
{
    uint8_t name[RATLS_TPM_NAME_MAX], digest[32];
    struct ratls_error err = {0};
    size_t len = 0;

    assert_ok(ratls_tpm_name(&s->ak, name, &len, &err), &err);
    assert_ok(ratls_sha256(ratls_slice(name, len), digest, &err), &err);
    memcpy(logs->ima_key_id, digest, sizeof logs->ima_key_id);
}

/* The quote is the same for all, and what goes beside it is not. */
Test(attester_epoch, a_key_that_is_known_is_not_sent)
{
    struct ratls_attest_request request = new_offer(1);
    struct ratls_attester *attester;
    struct sample *full, *named;

    write_token(0);
    attester = new_epochs(token_path, 60);
    full = wait_for_epoch(attester, &request);
    name_key(full, &request.logs);
    memcpy(request.key_ids[0], request.logs.ima_key_id, RATLS_KEY_ID_LEN);
    memset(request.logs.ima_key_id, 0, RATLS_KEY_ID_LEN);
    request.key_id_count = 1;
    named = attest(attester, &request);
    cr_expect(is_of_epoch(named) && has_same_quote(full, named));
    cr_expect_not(full->evidence.is_ak_named);
    cr_expect(named->evidence.is_ak_named);
    free(full);
    free(named);
    attester->free(attester);
}

/*
 * A verifier may know more of the IMA list than the quote of this epoch has, from a later quote of
 * another process: the old quote would be no use to it, and it gets a new one.
 */
Test(attester_epoch, a_list_that_is_known_further)
{
    struct ratls_attest_request request = new_offer(1);
    struct ratls_attester *attester = NULL;
    struct ratls_error err = {0};
    struct sample *first, *same, *further, *again;
    char list[PATH_LEN];
    const struct ratls_tpm_options options = {.state_dir = f.state,
                                              .service = "shop",
                                              .deadline_ms = 20000,
                                              .boot_log = "",
                                              .ima_list = list,
                                              .epoch = token_path,
                                              .epoch_s = 60};

    snprintf(list, sizeof list, "%s/list", f.tpm.folder);
    grow(list, 100);
    write_token(0);
    assert_ok(ratls_tpm_attester_new(&options, &attester, &err), &err);
    request.logs.ima_bank = RATLS_ALG_SHA256;
    first = wait_for_epoch(attester, &request);
    name_key(first, &request.logs);
    request.logs.ima_reset_count = first->attest.reset_count;
    request.logs.ima_restart_count = first->attest.restart_count;
    request.logs.ima_offset = 100;
    same = attest(attester, &request);
    cr_expect(has_same_quote(first, same));
    grow(list, 50);
    request.logs.ima_offset = 150;
    further = attest(attester, &request);
    cr_expect(is_of_epoch(further));
    cr_expect_not(has_same_quote(first, further));
    again = attest(attester, &request);
    cr_expect(has_same_quote(further, again));
    free(first);
    free(same);
    free(further);
    free(again);
    attester->free(attester);
}

/* An epoch's quote names its service, as the session does: of two services each has its own. */
Test(attester_epoch, two_services)
{
    const struct ratls_attest_request request = new_offer(1);
    const uint64_t limit = now_ms() + 30000;
    struct ratls_attester *attester, *other = NULL;
    struct ratls_statement session;
    struct ratls_error err = {0};
    struct sample *shop, *bank;

    write_token(0);
    attester = new_epochs(token_path, 60);
    assert_ok(ratls_tpm_attester_of_service(attester, "bank", &other, &err), &err);
    shop = wait_for_epoch(attester, &request);
    bank = attest(other, &request);
    while (!is_of_epoch(bank) && now_ms() < limit) {
        free(bank);
        sleep_ms(20);
        bank = attest(other, &request);
    }
    cr_assert(is_of_epoch(bank));
    cr_expect_not(has_same_quote(shop, bank));
    cr_expect(ratls_slice_equal(shop->statement.service, ratls_slice("shop", 4)));
    cr_expect(ratls_slice_equal(bank->statement.service, ratls_slice("bank", 4)));
    cr_assert(ratls_statement_read(bank->evidence.session.statement, &session));
    cr_expect(ratls_slice_equal(session.service, ratls_slice("bank", 4)));
    free(shop);
    free(bank);
    attester->free(attester);
    other->free(other);
}
