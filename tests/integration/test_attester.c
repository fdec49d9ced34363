/* libratls-attester against a software TPM: keys, quotes, faults, threads and fork. */
#include <criterion/criterion.h>
#include <errno.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <ratls/attester_tpm.h>

#include "crypto.h"
#include "evidence.h"
#include "merkle.h"
#include "pki.h"
#include "statement.h"
#include "swtpm.h"

#define PATH_LEN 256
#define SLACK_MS 1500 /* sanitizers, and a machine with other work */

struct fixture {
    struct swtpm tpm;
    char state[PATH_LEN];
};

static struct fixture f;

static void set_up(void)
{
    setenv("TSS2_LOG", "all+NONE", 1); /* tpm2-tss logs to stderr what the tests provoke */
    cr_assert(swtpm_start(&f.tpm));
    snprintf(f.state, sizeof f.state, "%s/state", f.tpm.folder);
}

static void tear_down(void)
{
    swtpm_stop(&f.tpm);
}

TestSuite(attester, .init = set_up, .fini = tear_down, .timeout = 120);

static void assert_ok(enum ratls_status status, const struct ratls_error *err)
{
    cr_assert_eq(status, RATLS_OK, "%s: %s", ratls_status_name(status), err->text);
}

static void assert_fails(enum ratls_status status, enum ratls_status expected,
                         const struct ratls_error *err, const char *text)
{
    cr_assert_eq(status, expected, "%s: %s", ratls_status_name(status), err->text);
    cr_assert_not_null(strstr(err->text, text), "\"%s\" has no \"%s\"", err->text, text);
}

static uint64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void sleep_ms(unsigned ms)
{
    const struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};

    nanosleep(&t, NULL);
}

static void init_key(const char *tcti, enum ratls_ak_algorithm algorithm, bool transient)
{
    const struct ratls_tpm_init_options options = {
        .state_dir = f.state, .tcti = tcti, .algorithm = algorithm, .transient = transient};
    struct ratls_error err = {0};

    assert_ok(ratls_tpm_init(&options, &err), &err);
}

static struct ratls_attester *new_attester(const char *tcti, unsigned deadline_ms)
{
    const struct ratls_tpm_options options = {
        .state_dir = f.state, .tcti = tcti, .service = "shop", .deadline_ms = deadline_ms};
    struct ratls_attester *attester = NULL;
    struct ratls_error err = {0};

    assert_ok(ratls_tpm_attester_new(&options, &attester, &err), &err);
    return attester;
}

static struct ratls_attest_request new_request(uint8_t seed)
{
    struct ratls_attest_request request = {
        .mode = RATLS_MODE_HANDSHAKE,
        .role = RATLS_ROLE_SERVER,
        .tls_version = 0x0304,
        .cipher_suite = 0x1301,
        .selection = {1, {{RATLS_ALG_SHA256, 0x0000ffff}}}, /* sixteen: two TPM2_PCR_Read */
    };

    memset(request.nonce, seed, sizeof request.nonce);
    memset(request.binder, seed + 1, sizeof request.binder);
    memset(request.spki_sha256, seed + 2, sizeof request.spki_sha256);
    return request;
}

/* Evidence and what was read from it. */
struct sample {
    uint8_t bytes[RATLS_EVIDENCE_MAX];
    size_t len;
    struct ratls_evidence evidence;
    struct ratls_statement statement;
    struct ratls_tpm_attest attest;
    struct ratls_tpm_public ak;
    struct ratls_tpm_signature signature;
};

static bool is_text(struct ratls_slice slice, const char *text)
{
    return ratls_slice_equal(slice, ratls_slice(text, strlen(text)));
}

/* What a verifier asks of every quote, with none of the attester's code. */
static bool is_sound(struct sample *s, const struct ratls_attest_request *request)
{
    struct ratls_error err = {0};
    uint8_t leaf[32];
    uint8_t root[32];
    uint8_t digest[32];
    uint8_t manifest[32];
    bool valid = false;
    EVP_PKEY *key = NULL;
    bool sound =
        ratls_evidence_read(ratls_slice(s->bytes, s->len), &s->evidence) &&
        ratls_statement_read(s->evidence.statement, &s->statement) &&
        ratls_tpm_read_attest(s->evidence.attest, &s->attest) &&
        ratls_tpm_read_public(s->evidence.ak_public, &s->ak) &&
        ratls_tpm_read_signature(s->evidence.signature, &s->signature) &&
        ratls_public_key(&s->ak, &key, &err) == RATLS_OK &&
        ratls_verify(key, &s->ak, &s->signature, s->attest.raw, &valid, &err) == RATLS_OK && valid &&
        s->attest.magic == RATLS_TPM_GENERATED && s->attest.type == RATLS_TPM_ST_ATTEST_QUOTE &&
        ratls_merkle_leaf(s->evidence.statement, leaf, &err) == RATLS_OK &&
        ratls_merkle_root(leaf, &s->evidence.path, &valid, root, &err) == RATLS_OK && valid &&
        ratls_slice_equal(ratls_slice(root, 32), s->attest.extra_data) &&
        ratls_sha256(s->evidence.pcr_values, digest, &err) == RATLS_OK &&
        ratls_slice_equal(ratls_slice(digest, 32), s->attest.pcr_digest) &&
        ratls_evidence_manifest(&s->evidence, manifest, &err) == RATLS_OK &&
        ratls_slice_equal(ratls_slice(manifest, 32), s->statement.manifest) &&
        ratls_slice_equal(ratls_slice(request->nonce, s->statement.nonce.len), s->statement.nonce) &&
        ratls_slice_equal(ratls_slice(request->spki_sha256, 32), s->statement.spki_sha256);

    if (!sound)
        fprintf(stderr, "unsound evidence: %s\n", err.text);
    EVP_PKEY_free(key);
    return sound;
}

