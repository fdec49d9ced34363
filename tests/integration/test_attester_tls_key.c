/* Keys for TLS in the TPM: what is made, and what evidence says of them. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epoch_assert.h"
#include "seal_scene.h"
#include "tls_key_scene.h"

TestSuite(attester_tls_key, .init = begin, .fini = end, .timeout = 180);

static struct ratls_attester *open_attester(void)
{
    const struct ratls_tpm_options options = {
        .state_dir = f.state, .service = "shop", .boot_log = "", .ima_list = ""};
    struct ratls_attester *attester = NULL;
    struct ratls_error err = {0};

    assert_ok(ratls_tpm_attester_new(&options, &attester, &err), &err);
    return attester;
}

/* The evidence of an attester for a session with this TLS key. */
static struct sample *ask(struct ratls_attester *attester, const uint8_t spki[32], unsigned offers,
                          enum ratls_mode mode)
{
    struct ratls_attest_request request = new_request(1);

    request.mode = mode;
    request.offers = offers;
    memcpy(request.spki_sha256, spki, sizeof request.spki_sha256);
    if (mode == RATLS_MODE_CERTIFICATE)
        request = (struct ratls_attest_request){
            .mode = mode, .role = RATLS_ROLE_SERVER, .selection = request.selection};
    if (mode == RATLS_MODE_CERTIFICATE)
        memcpy(request.spki_sha256, spki, sizeof request.spki_sha256);
    return attest(attester, &request);
}

static size_t sent(struct ratls_attester *attester, const uint8_t spki[32], unsigned offers)
{
    struct sample *s = ask(attester, spki, offers, RATLS_MODE_HANDSHAKE);
    const size_t len = s->evidence.tls_key.len;

    free(s);
    return len;
}

Test(attester_tls_key, is_proved_in_every_mode)
{
    static const enum ratls_mode modes[] = {RATLS_MODE_CERTIFICATE, RATLS_MODE_HANDSHAKE,
                                            RATLS_MODE_EXPORTER, RATLS_MODE_RENEWAL};
    struct ratls_attester *attester;
    struct ratls_tls_key key;
    uint8_t spki[32];

    make_tls_key("tls.key");
    read_tls_key("tls.key", &key, spki);
    attester = open_attester();
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        struct sample *s = ask(attester, spki, RATLS_OFFER_TLS_KEY, modes[i]);

        expect_good(s->evidence.tls_key, spki);
        cr_expect_leq(s->evidence.tls_key.len, 420, "%zu bytes", s->evidence.tls_key.len);
        free(s);
    }
    cr_expect_eq(sent(attester, spki, 0), 0, "nobody asked");
    spki[0] ^= 1;
    cr_expect_eq(sent(attester, spki, RATLS_OFFER_TLS_KEY), 0, "another TLS key");
    attester->free(attester);
}

Test(attester_tls_key, goes_with_every_service)
{
    struct ratls_attester *first, *second = NULL;
    struct ratls_error err = {0};
    struct ratls_tls_key key;
    uint8_t spki[32];

    make_tls_key("tls.key");
    read_tls_key("tls.key", &key, spki);
    first = open_attester();
    assert_ok(ratls_tpm_attester_of_service(first, "mail", &second, &err), &err);
    first->free(first);
    cr_expect_gt(sent(second, spki, RATLS_OFFER_TLS_KEY), 0);
    second->free(second);
}

/* Roll-over: while one certificate follows the other both keys are proved. */
Test(attester_tls_key, several_side_by_side)
{
    struct ratls_attester *attester;
    struct ratls_tls_key key;
    uint8_t old[32], new[32];
    struct sample *s;

    make_tls_key("old.key");
    make_tls_key("new.key");
    read_tls_key("old.key", &key, old);
    read_tls_key("new.key", &key, new);
    cr_assert_neq(memcmp(old, new, 32), 0);
    attester = open_attester();
    s = ask(attester, old, RATLS_OFFER_TLS_KEY, RATLS_MODE_HANDSHAKE);
    expect_good(s->evidence.tls_key, old);
    expect_refused(s->evidence.tls_key, new, "tls-key.spki");
    free(s);
    s = ask(attester, new, RATLS_OFFER_TLS_KEY, RATLS_MODE_HANDSHAKE);
    expect_good(s->evidence.tls_key, new);
    free(s);
    attester->free(attester);
}

