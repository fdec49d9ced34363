#include "der.h"

#include <string.h>
#include <time.h>

#define UTC_TIME_LEN 13         /* YYMMDDHHMMSSZ */
#define GENERALIZED_TIME_LEN 15 /* YYYYMMDDHHMMSSZ */
#define CENTURY 100
#define FIRST_UTC_YEAR 50 /* RFC 5280, 4.1.2.5.1: 50 is 1950, 49 is 2049 */
#define TM_YEAR_BASE 1900

/* X.690, 10.1: the shortest form, here of at most three bytes. */
static size_t read_length(struct ratls_reader *r)
{
    uint8_t first = ratls_read_u8(r);
    size_t length = first;
    size_t shortest = 0; /* that needs this form */

    if (first == 0x81) {
        length = ratls_read_u8(r);
        shortest = 0x80;
    } else if (first == 0x82) {
        length = ratls_read_u16(r);
        shortest = 0x100;
    } else if (first >= 0x80) {
        r->failed = true;
    }
    if (length < shortest)
        r->failed = true;
    return length;
}

uint8_t ratls_der_peek(const struct ratls_reader *r)
{
    return r->failed || r->rest.len == 0 ? 0 : r->rest.p[0];
}

struct ratls_slice ratls_der_take(struct ratls_reader *r, uint8_t tag)
{
    if (ratls_read_u8(r) != tag)
        r->failed = true;
    return ratls_read_bytes(r, read_length(r));
}

struct ratls_slice ratls_der_take_whole(struct ratls_reader *r, uint8_t tag)
{
    const struct ratls_slice before = r->rest;

    ratls_der_take(r, tag);
    return r->failed ? ratls_slice(NULL, 0) : ratls_slice(before.p, before.len - r->rest.len);
}

struct ratls_slice ratls_der_take_positive(struct ratls_reader *r)
{
    struct ratls_reader digits = ratls_reader(ratls_der_take(r, RATLS_DER_INTEGER));
    const struct ratls_slice all = digits.rest;
    const bool has_sign = ratls_read_u8(&digits) == 0 && all.len > 1;

    if (all.len == 0 || (all.p[0] & 0x80) != 0 || (has_sign && (digits.rest.p[0] & 0x80) == 0))
        r->failed = true;
    if (r->failed)
        return ratls_slice(NULL, 0);
    return has_sign ? digits.rest : all;
}

/* X.690, 8.19.2: seven bits a byte, the last without the high bit, none of the first zero. */
struct ratls_slice ratls_der_take_oid(struct ratls_reader *r)
{
    const struct ratls_slice oid = ratls_der_take(r, RATLS_DER_OID);
    bool begins = true;

    for (size_t i = 0; i < oid.len; i++) {
        if (begins && oid.p[i] == 0x80)
            r->failed = true;
        begins = (oid.p[i] & 0x80) == 0;
    }
    if (oid.len == 0 || !begins)
        r->failed = true;
    return oid;
}

static int read_digits(struct ratls_reader *r, size_t count)
{
    int value = 0;

    for (size_t i = 0; i < count; i++) {
        const uint8_t digit = ratls_read_u8(r);

        if (digit < '0' || digit > '9')
            r->failed = true;
        value = 10 * value + digit - '0';
    }
    return value;
}

static int read_year(struct ratls_reader *r, size_t len)
{
    int year;

    if (len == GENERALIZED_TIME_LEN)
        return read_digits(r, 4);
    year = read_digits(r, 2);
    return TM_YEAR_BASE + year + (year < FIRST_UTC_YEAR ? CENTURY : 0);
}

int64_t ratls_der_take_time(struct ratls_reader *r)
{
    const bool is_utc = ratls_der_peek(r) == RATLS_DER_UTC_TIME;
    const struct ratls_slice text =
        ratls_der_take(r, is_utc ? RATLS_DER_UTC_TIME : RATLS_DER_GENERALIZED_TIME);
    struct ratls_reader digits = ratls_reader(text);
    struct tm tm = {.tm_year = read_year(&digits, text.len) - TM_YEAR_BASE};
    struct tm given;
    int64_t time;

    tm.tm_mon = read_digits(&digits, 2) - 1;
    tm.tm_mday = read_digits(&digits, 2);
    tm.tm_hour = read_digits(&digits, 2);
    tm.tm_min = read_digits(&digits, 2);
    tm.tm_sec = read_digits(&digits, 2);
    if (text.len != (is_utc ? UTC_TIME_LEN : GENERALIZED_TIME_LEN) ||
        ratls_read_u8(&digits) != 'Z' || !ratls_reader_done(&digits))
        r->failed = true;
    given = tm;
    time = timegm(&tm); /* makes the 30th of February one of March */
    if (tm.tm_mon != given.tm_mon || tm.tm_mday != given.tm_mday || tm.tm_hour != given.tm_hour ||
        tm.tm_min != given.tm_min || tm.tm_sec != given.tm_sec)
        r->failed = true;
    return time;
}