static enum ratls_status try_attest(struct ratls_attester *attester,
                                    const struct ratls_attest_request *request, struct sample *s,
                                    struct ratls_error *err)
{
    return attester->attest(attester, request, s->bytes, sizeof s->bytes, &s->len, err);
}

static struct sample *attest(struct ratls_attester *attester,
                             const struct ratls_attest_request *request)
{
    struct sample *s = calloc(1, sizeof *s);
    struct ratls_error err = {0};

    cr_assert_not_null(s);
    assert_ok(try_attest(attester, request, s, &err), &err);
    cr_assert(is_sound(s, request));
    return s;
}

static void assert_attest_fails(struct ratls_attester *attester,
                                const struct ratls_attest_request *request,
                                enum ratls_status status, const char *text)
{
    struct sample *s = calloc(1, sizeof *s);
    struct ratls_error err = {0};

    cr_assert_not_null(s);
    s->len = 4711;
    assert_fails(try_attest(attester, request, s, &err), status, &err, text);
    cr_assert_eq(s->len, 4711, "a failure must not write the length");
    free(s);
}

static void quote_with(enum ratls_ak_algorithm algorithm, bool transient, uint16_t scheme)
{
    const uint32_t required = RATLS_TPMA_FIXED_TPM | RATLS_TPMA_FIXED_PARENT |
                              RATLS_TPMA_SENSITIVE_DATA_ORIGIN | RATLS_TPMA_RESTRICTED |
                              RATLS_TPMA_SIGN;
    const uint32_t forbidden =
        RATLS_TPMA_DECRYPT | RATLS_TPMA_X509_SIGN | RATLS_TPMA_ENCRYPTED_DUPLICATION;
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct ratls_error err = {0};
    uint8_t public[512];
    size_t public_len = 0;
    uint8_t name[RATLS_TPM_NAME_MAX];
    uint8_t qualified[RATLS_TPM_NAME_MAX];
    size_t name_len = 0;
    size_t qualified_len = 0;
    struct sample *s;

    init_key(f.tpm.tcti, algorithm, transient);
    attester = new_attester(NULL, 0);
    s = attest(attester, &request);
    cr_assert_eq(s->ak.scheme, scheme);
    cr_assert_eq(s->ak.scheme_hash, RATLS_ALG_SHA256);
    cr_assert_eq(s->ak.attributes & required, required);
    cr_assert_eq(s->ak.attributes & forbidden, 0);
    assert_ok(ratls_tpm_ak_public(f.state, public, sizeof public, &public_len, &err), &err);
    cr_assert(ratls_slice_equal(ratls_slice(public, public_len), s->evidence.ak_public));
    assert_ok(ratls_tpm_name(&s->ak, name, &name_len, &err), &err);
    assert_ok(ratls_tpm_qualified_name(ratls_slice(name, name_len), 0x4000000B, qualified,
                                       &qualified_len, &err),
              &err);
    cr_assert(ratls_slice_equal(ratls_slice(qualified, qualified_len), s->attest.qualified_signer),
              "the key is not in the endorsement hierarchy");
    cr_assert(is_text(s->statement.label, "ratls-1"));
    cr_assert(is_text(s->statement.service, "shop"));
    cr_assert_eq(s->statement.mode, RATLS_MODE_HANDSHAKE);
    cr_assert_eq(s->statement.role, RATLS_ROLE_SERVER);
    cr_assert_eq(s->statement.tls_version, 0x0304);
    cr_assert_eq(s->statement.cipher_suite, 0x1301);
    cr_assert(ratls_slice_equal(s->statement.nonce, ratls_slice(request.nonce, 32)));
    cr_assert(ratls_slice_equal(s->statement.binder, ratls_slice(request.binder, 32)));
    cr_assert_eq(s->evidence.path.tree_size, 1);
    cr_assert_eq(s->evidence.pcr_values.len, 16 * 32);
    cr_assert_eq(s->attest.selection.count, 1);
    cr_assert_eq(s->attest.selection.banks[0].pcrs, 0xffff);
    free(s);
    attester->free(attester);
}

Test(attester, ecdsa_persistent)
{
    quote_with(RATLS_AK_ECDSA_P256, false, RATLS_ALG_ECDSA);
}

Test(attester, rsa_persistent)
{
    quote_with(RATLS_AK_RSA_2048, false, RATLS_ALG_RSASSA);
}

Test(attester, ecdsa_transient)
{
    quote_with(RATLS_AK_ECDSA_P256, true, RATLS_ALG_ECDSA);
}

