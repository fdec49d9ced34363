/* DER (X.690, 10), read to the letter: definite lengths in their shortest form, nothing else. */
#ifndef RATLS_DER_H
#define RATLS_DER_H

#include "bytes.h"

enum ratls_der_tag {
    RATLS_DER_BOOLEAN = 0x01,
    RATLS_DER_INTEGER = 0x02,
    RATLS_DER_BIT_STRING = 0x03,
    RATLS_DER_OCTET_STRING = 0x04,
    RATLS_DER_OID = 0x06,
    RATLS_DER_UTF8_STRING = 0x0c,
    RATLS_DER_PRINTABLE_STRING = 0x13,
    RATLS_DER_IA5_STRING = 0x16,
    RATLS_DER_UTC_TIME = 0x17,
    RATLS_DER_GENERALIZED_TIME = 0x18,
    RATLS_DER_SEQUENCE = 0x30,
    RATLS_DER_SET = 0x31,
};

/* The tag that comes next; 0, which is none of ours, at the end or after a failure. */
uint8_t ratls_der_peek(const struct ratls_reader *r);
/* The content of the next element, of this tag; fails with any other, or beyond 65535 bytes. */
struct ratls_slice ratls_der_take(struct ratls_reader *r, uint8_t tag);
/* The same with its tag and length. */
struct ratls_slice ratls_der_take_whole(struct ratls_reader *r, uint8_t tag);
/* A positive INTEGER without its sign byte, in the shortest form. */
struct ratls_slice ratls_der_take_positive(struct ratls_reader *r);
/* The content of an OBJECT IDENTIFIER whose numbers are in the shortest form. */
struct ratls_slice ratls_der_take_oid(struct ratls_reader *r);
/* UTCTime or GeneralizedTime as RFC 5280, 4.1.2.5, has them: seconds since 1970 UTC. */
int64_t ratls_der_take_time(struct ratls_reader *r);

#endif
