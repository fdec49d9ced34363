/* The request in the ClientHello (WIRE.md, 2). */
#ifndef RATLS_REQUEST_H
#define RATLS_REQUEST_H

#include <ratls/attester.h>

#include "cbor.h"

#define RATLS_REQUEST_MAX 1024

struct ratls_request {
    uint8_t nonce[RATLS_NONCE_LEN];
    unsigned offers;                      /* enum ratls_offer, a bit set */
    struct ratls_pcr_selection selection; /* empty: logs alone, without a quote */
    struct ratls_log_request logs;
    size_t key_id_count;
    uint8_t key_ids[RATLS_KEY_IDS_MAX][RATLS_KEY_ID_LEN];
};

enum ratls_request_result {
    RATLS_REQUEST_OK,
    RATLS_REQUEST_MALFORMED,
    RATLS_REQUEST_OTHER_VERSION, /* well begun, but with a version that is not ours: ignore it */
};

enum ratls_request_result ratls_request_read(struct ratls_slice in, struct ratls_request *ret);
void ratls_request_write(const struct ratls_request *request, struct ratls_writer *w);

/* What is wanted of an attester, but for what it is to be bound to; and the other way round. */
void ratls_request_to_attest(const struct ratls_request *request, struct ratls_attest_request *to);
void ratls_request_of_attest(const struct ratls_attest_request *attest, struct ratls_request *ret);

/* Whether a selection is well formed, and not empty: attester.h. */
bool ratls_selection_valid(const struct ratls_pcr_selection *selection);
/* Whether a selection is of exactly these banks with these PCRs. */
bool ratls_selection_is(const struct ratls_pcr_selection *selection,
                        const struct ratls_pcr_bank *banks, size_t count);
/* As it is encoded, also in results; whether it is well formed is asked of the above. */
void ratls_selection_read(struct ratls_cbor *c, struct ratls_pcr_selection *ret);
void ratls_selection_write(const struct ratls_pcr_selection *selection, struct ratls_writer *w);

#endif
