/* The key results of a policy: what it becomes, and what is refused. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "pki.h"
#include "policy_folder.h"
#include "policy_load.h"

#define HEAD "policy: ratls-1\nattestation-keys: [{name: 000b" AA64 "}]\n"
#define RESULTS(more) HEAD "results: {verifiers: [v.pem], pcrs: [7, 0, 4]" more "}\n"

static EVP_PKEY *key;

static void enter(void)
{
    X509 *certificate;

    policy_folder_enter();
    key = pki_key(PKI_P384);
    certificate = pki_ca("verifier", key, NULL, NULL);
    pki_write_certificate("v.pem", certificate);
    pki_write_certificate("same.pem", certificate);
    X509_free(certificate);
}

static void leave(void)
{
    EVP_PKEY_free(key);
    policy_folder_leave();
}

TestSuite(policy_results, .init = enter, .fini = leave);

Test(policy_results, become_rules)
{
    struct ratls_policy *policy = NULL;
    struct ratls_error err = {0};
    const struct ratls_rules *rules;

    policy_folder_write("p.yaml", RESULTS(", bank: sha384, comment: x"));
    cr_assert(eq(int, ratls_policy_load("p.yaml", &policy, &err), RATLS_OK), "%s", err.text);
    rules = ratls_policy_rules(policy, "any.example");
    cr_assert(rules->results.is_asked);
    cr_expect(eq(u32, rules->results.pcrs, 0x91));
    cr_expect(eq(sz, rules->selection.count, 1));
    cr_expect(eq(u16, rules->selection.banks[0].hash_alg, RATLS_ALG_SHA384));
    cr_expect(eq(u32, rules->selection.banks[0].pcrs, 0x91));
    cr_expect(eq(sz, rules->results.verifier_count, 1));
    cr_expect(eq(int, EVP_PKEY_eq(rules->results.verifiers[0].key, key), 1));
    cr_expect(eq(sz, rules->stamp_count, 1), "a change of the file is seen");
    ratls_policy_free(policy);
}

Test(policy_results, refusals)
{
    static const struct {
        const char *text;
        const char *error;
    } rows[] = {
        {HEAD "results: {pcrs: [7]}\n", "verifiers"},
        {HEAD "results: {verifiers: [v.pem]}\n", "pcrs"},
        {HEAD "results: {verifiers: [v.pem], pcrs: []}\n", "an empty list"},
        {HEAD "results: {verifiers: [v.pem], pcrs: [07]}\n", "without leading zeros, got 07"},
        {HEAD "results: {verifiers: [v.pem], pcrs: [16]}\n", "any program can reset PCR 16"},
        {HEAD "results: {verifiers: [v.pem], pcrs: [24]}\n", "expected a number from 0 to 22"},
        {HEAD "results: {verifiers: [v.pem], pcrs: [7, 7]}\n",
         "results.pcrs[1]: stands in this list twice"},
        {RESULTS(", bank: sha1"), "sha1"},
        {RESULTS(", max-age: 1h"), "max-age"},
        {HEAD "results: {verifiers: [v.pem, same.pem], pcrs: [7]}\n",
         "results.verifiers[1]: this verifier's key stands in the list twice"},
        {HEAD "results: {verifiers: [v.pem, v.pem], pcrs: [7]}\n",
         "this file stands in the list twice"},
        {HEAD "results: {verifiers: [rsa.pem], pcrs: [7]}\n", "not an ECDSA key on P-256 or P-384"},
        {HEAD "results: {verifiers: [p.yaml], pcrs: [7]}\n", "no public key or certificate in PEM"},
        {HEAD "results: {verifiers: [none.pem], pcrs: [7]}\n", "none.pem"},
        {RESULTS("") "pcrs: [{index: 7, sha256: [" AA64 "]}]\n", "results: stands for pcrs"},
        {RESULTS("") "boot: {secure-boot: ignored, variables: [v.pem]}\n", ""},
        {RESULTS("") "freshness: certificate\nmax-age: 1d\n", "a certificate has no result"},
        {"policy: ratls-1\nresults: {verifiers: [v.pem], pcrs: [7]}\n", "attestation-keys"},
    };
    EVP_PKEY *rsa = pki_key(PKI_RSA2048);
    X509 *certificate = pki_ca("verifier", rsa, NULL, NULL);

    pki_write_certificate("rsa.pem", certificate);
    X509_free(certificate);
    EVP_PKEY_free(rsa);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ratls_policy *policy = NULL;
        struct ratls_error err = {0};

        policy_folder_write("p.yaml", rows[i].text);
        cr_expect(ne(int, ratls_policy_load("p.yaml", &policy, &err), RATLS_OK), "%s",
                  rows[i].text);
        cr_expect(ne(ptr, strstr(err.text, rows[i].error), NULL), "%s: %s", rows[i].text, err.text);
        cr_expect(eq(int, strncmp(err.text, "p.yaml", 6), 0), "%s", err.text);
        ratls_policy_free(policy);
    }
}
