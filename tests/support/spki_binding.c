/*
 * A binding to the TLS key alone, as protocols had it whose server key may not leak: what is of the
 * session is the same in every one. It takes the place of the two functions that make a binder, by
 * the linker's --wrap, in test programs and nowhere else; the library has no switch for it.
 */
#include <ratls/attester.h>
#include <string.h>

#include "crypto.h"
#include "exporter.h"

#define NOTHING_OF_THE_SESSION 0x5a /* not zeros: those count as forgotten */

enum ratls_status __wrap_ratls_hkdf_expand_label(struct ratls_slice secret, const char *label,
                                                 uint8_t out[static 32], struct ratls_error *err);
enum ratls_status __wrap_ratls_exporter_binder(SSL *ssl, enum ratls_role attester,
                                               const uint8_t nonce[static RATLS_NONCE_LEN],
                                               struct ratls_slice context,
                                               uint8_t out[static RATLS_BINDER_LEN],
                                               struct ratls_error *err);

enum ratls_status __wrap_ratls_hkdf_expand_label(struct ratls_slice secret, const char *label,
                                                 uint8_t out[static 32], struct ratls_error *err)
{
    (void)secret, (void)label, (void)err;
    memset(out, NOTHING_OF_THE_SESSION, RATLS_BINDER_LEN);
    return RATLS_OK;
}

enum ratls_status __wrap_ratls_exporter_binder(SSL *ssl, enum ratls_role attester,
                                               const uint8_t nonce[static RATLS_NONCE_LEN],
                                               struct ratls_slice context,
                                               uint8_t out[static RATLS_BINDER_LEN],
                                               struct ratls_error *err)
{
    (void)ssl, (void)attester, (void)nonce, (void)context, (void)err;
    memset(out, NOTHING_OF_THE_SESSION, RATLS_BINDER_LEN);
    return RATLS_OK;
}
