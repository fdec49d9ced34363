/*
 * CoRIM (draft-ietf-rats-corim): PCR values, as the integrity registers of reference triples.
 * Which machine they are for (the environment) is not compared: that is said by who names the file
 * in a policy.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "cbor.h"
#include "fail.h"
#include "refvals_import.h"
#include "tpm_wire.h"

enum {
    TAG_EPOCH = 1, /* RFC 8949, 3.4.2 */
    TAG_UNSIGNED_CORIM = 501,
    TAG_COMID = 506,
};

#define COSE_SIGN1 0xd2 /* RFC 9052, 2: the tag 18 */
#define SKIPPED UINT64_MAX
#define PCR_NAME_MAX 16

struct corim {
    struct ratls_refvals_input *input;
    struct ratls_error *err;
    enum ratls_status status;
    uint64_t pcr;
    size_t other_algorithms;
    size_t other_registers;
    size_t other_tags;
};

/* Reads one item, or a sequence of them; the cursor or corim->status says whether it could. */
typedef void read_item(struct corim *corim, struct ratls_cbor *c);

struct member {
    uint64_t key; /* below 32 */
    read_item *read;
};

static void fail_corim(struct corim *corim, struct ratls_cbor *c, const char *why)
{
    c->failed = true;
    if (corim->status == RATLS_OK)
        corim->status =
            ratls_fail(corim->err, RATLS_USAGE, "%s: CoRIM: %s", corim->input->path, why);
}

static uint64_t take_key(struct ratls_cbor *c)
{
    if (ratls_cbor_peek(c) == RATLS_CBOR_UINT)
        return ratls_cbor_uint(c, SKIPPED - 1);
    ratls_cbor_skip(c); /* of an extension: a negative number, or text */
    return SKIPPED;
}

/* A map of which some members are read, and the others passed over. */
static void read_map(struct corim *corim, struct ratls_cbor *c, const struct member *members,
                     size_t member_count)
{
    size_t count = ratls_cbor_map(c, 0, SIZE_MAX);
    uint32_t seen = 0;

    for (size_t i = 0; i < count && !c->failed; i++) {
        uint64_t key = take_key(c);
        read_item *read = NULL;

        for (size_t j = 0; j < member_count; j++)
            if (members[j].key == key)
                read = members[j].read;
        if (read == NULL) {
            ratls_cbor_skip(c);
            continue;
        }
        if ((seen & UINT32_C(1) << key) != 0)
            fail_corim(corim, c, "a key stands twice in a map");
        seen |= UINT32_C(1) << key;
        read(corim, c);
    }
}

static void read_array(struct corim *corim, struct ratls_cbor *c, read_item *read)
{
    size_t count = ratls_cbor_array(c, 1, SIZE_MAX);

    for (size_t i = 0; i < count && !c->failed; i++)
        read(corim, c);
}

/* Items within a byte string. */
static void read_inside(struct corim *corim, struct ratls_cbor *c, read_item *read)
{
    struct ratls_cbor inner = ratls_cbor(ratls_cbor_bytes(c, 1, SIZE_MAX));

    if (c->failed)
        return;
    read(corim, &inner);
    if (!ratls_cbor_done(&inner))
        c->failed = true;
}

/* The registry of named information (RFC 6920): number or name to length; 0 for any other. */
static size_t take_algorithm(struct ratls_cbor *c)
{
    static const struct {
        uint64_t number;
        const char *name;
        size_t len;
    } known[] = {{1, "sha-256", 32}, {7, "sha-384", 48}, {8, "sha-512", 64}};
    struct ratls_slice name = {NULL, 0};
    uint64_t number = 0;

    if (ratls_cbor_peek(c) == RATLS_CBOR_UINT)
        number = ratls_cbor_uint(c, UINT64_MAX);
    else if (ratls_cbor_peek(c) == RATLS_CBOR_TEXT)
        name = ratls_cbor_text(c, 1, SIZE_MAX);
    else
        ratls_cbor_skip(c);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].number == number ||
            ratls_slice_equal(name, ratls_slice(known[i].name, sizeof "sha-256" - 1)))
            return known[i].len;
    return 0;
}

static void read_digest(struct corim *corim, struct ratls_cbor *c)
{
    struct ratls_slice value;
    char name[PCR_NAME_MAX];
    size_t len;

    ratls_cbor_array(c, 2, 2);
    len = take_algorithm(c);
    value = ratls_cbor_bytes(c, 0, SIZE_MAX);
    if (c->failed)
        return;
    if (len == 0) {
        corim->other_algorithms++;
        return;
    }
    if (value.len != len) {
        fail_corim(corim, c, "a digest is not as long as those of its algorithm");
        return;
    }
    len = (size_t)snprintf(name, sizeof name, "pcr:%" PRIu64, corim->pcr);
    corim->status =
        ratls_refvals_add(&corim->input->builder, value, ratls_slice(name, len), corim->err);
    if (corim->status != RATLS_OK)
        c->failed = true;
}

static void read_registers(struct corim *corim, struct ratls_cbor *c)
{
    size_t count = ratls_cbor_map(c, 1, SIZE_MAX);
    uint32_t seen = 0;

    for (size_t i = 0; i < count && !c->failed; i++) {
        corim->pcr = take_key(c);
        if (corim->pcr == SKIPPED) {
            corim->other_registers++;
            ratls_cbor_skip(c);
        } else if (corim->pcr >= RATLS_PCR_COUNT) {
            fail_corim(corim, c, "an integrity register above 23 is no PCR");
        } else if ((seen & UINT32_C(1) << corim->pcr) != 0) {
            fail_corim(corim, c, "an integrity register stands twice in a map");
        } else {
            seen |= UINT32_C(1) << corim->pcr;
            read_array(corim, c, read_digest);
        }
    }
}

