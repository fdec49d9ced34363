#include "ak_certificate.h"

#include <string.h>
#include <strings.h>

#include "der.h"

#define CERTIFICATE_MAX 8192 /* WIRE.md, 6 */
#define SERIAL_MAX 20        /* RFC 5280, 4.1.2.2 */
#define SCALAR_MAX 66        /* P-521 */
#define TAG_VERSION 0xa0
#define TAG_EXTENSIONS 0xa3
#define TAG_KEY_ID 0x80     /* of AuthorityKeyIdentifier */
#define TAG_POINT_NAME 0xa0 /* of DistributionPoint, and fullName in it */
#define TAG_DNS_NAME 0x82   /* of GeneralName */
#define TAG_URI 0x86
#define TAG_IP_ADDRESS 0x87
#define KEY_USAGE_SIGN 0x80 /* digitalSignature: the first bit */
#define KEY_USAGE_CERT_SIGN 0x04

/* Certificate, 4.1.1.2: AlgorithmIdentifier of ecdsa-with-SHA256 (RFC 5758, 3.2), whole. */
static const uint8_t ecdsa_with_sha256[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                            0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
static const uint8_t version_3[] = {RATLS_DER_INTEGER, 1, 2};
static const uint8_t no_ca[] = {RATLS_DER_SEQUENCE, 0};
/* SEQUENCE of 2.23.133.8.3. */
static const uint8_t aik_usage[] = {0x30, 0x07, 0x06, 0x05, 0x67, 0x81, 0x05, 0x08, 0x03};

#define SLICE_OF(array) ratls_slice(array, sizeof(array))

static void expect_bytes(struct ratls_reader *r, struct ratls_slice expected,
                         struct ratls_slice actual)
{
    if (!ratls_slice_equal(expected, actual))
        r->failed = true;
}

static bool is_printable(struct ratls_slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.p[i] < 0x20 || text.p[i] > 0x7e)
            return false;
    return text.len > 0;
}

/* AttributeTypeAndValue (4.1.2.4): a text that is the same in every encoding. */
static void read_attribute(struct ratls_reader *r)
{
    struct ratls_reader attribute = ratls_reader(ratls_der_take(r, RATLS_DER_SEQUENCE));
    uint8_t tag;

    ratls_der_take_oid(&attribute);
    tag = ratls_der_peek(&attribute);
    if (tag != RATLS_DER_UTF8_STRING && tag != RATLS_DER_PRINTABLE_STRING &&
        tag != RATLS_DER_IA5_STRING)
        r->failed = true;
    if (!is_printable(ratls_der_take(&attribute, tag)) || !ratls_reader_done(&attribute))
        r->failed = true;
}

/* Name, of one attribute in each RelativeDistinguishedName: not empty. */
static void read_subject(struct ratls_reader *r)
{
    struct ratls_reader name = ratls_reader(ratls_der_take(r, RATLS_DER_SEQUENCE));

    do {
        struct ratls_reader set = ratls_reader(ratls_der_take(&name, RATLS_DER_SET));

        read_attribute(&set);
        if (!ratls_reader_done(&set))
            name.failed = true;
    } while (!name.failed && name.rest.len > 0);
    if (name.failed)
        r->failed = true;
}

/* ---- extensions: each reads its extnValue ---- */

typedef void read_extension(struct ratls_reader *r, struct ratls_ak_certificate *ret);

static void read_basic_constraints(struct ratls_reader *r, struct ratls_ak_certificate *ret)
{
    (void)ret;
    expect_bytes(r, SLICE_OF(no_ca), ratls_der_take_whole(r, RATLS_DER_SEQUENCE));
}

/* A named bit list of one byte (X.690, 11.2.2): the bits behind the last that is set are unused. */
static void read_key_usage(struct ratls_reader *r, struct ratls_ak_certificate *ret)
{
    struct ratls_reader bits = ratls_reader(ratls_der_take(r, RATLS_DER_BIT_STRING));
    const uint8_t unused = ratls_read_u8(&bits);
    const uint8_t usage = ratls_read_u8(&bits);

    (void)ret;
    if (!ratls_reader_done(&bits) || (usage & KEY_USAGE_SIGN) == 0 ||
        (usage & KEY_USAGE_CERT_SIGN) != 0 || unused != __builtin_ctz(usage))
        r->failed = true;
}

static void read_extended_usage(struct ratls_reader *r, struct ratls_ak_certificate *ret)
{
    (void)ret;
    expect_bytes(r, SLICE_OF(aik_usage), ratls_der_take_whole(r, RATLS_DER_SEQUENCE));
}