Test(attester, rsa_transient)
{
    quote_with(RATLS_AK_RSA_2048, true, RATLS_ALG_RSASSA);
}

/* Three slots for transient keys are all that a TPM has to have. */
Test(attester, transient_keys_are_given_back)
{
    const struct ratls_attest_request request = new_request(1);
    int i;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, true);
    for (i = 0; i < 5; i++) {
        struct ratls_attester *attester = new_attester(NULL, 0);

        free(attest(attester, &request));
        attester->free(attester);
    }
}

Test(attester, certificate_mode)
{
    struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct sample *s;

    request.mode = RATLS_MODE_CERTIFICATE;
    request.tls_version = 0;
    request.cipher_suite = 0;
    request.context_len = 8;
    memcpy(request.context, "\0\0\0\0\x65\x00\x00\x00", 8);
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 0);
    s = attest(attester, &request);
    cr_assert_eq(s->statement.mode, RATLS_MODE_CERTIFICATE);
    cr_assert_eq(s->statement.nonce.len, 0);
    cr_assert_eq(s->statement.binder.len, 0);
    cr_assert(ratls_slice_equal(s->statement.context, ratls_slice(request.context, 8)));
    free(s);
    attester->free(attester);
}

Test(attester, malformed_requests)
{
    static const struct {
        const char *name;
        struct ratls_attest_request request;
        const char *text;
    } cases[] = {
        {"mode", {.mode = 3, .role = 1, .selection = {1, {{0xb, 1}}}}, "unknown mode 3"},
        {"role", {.mode = 2, .role = 9, .selection = {1, {{0xb, 1}}}}, "unknown role 9"},
        {"context", {.mode = 2, .role = 1, .context_len = 256, .selection = {1, {{0xb, 1}}}},
         "context of more than 255"},
        {"key ids", {.mode = 2, .role = 1, .key_id_count = 5, .selection = {1, {{0xb, 1}}}},
         "more than 4 key ids"},
        {"no selection", {.mode = 2, .role = 1}, "PCR selection"},
        {"empty bank", {.mode = 2, .role = 1, .selection = {1, {{0xb, 0}}}}, "PCR selection"},
        {"SHA-1", {.mode = 2, .role = 1, .selection = {1, {{0x4, 1}}}}, "PCR selection"},
        {"order", {.mode = 2, .role = 1, .selection = {2, {{0xc, 1}, {0xb, 1}}}}, "PCR selection"},
    };
    struct ratls_attester *attester;
    size_t i;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 0);
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        fprintf(stderr, "case %s\n", cases[i].name);
        assert_attest_fails(attester, &cases[i].request, RATLS_USAGE, cases[i].text);
    }
    attester->free(attester);
}

Test(attester, values_follow_extends)
{
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct sample *before;
    struct sample *after;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 0);
    before = attest(attester, &request);
    cr_assert(swtpm_extend(f.tpm.tcti, 9, 0x5a));
    after = attest(attester, &request);
    cr_assert(memcmp(before->evidence.pcr_values.p, after->evidence.pcr_values.p, 9 * 32) == 0);
    cr_assert(
        memcmp(before->evidence.pcr_values.p + 9 * 32, after->evidence.pcr_values.p + 9 * 32, 32) != 0);
    cr_assert(memcmp(before->evidence.pcr_values.p + 10 * 32,
                     after->evidence.pcr_values.p + 10 * 32, 6 * 32) == 0);
    free(before);
    free(after);
    attester->free(attester);
}

static atomic_bool extending;

static void *extend_often(void *arg)
{
    uint8_t value = 0;

    (void)arg;
    while (extending)
        cr_expect(swtpm_extend(f.tpm.tcti, 10, value++));
    return NULL;
}

/* As IMA does it: PCR 10 moves while we quote. Evidence agrees, or there is none. */
Test(attester, moving_pcr)
{
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct sample *s = calloc(1, sizeof *s);
    pthread_t thread;
    int sound = 0;
    int i;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 0);
    extending = true;
    cr_assert_eq(pthread_create(&thread, NULL, extend_often, NULL), 0);
    for (i = 0; i < 50; i++) {
        struct ratls_error err = {0};
        enum ratls_status status = try_attest(attester, &request, s, &err);

        if (status == RATLS_OK) {
            cr_assert(is_sound(s, &request));
            sound++;
        } else {
            assert_fails(status, RATLS_TPM, &err, "a PCR moved");
        }
    }
    extending = false;
    pthread_join(thread, NULL);
    cr_expect_gt(sound, 0);
    free(attest(attester, &request));
    free(s);
    attester->free(attester);
}

/* ---- selections ---- */

Test(attester, two_banks_in_order)
{
    struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct sample *one;
    struct sample *two;

    request.selection = (struct ratls_pcr_selection){1, {{RATLS_ALG_SHA384, 0x00ffffff}}};
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 0);
    one = attest(attester, &request);
    cr_assert_eq(one->evidence.pcr_values.len, 24 * 48);
    request.selection =
        (struct ratls_pcr_selection){2, {{RATLS_ALG_SHA256, 0x00ffffff}, {RATLS_ALG_SHA384, 0x00ffffff}}};
    two = attest(attester, &request);
    cr_assert_eq(two->evidence.pcr_values.len, 24 * (32 + 48));
    cr_assert(memcmp(two->evidence.pcr_values.p + 24 * 32, one->evidence.pcr_values.p, 24 * 48) == 0);
    free(one);
    free(two);
    attester->free(attester);
}

