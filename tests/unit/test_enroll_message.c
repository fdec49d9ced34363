/* The messages of an enrolment: what is read and written, and at which limits (WIRE.md, 14). */
#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>

#include "cbor.h"
#include "enroll_message.h"
#include "enroll_scene.h"
#include "octets.h"

#define ITEMS_MAX 20

/* ---- messages as they should be or not, written without any limit ---- */

static uint8_t filler[16384];

static struct ratls_slice bytes_of(size_t len)
{
    cr_assert_leq(len, sizeof filler);
    return ratls_slice(filler, len);
}

/* Ascending. */
static struct ratls_slice name_of(size_t number)
{
    static char names[ITEMS_MAX][4];

    cr_assert_lt(number, ITEMS_MAX);
    snprintf(names[number], sizeof names[number], "a%02u", (unsigned)number % 100);
    return ratls_slice(names[number], 3);
}

static void put_text(struct ratls_writer *w, const char *text)
{
    ratls_cbor_put_text(w, ratls_slice(text, strlen(text)));
}

/* Numbers of items and lengths, all of them. */
struct spec {
    size_t items, nonce, names, ek_template, ek_public, certificates, certificate;
    size_t ak_public, token_items, token_id, token_mac;
    size_t id, sha256, expires, blob, secret, mac, attest, signature;
};

static const struct spec good_request = {.items = 8,
                                         .nonce = 32,
                                         .names = 1,
                                         .ek_template = 1,
                                         .ek_public = 3,
                                         .certificates = 1,
                                         .certificate = 3,
                                         .ak_public = 3,
                                         .token_items = 2,
                                         .token_id = 8,
                                         .token_mac = 32};
static const struct spec good_challenge = {
    .items = 6, .id = 16, .sha256 = 32, .expires = 7, .blob = 3, .secret = 3};
static const struct spec good_answer = {
    .items = 5, .id = 16, .mac = 32, .attest = 3, .signature = 3};
static const struct spec good_result = {.items = 3, .id = 16, .certificates = 1, .certificate = 3};

static void put_certificates(struct ratls_writer *w, const struct spec *s)
{
    ratls_cbor_put_array(w, s->certificates);
    for (size_t i = 0; i < s->certificates; i++)
        ratls_cbor_put_bytes(w, bytes_of(s->certificate));
}

static void put_request(struct ratls_writer *w, const struct spec *s)
{
    ratls_cbor_put_array(w, s->items);
    put_text(w, "ratls-enroll-request-1");
    ratls_cbor_put_bytes(w, bytes_of(s->nonce));
    ratls_cbor_put_array(w, s->names);
    for (size_t i = 0; i < s->names; i++)
        ratls_cbor_put_text(w, name_of(i));
    ratls_cbor_put_uint(w, s->ek_template);
    ratls_cbor_put_bytes(w, bytes_of(s->ek_public));
    put_certificates(w, s);
    ratls_cbor_put_bytes(w, bytes_of(s->ak_public));
    ratls_cbor_put_array(w, s->token_items);
    for (size_t i = 0; i < s->token_items; i++)
        ratls_cbor_put_bytes(w, bytes_of(i == 0 ? s->token_id : s->token_mac));
}

static void put_challenge(struct ratls_writer *w, const struct spec *s)
{
    ratls_cbor_put_array(w, s->items);
    put_text(w, "ratls-enroll-challenge-1");
    ratls_cbor_put_bytes(w, bytes_of(s->id));
    ratls_cbor_put_bytes(w, bytes_of(s->sha256));
    ratls_cbor_put_uint(w, s->expires);
    ratls_cbor_put_bytes(w, bytes_of(s->blob));
    ratls_cbor_put_bytes(w, bytes_of(s->secret));
}

static void put_answer(struct ratls_writer *w, const struct spec *s)
{
    ratls_cbor_put_array(w, s->items);
    put_text(w, "ratls-enroll-answer-1");
    ratls_cbor_put_bytes(w, bytes_of(s->id));
    ratls_cbor_put_bytes(w, bytes_of(s->mac));
    ratls_cbor_put_bytes(w, bytes_of(s->attest));
    ratls_cbor_put_bytes(w, bytes_of(s->signature));
}

