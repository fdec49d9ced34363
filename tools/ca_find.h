/* What people name on the command line of `ratls ca`, looked up in the store. */
#ifndef RATLS_TOOL_CA_FIND_H
#define RATLS_TOOL_CA_FIND_H

#include "store.h"

#define RATLS_CA_DIGITS_MIN 8 /* of a hash or a number that is cut short */
/*
 * Of the hash of a request: who asks chooses it, and finds one with given first digits by trying.
 * 64 bits are too many for the days that a request waits.
 */
#define RATLS_CA_ID_DIGITS_MIN 16

/* A certificate, a name or a key. */
struct ratls_ca_thing {
    enum ratls_store_by by;
    uint8_t bytes[66]; /* serial, hash or Name */
    char name[256];    /* by name */
    size_t len;
};

struct ratls_slice ratls_ca_thing_value(const struct ratls_ca_thing *thing);

/*
 * "ek:HEX", "ak:HEX", "serial:HEX" or "name:NAME"; or a serial number or a name alone, if it is not
 * both. Digits may be cut short if only one certificate, or one key with certificates, begins so.
 * RATLS_USAGE for none, or several.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ca_find_thing(struct ratls_store *store, const char *text,
                                                       struct ratls_ca_thing *ret,
                                                       struct ratls_error *err);

/* A request that waits, by the first digits of its SHA-256; or any, by all of them. */
RATLS_MUST_CHECK enum ratls_status ratls_ca_find_asked(struct ratls_store *store, const char *text,
                                                       int64_t now, uint8_t ret_sha256[static 32],
                                                       struct ratls_error *err);

/* Whether a text is made of RATLS_CA_DIGITS_MIN or more hexadecimal digits alone. */
bool ratls_ca_is_digits(const char *text);

/* Whether the bytes, in hexadecimal, begin with the digits, of either case. */
bool ratls_ca_begins(struct ratls_slice bytes, const char *digits);

#endif