Test(attester, allocated_banks)
{
    struct ratls_pcr_selection selection = {0};
    struct ratls_error err = {0};
    size_t i;

    assert_ok(ratls_tpm_pcr_selection(f.tpm.tcti, &selection, &err), &err);
    cr_assert_eq(selection.banks[0].hash_alg, RATLS_ALG_SHA256);
    for (i = 0; i < selection.count; i++) {
        cr_assert_eq(selection.banks[i].pcrs, 0x00ffffff);
        cr_assert(i == 0 || selection.banks[i].hash_alg > selection.banks[i - 1].hash_alg);
    }
}

/* A quote about other PCRs than those that were asked for would be worse than none. */
Test(attester, bank_not_allocated)
{
    const struct ratls_attest_request allocated = new_request(1);
    struct ratls_attest_request request = new_request(1);
    struct ratls_pcr_selection selection = {0};
    struct ratls_attester *attester;
    struct ratls_error err = {0};

    cr_assert(swtpm_allocate_sha256_only(f.tpm.tcti));
    cr_assert(swtpm_restart(&f.tpm));
    assert_ok(ratls_tpm_pcr_selection(f.tpm.tcti, &selection, &err), &err);
    cr_assert_eq(selection.count, 1);
    cr_assert_eq(selection.banks[0].hash_alg, RATLS_ALG_SHA256);
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 0);
    request.selection = (struct ratls_pcr_selection){1, {{RATLS_ALG_SHA384, 0x83}}};
    assert_attest_fails(attester, &request, RATLS_TPM, "not allocated the PCRs sha384:0,1,7");
    request.selection =
        (struct ratls_pcr_selection){2, {{RATLS_ALG_SHA256, 1}, {RATLS_ALG_SHA384, 1}}};
    assert_attest_fails(attester, &request, RATLS_TPM, "not allocated the PCRs sha384:0");
    free(attest(attester, &allocated));
    attester->free(attester);
}

/* PCRs are read once, as long as each quote's digest says that they are the same. */
Test(attester, values_are_read_when_they_move)
{
    const char *const options[] = {"--error", "101", "--command", "17e", "--disarmed", NULL};
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attest_request other = new_request(1);
    struct ratls_attester *attester;
    struct tpm_mux mux;
    int i;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, true);
    cr_assert(tpm_mux_start(&mux, &f.tpm, options));
    attester = new_attester(mux.tcti, 0);
    free(attest(attester, &request));
    tpm_mux_arm(&mux, true);
    for (i = 0; i < 3; i++)
        free(attest(attester, &request));
    cr_assert(swtpm_extend(f.tpm.tcti, 3, 1));
    assert_attest_fails(attester, &request, RATLS_TPM, "reading the PCRs");
    tpm_mux_arm(&mux, false);
    free(attest(attester, &request));
    tpm_mux_arm(&mux, true);
    other.selection.banks[0].pcrs = 1;
    assert_attest_fails(attester, &other, RATLS_TPM, "reading the PCRs");
    attester->free(attester);
    tpm_mux_stop(&mux);
}

/* ---- state folder ---- */

static mode_t mode_of(const char *file)
{
    char path[PATH_LEN + 16];
    struct stat info;

    snprintf(path, sizeof path, "%s/%s", f.state, file);
    cr_assert_eq(stat(path, &info), 0, "%s: %s", path, strerror(errno));
    return info.st_mode & 07777;
}

Test(attester, state_folder_is_closed_to_others)
{
    umask(0077);
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    cr_assert_eq(mode_of("."), 0750);
    cr_assert_eq(mode_of("ak.conf"), 0640);
    cr_assert_eq(mode_of("ak.pub"), 0640);
}

Test(attester, second_key_needs_replace)
{
    struct ratls_tpm_init_options options = {.state_dir = f.state, .tcti = f.tpm.tcti};
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *old;
    struct ratls_attester *new;
    struct sample *before;
    struct sample *after;
    struct ratls_error err = {0};

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    assert_fails(ratls_tpm_init(&options, &err), RATLS_USAGE, &err, "--replace");
    old = new_attester(NULL, 0);
    before = attest(old, &request);
    options.replace = true;
    memset(&err, 0, sizeof err);
    assert_ok(ratls_tpm_init(&options, &err), &err);
    new = new_attester(NULL, 0);
    after = attest(new, &request);
    cr_assert(!ratls_slice_equal(before->evidence.ak_public, after->evidence.ak_public),
              "the same key was made again");
    sleep_ms(400); /* the old attester lets go of the TPM when it is idle */
    assert_attest_fails(old, &request, RATLS_TPM, "ratls init --replace");
    free(before);
    free(after);
    old->free(old);
    new->free(new);
}

