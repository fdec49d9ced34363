/* What a server takes of the offers of a request: in its EncryptedExtensions (WIRE.md, 2). */
#ifndef RATLS_ACKNOWLEDGEMENT_H
#define RATLS_ACKNOWLEDGEMENT_H

#include <ratls/attester.h>

#include "bytes.h"

#define RATLS_ACKNOWLEDGEMENT_MAX 8 /* three bytes in this version */

/* Which offers need an answer: the others are seen in what comes. */
#define RATLS_OFFERS_ACKNOWLEDGED ((unsigned)(RATLS_OFFER_FRAMES | RATLS_OFFER_EXPORTER))

/*
 * False if it is malformed, acknowledges nothing, something that was not offered, or evidence
 * behind the handshake without the frames that it comes in.
 */
bool ratls_acknowledgement_read(struct ratls_slice in, unsigned offered, unsigned *ret_offers);
void ratls_acknowledgement_write(unsigned offers, struct ratls_writer *w);

#endif
