/* Each allocation of OpenSSL fails once: nothing leaks or crashes, and nothing is accepted wrongly.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto.h"
#include "evidence.h"
#include "pki.h"
#include "tpm_p256.h"

#define MESSAGE "what a TPM says"
#define ATTEMPTS_MAX 20000 /* more than any call here allocates */

static long until_failure = -1; /* allocations; below 0: none fails */

static bool fails(void)
{
    return until_failure >= 0 && until_failure-- == 0;
}

static void *failing_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return fails() ? NULL : malloc(size);
}

static void *failing_realloc(void *p, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return fails() ? NULL : realloc(p, size);
}

static void plain_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

static bool hooked;

/* Before Criterion, which makes OpenSSL allocate. */
__attribute__((constructor)) static void hook_memory(void)
{
    hooked = CRYPTO_set_mem_functions(failing_malloc, failing_realloc, plain_free) == 1;
}

static EVP_PKEY *ca_key, *ak;
static X509 *ca, *leaf;
static struct ratls_slice der;
static uint8_t point[TPM_P256_POINT], r[32], s[32];
static struct ratls_tpm_public area;
static struct ratls_tpm_signature signature;

static void setup(void)
{
    cr_assert(hooked, "OpenSSL has allocated before");
    ca_key = pki_key(PKI_P256);
    ak = pki_key(PKI_P256);
    ca = pki_ca("ca", ca_key, NULL, NULL);
    leaf = pki_ak_certificate(ak, "DNS:a.example", ca, ca_key);
    der.p = pki_der(leaf, &der.len);
    area = tpm_p256_area(ak, point);
    signature = tpm_p256_sign(ak, MESSAGE, r, s);
}

static void teardown(void)
{
    OPENSSL_free((void *)(uintptr_t)der.p);
    X509_free(leaf);
    X509_free(ca);
    EVP_PKEY_free(ak);
    EVP_PKEY_free(ca_key);
}

TestSuite(crypto_memory, .init = setup, .fini = teardown);

/* Calls once for each allocation, which fails, and a last time in which none does. */
static void fail_each(bool (*call)(bool undisturbed))
{
    for (long n = 0; n < ATTEMPTS_MAX; n++) {
        until_failure = n;
        call(false);
        bool undisturbed = until_failure >= 0;
        until_failure = -1;
        ERR_clear_error();
        if (undisturbed) {
            cr_assert_gt(n, 0, "nothing was allocated");
            cr_assert(call(true));
            return;
        }
    }
    cr_assert(false, "never succeeded");
}

static bool verify_good_and_bad(bool undisturbed)
{
    bool good = false, bad = false;
    EVP_PKEY *key = NULL;
    struct ratls_error err = {0};
    enum ratls_status made = ratls_public_key(&area, &key, &err);
    cr_assert_eq(made == RATLS_OK, key != NULL);
    if (made != RATLS_OK)
        return false;
    enum ratls_status a =
        ratls_verify(key, &area, &signature, ratls_slice(MESSAGE, strlen(MESSAGE)), &good, &err);
    enum ratls_status b = ratls_verify(key, &area, &signature, ratls_slice("x", 1), &bad, &err);
    cr_assert_not(bad);
    cr_assert(a == RATLS_OK || !good);
    EVP_PKEY_free(key);
    return !undisturbed || (a == RATLS_OK && b == RATLS_OK && good);
}

Test(crypto_memory, keys_and_signatures)
{
    fail_each(verify_good_and_bad);
}

static bool chain_good_and_bad(bool undisturbed)
{
    char good[RATLS_WHY_MAX] = "untouched", bad[RATLS_WHY_MAX] = "untouched";
    int64_t until = 0, bad_until = 0;
    struct ratls_error err = {0};
    struct ratls_ak_chain chain = {&der, 1, ca, ak, (int64_t)time(NULL)};
    enum ratls_status a = ratls_ak_chain(&chain, &until, good, &err);
    cr_assert_eq(a == RATLS_OK && good[0] == '\0', until != 0);
    chain.key = ca_key;
    enum ratls_status b = ratls_ak_chain(&chain, &bad_until, bad, &err);
    cr_assert_neq(bad[0], '\0');
    cr_assert_eq(bad_until, 0);
    return !undisturbed || (a == RATLS_OK && b == RATLS_OK && good[0] == '\0');
}

Test(crypto_memory, chains)
{
    fail_each(chain_good_and_bad);
}

static bool names_and_evidence(bool undisturbed)
{
    char text[64];
    uint8_t spki[32];
    X509_EXTENSION *extension = NULL;
    cr_assert_not(ratls_certificate_names(der, "b.example"));
    ratls_certificate_names_text(der, text, sizeof(text));
    bool hashed = ratls_spki_sha256(leaf, spki, NULL) == RATLS_OK;
    bool made = ratls_evidence_extension(der, &extension, NULL) == RATLS_OK;
    cr_assert_eq(made, extension != NULL);
    X509_EXTENSION_free(extension);
    return !undisturbed || (hashed && made && strcmp(text, "a.example") == 0);
}

Test(crypto_memory, names_and_extensions)
{
    fail_each(names_and_evidence);
}
