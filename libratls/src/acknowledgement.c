#include "acknowledgement.h"

#include "cbor.h"

#define VERSION 1
#define ITEMS 2

bool ratls_acknowledgement_read(struct ratls_slice in, unsigned offered, unsigned *ret_offers)
{
    struct ratls_cbor c = ratls_cbor(in);
    unsigned offers;

    ratls_cbor_array(&c, ITEMS, ITEMS);
    ratls_cbor_expect_uint(&c, VERSION);
    offers = (unsigned)ratls_cbor_uint(&c, RATLS_OFFERS_ACKNOWLEDGED);
    if (!ratls_cbor_done(&c) || (offers & RATLS_OFFER_FRAMES) == 0 || (offers & ~offered) != 0)
        return false;
    *ret_offers = offers;
    return true;
}

void ratls_acknowledgement_write(unsigned offers, struct ratls_writer *w)
{
    ratls_cbor_put_array(w, ITEMS);
    ratls_cbor_put_uint(w, VERSION);
    ratls_cbor_put_uint(w, offers);
}
