/* An IMA list that is put together from what a server sends of it. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "ima.h"
#include "pieces.h"

#define EVIDENCE_CAP 256

/* A server of a list that is no list: what its bytes are does not matter here. */
struct server {
    struct ratls_more more; /* the first member */
    const char *list;
    size_t piece_max;
    uint16_t alg;
    size_t shift; /* how far from the offset that was asked for it begins */
    bool has_quote_alone;
    bool is_down;
    unsigned asked;
    uint8_t bytes[EVIDENCE_CAP];
};

static struct ratls_ima_slice piece_at(const struct server *s, size_t offset)
{
    const size_t left = strlen(s->list) - offset;

    return (struct ratls_ima_slice){
        .list_alg = s->alg,
        .offset = offset + s->shift,
        .total = strlen(s->list),
        .entries = ratls_slice(s->list + offset, left < s->piece_max ? left : s->piece_max)};
}

static enum ratls_status serve(struct ratls_more *self, const struct ratls_log_request *request,
                               struct ratls_slice *ret_evidence, struct ratls_error *err)
{
    struct server *s = (struct server *)self;
    struct ratls_evidence evidence = {.has_ima = true};
    struct ratls_writer w = ratls_writer(s->bytes, sizeof s->bytes);

    cr_assert_eq(request->ima_bank, RATLS_ALG_SHA256);
    s->asked++;
    if (s->is_down)
        return ratls_fail(err, RATLS_IO, "down");
    evidence.ima = piece_at(s, (size_t)request->ima_offset);
    ratls_evidence_write(&evidence, &w);
    cr_assert_not(w.failed);
    *ret_evidence = ratls_writer_slice(&w);
    if (s->has_quote_alone)
        ret_evidence->len = 1;
    return RATLS_OK;
}

static struct server new_server(const char *list, size_t piece_max)
{
    return (struct server){
        .more = {.fetch = serve}, .list = list, .piece_max = piece_max, .alg = RATLS_ALG_SHA1};
}

static enum ratls_status fetch(struct server *s, const struct ratls_ima_slice *first, char *out,
                               struct ratls_error *err)
{
    uint8_t *list = NULL;
    size_t len = 0;
    enum ratls_status status =
        ratls_fetch_list(&s->more, first, RATLS_ALG_SHA256, &list, &len, err);

    if (status == RATLS_OK) {
        memcpy(out, list, len);
        out[len] = '\0';
    }
    free(list);
    return status;
}

Test(tool_pieces, whole_list)
{
    static const struct {
        const char *list;
        size_t piece_max;
        unsigned asked;
    } rows[] = {{"", 4, 0}, {"abc", 4, 0}, {"abcd", 4, 0}, {"abcdefghij", 4, 2}};
    char out[32];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct server s = new_server(rows[i].list, rows[i].piece_max);
        struct ratls_ima_slice first = piece_at(&s, 0);

        cr_assert_eq(fetch(&s, &first, out, NULL), RATLS_OK);
        cr_assert_str_eq(out, rows[i].list);
        cr_assert_eq(s.asked, rows[i].asked);
    }
}

/* A server may not know at first how long its list is: the last piece says where it ends. */
Test(tool_pieces, list_that_grows)
{
    struct server s = new_server("abcdef", 4);
    struct ratls_ima_slice first = piece_at(&s, 0);
    char out[32];

    s.list = "abcdefghijklmnop";
    cr_assert_eq(fetch(&s, &first, out, NULL), RATLS_OK);
    cr_assert_str_eq(out, "abcdefghijklmnop");
    cr_assert_eq(s.asked, 3);
}

static void expect_refused(struct server s, size_t first_offset, enum ratls_status status,
                           const char *words)
{
    struct server honest = new_server(s.list, 4);
    struct ratls_ima_slice first = piece_at(&honest, first_offset);
    struct ratls_error err = {0};
    char out[32];

    cr_expect_eq(fetch(&s, &first, out, &err), status, "%s", err.text);
    cr_expect_not_null(strstr(err.text, words), "%s", err.text);
}

