/* The state folder of an attestation key, and the certificates in it. */
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "attester_fixture.h"
#include "pki.h"

TestSuite(attester_state, .init = set_up, .fini = tear_down, .timeout = 120);

static mode_t mode_of(const char *file)
{
    char path[PATH_LEN + 16];
    struct stat info;

    snprintf(path, sizeof path, "%s/%s", f.state, file);
    cr_assert_eq(stat(path, &info), 0, "%s: %s", path, strerror(errno));
    return info.st_mode & 07777;
}

Test(attester_state, state_folder_is_closed_to_others)
{
    umask(0077);
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    cr_assert_eq(mode_of("."), 0750);
    cr_assert_eq(mode_of("ak.conf"), 0640);
    cr_assert_eq(mode_of("ak.pub"), 0640);
}

/* It notices when it opens the TPM anew, which it let go of when it was idle. */
static bool is_outdated(struct ratls_attester *attester, const struct ratls_attest_request *request)
{
    struct sample *s = calloc(1, sizeof *s);
    struct ratls_error err = {0};
    enum ratls_status status;

    cr_assert_not_null(s);
    sleep_ms(1500);
    status = try_attest(attester, request, s, &err);
    free(s);
    return status != RATLS_OK;
}

Test(attester_state, second_key_needs_replace)
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
    assert_soon(is_outdated(old, &request));
    assert_attest_fails(old, &request, RATLS_TPM, "ratls init --replace");
    free(before);
    free(after);
    old->free(old);
    new->free(new);
}

/* The persistent handle that ak.conf names. */
static unsigned long stored_handle(void)
{
    char path[PATH_LEN + 16];
    char line[256];
    unsigned long handle = 0;
    FILE *in;

    snprintf(path, sizeof path, "%s/ak.conf", f.state);
    in = fopen(path, "r");
    cr_assert_not_null(in);
    while (fgets(line, sizeof line, in) != NULL)
        if (strncmp(line, "handle = ", 9) == 0)
            handle = strtoul(line + 9, NULL, 16);
    fclose(in);
    return handle;
}

/* Each key takes the first free handle; when it is stored, it gives the old one back. */
Test(attester_state, replace_frees_the_old_handle)
{
    const struct ratls_tpm_init_options options = {
        .state_dir = f.state, .tcti = f.tpm.tcti, .replace = true};
    struct ratls_error err = {0};
    unsigned long i;

    for (i = 0; i < 6; i++) {
        assert_ok(ratls_tpm_init(&options, &err), &err);
        cr_assert_eq(stored_handle(), 0x81018000 + i % 2);
    }
}

/* A key that no file names would stay in the TPM for ever. */
Test(attester_state, no_key_without_state)
{
    struct ratls_tpm_init_options options = {.state_dir = "/nonexistent/state", .tcti = f.tpm.tcti};
    struct ratls_error err = {0};

    assert_fails(ratls_tpm_init(&options, &err), RATLS_IO, &err, "/nonexistent/state");
    options.state_dir = f.state;
    memset(&err, 0, sizeof err);
    assert_ok(ratls_tpm_init(&options, &err), &err);
    cr_assert_eq(stored_handle(), 0x81018000);
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

Test(attester_state, broken_state)
{
#define UNIQUE "unique = 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"
#define AUTH "auth = ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100\n"
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
        {"algorithm = rsa-2048\nhandle = transient\n" UNIQUE, RATLS_USAGE, "auth is missing"},
        {"algorithm = rsa-2048\nhandle = transient\n" UNIQUE "auth = \n", RATLS_USAGE,
         "auth must be 64 hex"},
        {"algorithm = rsa-2048\nhandle = transient\n" UNIQUE AUTH, RATLS_USAGE, "name is missing"},
        {"algorithm = rsa-2048\nhandle = transient\n" UNIQUE AUTH NAME, RATLS_USAGE,
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

/* ak.conf names the TPM, and with it a library to load: not everyone may write it. */
Test(attester_state, everyone_may_write)
{
    const struct ratls_tpm_options options = {.state_dir = f.state};
    const struct ratls_tpm_init_options again = {
        .state_dir = f.state, .tcti = f.tpm.tcti, .replace = true};
    struct ratls_attester *attester = NULL;
    struct ratls_error err = {0};
    char path[PATH_LEN + 16];

    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    snprintf(path, sizeof path, "%s/ak.conf", f.state);
    cr_assert_eq(chmod(path, 0662), 0);
    assert_fails(ratls_tpm_attester_new(&options, &attester, &err), RATLS_USAGE, &err,
                 "ak.conf: everyone may write to this file");
    err = (struct ratls_error){0};
    cr_assert_eq(chmod(path, 0644), 0);
    assert_fails(ratls_tpm_attester_new(&options, &attester, &err), RATLS_USAGE, &err,
                 "ak.conf: everyone may read this file");
    cr_assert_eq(chmod(path, 0660), 0);
    cr_assert_eq(chmod(f.state, 0777), 0);
    memset(&err, 0, sizeof err);
    assert_fails(ratls_tpm_attester_new(&options, &attester, &err), RATLS_USAGE, &err,
                 "everyone may write to this folder");
    memset(&err, 0, sizeof err);
    assert_fails(ratls_tpm_init(&again, &err), RATLS_USAGE, &err,
                 "everyone may write to this folder");
    cr_assert_null(attester);
    cr_assert_eq(chmod(f.state, 0770), 0);
    memset(&err, 0, sizeof err);
    assert_ok(ratls_tpm_attester_new(&options, &attester, &err), &err);
    attester->free(attester);
}

/* Who may use the TPM, but not read the state folder, gets no quote from the key. */
Test(attester_state, needs_authorization)
{
    const struct ratls_attest_request request = new_request(1);
    struct ratls_attester *attester;
    struct ratls_error err = {0};
    struct sample *s = calloc(1, sizeof *s);
    char conf[2048];
    char path[PATH_LEN + 16];
    char *auth;
    FILE *file;

    cr_assert_not_null(s);
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
    snprintf(path, sizeof path, "%s/ak.conf", f.state);
    file = fopen(path, "r");
    cr_assert_not_null(file);
    conf[fread(conf, 1, sizeof conf - 1, file)] = '\0';
    fclose(file);
    auth = strstr(conf, "auth = ");
    cr_assert_not_null(auth);
    memset(auth + strlen("auth = "), '0', 64);
    write_state("ak.conf", conf);
    attester = new_attester(NULL, 0);
    assert_fails(try_attest(attester, &request, s, &err), RATLS_TPM, &err, "authorization");
    attester->free(attester);
    free(s);
}

Test(attester_state, missing_state)
{
    const struct ratls_tpm_options options = {.state_dir = f.state};
    struct ratls_attester *attester = NULL;
    struct ratls_error err = {0};

    assert_fails(ratls_tpm_attester_new(&options, &attester, &err), RATLS_IO, &err,
                 "make a key with ratls init");
}

Test(attester_state, refused_options)
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

Test(attester_state, certificates_unless_known)
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
    cr_assert(without->evidence.is_ak_named);
    cr_assert_eq(without->evidence.ak_index, 1);
    cr_assert_not(with->evidence.is_ak_named);
    cr_assert_eq(with->statement.manifest.len, 32);
    cr_assert_eq(without->statement.manifest.len, 0);
    free(with);
    free(without);
    attester->free(attester);
}

Test(attester_state, refused_certificates)
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