/* Every init takes a handle; one that replaces gives the old one back. */
Test(attester, replace_frees_the_old_handle)
{
    struct ratls_tpm_init_options options = {
        .state_dir = f.state, .tcti = f.tpm.tcti, .replace = true};
    struct ratls_error err = {0};
    int i;

    for (i = 0; i < 12; i++)
        assert_ok(ratls_tpm_init(&options, &err), &err);
    options.transient = true;
    assert_ok(ratls_tpm_init(&options, &err), &err);
}

static void write_state(const char *file, const char *text)
{
    char path[PATH_LEN + 16];
    FILE *out;

    snprintf(path, sizeof path, "%s/%s", f.state, file);
    out = fopen(path, "w");
    cr_assert_not_null(out);
    fputs(text, out);
    fclose(out);
}

Test(attester, broken_state)
{
#define UNIQUE "unique = 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"
#define NAME "name = 000b00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"
    static const struct {
        const char *conf;
        enum ratls_status status;
        const char *text;
    } cases[] = {
        {"", RATLS_USAGE, "algorithm is missing"},
        {"algorithm\n", RATLS_USAGE, "ak.conf:1"},
        {"algorithm = rsa-1024\n", RATLS_USAGE, "ecdsa-p256 or rsa-2048"},
        {"algorithm = rsa-2048\n", RATLS_USAGE, "handle is missing"},
        {"algorithm = rsa-2048\nhandle = 0x80000000\n", RATLS_USAGE, "handle must be"},
        {"algorithm = rsa-2048\nhandle = 0x81018000x\n", RATLS_USAGE, "handle must be"},
        {"algorithm = rsa-2048\nhandle = transient\n", RATLS_USAGE, "unique is missing"},
        {"algorithm = rsa-2048\nhandle = transient\nunique = 00\n", RATLS_USAGE,
         "unique must be 64 hex"},
        {"algorithm = rsa-2048\nhandle = transient\n" UNIQUE, RATLS_USAGE, "name is missing"},
        {"algorithm = rsa-2048\nhandle = transient\n" UNIQUE NAME, RATLS_USAGE,
         "ak.pub: not the key that ak.conf names"},
    };
    const struct ratls_tpm_options options = {.state_dir = f.state};
    struct ratls_attester *attester = NULL;
    size_t i;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ratls_error err = {0};

        write_state("ak.conf", cases[i].conf);
        assert_fails(ratls_tpm_attester_new(&options, &attester, &err), cases[i].status, &err,
                     cases[i].text);
        cr_assert_null(attester);
    }
}

Test(attester, missing_state)
{
    const struct ratls_tpm_options options = {.state_dir = f.state};
    struct ratls_attester *attester = NULL;
    struct ratls_error err = {0};

    assert_fails(ratls_tpm_attester_new(&options, &attester, &err), RATLS_IO, &err,
                 "make a key with ratls init");
}

Test(attester, refused_options)
{
    char long_service[66];
    struct ratls_tpm_options options = {.state_dir = f.state};
    const struct ratls_tpm_init_options init = {.state_dir = f.state, .tcti = "swtpm:path=/$HOME"};
    struct ratls_attester *attester = NULL;
    struct ratls_error err = {0};

    assert_fails(ratls_tpm_init(&init, &err), RATLS_USAGE, &err, "position 13");
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    memset(long_service, 'a', 65);
    long_service[65] = '\0';
    options.service = long_service;
    memset(&err, 0, sizeof err);
    assert_fails(ratls_tpm_attester_new(&options, &attester, &err), RATLS_USAGE, &err, "1 to 64");
    options.service = "caf\xc3\xa9";
    memset(&err, 0, sizeof err);
    assert_fails(ratls_tpm_attester_new(&options, &attester, &err), RATLS_USAGE, &err, "ASCII");
    options.service = long_service + 1; /* 64 */
    memset(&err, 0, sizeof err);
    assert_ok(ratls_tpm_attester_new(&options, &attester, &err), &err);
    attester->free(attester);
}

/* ---- faults ---- */

Test(attester, absent_tpm)
{
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct ratls_pcr_selection selection;
    struct ratls_error err = {0};
    uint64_t start;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester("device:/nonexistent/tpm", 2000);
    start = now_ms();
    assert_attest_fails(attester, &request, RATLS_TPM,
                        "/nonexistent/tpm: No such file or directory: is a TPM 2.0 present");
    cr_assert_lt(now_ms() - start, SLACK_MS);
    attester->free(attester);
    assert_fails(ratls_tpm_pcr_selection("swtpm:path=/nonexistent/tpm", &selection, &err), RATLS_TPM,
                 &err, "no TPM answers there");
}

Test(attester, tpm_comes_back)
{
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 0);
    free(attest(attester, &request));
    cr_assert(swtpm_restart(&f.tpm));
    free(attest(attester, &request));
    attester->free(attester);
}

/* A transient key dies with the power: the first request learns it, the next makes it again. */
Test(attester, tpm_comes_back_transient)
{
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, true);
    attester = new_attester(NULL, 0);
    free(attest(attester, &request));
    cr_assert(swtpm_restart(&f.tpm));
    assert_attest_fails(attester, &request, RATLS_TPM, "quoting");
    free(attest(attester, &request));
    attester->free(attester);
}

