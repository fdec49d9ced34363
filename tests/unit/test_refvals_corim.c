#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cbor.h"
#include "octets.h"
#include "refvals.h"

#define A8 "aaaaaaaaaaaaaaaa"
#define A32 A8 A8 A8 A8 /* bytes, in hex */
#define SHA256 "82 01 5820" A32
#define SHA384 "82 07 5830" A32 A8 A8
#define SHA512 "82 08 5840" A32 A32
#define PCR_7 "a1 07 81" SHA256

#define CORIM_MAX 2048

static void put_hex(struct ratls_writer *w, const char *hex)
{
    struct octets bytes = octets_from_hex(hex);

    ratls_write_bytes(w, octets_slice(bytes));
    free(bytes.p);
}

/* What stands around the registers, in hex. */
struct frame {
    const char *corim;  /* what follows the tag 501: a map, up to its tags */
    const char *comid;  /* 506, and a byte string; or a byte string with 506 in it */
    const char *triple; /* CoMID, up to the registers */
    const char *end;    /* members of the CoRIM behind the tags */
};

static const struct frame USUAL = {
    .corim = "d901f5 a2 00 6161 01 81",
    .comid = "d901fa",
    .triple = "a3 01 a1 00 6162 02 81 a2 00 6163 02 8100 04 a2 00 81 82 a1 00 a1 01 6441434d45"
              "81 a2 00 d86f 43 2a0304 01 a2 0b 6164 0e",
    .end = "",
};

/* The member behind the registers closes the maps of the CoMID: endorsed triples, passed over. */
static const char ENDORSED[] = "01 80";

static struct octets make_corim(const struct frame *frame, const char *registers)
{
    uint8_t inner[CORIM_MAX], bytes[CORIM_MAX];
    struct ratls_writer comid = ratls_writer(inner, sizeof inner);
    struct ratls_writer w = ratls_writer(bytes, sizeof bytes);

    put_hex(&comid, frame->triple);
    put_hex(&comid, registers);
    put_hex(&comid, ENDORSED);
    put_hex(&w, frame->corim);
    put_hex(&w, frame->comid);
    ratls_cbor_put_bytes(&w, ratls_writer_slice(&comid));
    put_hex(&w, frame->end);
    cr_assert_not(w.failed || comid.failed);
    return octets_copy(bytes, w.len);
}

static struct ratls_refvals *parse_good(struct octets corim)
{
    struct ratls_refvals *set = NULL;
    struct ratls_error err = {0};

    cr_assert_eq(ratls_refvals_parse("a.corim", octets_slice(corim), &set, &err), RATLS_OK, "%s",
                 err.text);
    free(corim.p);
    return set;
}

static void expect_allowed(const struct ratls_refvals *set, size_t len, const char *name)
{
    uint8_t digest[64];

    memset(digest, 0xaa, sizeof digest);
    cr_expect(ratls_refvals_allows(set, ratls_slice(digest, len), ratls_slice(name, strlen(name))),
              "%s", name);
}

Test(refvals_corim, integrity_registers)
{
    struct ratls_refvals *set = parse_good(
        make_corim(&USUAL, "a4 00 83" SHA256 SHA384 SHA512 "17 81 82 67 7368612d323536 5820" A32
                           "63 6d6972 81" SHA256 "07 83" SHA256 "82 0a 41aa 82 2f 41aa"));

    cr_expect_eq(ratls_refvals_count(set), 5);
    expect_allowed(set, 32, "pcr:0");
    expect_allowed(set, 48, "pcr:0");
    expect_allowed(set, 64, "pcr:0");
    expect_allowed(set, 32, "pcr:23");
    expect_allowed(set, 32, "pcr:7");
    cr_expect_str_eq(ratls_refvals_unused(set), "digests of other algorithms (2), "
                                                "integrity registers without a number (1)");
    ratls_refvals_free(set);
}

/* As drafts before 08 and the tools for them write it: 506 is inside of the byte string. */
Test(refvals_corim, tag_inside)
{
    struct frame frame = USUAL;
    struct ratls_refvals *set;

    frame.comid = "";
    frame.triple = "d901fa a1 04 a2 00 81 82 a0 81 a1 01 a1 0e";
    set = parse_good(make_corim(&frame, PCR_7));
    cr_expect_eq(ratls_refvals_count(set), 1);
    expect_allowed(set, 32, "pcr:7");
    cr_expect_str_eq(ratls_refvals_unused(set), "");
    ratls_refvals_free(set);
}

Test(refvals_corim, other_tags_are_passed_over)
{
    struct frame frame = USUAL;
    struct ratls_refvals *set;

    frame.corim = "d901f5 a2 00 6161 01 83 d901f9 43 a10001 44 d901fc 80";
    set = parse_good(make_corim(&frame, PCR_7));
    cr_expect_eq(ratls_refvals_count(set), 1);
    cr_expect_str_eq(ratls_refvals_unused(set), "tags other than CoMID (2)");
    ratls_refvals_free(set);
}

