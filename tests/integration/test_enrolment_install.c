/* Certificates that a machine takes over, and those that it refuses: then ak.crt stays as it was.
 */
#include "enrolment_scene.h"

#include <sys/stat.h>
#include <unistd.h>

#include "ak_state.h"
#include "enroll_state.h"
#include "pki.h"

/* No endorsement key is needed here. */
static void set_up_key(void)
{
    set_up();
    init_key(f.tpm.tcti, RATLS_AK_ECDSA_P256, false);
}

TestSuite(enrolment_install, .init = set_up_key, .fini = tear_down);

struct authority {
    EVP_PKEY *root_key, *ca_key, *ak;
    X509 *root, *ca;
    char root_file[PATH_MAX_HERE];
};

static struct authority set_up_authority(void)
{
    struct authority a = {.root_key = pki_key(PKI_P256), .ca_key = pki_key(PKI_P256)};
    uint8_t area[RATLS_TPM_STRUCTURE_MAX];
    struct ratls_tpm_public public;
    struct ratls_error err = {0};
    size_t len = 0;

    a.root = pki_ca("root", a.root_key, NULL, NULL);
    a.ca = pki_ca("ca", a.ca_key, a.root, a.root_key);
    assert_ok(ratls_tpm_ak_public(f.state, area, sizeof area, &len, &err), &err);
    cr_assert(ratls_tpm_read_public(ratls_slice(area, len), &public));
    assert_ok(ratls_public_key(&public, &a.ak, &err), &err);
    snprintf(a.root_file, sizeof a.root_file, "%s/root.crt", f.tpm.folder);
    pki_write_certificate(a.root_file, a.root);
    return a;
}

static void tear_down_authority(struct authority *a)
{
    X509_free(a->root);
    X509_free(a->ca);
    EVP_PKEY_free(a->root_key);
    EVP_PKEY_free(a->ca_key);
    EVP_PKEY_free(a->ak);
}

/* With its issuer behind it. */
static enum ratls_status install(const struct authority *a, const struct ratls_enrolment *enrolment,
                                 X509 *leaf, const char *ca_file, struct ratls_error *err)
{
    struct ratls_slice chain[2];
    uint8_t *der[2] = {pki_der(leaf, &chain[0].len), pki_der(a->ca, &chain[1].len)};
    enum ratls_status status;

    chain[0].p = der[0];
    chain[1].p = der[1];
    status = ratls_enrolment_install(enrolment, ca_file, chain, 2, err);
    OPENSSL_free(der[0]);
    OPENSSL_free(der[1]);
    X509_free(leaf);
    return status;
}

/* How many certificates ak.crt has. */
static size_t installed(void)
{
    struct ratls_ak_state state;
    struct ratls_error err = {0};
    size_t count;

    assert_ok(ratls_ak_state_load(f.state, &state, &err), &err);
    count = state.certificate_count;
    ratls_ak_state_clear(&state);
    return count;
}

#define NAMES "DNS:bank.test,DNS:www.bank.test,IP:192.0.2.7"

Test(enrolment_install, good)
{
    const struct ratls_enrolment named = enrolment_of(NULL);
    const struct ratls_enrolment any = {.state_dir = f.state};
    struct authority a = set_up_authority();
    struct ratls_error err = {0};
    char path[PATH_MAX_HERE];
    struct stat info;

    assert_ok(
        install(&a, &named, pki_ak_certificate(a.ak, NAMES, a.ca, a.ca_key), a.root_file, &err),
        &err);
    cr_expect_eq(installed(), 2);
    snprintf(path, sizeof path, "%s/ak.crt", f.state);
    cr_assert_eq(stat(path, &info), 0);
    cr_expect_eq(info.st_mode & 07777, 0644, "%o", info.st_mode);
    /* Another one takes its place; whatever names it has, if nothing was asked for. */
    assert_ok(
        install(&a, &any, pki_ak_certificate(a.ak, "DNS:other.test", a.ca, a.ca_key), NULL, &err),
        &err);
    tear_down_authority(&a);
}