static void put_result(struct ratls_writer *w, const struct spec *s)
{
    ratls_cbor_put_array(w, s->items);
    put_text(w, "ratls-enroll-result-1");
    ratls_cbor_put_bytes(w, bytes_of(s->id));
    put_certificates(w, s);
}

/* ---- the same as values, for the writers ---- */

static void write_request(struct ratls_writer *w, const struct spec *s)
{
    struct ratls_enroll_request request = {
        .nonce = bytes_of(s->nonce),
        .name_count = s->names,
        .ek_template = (unsigned)s->ek_template,
        .ek_public = bytes_of(s->ek_public),
        .ek_certificate_count = s->certificates,
        .ak_public = bytes_of(s->ak_public),
        .token_id = bytes_of(s->token_id),
        .token_mac = bytes_of(s->token_mac),
    };

    for (size_t i = 0; i < RATLS_ENROLL_NAMES_MAX; i++)
        request.names[i] = name_of(i);
    for (size_t i = 0; i < RATLS_ENROLL_EK_CERTIFICATES_MAX; i++)
        request.ek_certificates[i] = bytes_of(s->certificate);
    ratls_enroll_request_write(&request, w);
}

static void write_challenge(struct ratls_writer *w, const struct spec *s)
{
    const struct ratls_enroll_challenge challenge = {
        .id = bytes_of(s->id),
        .request_sha256 = bytes_of(s->sha256),
        .expires = s->expires,
        .credential_blob = bytes_of(s->blob),
        .encrypted_secret = bytes_of(s->secret),
    };

    ratls_enroll_challenge_write(&challenge, w);
}

static void write_answer(struct ratls_writer *w, const struct spec *s)
{
    const struct ratls_enroll_answer answer = {
        .id = bytes_of(s->id),
        .mac = bytes_of(s->mac),
        .attest = bytes_of(s->attest),
        .signature = bytes_of(s->signature),
    };

    ratls_enroll_answer_write(&answer, w);
}

static void write_result(struct ratls_writer *w, const struct spec *s)
{
    struct ratls_enroll_result result = {.id = bytes_of(s->id),
                                         .certificate_count = s->certificates};

    for (size_t i = 0; i < RATLS_ENROLL_CERTIFICATES_MAX; i++)
        result.certificates[i] = bytes_of(s->certificate);
    ratls_enroll_result_write(&result, w);
}

static const struct {
    const struct spec *good;
    void (*put)(struct ratls_writer *w, const struct spec *s);
    void (*write)(struct ratls_writer *w, const struct spec *s);
} kinds[ENROLL_KINDS] = {
    {&good_request, put_request, write_request},
    {&good_challenge, put_challenge, write_challenge},
    {&good_answer, put_answer, write_answer},
    {&good_result, put_result, write_result},
};

/* ---- limits ---- */

#define FIELD(name) #name, offsetof(struct spec, name)

static const struct row {
    int kind;
    const char *name;
    size_t offset;
    size_t least, most;
} limits[] = {
    {ENROLL_REQUEST, FIELD(nonce), 32, 32},       {ENROLL_REQUEST, FIELD(names), 1, 16},
    {ENROLL_REQUEST, FIELD(ek_template), 1, 8},   {ENROLL_REQUEST, FIELD(ek_public), 1, 1024},
    {ENROLL_REQUEST, FIELD(certificates), 1, 8},  {ENROLL_REQUEST, FIELD(certificate), 1, 8192},
    {ENROLL_REQUEST, FIELD(ak_public), 1, 1024},  {ENROLL_REQUEST, FIELD(token_id), 8, 8},
    {ENROLL_REQUEST, FIELD(token_mac), 32, 32},   {ENROLL_CHALLENGE, FIELD(id), 16, 16},
    {ENROLL_CHALLENGE, FIELD(sha256), 32, 32},    {ENROLL_CHALLENGE, FIELD(expires), 0, SIZE_MAX},
    {ENROLL_CHALLENGE, FIELD(blob), 1, 256},      {ENROLL_CHALLENGE, FIELD(secret), 1, 1024},
    {ENROLL_ANSWER, FIELD(id), 16, 16},           {ENROLL_ANSWER, FIELD(mac), 32, 32},
    {ENROLL_ANSWER, FIELD(attest), 1, 1024},      {ENROLL_ANSWER, FIELD(signature), 1, 1024},
    {ENROLL_RESULT, FIELD(id), 16, 16},           {ENROLL_RESULT, FIELD(certificates), 1, 3},
    {ENROLL_RESULT, FIELD(certificate), 1, 8192},
};

