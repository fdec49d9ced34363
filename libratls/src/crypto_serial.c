#include "crypto_serial.h"

#include <openssl/bn.h>
#include <openssl/x509.h>

#include "crypto.h"

bool ratls_serial_set(X509 *certificate, uint8_t ret_serial[static RATLS_SERIAL_LEN])
{
    BIGNUM *number;
    bool done;

    if (ratls_random(ret_serial, RATLS_SERIAL_LEN, NULL) != RATLS_OK)
        return false;
    ret_serial[0] = (uint8_t)((ret_serial[0] & 0x7f) | 0x40);
    number = BN_bin2bn(ret_serial, RATLS_SERIAL_LEN, NULL);
    done = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return done;
}