Test(attester, other_tpm)
{
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct swtpm other;
    struct ratls_tpm_init_options options = {0};
    struct ratls_error err = {0};
    char state[PATH_LEN];

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    cr_assert(swtpm_start(&other));
    attester = new_attester(other.tcti, 0);
    assert_attest_fails(attester, &request, RATLS_TPM, "no key at handle 0x81018000");
    snprintf(state, sizeof state, "%s/state", other.folder);
    options.state_dir = state;
    options.tcti = other.tcti;
    assert_ok(ratls_tpm_init(&options, &err), &err);
    assert_attest_fails(attester, &request, RATLS_TPM, "is not that of the state folder");
    attester->free(attester);
    swtpm_stop(&other);
}

/* The error comes at once and in words; the next request finds the TPM as it is then. */
static void answer_error(const char *code, const char *text)
{
    const char *const options[] = {"--error", code, "--disarmed", NULL};
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct tpm_mux mux;
    uint64_t start;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    cr_assert(tpm_mux_start(&mux, &f.tpm, options));
    attester = new_attester(mux.tcti, 0);
    free(attest(attester, &request));
    tpm_mux_arm(&mux, true);
    start = now_ms();
    assert_attest_fails(attester, &request, RATLS_TPM, text);
    cr_assert_lt(now_ms() - start, SLACK_MS);
    tpm_mux_arm(&mux, false);
    free(attest(attester, &request));
    attester->free(attester);
    tpm_mux_stop(&mux);
}

Test(attester, lockout)
{
    answer_error("921", "tpm2_dictionarylockout --clear-lockout");
}

Test(attester, failure_mode)
{
    answer_error("101", "power-cycle");
}

Test(attester, handle_lost)
{
    answer_error("18b", "0x18b");
}

/* TPM_RC_RETRY is not an error before the deadline is over. */
Test(attester, retry_until_the_deadline)
{
    const char *const options[] = {"--error", "922", NULL};
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct tpm_mux mux;
    uint64_t start;
    uint64_t taken;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    cr_assert(tpm_mux_start(&mux, &f.tpm, options));
    attester = new_attester(mux.tcti, 600);
    start = now_ms();
    assert_attest_fails(attester, &request, RATLS_TPM, "");
    taken = now_ms() - start;
    cr_assert_geq(taken, 590);
    cr_assert_lt(taken, 600 + SLACK_MS);
    attester->free(attester);
    tpm_mux_stop(&mux);
}

static void *disarm_later(void *arg)
{
    sleep_ms(300);
    tpm_mux_arm(arg, false);
    return NULL;
}

Test(attester, retry_succeeds)
{
    const char *const options[] = {"--error", "922", NULL};
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct tpm_mux mux;
    pthread_t thread;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    cr_assert(tpm_mux_start(&mux, &f.tpm, options));
    attester = new_attester(mux.tcti, 5000);
    cr_assert_eq(pthread_create(&thread, NULL, disarm_later, &mux), 0);
    free(attest(attester, &request));
    pthread_join(thread, NULL);
    attester->free(attester);
    tpm_mux_stop(&mux);
}

static void hang_and_recover(const char *scope)
{
    const char *const options[] = {"--hang", "--disarmed", scope, NULL};
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct tpm_mux mux;
    uint64_t start;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    cr_assert(tpm_mux_start(&mux, &f.tpm, options));
    attester = new_attester(mux.tcti, 400);
    tpm_mux_arm(&mux, true);
    start = now_ms();
    assert_attest_fails(attester, &request, RATLS_TPM, "did not answer within 400 ms");
    cr_assert_geq(now_ms() - start, 390);
    cr_assert_lt(now_ms() - start, 400 + SLACK_MS);
    sleep_ms(20);
    start = now_ms();
    assert_attest_fails(attester, &request, RATLS_TPM, "has not answered for more than 400 ms");
    cr_assert_lt(now_ms() - start, 200, "who comes later does not wait");
    tpm_mux_arm(&mux, false);
    sleep_ms(200);
    free(attest(attester, &request));
    attester->free(attester);
    tpm_mux_stop(&mux);
}

Test(attester, quote_hangs)
{
    hang_and_recover(NULL);
}

Test(attester, everything_hangs)
{
    hang_and_recover("--all-commands");
}

/* The process behind the socket: also a connection or a locality is not answered then. */
Test(attester, tpm_process_stopped)
{
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    uint64_t start;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 300);
    kill(f.tpm.pid, SIGSTOP);
    start = now_ms();
    assert_attest_fails(attester, &request, RATLS_TPM, "did not answer within 300 ms");
    cr_assert_lt(now_ms() - start, 300 + SLACK_MS);
    kill(f.tpm.pid, SIGCONT);
    sleep_ms(300);
    free(attest(attester, &request));
    attester->free(attester);
}

struct waiter {
    struct ratls_attester *attester;
    enum ratls_status status;
    uint64_t taken_ms;
    struct ratls_error err;
};

static void *attest_once(void *arg)
{
    struct waiter *waiter = arg;
    const struct ratls_attest_request request = new_request(1);
    uint64_t start = now_ms();
    uint8_t out[2048];
    size_t len;

    waiter->status =
        waiter->attester->attest(waiter->attester, &request, out, sizeof out, &len, &waiter->err);
    waiter->taken_ms = now_ms() - start;
    return NULL;
}

