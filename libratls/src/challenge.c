#include "challenge.h"

#include "cbor.h"

#define VERSION 1
#define ITEMS 4

/* The way is chosen already, so it is not offered; and there is no answer without a quote. */
static bool is_fit(const struct ratls_request *request)
{
    return (request->offers & (RATLS_OFFER_FRAMES | RATLS_OFFER_EXPORTER)) == 0 &&
           request->selection.count > 0;
}

bool ratls_challenge_read(struct ratls_slice in, struct ratls_challenge *ret)
{
    struct ratls_cbor c = ratls_cbor(in);
    struct ratls_challenge challenge = {0};
    struct ratls_slice request;

    ratls_cbor_array(&c, ITEMS, ITEMS);
    ratls_cbor_expect_uint(&c, VERSION);
    challenge.counter = ratls_cbor_uint(&c, UINT64_MAX);
    challenge.period_ms = ratls_cbor_uint(&c, RATLS_PERIOD_MAX_MS);
    request = ratls_cbor_bytes(&c, 1, RATLS_REQUEST_MAX);
    if (!ratls_cbor_done(&c) ||
        ratls_request_read(request, &challenge.request) != RATLS_REQUEST_OK ||
        !is_fit(&challenge.request))
        return false;
    *ret = challenge;
    return true;
}

void ratls_challenge_write(const struct ratls_challenge *challenge, struct ratls_writer *w)
{
    uint8_t request[RATLS_REQUEST_MAX];
    struct ratls_writer inner = ratls_writer(request, sizeof request);

    ratls_request_write(&challenge->request, &inner);
    if (inner.failed || !is_fit(&challenge->request) ||
        challenge->period_ms > RATLS_PERIOD_MAX_MS) {
        w->failed = true;
        return;
    }
    ratls_cbor_put_array(w, ITEMS);
    ratls_cbor_put_uint(w, VERSION);
    ratls_cbor_put_uint(w, challenge->counter);
    ratls_cbor_put_uint(w, challenge->period_ms);
    ratls_cbor_put_bytes(w, ratls_writer_slice(&inner));
}