/* Asserts what the reader and the writer make of a message with one value replaced. */
static void expect_limit(const struct row *row, size_t value, bool is_allowed)
{
    static uint8_t loose[ENROLL_ROOM], strict[ENROLL_ROOM];
    struct ratls_writer w = ratls_writer(loose, sizeof loose);
    struct ratls_writer written = ratls_writer(strict, sizeof strict);
    struct spec spec = *kinds[row->kind].good;
    struct octets in;

    memcpy((char *)&spec + row->offset, &value, sizeof value);
    kinds[row->kind].put(&w, &spec);
    cr_assert_not(w.failed);
    in = octets_copy(w.p, w.len);
    cr_expect_eq(enroll_is_taken(row->kind, octets_slice(in)), is_allowed, "%d: %s of %zu: read",
                 row->kind, row->name, value);
    kinds[row->kind].write(&written, &spec);
    cr_expect_eq(!written.failed, is_allowed, "%d: %s of %zu: written", row->kind, row->name,
                 value);
    if (is_allowed)
        cr_expect(ratls_slice_equal(ratls_writer_slice(&written), octets_slice(in)), "%d: %s",
                  row->kind, row->name);
    free(in.p);
}

Test(enroll_message, each_field_at_its_least_and_most)
{
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        const struct row *row = &limits[i];

        expect_limit(row, row->least, true);
        expect_limit(row, row->most, true);
        if (row->least > 0)
            expect_limit(row, row->least - 1, false);
        if (row->most < SIZE_MAX)
            expect_limit(row, row->most + 1, false);
    }
}

Test(enroll_message, template_numbers_that_would_be_cut)
{
    static uint8_t out[ENROLL_ROOM];

    for (int bits = 8; bits < 64; bits += 8) {
        struct ratls_writer w = ratls_writer(out, sizeof out);
        struct spec spec = good_request;

        spec.ek_template = (size_t)1 << bits | 1;
        put_request(&w, &spec);
        cr_expect_not(enroll_is_taken(ENROLL_REQUEST, ratls_writer_slice(&w)), "%d bits", bits);
    }
}

/* A request with its certificates so long that it has just the allowed length; and one byte more.
 */
Test(enroll_message, a_whole_request_at_its_most)
{
    struct spec spec = good_request;
    static uint8_t loose[ENROLL_ROOM], strict[ENROLL_ROOM];
    bool is_met = false;
    size_t len;

    spec.certificates = 4;
    spec.certificate = 8100;
    for (spec.ek_public = 100; spec.ek_public < 600; spec.ek_public++) {
        struct ratls_writer w = ratls_writer(loose, sizeof loose);
        struct ratls_writer written = ratls_writer(strict, sizeof strict);

        put_request(&w, &spec);
        len = w.len;
        is_met = is_met || len == RATLS_ENROLL_REQUEST_MAX;
        cr_expect_eq(enroll_is_taken(ENROLL_REQUEST, ratls_writer_slice(&w)),
                     len <= RATLS_ENROLL_REQUEST_MAX, "%zu bytes", len);
        ratls_write_u8(&written, 0); /* what is there before does not count */
        write_request(&written, &spec);
        cr_expect_eq(written.failed, len > RATLS_ENROLL_REQUEST_MAX, "%zu bytes", len);
    }
    cr_expect(is_met && len > RATLS_ENROLL_REQUEST_MAX);
}