/* One GeneralName; its tag is returned. */
static uint8_t read_general_name(struct ratls_reader *r, struct ratls_slice *ret_name)
{
    const uint8_t tag = ratls_der_peek(r);
    const struct ratls_slice name = ratls_der_take(r, tag);

    if (tag == TAG_DNS_NAME ? !is_printable(name)
                            : tag != TAG_IP_ADDRESS || (name.len != 4 && name.len != 16))
        r->failed = true;
    *ret_name = name;
    return tag;
}

static void read_names(struct ratls_reader *r, struct ratls_ak_certificate *ret)
{
    struct ratls_reader names = ratls_reader(ratls_der_take(r, RATLS_DER_SEQUENCE));
    struct ratls_slice name;

    ret->names = names.rest;
    do
        read_general_name(&names, &name);
    while (!names.failed && names.rest.len > 0);
    if (names.failed)
        r->failed = true;
}

static void read_issuer_key_id(struct ratls_reader *r, struct ratls_ak_certificate *ret)
{
    struct ratls_reader ids = ratls_reader(ratls_der_take(r, RATLS_DER_SEQUENCE));

    ret->issuer_key_id = ratls_der_take(&ids, TAG_KEY_ID);
    if (!ratls_reader_done(&ids) || ret->issuer_key_id.len == 0)
        r->failed = true;
}

static void read_key_id(struct ratls_reader *r, struct ratls_ak_certificate *ret)
{
    ret->key_id = ratls_der_take(r, RATLS_DER_OCTET_STRING);
    if (ret->key_id.len == 0)
        r->failed = true;
}

/*
 * CRLDistributionPoints (4.2.1.13) of one point with one URI. Where a list is does not concern the
 * chain: which list counts says the policy. But OpenSSL refuses what has no such form.
 */
static void read_list_place(struct ratls_reader *r, struct ratls_ak_certificate *ret)
{
    struct ratls_reader points = ratls_reader(ratls_der_take(r, RATLS_DER_SEQUENCE));
    struct ratls_reader point = ratls_reader(ratls_der_take(&points, RATLS_DER_SEQUENCE));
    struct ratls_reader name = ratls_reader(ratls_der_take(&point, TAG_POINT_NAME));
    struct ratls_reader full_name = ratls_reader(ratls_der_take(&name, TAG_POINT_NAME));

    (void)ret;
    if (!is_printable(ratls_der_take(&full_name, TAG_URI)) || !ratls_reader_done(&full_name) ||
        !ratls_reader_done(&name) || !ratls_reader_done(&point) || !ratls_reader_done(&points))
        r->failed = true;
}

/* All are in the arc 2.5.29 (id-ce): 55 1d and this byte. All but the last must be there. */
static const struct {
    uint8_t last;
    bool may_be_critical;
    read_extension *read;
} extensions[] = {
    {19, true, read_basic_constraints}, {15, true, read_key_usage},
    {37, true, read_extended_usage},    {17, true, read_names},
    {35, false, read_issuer_key_id},    {14, false, read_key_id},
    {31, false, read_list_place},
};

#define EXTENSION_COUNT (sizeof extensions / sizeof extensions[0])
#define REQUIRED_BITS ((1u << (EXTENSION_COUNT - 1)) - 1)

/* Its place in the table; EXTENSION_COUNT: another one. */
static size_t find_extension(struct ratls_slice oid)
{
    size_t i = 0;

    if (oid.len != 3 || oid.p[0] != 0x55 || oid.p[1] != 0x1d)
        return EXTENSION_COUNT;
    while (i < EXTENSION_COUNT && extensions[i].last != oid.p[2])
        i++;
    return i;
}

/* Returns the extension's bit, 0 if it is one that has no place here. */
static unsigned read_one_extension(struct ratls_reader *r, struct ratls_ak_certificate *ret)
{
    struct ratls_reader extension = ratls_reader(ratls_der_take(r, RATLS_DER_SEQUENCE));
    const size_t i = find_extension(ratls_der_take_oid(&extension));
    const bool is_critical = ratls_der_peek(&extension) == RATLS_DER_BOOLEAN;
    struct ratls_reader value;

    if (is_critical) /* FALSE is left out, for it is the default (X.690, 11.5) */
        expect_bytes(r, ratls_slice("\xff", 1), ratls_der_take(&extension, RATLS_DER_BOOLEAN));
    value = ratls_reader(ratls_der_take(&extension, RATLS_DER_OCTET_STRING));
    if (!ratls_reader_done(&extension) || i == EXTENSION_COUNT ||
        (is_critical && !extensions[i].may_be_critical)) {
        r->failed = true;
        return 0;
    }
    extensions[i].read(&value, ret);
    if (!ratls_reader_done(&value))
        r->failed = true;
    return 1u << i;
}