static void start_waiters(struct waiter *waiters, pthread_t *threads, size_t count,
                          struct ratls_attester *attester)
{
    pthread_attr_t small;
    size_t i;

    cr_assert_eq(pthread_attr_init(&small), 0);
    cr_assert_eq(pthread_attr_setstacksize(&small, 256 * 1024), 0);
    for (i = 0; i < count; i++) {
        waiters[i].attester = attester;
        cr_assert_eq(pthread_create(&threads[i], &small, attest_once, &waiters[i]), 0);
    }
    pthread_attr_destroy(&small);
}

/* A TPM that is slower than its callers: some are served, the others told in time. */
Test(attester, slow_tpm)
{
    const char *const options[] = {"--delay-ms", "100", NULL};
    struct ratls_attester *attester;
    struct tpm_mux mux;
    struct waiter waiters[16] = {0};
    pthread_t threads[16];
    int served = 0;
    int i;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    cr_assert(tpm_mux_start(&mux, &f.tpm, options));
    attester = new_attester(mux.tcti, 550);
    start_waiters(waiters, threads, 16, attester);
    for (i = 0; i < 16; i++) {
        pthread_join(threads[i], NULL);
        cr_assert_lt(waiters[i].taken_ms, 550 + SLACK_MS);
        if (waiters[i].status == RATLS_OK)
            served++;
        else
            assert_fails(waiters[i].status, RATLS_TPM, &waiters[i].err, "did not answer within");
    }
    cr_assert_geq(served, 1);
    cr_assert_lt(served, 7, "a quote takes 100 ms, and one begins at a time");
    attester->free(attester);
    tpm_mux_stop(&mux);
}

#define CROWD (1024 + 8) /* the queue, the one that is served, and some that find no place */

Test(attester, queue_is_bounded)
{
    const char *const options[] = {"--hang", NULL};
    struct ratls_attester *attester;
    struct tpm_mux mux;
    struct waiter *waiters = calloc(CROWD, sizeof *waiters);
    pthread_t *threads = calloc(CROWD, sizeof *threads);
    int refused = 0;
    int i;

    cr_assert(waiters != NULL && threads != NULL);
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    cr_assert(tpm_mux_start(&mux, &f.tpm, options));
    attester = new_attester(mux.tcti, 2500);
    start_waiters(waiters, threads, CROWD, attester);
    for (i = 0; i < CROWD; i++) {
        pthread_join(threads[i], NULL);
        cr_assert_eq(waiters[i].status, RATLS_TPM);
        refused += strstr(waiters[i].err.text, "1024 requests wait for it already") != NULL;
    }
    cr_assert_geq(refused, CROWD - 1024 - 1);
    attester->free(attester);
    tpm_mux_stop(&mux);
    free(waiters);
    free(threads);
}

/* The thread cannot be ended; whoever frees the attester goes on all the same. */
Test(attester, free_while_stuck)
{
    const char *const options[] = {"--hang", NULL};
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct tpm_mux mux;
    uint64_t start;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    cr_assert(tpm_mux_start(&mux, &f.tpm, options));
    attester = new_attester(mux.tcti, 200);
    assert_attest_fails(attester, &request, RATLS_TPM, "did not answer");
    start = now_ms();
    attester->free(attester);
    cr_assert_lt(now_ms() - start, 1000 + SLACK_MS);
    tpm_mux_arm(&mux, false); /* the thread gets its answer, and frees what it left behind */
    sleep_ms(300);
    tpm_mux_stop(&mux);
}

/* ---- threads and processes ---- */

#define THREADS 16
#define QUOTES 8

struct caller {
    struct ratls_attester *attester;
    uint8_t seed;
    unsigned sound;
};

static void *attest_often(void *arg)
{
    struct caller *caller = arg;
    struct sample *s = malloc(sizeof *s);
    int i;

    for (i = 0; i < QUOTES && s != NULL; i++) {
        const struct ratls_attest_request request = new_request((uint8_t)(caller->seed + 3 * i));
        struct ratls_error err = {0};

        if (try_attest(caller->attester, &request, s, &err) == RATLS_OK && is_sound(s, &request))
            caller->sound++;
        else
            fprintf(stderr, "%s\n", err.text);
    }
    free(s);
    return NULL;
}

static void attest_in_threads(struct ratls_attester *attester)
{
    struct caller callers[THREADS];
    pthread_t threads[THREADS];
    int i;

    for (i = 0; i < THREADS; i++) {
        callers[i] = (struct caller){attester, (uint8_t)(7 * i), 0};
        cr_assert_eq(pthread_create(&threads[i], NULL, attest_often, &callers[i]), 0);
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        cr_assert_eq(callers[i].sound, QUOTES);
    }
}

Test(attester, threads)
{
    struct ratls_attester *attester;
    struct ratls_attester *other;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 60000);
    other = attester->up_ref(attester);
    attest_in_threads(attester);
    attester->free(attester);
    free(attest(other, &(struct ratls_attest_request){.mode = RATLS_MODE_HANDSHAKE,
                                                      .role = RATLS_ROLE_SERVER,
                                                      .selection = {1, {{RATLS_ALG_SHA256, 1}}}}));
    other->free(other);
}