static void expect_refused(struct octets corim, const char *error)
{
    struct ratls_refvals *set = NULL;
    struct ratls_error err = {0};

    cr_expect_eq(ratls_refvals_parse("a.corim", octets_slice(corim), &set, &err), RATLS_USAGE, "%s",
                 error);
    cr_expect_str_eq(err.text, error);
    cr_expect_null(set);
    free(corim.p);
}

static const char FORM[] =
    "a.corim: not a CoRIM (draft-ietf-rats-corim), or not in deterministic CBOR";
static const char NOTHING[] = "a.corim: CoRIM: no integrity register of SHA-256, SHA-384 or "
                              "SHA-512 in its reference triples";

Test(refvals_corim, registers_that_are_refused)
{
    static const struct {
        const char *registers;
        const char *error;
    } cases[] = {
        {"a1 18 18 81" SHA256, "a.corim: CoRIM: an integrity register above 23 is no PCR"},
        {"a2 07 81" SHA256 "07 81" SHA384,
         "a.corim: CoRIM: an integrity register stands twice in a map"},
        {"a1 07 81 82 01 5830" A32 A8 A8,
         "a.corim: CoRIM: a digest is not as long as those of its algorithm"},
        {"a1 07 81 82 07 5820" A32,
         "a.corim: CoRIM: a digest is not as long as those of its algorithm"},
        {"a1 07 81 82 0a 41aa", NOTHING},
        {"a1 6161 81" SHA256, NOTHING},
        {"a1 07 80", FORM},
        {"a0", FORM},
        {"a1 07 81 83 01 5820" A32 "00", FORM},
        {"a1 07 9f" SHA256 "ff", FORM},
        {"a1 18 07 81" SHA256, FORM},
        {"bb ffffffffffffffff 07 81" SHA256, FORM},
        {"a1 07 9b ffffffffffffffff" SHA256, FORM},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_refused(make_corim(&USUAL, cases[i].registers), cases[i].error);
}

static void expect_frame_refused(struct frame frame, const char *error)
{
    expect_refused(make_corim(&frame, PCR_7), error);
}

Test(refvals_corim, frames_that_are_refused)
{
    struct frame frame = USUAL;

    frame.corim = "d2 84 40 a0";
    expect_frame_refused(frame, "a.corim: CoRIM: signed (COSE_Sign1): check the signature, and "
                                "give what was signed");
    frame.corim = "d901f6 a2 00 6161 01 81";
    expect_frame_refused(frame, "a.corim: CoRIM: its CBOR does not begin with the tag 501");
    frame.corim = "d901f5 a3 00 6161 03 d8206161 01 81";
    expect_frame_refused(frame, "a.corim: CoRIM: it has a profile, and none is known here");
    frame.corim = "d901f5 a3 00 6161 01 81 d901f9 40 01 81";
    expect_frame_refused(frame, "a.corim: CoRIM: a key stands twice in a map");
    frame = USUAL;
    frame.end = "00";
    expect_frame_refused(frame, FORM);
    frame = USUAL;
    frame.triple = "a1 04 a2 00 81 82 a0 81 a1 01 a2 0e a0 0e";
    expect_frame_refused(frame, FORM);
}

/* A CoRIM with a validity, from and until so many seconds from now. */
static struct octets make_valid(long from, long until)
{
    struct frame frame = USUAL;
    char end[80];
    long now = (long)time(NULL);

    frame.corim = "d901f5 a3 00 6161 01 81";
    snprintf(end, sizeof end, "04 a2 00 c1 1b %016lx 01 c1 1a %08lx", now + from, now + until);
    if (now + from <= UINT32_MAX)
        snprintf(end, sizeof end, "04 a2 00 c1 1a %08lx 01 c1 1a %08lx", now + from, now + until);
    frame.end = end;
    return make_corim(&frame, PCR_7);
}

Test(refvals_corim, validity)
{
    struct frame frame = USUAL;

    ratls_refvals_free(parse_good(make_valid(-100, 1000)));
    expect_refused(make_valid(-200, -100), "a.corim: CoRIM: it is not valid any more");
    expect_refused(make_valid(1000, 2000), "a.corim: CoRIM: it is not valid yet");
    frame.corim = "d901f5 a3 00 6161 01 81";
    frame.end = "04 a1 01 c1 fb 4210000000000000"; /* a floating-point number */
    expect_frame_refused(frame, "a.corim: CoRIM: its validity is not in seconds since 1970");
}

/* Every prefix, and one byte more. */
static bool accepts(struct ratls_slice in)
{
    struct ratls_refvals *set = NULL;
    bool is_good = in.len > 0 && ratls_refvals_parse("a.corim", in, &set, NULL) == RATLS_OK;

    ratls_refvals_free(set);
    return is_good;
}

Test(refvals_corim, only_whole)
{
    struct octets corim = make_corim(&USUAL, PCR_7);

    assert_only_whole(octets_slice(corim), accepts);
    free(corim.p);
}