static void read_extensions(struct ratls_reader *r, struct ratls_ak_certificate *ret)
{
    struct ratls_reader outer = ratls_reader(ratls_der_take(r, TAG_EXTENSIONS));
    struct ratls_reader list = ratls_reader(ratls_der_take(&outer, RATLS_DER_SEQUENCE));
    unsigned seen = 0;

    if (!ratls_reader_done(&outer))
        r->failed = true;
    while (!list.failed && list.rest.len > 0) {
        const unsigned bit = read_one_extension(&list, ret);

        if ((seen & bit) != 0)
            list.failed = true;
        seen |= bit;
    }
    /* By equal identifiers and names, which are not read here, it would be self-signed. */
    if (list.failed || (seen & REQUIRED_BITS) != REQUIRED_BITS ||
        ratls_slice_equal(ret->key_id, ret->issuer_key_id))
        r->failed = true;
}

/* TBSCertificate (4.1.2), without the unique identifiers that nobody should have (4.1.2.8). */
static void read_tbs(struct ratls_reader *r, struct ratls_ak_certificate *ret)
{
    struct ratls_reader validity;

    expect_bytes(r, SLICE_OF(version_3), ratls_der_take(r, TAG_VERSION));
    if (ratls_der_take_positive(r).len > SERIAL_MAX)
        r->failed = true;
    expect_bytes(r, SLICE_OF(ecdsa_with_sha256), ratls_der_take_whole(r, RATLS_DER_SEQUENCE));
    ret->issuer = ratls_der_take_whole(r, RATLS_DER_SEQUENCE);
    validity = ratls_reader(ratls_der_take(r, RATLS_DER_SEQUENCE));
    ret->not_before = ratls_der_take_time(&validity);
    ret->not_after = ratls_der_take_time(&validity);
    if (!ratls_reader_done(&validity))
        r->failed = true;
    read_subject(r);
    ret->spki = ratls_der_take_whole(r, RATLS_DER_SEQUENCE);
    read_extensions(r, ret);
}

/* ECDSA-Sig-Value (RFC 3279, 2.2.3). */
static void read_signature(struct ratls_reader *r, struct ratls_ak_certificate *ret)
{
    struct ratls_reader bits = ratls_reader(ratls_der_take(r, RATLS_DER_BIT_STRING));
    const uint8_t unused = ratls_read_u8(&bits);
    struct ratls_reader pair = ratls_reader(ratls_der_take(&bits, RATLS_DER_SEQUENCE));

    ret->r = ratls_der_take_positive(&pair);
    ret->s = ratls_der_take_positive(&pair);
    if (unused != 0 || !ratls_reader_done(&bits) || !ratls_reader_done(&pair) ||
        ret->r.len > SCALAR_MAX || ret->s.len > SCALAR_MAX)
        r->failed = true;
}

bool ratls_ak_certificate_read(struct ratls_slice der, struct ratls_ak_certificate *ret)
{
    struct ratls_ak_certificate certificate = {.tbs = {NULL, 0}};
    struct ratls_reader whole = ratls_reader(der);
    struct ratls_reader r = ratls_reader(ratls_der_take(&whole, RATLS_DER_SEQUENCE));
    struct ratls_reader tbs = r;

    certificate.tbs = ratls_der_take_whole(&r, RATLS_DER_SEQUENCE);
    tbs = ratls_reader(ratls_der_take(&tbs, RATLS_DER_SEQUENCE));
    read_tbs(&tbs, &certificate);
    expect_bytes(&r, SLICE_OF(ecdsa_with_sha256), ratls_der_take_whole(&r, RATLS_DER_SEQUENCE));
    read_signature(&r, &certificate);
    if (der.len > CERTIFICATE_MAX || !ratls_reader_done(&whole) || !ratls_reader_done(&r) ||
        !ratls_reader_done(&tbs))
        return false;
    *ret = certificate;
    return true;
}

/*
 * False for all that a2i_IPADDRESS(3) might take for an address, which has digits alone or a colon,
 * and for what X509_check_host(3) takes for all names of a domain, or for none.
 */
static bool is_compared_as_text(const char *name)
{
    bool has_letter = false;

    for (const char *p = name; *p != '\0'; p++) {
        if (*p <= ' ' || *p > '~' || *p == ':')
            return false;
        has_letter = has_letter || (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');
    }
    return has_letter && name[0] != '.';
}

bool ratls_ak_certificate_has_name(const struct ratls_ak_certificate *certificate, const char *name)
{
    struct ratls_reader names = ratls_reader(certificate->names);
    const size_t len = strlen(name);

    if (!is_compared_as_text(name))
        return false;
    while (!names.failed && names.rest.len > 0) {
        struct ratls_slice one;

        if (read_general_name(&names, &one) == TAG_DNS_NAME && one.len == len &&
            strncasecmp((const char *)one.p, name, len) == 0)
            return !names.failed;
    }
    return false;
}
