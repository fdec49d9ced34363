/* From the certificate of an endorsement key up to a pinned root, and nowhere else. */
#include "ek_scene.h"

TestSuite(ek_path, .init = make_world, .fini = free_world);

static void expect_below(const char *name, const struct pki_spec *ca, EVP_PKEY *ca_key,
                         unsigned defects, const char *words)
{
    X509 *made = pki_certificate(ca);
    struct pki_spec spec = good();
    struct ratls_ek_answer a;

    spec.issuer = made;
    spec.issuer_key = ca_key;
    a = ask(pki_certificate(&spec), made, false);
    cr_expect_eq(a.defects, defects, "%s: %x: %s", name, a.defects, a.why);
    cr_expect_not_null(strstr(a.why, words), "%s: \"%s\" has no \"%s\"", name, a.why, words);
    ratls_ek_answer_done(&a);
    X509_free(made);
}

Test(ek_path, chain_that_came_along)
{
    EVP_PKEY *key = pki_key(PKI_P256);
    const struct pki_spec ca = {.subject = "Maker CA 2",
                                .key = key,
                                .issuer = w.ca,
                                .issuer_key = w.ca_key,
                                .ca = "critical,CA:TRUE"};
    struct pki_spec other = ca;

    expect_below("good", &ca, key, 0, "");
    other.ca = NULL;
    other.key_usage = "critical,keyCertSign";
    expect_below("no CA", &other, key, DEFECT(CHAIN), "CA");
    other = ca;
    other.key_usage = "critical,digitalSignature";
    expect_below("no keyCertSign", &other, key, DEFECT(CHAIN), "CA");
    other = ca;
    other.eku = "serverAuth";
    expect_below("for web servers", &other, key, DEFECT(CHAIN), "extended key usage");
    other.eku = EKU_EK;
    expect_below("for endorsement keys", &other, key, 0, "");
    other = ca;
    other.not_after_s = -60;
    expect_below("expired", &other, key, DEFECT(TIME), "expired");
    other = ca;
    other.issuer = NULL;
    expect_below("signed by itself", &other, key, DEFECT(CHAIN), "self");
    EVP_PKEY_free(key);
}

/* OpenSSL looks at the CAs alone: that there is one more below must not be forgotten. */
Test(ek_path, path_length)
{
    EVP_PKEY *first_key = pki_key(PKI_P256), *key = pki_key(PKI_P256);
    X509 *first = pki_certificate(&(struct pki_spec){.subject = "Maker CA with one level",
                                                     .key = first_key,
                                                     .issuer = w.root,
                                                     .issuer_key = w.root_key,
                                                     .ca = "critical,CA:TRUE,pathlen:0"});
    const struct pki_spec below = {.subject = "Maker CA below",
                                   .key = key,
                                   .issuer = first,
                                   .issuer_key = first_key,
                                   .ca = "critical,CA:TRUE"};
    struct pki_spec spec = good();

    pin(first, false);
    expect_below("two levels", &below, key, DEFECT(CHAIN), "so many CAs");
    spec.issuer = first;
    spec.issuer_key = first_key;
    expect("one level", &spec, 0, "");
    X509_free(first);
    EVP_PKEY_free(first_key);
    EVP_PKEY_free(key);
}

Test(ek_path, name_constraints)
{
    EVP_PKEY *key = pki_key(PKI_P256);
    /* permitted: directoryName CN=x */
    X509_EXTENSION *constraints =
        EXTENSION("2.5.29.30", true,
                  "\x30\x14\xa0\x12\x30\x10\xa4\x0e\x30\x0c\x31\x0a\x30\x08\x06\x03\x55\x04\x03"
                  "\x0c\x01x");
    const struct pki_spec ca = {.subject = "Maker CA 3",
                                .key = key,
                                .issuer = w.ca,
                                .issuer_key = w.ca_key,
                                .ca = "critical,CA:TRUE",
                                .extensions = {constraints}};

    expect_below("other name", &ca, key, DEFECT(CHAIN), "this name");
    X509_EXTENSION_free(constraints);
    EVP_PKEY_free(key);
}

/* Same name, another key; and the same key id, too: only the signature tells. */
Test(ek_path, false_issuers)
{
    EVP_PKEY *key = pki_key(PKI_P256);
    X509 *ca = pki_ca("Maker CA 1", key, NULL, NULL);
    struct pki_spec spec = good();
    struct ratls_ek_answer a;

    spec.issuer = ca;
    spec.issuer_key = key;
    expect("another key", &spec, DEFECT(CHAIN), "not among the roots");
    a = ask(pki_certificate(&spec), ca, false); /* it does not become a root by being sent */
    cr_expect_eq(a.defects, DEFECT(CHAIN), "%s", a.why);
    ratls_ek_answer_done(&a);
    spec.issuer = w.ca;
    expect("another signature", &spec, DEFECT(SIGNATURE), "not signed");
    X509_free(ca);
    EVP_PKEY_free(key);
}

/* As Intel's certificates have it: one space less in the issuer's name; by the same key only. */
Test(ek_path, issuer_with_another_space)
{
    X509 *twin = pki_ca("Maker CA1", w.ca_key, NULL, NULL);
    EVP_PKEY *key = pki_key(PKI_P256);
    X509 *other = pki_ca("Maker CA1", key, NULL, NULL);
    X509 *letter = pki_ca("Maker CB1", w.ca_key, NULL, NULL);
    struct pki_spec spec = good();

    spec.issuer = twin;
    expect("space", &spec, 0, "");
    spec.issuer = other;
    spec.issuer_key = key;
    expect("space, another key", &spec, DEFECT(CHAIN), "not among the roots");
    spec.issuer = letter;
    spec.issuer_key = w.ca_key;
    expect("letter", &spec, DEFECT(CHAIN), "not among the roots");
    X509_free(twin);
    X509_free(other);
    X509_free(letter);
    EVP_PKEY_free(key);
}