static void refuse(const struct authority *a, X509 *leaf, const char *ca_file, const char *words)
{
    const struct ratls_enrolment named = enrolment_of(NULL);
    struct ratls_error err = {0};

    assert_fails(install(a, &named, leaf, ca_file, &err), RATLS_REJECTED, &err, words);
    cr_expect_eq(installed(), 0, "%s", words);
}

Test(enrolment_install, keys_and_names)
{
    struct authority a = set_up_authority();
    EVP_PKEY *other = pki_key(PKI_P256);

    refuse(&a, pki_ak_certificate(other, NAMES, a.ca, a.ca_key), a.root_file, "of another key");
    refuse(&a, pki_ak_certificate(a.ak, "DNS:bank.test", a.ca, a.ca_key), a.root_file,
           "is for bank.test, but asked for was 192.0.2.7, bank.test, www.bank.test");
    refuse(&a, pki_ak_certificate(a.ak, NAMES ",DNS:shop.test", a.ca, a.ca_key), a.root_file,
           "but asked for was");
    refuse(&a, pki_ak_certificate(a.ak, NULL, a.ca, a.ca_key), a.root_file, "is for no name");
    refuse(&a, pki_ak_certificate(a.ak, NAMES ",email:a@bank.test", a.ca, a.ca_key), a.root_file,
           "something else than a DNS name");
    EVP_PKEY_free(other);
    tear_down_authority(&a);
}

static X509 *issue(const struct authority *a, struct pki_spec spec)
{
    spec.subject = "ak";
    spec.key = a->ak;
    spec.issuer = a->ca;
    spec.issuer_key = a->ca_key;
    spec.names = NAMES;
    return pki_certificate(&spec);
}

Test(enrolment_install, purposes_and_times)
{
    struct authority a = set_up_authority();

    refuse(&a, issue(&a, (struct pki_spec){.eku = "serverAuth"}), NULL, "not a certificate of an");
    refuse(&a, issue(&a, (struct pki_spec){.eku = NULL}), NULL, "not a certificate of an");
    refuse(&a, issue(&a, (struct pki_spec){.eku = PKI_EKU_AK, .ca = "CA:TRUE"}), NULL,
           "it must not be that of a CA");
    refuse(&a, issue(&a, (struct pki_spec){.eku = PKI_EKU_AK, .not_before_s = 3600}), NULL,
           "not yet valid: compare the clocks");
    refuse(&a,
           issue(&a,
                 (struct pki_spec){.eku = PKI_EKU_AK, .not_before_s = -7200, .not_after_s = -3600}),
           NULL, "has expired");
    tear_down_authority(&a);
}

/* OpenSSL reads a certificate whose times are none, and says 0 when they are compared. */
Test(enrolment_install, times_that_are_none)
{
    struct authority a = set_up_authority();
    X509 *begins = pki_ak_certificate(a.ak, NAMES, a.ca, a.ca_key);
    X509 *ends = pki_ak_certificate(a.ak, NAMES, a.ca, a.ca_key);

    cr_assert_eq(ASN1_STRING_set(X509_getm_notBefore(begins), "261399000000Z", 13), 1);
    cr_assert_eq(ASN1_STRING_set(X509_getm_notAfter(ends), "261399000000Z", 13), 1);
    cr_assert_gt(X509_sign(begins, a.ca_key, EVP_sha256()), 0);
    cr_assert_gt(X509_sign(ends, a.ca_key, EVP_sha256()), 0);
    refuse(&a, begins, NULL, "its times cannot be read");
    refuse(&a, ends, NULL, "its times cannot be read");
    tear_down_authority(&a);
}

/* What clients would be sent with it, and refuse. */
Test(enrolment_install, another_chain)
{
    struct authority a = set_up_authority();
    X509 *ca = a.ca, *other = pki_ca("ca", a.root_key, NULL, NULL);

    a.ca = other; /* of the same name, with another key */
    refuse(&a, pki_ak_certificate(a.ak, NAMES, ca, a.ca_key), NULL,
           "what stands behind the certificate is not its chain");
    a.ca = a.root; /* one is left out */
    refuse(&a, pki_ak_certificate(a.ak, NAMES, ca, a.ca_key), NULL,
           "what stands behind the certificate is not its chain");
    a.ca = ca;
    X509_free(other);
    tear_down_authority(&a);
}