/* One quote for all connections of an epoch, with and without the proof. */
Test(attester_tls_key, of_an_epoch)
{
    struct ratls_attest_request plain = new_offer(1), wanted = new_offer(2);
    struct ratls_attester *attester;
    struct sample *a, *b, *again;
    struct ratls_tls_key key;
    uint8_t spki[32];

    make_tls_key("tls.key");
    read_tls_key("tls.key", &key, spki);
    memcpy(plain.spki_sha256, spki, 32);
    memcpy(wanted.spki_sha256, spki, 32);
    wanted.offers |= RATLS_OFFER_TLS_KEY;
    write_token(0);
    attester = new_epochs(token_path, 60);
    a = wait_for_epoch(attester, &plain);
    b = attest(attester, &wanted);
    again = attest(attester, &wanted);
    assert_session(b, &wanted);
    assert_session(again, &wanted);
    cr_expect_eq(a->evidence.tls_key.len, 0);
    expect_good(b->evidence.tls_key, spki);
    cr_expect_not(has_same_quote(a, b));
    cr_expect(has_same_quote(b, again));
    free(a);
    free(b);
    free(again);
    attester->free(attester);
}

Test(attester_tls_key, a_new_attestation_key_certifies_again)
{
    struct ratls_attester *attester;
    struct ratls_error err = {0};
    struct ratls_tls_key key;
    struct sample *s, *old;
    uint8_t spki[32];

    make_tls_key("tls.key");
    read_tls_key("tls.key", &key, spki);
    attester = open_attester();
    old = ask(attester, spki, RATLS_OFFER_TLS_KEY, RATLS_MODE_HANDSHAKE);
    attester->free(attester);
    assert_ok(try_init(NULL, RATLS_TPM_TLS_KEY_NONE, true, &err), &err);
    cr_expect_str_empty(tls_key_notice);
    cr_expect_eq(count_files(".cbor"), 1, "the proof by the old key is gone");
    attester = open_attester();
    s = ask(attester, spki, RATLS_OFFER_TLS_KEY, RATLS_MODE_HANDSHAKE);
    expect_good(s->evidence.tls_key, spki);
    expect_refused(old->evidence.tls_key, spki, "tls-key.signature");
    free(s);
    free(old);
    attester->free(attester);
}

/* The same is not in two TPMs, and a TPM that was cleared is another one. */
Test(attester_tls_key, of_another_tpm_is_told_of)
{
    struct ratls_error err = {0};
    struct ratls_tls_key key;
    uint8_t spki[32];
    char path[2 * PATH_LEN];
    FILE *file;

    make_tls_key("tls.key");
    read_tls_key("tls.key", &key, spki);
    key.blob.buffer[key.blob.size / 2] ^= 1;
    snprintf(path, sizeof path, "%s/tls-keys/0123456789abcdef.key", f.state);
    file = fopen(path, "w");
    cr_assert_not_null(file);
    {
        char *pem = NULL;
        size_t len = 0;

        assert_ok(ratls_tls_key_write(&key, &pem, &len, &err), &err);
        cr_assert_eq(fwrite(pem, 1, len, file), len);
        OPENSSL_free(pem);
    }
    cr_assert_eq(fclose(file), 0);
    assert_ok(try_init(NULL, RATLS_TPM_TLS_KEY_CERTIFY, false, &err), &err);
    cr_expect_not_null(strstr(tls_key_notice, "0123456789abcdef.key was not certified"), "%s",
                       tls_key_notice);
    cr_expect_not_null(strstr(tls_key_notice, "loading the key for TLS"), "%s", tls_key_notice);
    cr_expect_eq(count_files(".cbor"), 1);
}

Test(attester_tls_key, what_is_there_is_not_replaced)
{
    struct ratls_error err = {0};
    char path[2 * PATH_LEN];

    assert_ok(try_init(NULL, RATLS_TPM_TLS_KEY_MAKE, false, &err), &err);
    assert_fails(try_init(NULL, RATLS_TPM_TLS_KEY_MAKE, false, &err), RATLS_USAGE, &err,
                 "/state/tls.key: there is a key for TLS already");
    cr_expect_eq(count_files(".key"), 1);
    err = (struct ratls_error){0};
    assert_fails(try_init(NULL, RATLS_TPM_TLS_KEY_NONE, false, &err), RATLS_USAGE, &err,
                 "there is a key already");
    snprintf(path, sizeof path, "%s/ak.conf", f.state);
    cr_assert_eq(unlink(path), 0);
    err = (struct ratls_error){0};
    assert_fails(try_init(NULL, RATLS_TPM_TLS_KEY_CERTIFY, false, &err), RATLS_USAGE, &err,
                 "no attestation key");
}

/* Of a key that cannot be written nothing is left. */
Test(attester_tls_key, what_cannot_be_written_is_not_kept)
{
    struct ratls_error err = {0};

    assert_fails(try_init(path_in("nowhere/tls.key"), RATLS_TPM_TLS_KEY_MAKE, false, &err),
                 RATLS_IO, &err, "nowhere/tls.key");
    cr_expect_eq(count_files(".key"), 0);
    cr_expect_eq(count_files(".cbor"), 0);
}