/* A child uses its own thread and connection; the parent's goes on, also if it is at work. */
static void fork_and_attest(bool transient)
{
    struct ratls_attester *attester;
    struct caller background;
    struct tpm_mux mux;
    pthread_t thread;
    pid_t children[4];
    int status;
    int i;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, transient);
    cr_assert(tpm_mux_start(&mux, &f.tpm, NULL));
    attester = new_attester(mux.tcti, 60000);
    background = (struct caller){attester, 1, 0};
    attest_often(&background);
    cr_assert_eq(pthread_create(&thread, NULL, attest_often, &background), 0);
    for (i = 0; i < 2; i++) {
        children[i] = fork();
        cr_assert_geq(children[i], 0);
        if (children[i] == 0) {
            struct caller caller = {attester, (uint8_t)(50 * i), 0};

            attest_often(&caller);
            attester->free(attester);
            _exit(caller.sound == QUOTES ? 0 : 1);
        }
    }
    for (i = 0; i < 2; i++) {
        cr_assert_eq(waitpid(children[i], &status, 0), children[i]);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    pthread_join(thread, NULL);
    cr_assert_eq(background.sound, 2 * QUOTES);
    attester->free(attester);
    tpm_mux_stop(&mux);
}

Test(attester, fork_persistent)
{
    fork_and_attest(false);
}

/* Parent and two children have a slot each of the three that swtpm has. */
Test(attester, fork_transient)
{
    fork_and_attest(true);
}

/* A process that stopped using the TPM leaves it to others: swtpm serves one connection. */
Test(attester, two_attesters_take_turns)
{
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *one;
    struct ratls_attester *two;
    int i;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    one = new_attester(NULL, 5000);
    two = new_attester(NULL, 5000);
    for (i = 0; i < 5; i++) {
        free(attest(one, &request));
        free(attest(two, &request));
    }
    one->free(one);
    two->free(two);
}

/* ---- certificates ---- */

static void write_certificates(size_t count)
{
    char path[PATH_LEN + 16];
    struct pki_spec spec = {.subject = "AK", .key = pki_key(PKI_P256)};
    X509 *certificate = pki_certificate(&spec);
    FILE *out;
    size_t i;

    snprintf(path, sizeof path, "%s/ak.crt", f.state);
    out = fopen(path, "w");
    cr_assert_not_null(out);
    for (i = 0; i < count; i++)
        cr_assert_eq(PEM_write_X509(out, certificate), 1);
    fclose(out);
    X509_free(certificate);
    EVP_PKEY_free(spec.key);
}

Test(attester, certificates_unless_known)
{
    struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct ratls_error err = {0};
    uint8_t name[RATLS_TPM_NAME_MAX];
    uint8_t digest[32];
    size_t name_len = 0;
    struct sample *with;
    struct sample *without;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    write_certificates(3);
    attester = new_attester(NULL, 0);
    request.key_id_count = 1; /* of another key */
    with = attest(attester, &request);
    cr_assert_eq(with->evidence.certificate_count, 3);
    assert_ok(ratls_tpm_name(&with->ak, name, &name_len, &err), &err);
    assert_ok(ratls_sha256(ratls_slice(name, name_len), digest, &err), &err);
    request.key_id_count = 2;
    memcpy(request.key_ids[1], digest, RATLS_KEY_ID_LEN);
    without = attest(attester, &request);
    cr_assert_eq(without->evidence.certificate_count, 0);
    cr_assert(!ratls_slice_equal(with->statement.manifest, without->statement.manifest));
    free(with);
    free(without);
    attester->free(attester);
}

Test(attester, refused_certificates)
{
    const struct ratls_tpm_options options = {.state_dir = f.state};
    struct ratls_attester *attester = NULL;
    struct ratls_error err = {0};

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    write_certificates(4);
    assert_fails(ratls_tpm_attester_new(&options, &attester, &err), RATLS_USAGE, &err,
                 "more than 3 certificates");
    write_state("ak.crt", "no certificate\n");
    memset(&err, 0, sizeof err);
    assert_fails(ratls_tpm_attester_new(&options, &attester, &err), RATLS_USAGE, &err,
                 "not certificates in PEM form");
    write_state("ak.crt", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");
    memset(&err, 0, sizeof err);
    assert_fails(ratls_tpm_attester_new(&options, &attester, &err), RATLS_USAGE, &err,
                 "only certificates");
}

Test(attester, buffer_too_small)
{
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct ratls_error err = {0};
    struct sample *s;
    uint8_t small[1200];
    size_t len = 4711;
    size_t needed;

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    attester = new_attester(NULL, 0);
    s = attest(attester, &request);
    needed = s->len;
    cr_assert_lt(needed, sizeof small);
    /* The length of an ECDSA signature is fixed in TPM form, save for leading zeros. */
    assert_fails(attester->attest(attester, &request, small, needed - 100, &len, &err), RATLS_LIMIT,
                 &err, "evidence has more than");
    cr_assert_eq(len, 4711);
    free(s);
    attester->free(attester);
}