Test(enrolment_install, wrong_authority)
{
    struct authority a = set_up_authority();
    EVP_PKEY *other_key = pki_key(PKI_P256);
    X509 *other = pki_ca("other", other_key, NULL, NULL);

    /* By another CA; by one of the same name; by the right one, but the file has another. */
    refuse(&a, pki_ak_certificate(a.ak, NAMES, other, other_key), a.root_file, "does not lead to");
    pki_write_certificate(a.root_file, other);
    refuse(&a, pki_ak_certificate(a.ak, NAMES, a.ca, a.ca_key), a.root_file, "does not lead to");
    X509_free(other);
    other = pki_ca("root", other_key, NULL, NULL);
    pki_write_certificate(a.root_file, other);
    refuse(&a, pki_ak_certificate(a.ak, NAMES, a.ca, a.ca_key), a.root_file, "does not lead to");
    X509_free(other);
    EVP_PKEY_free(other_key);
    tear_down_authority(&a);
}

Test(enrolment_install, not_certificates)
{
    const struct ratls_enrolment any = {.state_dir = f.state};
    const struct ratls_slice nothing = {(const uint8_t *)"0", 1};
    const struct ratls_slice many[4] = {nothing, nothing, nothing, nothing};
    struct ratls_error err = {0}, second = {0}, third = {0};
    struct authority a = set_up_authority();
    X509 *leaf = pki_ak_certificate(a.ak, NAMES, a.ca, a.ca_key);
    struct ratls_slice chain[2] = {nothing, nothing};
    uint8_t *der = pki_der(leaf, &chain[0].len);

    chain[0].p = der;
    assert_fails(ratls_enrolment_install(&any, NULL, chain, 2, &third), RATLS_MALFORMED, &third,
                 "what stands behind the certificate");
    OPENSSL_free(der);
    X509_free(leaf);
    tear_down_authority(&a);
    assert_fails(ratls_enrolment_install(&any, NULL, &nothing, 1, &err), RATLS_MALFORMED, &err,
                 "this is no certificate");
    assert_fails(ratls_enrolment_install(&any, NULL, many, 4, &second), RATLS_MALFORMED, &second,
                 "4 certificates, not 1 to 3");
    cr_expect_eq(installed(), 0);
}

/* The names are those of the request that is kept; installing ends that. */
Test(enrolment_install, kept_request)
{
    static uint8_t request[RATLS_ENROLL_REQUEST_MAX];
    const struct ratls_enrolment any = {.state_dir = f.state};
    const struct ratls_slice one = {(const uint8_t *)"x", 1};
    struct ratls_enroll_request asked = {.nonce = {request, 32},
                                         .names = {slice_of("bank.test")},
                                         .name_count = 1,
                                         .ek_template = RATLS_EK_L1,
                                         .ek_public = one,
                                         .ek_certificates = {one},
                                         .ek_certificate_count = 1,
                                         .ak_public = one};
    struct ratls_writer w = ratls_writer(request, sizeof request);
    struct authority a = set_up_authority();
    struct ratls_error err = {0}, good = {0};
    uint8_t nonce[32] = {1}, *kept = NULL;
    size_t len = 0;

    asked.nonce.p = nonce;
    ratls_enroll_request_write(&asked, &w);
    cr_assert(!w.failed);
    assert_ok(ratls_enroll_keep(f.state, RATLS_ENROLL_KEPT_REQUEST, ratls_writer_slice(&w), &good),
              &good);
    assert_fails(install(&a, &any, pki_ak_certificate(a.ak, NAMES, a.ca, a.ca_key), NULL, &err),
                 RATLS_REJECTED, &err, "asked for was bank.test");
    assert_ok(
        install(&a, &any, pki_ak_certificate(a.ak, "DNS:bank.test", a.ca, a.ca_key), NULL, &good),
        &good);
    assert_ok(ratls_enroll_kept(f.state, RATLS_ENROLL_KEPT_REQUEST, &kept, &len, &good), &good);
    cr_expect_null(kept);
    tear_down_authority(&a);
}