/* A copy of a proof, 63 times: `path` is state/tls-keys/HASH.AK.cbor, or one of the copies. */
static void fill_folder(const char *path)
{
    const char *ak = strrchr(path, '/') + 1 + 16;
    char copy[2 * PATH_LEN];

    if (count_files(".cbor") > 1)
        return;
    for (int i = 1; i < RATLS_TLS_KEYS_MAX; i++) {
        snprintf(copy, sizeof copy, "%.*s/%016d%s", (int)(ak - 17 - path), path, i, ak);
        cr_assert_eq(link(path, copy), 0, "%s", copy);
    }
}

/* Servers take so many: with one more they would not start. */
Test(attester_tls_key, no_more_than_servers_take)
{
    struct ratls_attester *attester;
    struct ratls_error err = {0};

    make_tls_key("tls.key");
    visit_files(".cbor", fill_folder);
    cr_assert_eq(count_files(".cbor"), RATLS_TLS_KEYS_MAX);
    assert_fails(try_init(path_in("more.key"), RATLS_TPM_TLS_KEY_MAKE, false, &err), RATLS_USAGE,
                 &err, "/tls-keys: there are 64 keys for TLS already");
    cr_expect_eq(count_files(".cbor"), RATLS_TLS_KEYS_MAX);
    attester = open_attester();
    attester->free(attester);
}

/* A folder without any key: both are made. */
Test(attester_tls_key, both_at_once)
{
    struct ratls_error err = {0};
    struct stat info;
    char path[2 * PATH_LEN];

    snprintf(f.state, sizeof f.state, "%s/other", f.tpm.folder);
    assert_ok(try_init(NULL, RATLS_TPM_TLS_KEY_MAKE, false, &err), &err);
    snprintf(path, sizeof path, "%s/tls.key", f.state);
    cr_assert_eq(stat(path, &info), 0);
    cr_expect_eq(info.st_mode & 0777, 0600);
    cr_expect_eq(count_files(".key"), 1);
    cr_expect_eq(count_files(".cbor"), 1);
}

static void remove_file(const char *path)
{
    cr_assert_eq(unlink(path), 0, "%s", path);
}

/* It signs in authorised states only, also this; and what it could not sign is caught up with. */
Test(attester_tls_key, by_a_sealed_attestation_key)
{
    struct seal_scene_authority authority = seal_scene_authority_new("authority", "EC");
    struct ratls_attester *attester;
    struct ratls_error err = {0};
    struct ratls_tls_key key;
    struct sample *s;
    uint8_t spki[32];

    snprintf(f.state, sizeof f.state, "%s/sealed", f.tpm.folder);
    seal_scene_init(&authority, false);
    assert_fails(try_init(path_in("tls.key"), RATLS_TPM_TLS_KEY_MAKE, false, &err), RATLS_TPM, &err,
                 "no state of this machine was authorised");
    cr_expect_neq(access(path_in("tls.key"), F_OK), 0);
    seal_scene_authorize_now(&authority, "first");
    make_tls_key("tls.key");
    read_tls_key("tls.key", &key, spki);
    attester = open_attester();
    s = ask(attester, spki, RATLS_OFFER_TLS_KEY, RATLS_MODE_HANDSHAKE);
    expect_good(s->evidence.tls_key, spki);
    free(s);
    attester->free(attester);
    visit_files(".cbor", remove_file);
    cr_assert(swtpm_extend(f.tpm.tcti, 7, 0x11));
    err = (struct ratls_error){0};
    assert_ok(try_init(NULL, RATLS_TPM_TLS_KEY_CERTIFY, false, &err), &err);
    cr_expect_not_null(strstr(tls_key_notice, "in no authorised state"), "%s", tls_key_notice);
    cr_expect_eq(count_files(".cbor"), 0);
    seal_scene_authorize_now(&authority, "second");
    assert_ok(try_init(NULL, RATLS_TPM_TLS_KEY_CERTIFY, false, &err), &err);
    cr_expect_eq(count_files(".cbor"), 1);
    EVP_PKEY_free(authority.key);
}

static void empty_file(const char *path)
{
    cr_assert_eq(truncate(path, 0), 0, "%s", path);
}

Test(attester_tls_key, a_file_that_is_none_is_named)
{
    struct ratls_attester *attester = NULL;
    const struct ratls_tpm_options options = {.state_dir = f.state};
    struct ratls_error err = {0};

    make_tls_key("tls.key");
    visit_files(".cbor", empty_file);
    assert_fails(ratls_tpm_attester_new(&options, &attester, &err), RATLS_USAGE, &err,
                 "not the proof of a key for TLS; make it again with ratls init --tls-key certify");
    assert_ok(try_init(NULL, RATLS_TPM_TLS_KEY_CERTIFY, false, &err), &err);
    assert_ok(ratls_tpm_attester_new(&options, &attester, &err), &err);
    attester->free(attester);
}