Test(tool_pieces, servers_that_do_otherwise)
{
    struct server s = new_server("abcdefghij", 4);

    expect_refused(s, 4, RATLS_MALFORMED, "from byte 4 on, not from 0");
    s.shift = 1;
    expect_refused(s, 0, RATLS_MALFORMED, "from byte 5 on, not from 4");
    s.shift = 0;
    s.alg = RATLS_ALG_SHA256;
    expect_refused(s, 0, RATLS_MALFORMED, "no such list");
    s.alg = RATLS_ALG_SHA1;
    s.has_quote_alone = true;
    expect_refused(s, 0, RATLS_MALFORMED, "no such list");
    s.has_quote_alone = false;
    s.piece_max = 0;
    expect_refused(s, 0, RATLS_IO, "sent 4 bytes of its list and then no more, of 10");
    s.is_down = true;
    expect_refused(s, 0, RATLS_IO, "down");
}

Test(tool_pieces, no_more_than_16_mib)
{
    struct server s = new_server("abcdefghij", 4);
    struct ratls_ima_slice first = piece_at(&s, 0);
    uint8_t *list = calloc(1, RATLS_IMA_LIST_MAX);
    struct ratls_error err = {0};
    char out[32];

    cr_assert_not_null(list);
    first.entries = ratls_slice(list, RATLS_IMA_LIST_MAX + 1);
    first.total = first.entries.len;
    cr_assert_eq(fetch(&s, &first, out, &err), RATLS_LIMIT);
    cr_assert_str_eq(err.text, "the server's list is longer than 16777216 bytes");
    free(list);
}

/* A server that sends its list byte by byte is not listened to for ever. */
Test(tool_pieces, no_more_requests_than_a_capture_may_have)
{
    char text[RATLS_PIECES_MAX + 8] = "";
    struct server s = new_server(text, 1);
    struct ratls_ima_slice first;
    struct ratls_error err = {0};
    uint8_t *list = NULL;
    size_t len = 0;

    memset(text, 'a', sizeof text - 1);
    first = piece_at(&s, 0);
    cr_assert_eq(ratls_fetch_list(&s.more, &first, RATLS_ALG_SHA256, &list, &len, &err),
                 RATLS_LIMIT);
    cr_assert_str_eq(err.text, "the server sends its list in more than 4096 pieces");
    cr_assert_eq(s.asked, RATLS_PIECES_MAX);
    cr_assert_null(list);
}

/* In their order, copied, and as many as a capture may have. */
Test(tool_pieces, kept)
{
    struct ratls_pieces pieces = {0};
    char text[] = "one";

    ratls_pieces_keep(&pieces, ratls_slice(text, 3));
    memcpy(text, "two", 3);
    ratls_pieces_keep(&pieces, ratls_slice(text, 3));
    cr_assert_not(pieces.failed);
    cr_assert_eq(pieces.items[0].len, 3);
    cr_assert_arr_eq(pieces.items[0].p, "one", 3);
    cr_assert_eq(pieces.items[1].len, 3);
    cr_assert_arr_eq(pieces.items[1].p, "two", 3);
    while (pieces.count < RATLS_PIECES_MAX)
        ratls_pieces_keep(&pieces, ratls_slice(text, 1));
    cr_assert_not(pieces.failed);
    ratls_pieces_keep(&pieces, ratls_slice(text, 1));
    cr_assert(pieces.failed);
    ratls_pieces_clear(&pieces);
    cr_assert_eq(pieces.count, 0);
    cr_assert_not(pieces.failed);
}

Test(tool_pieces, no_more_bytes_than_a_capture_may_have)
{
    uint8_t *bytes = calloc(1, RATLS_PIECES_BYTES_MAX);
    struct ratls_pieces pieces = {0};

    cr_assert_not_null(bytes);
    ratls_pieces_keep(&pieces, ratls_slice(bytes, RATLS_PIECES_BYTES_MAX));
    cr_assert_not(pieces.failed);
    ratls_pieces_keep(&pieces, ratls_slice(bytes, 1));
    cr_assert(pieces.failed);
    ratls_pieces_clear(&pieces);
    free(bytes);
}