static void read_values(struct corim *corim, struct ratls_cbor *c)
{
    static const struct member members[] = {{14, read_registers}};

    read_map(corim, c, members, 1);
}

static void read_measurement(struct corim *corim, struct ratls_cbor *c)
{
    static const struct member members[] = {{1, read_values}};

    read_map(corim, c, members, 1);
}

static void read_reference_triple(struct corim *corim, struct ratls_cbor *c)
{
    ratls_cbor_array(c, 2, 2);
    ratls_cbor_skip(c); /* the environment */
    read_array(corim, c, read_measurement);
}

static void read_reference_triples(struct corim *corim, struct ratls_cbor *c)
{
    read_array(corim, c, read_reference_triple);
}

static void read_triples(struct corim *corim, struct ratls_cbor *c)
{
    static const struct member members[] = {{0, read_reference_triples}};

    read_map(corim, c, members, 1);
}

static void read_comid(struct corim *corim, struct ratls_cbor *c)
{
    static const struct member members[] = {{4, read_triples}};

    read_map(corim, c, members, 1);
}

/* 506(<< CoMID >>), or << 506(CoMID) >> as in drafts up to 07; and others, for other things. */
static void read_inner_tag(struct corim *corim, struct ratls_cbor *c)
{
    if (ratls_cbor_tag(c) == TAG_COMID) {
        read_comid(corim, c);
        return;
    }
    corim->other_tags++;
    ratls_cbor_skip(c);
}

static void read_tag(struct corim *corim, struct ratls_cbor *c)
{
    if (ratls_cbor_peek(c) == RATLS_CBOR_BYTES) {
        read_inside(corim, c, read_inner_tag);
    } else if (ratls_cbor_tag(c) == TAG_COMID) {
        read_inside(corim, c, read_comid);
    } else {
        corim->other_tags++;
        ratls_cbor_skip(c);
    }
}

static void read_tags(struct corim *corim, struct ratls_cbor *c)
{
    read_array(corim, c, read_tag);
}

/* A processor that does not know the profile has to refuse all of it (corim-map, key 3). */
static void read_profile(struct corim *corim, struct ratls_cbor *c)
{
    fail_corim(corim, c, "it has a profile, and none is known here");
}

/* Whole seconds since 1970: what else CBOR has for times is not taken. */
static int64_t take_time(struct corim *corim, struct ratls_cbor *c)
{
    uint64_t seconds = 0;

    if (ratls_cbor_tag(c) == TAG_EPOCH)
        seconds = ratls_cbor_uint(c, INT64_MAX);
    if (c->failed || seconds == 0)
        fail_corim(corim, c, "its validity is not in seconds since 1970");
    return (int64_t)seconds;
}

static void read_begin(struct corim *corim, struct ratls_cbor *c)
{
    if (take_time(corim, c) > time(NULL))
        fail_corim(corim, c, "it is not valid yet");
}

static void read_end(struct corim *corim, struct ratls_cbor *c)
{
    if (take_time(corim, c) < time(NULL))
        fail_corim(corim, c, "it is not valid any more");
}

static void read_validity(struct corim *corim, struct ratls_cbor *c)
{
    static const struct member members[] = {{0, read_begin}, {1, read_end}};

    read_map(corim, c, members, 2);
}

static void read_corim(struct corim *corim, struct ratls_cbor *c)
{
    static const struct member members[] = {{1, read_tags}, {3, read_profile}, {4, read_validity}};

    /* libcbor 0.8 takes no tags from 6 to 20, which RFC 7049 had not assigned. */
    if (c->rest.p[0] == COSE_SIGN1)
        fail_corim(corim, c, "signed (COSE_Sign1): check the signature, and give what was signed");
    else if (ratls_cbor_tag(c) != TAG_UNSIGNED_CORIM)
        fail_corim(corim, c, "its CBOR does not begin with the tag 501");
    else
        read_map(corim, c, members, 3);
}

enum ratls_status ratls_refvals_read_corim(struct ratls_refvals_input *input,
                                           struct ratls_error *err)
{
    struct corim corim = {.input = input, .err = err};
    struct ratls_cbor c = ratls_cbor(input->text);

    if (input->text.len > RATLS_CORIM_BYTES_MAX)
        return ratls_fail(err, RATLS_USAGE, "%s: CoRIM of more than %u MiB", input->path,
                          RATLS_CORIM_BYTES_MAX >> 20);
    read_corim(&corim, &c);
    if (corim.status != RATLS_OK)
        return corim.status;
    if (!ratls_cbor_done(&c))
        return ratls_fail(err, RATLS_USAGE,
                          "%s: not a CoRIM (draft-ietf-rats-corim), or not in deterministic CBOR",
                          input->path);
    if (input->builder.count == 0)
        return ratls_fail(err, RATLS_USAGE,
                          "%s: CoRIM: no integrity register of SHA-256, SHA-384 or SHA-512 in its "
                          "reference triples",
                          input->path);
    ratls_refvals_add_unused(input, "digests of other algorithms", corim.other_algorithms);
    ratls_refvals_add_unused(input, "integrity registers without a number", corim.other_registers);
    ratls_refvals_add_unused(input, "tags other than CoMID", corim.other_tags);
    return RATLS_OK;
}
