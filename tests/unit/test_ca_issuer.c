/* The issuers of a CA: which certificates and keys are taken, and why others are not. */
#include "ca_scene.h"

#include "issuer_key.h"

static EVP_PKEY *key, *other;

static void make_world(void)
{
    scene_make();
    key = pki_key(PKI_P256);
    other = pki_key(PKI_P256);
}

static void free_world(void)
{
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
    scene_remove();
}

TestSuite(ca_issuer, .init = make_world, .fini = free_world);

/* One issuer of this certificate and key; words: NULL if it is to be taken. */
static void expect_open(char *certificate, char *key_path, const char *words)
{
    struct ratls_ca_issuer_config config = {certificate, key_path};
    struct ratls_issuers *issuers = NULL;
    struct ratls_error err = {0};
    const enum ratls_status status = scene_open(&config, 1, &issuers, &err);

    cr_expect_eq(status, words == NULL ? RATLS_OK : RATLS_USAGE, "%s %s: %s", certificate, key_path,
                 err.text);
    cr_expect(words == NULL || strstr(err.text, words) != NULL, "%s\ninstead of\n%s", err.text,
              words);
    cr_expect_eq(issuers == NULL, words != NULL);
    ratls_issuers_close(issuers);
}

static char *write_spec(const char *name, const struct pki_spec *spec)
{
    X509 *certificate = pki_certificate(spec);
    char *path = scene_certificate(name, certificate);

    X509_free(certificate);
    return path;
}

Test(ca_issuer, kinds_of_keys)
{
    static const struct {
        enum pki_algorithm algorithm;
        const char *hash;
    } rows[] = {
        {PKI_P256, "SHA2-256"},
        {PKI_P384, "SHA2-384"},
        {PKI_P521, "SHA2-512"},
        {PKI_RSA2048, "SHA2-256"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        EVP_PKEY *one = pki_key(rows[i].algorithm);
        X509 *certificate = scene_ca(one, 0);
        struct ratls_ca_issuer_config config = {scene_certificate("ca.crt", certificate),
                                                scene_key("ca.key", one, NULL)};
        struct ratls_issuers *issuers = NULL;
        struct ratls_error err = {0};

        cr_assert_eq(scene_open(&config, 1, &issuers, &err), RATLS_OK, "%s", err.text);
        cr_expect(EVP_MD_is_a(ratls_issuer_hash(issuers, 0), rows[i].hash), "%s", rows[i].hash);
        cr_expect_eq(ratls_issuers_may_issue(issuers, time(NULL), &err), RATLS_OK);
        cr_expect_eq(X509_cmp(ratls_issuer_certificate(issuers, 0), certificate), 0);
        ratls_issuers_close(issuers);
        X509_free(certificate);
        EVP_PKEY_free(one);
        scene_file_count -= 2;
    }
    scene_file_count += 2;
}

Test(ca_issuer, keys_that_are_none)
{
    EVP_PKEY *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    EVP_PKEY *short_rsa = EVP_RSA_gen(1024);
    EVP_PKEY *k1 = EVP_EC_gen("secp256k1");

    cr_expect_null(ratls_issuer_key_hash(ed));
    cr_expect_null(ratls_issuer_key_hash(short_rsa));
    cr_expect_null(ratls_issuer_key_hash(k1));
    EVP_PKEY_free(ed);
    EVP_PKEY_free(short_rsa);
    EVP_PKEY_free(k1);
}

Test(ca_issuer, certificates_that_are_refused)
{
    char *good_key = scene_key("ca.key", key, NULL);
    struct pki_spec spec = {
        .subject = "CA", .key = key, .ca = "critical,CA:TRUE", .key_usage = SCENE_USAGE};

    expect_open(write_spec("a", &spec), good_key, NULL);
    spec.eku = "serverAuth";
    expect_open(write_spec("b", &spec), good_key, "extendedKeyUsage lacks 2.23.133.8.3");
    spec.eku = "serverAuth," PKI_EKU_AK;
    expect_open(write_spec("c", &spec), good_key, NULL);
    spec.eku = NULL;
    spec.key_usage = "critical,keyCertSign";
    expect_open(write_spec("d", &spec), good_key, "keyUsage needs keyCertSign and cRLSign");
    spec.key_usage = "critical,cRLSign";
    expect_open(write_spec("e", &spec), good_key, "not the certificate of a CA");
    spec.key_usage = "critical,digitalSignature";
    spec.ca = "critical,CA:FALSE";
    expect_open(write_spec("f", &spec), good_key, "not the certificate of a CA");
}

static char *scene_private(const char *name, X509 *certificate)
{
    char *path = scene_certificate(name, certificate);

    cr_assert_eq(chmod(path, 0600), 0);
    return path;
}

Test(ca_issuer, files_that_are_refused)
{
    X509 *certificate = scene_ca(key, 0);
    char *path = scene_certificate("ca.crt", certificate);
    char *good_key = scene_key("ca.key", key, NULL);

    expect_open(path, scene_key("other.key", other, NULL), "not the key of the certificate");
    expect_open(path, scene_path("none.key"), "No such file");
    expect_open(scene_path("none.crt"), good_key, "No such file");
    expect_open(path, scene_private("copy.crt", certificate), "no private key without a");
    expect_open(good_key, good_key, "no certificate in PEM");
    expect_open(path, scene_key("locked.key", key, "secret"), "without a passphrase");
    X509_free(certificate);
}

Test(ca_issuer, rights)
{
    static const struct {
        mode_t mode;
        const char *words;
    } rows[] = {
        {0600, NULL},
        {0400, NULL},
        {0640, NULL},
        {0644, "others may read or change the key of the CA (mode 0644): 'chmod g-w,o="},
        {0604, "others may read or change"},
        {0660, "others may read or change"},
        {0602, "everyone may write to this file"},
    };
    X509 *certificate = scene_ca(key, 0);
    char *path = scene_certificate("ca.crt", certificate);
    char *key_path = scene_key("ca.key", key, NULL);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_assert_eq(chmod(key_path, rows[i].mode), 0);
        expect_open(path, key_path, rows[i].words);
    }
    X509_free(certificate);
}

