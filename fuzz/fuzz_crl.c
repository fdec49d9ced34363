/*
 * Targets: ratls_crl_read, and what is asked of a list that it has read. Input: the length of the
 * issuer's certificate in two bytes, that certificate (DER), and the list. Without a certificate
 * nothing is asked.
 */
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

#include "crypto_crl.h"
#include "fuzz.h"

static void check_list(const struct ratls_crl *list, struct ratls_slice certificate)
{
    char why[RATLS_WHY_MAX], number[RATLS_CRL_NUMBER_MAX];

    ratls_crl_number(list, number);
    FUZZ_CHECK(strspn(number, "-0123456789") == strlen(number));
    FUZZ_CHECK(ratls_crl_same(list, list));
    FUZZ_CHECK(!ratls_crl_follows(list, list, why) && why[0] != '\0');
    FUZZ_CHECK(!ratls_crl_clears(list, certificate, ratls_crl_until(list), why));
    FUZZ_CHECK(!ratls_crl_clears(list, certificate, ratls_crl_from(list) - 1, why));
    FUZZ_CHECK(ratls_crl_clears(list, certificate, ratls_crl_from(list), why) == (why[0] == '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ratls_reader r = ratls_reader(ratls_slice(data, size));
    const struct ratls_slice certificate = ratls_read_bytes(&r, ratls_read_u16(&r));
    struct ratls_crl *list = NULL;
    X509 *issuer = r.failed ? NULL : ratls_certificate_of_der(certificate);
    enum ratls_status status;

    if (issuer != NULL) {
        status = ratls_crl_read(r.rest, issuer, &list, NULL);
        FUZZ_CHECK(status == RATLS_OK || status == RATLS_USAGE);
        if (status == RATLS_OK)
            check_list(list, certificate);
        ratls_crl_free(list);
    }
    X509_free(issuer);
    ERR_clear_error();
    return 0;
}