Test(ca_issuer, providers)
{
    X509 *certificate = scene_ca(key, 0);
    struct ratls_ca_issuer_config issuer = {scene_certificate("ca.crt", certificate),
                                            scene_key("ca.key", key, NULL)};
    char none[] = "no-such-provider", usual[] = "default", uri[] = "handle:0x81000001";
    char *providers[] = {usual, none};
    struct ratls_ca_config config = {
        .issuers = &issuer, .issuer_count = 1, .providers = providers, .provider_count = 1};
    struct ratls_issuers *issuers = NULL;
    struct ratls_error err = {0};

    cr_expect_eq(ratls_issuers_open(&config, &issuers, &err), RATLS_OK, "%s", err.text);
    ratls_issuers_close(issuers);
    config.provider_count = 2;
    cr_expect_eq(ratls_issuers_open(&config, &issuers, &err), RATLS_USAGE);
    cr_expect(strstr(err.text, "provider no-such-provider") != NULL, "%s", err.text);
    config.provider_count = 1;
    issuer.key = uri;
    err = (struct ratls_error){0};
    cr_expect_eq(ratls_issuers_open(&config, &issuers, &err), RATLS_USAGE);
    cr_expect(strstr(err.text, "handle:0x81000001: no private key") != NULL, "%s", err.text);
    X509_free(certificate);
}

Test(ca_issuer, time)
{
    X509 *certificate = scene_ca(key, -60);
    struct ratls_ca_issuer_config config = {scene_certificate("ca.crt", certificate),
                                            scene_key("ca.key", key, NULL)};
    struct ratls_issuers *issuers = NULL;
    struct ratls_error err = {0};
    int64_t from, until;

    cr_assert_eq(scene_open(&config, 1, &issuers, &err), RATLS_OK, "it still signs CRLs");
    ratls_issuer_validity(issuers, 0, &from, &until);
    cr_expect_eq(ratls_issuers_may_issue(issuers, until, &err), RATLS_USAGE);
    cr_expect(strstr(err.text, "has expired: 'ratls ca rollover'") != NULL, "%s", err.text);
    err = (struct ratls_error){0};
    cr_expect_eq(ratls_issuers_may_issue(issuers, from - 1, &err), RATLS_USAGE);
    cr_expect(strstr(err.text, "not valid yet") != NULL, "%s", err.text);
    cr_expect_eq(ratls_issuers_may_issue(issuers, until - 1, &err), RATLS_OK);
    cr_expect_eq(ratls_issuers_may_issue(issuers, from, &err), RATLS_OK);
    ratls_issuers_close(issuers);
    X509_free(certificate);
}
