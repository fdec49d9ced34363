/* Captures of handshakes: read as they were written, or not at all. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "values.h"

#define CAPTURE_SIZE 512

static size_t write_capture(const char *server_name, uint8_t out[static CAPTURE_SIZE])
{
    struct ratls_pieces more = {0};
    struct ratls_expectation expectation = {
        .mode = RATLS_MODE_HANDSHAKE,
        .role = RATLS_ROLE_SERVER,
        .tls_version = 0x0304,
        .cipher_suite = 0x1302,
        .nonce = {1},
        .binder = {2},
        .spki_sha256 = {3},
        .server_name = server_name,
        .now = 1700000000,
    };
    struct ratls_writer w = ratls_writer(out, CAPTURE_SIZE);

    ratls_pieces_keep(&more, ratls_slice("one", 3));
    ratls_pieces_keep(&more, ratls_slice("three", 5));
    ratls_capture_write(&expectation, ratls_slice("evidence", 8), &more, &w);
    ratls_pieces_clear(&more);
    cr_assert(not(w.failed));
    return w.len;
}

Test(tool_capture, read_as_it_was_written)
{
    uint8_t bytes[CAPTURE_SIZE];
    const size_t len = write_capture("bank.example", bytes);
    struct ratls_capture capture;

    cr_assert(ratls_capture_read(ratls_slice(bytes, len), &capture));
    cr_assert(eq(str, (char *)capture.expectation.server_name, (char *)"bank.example"));
    cr_assert(eq(int, capture.expectation.mode, RATLS_MODE_HANDSHAKE));
    cr_assert(eq(int, capture.expectation.role, RATLS_ROLE_SERVER));
    cr_assert(eq(u16, capture.expectation.tls_version, 0x0304));
    cr_assert(eq(u16, capture.expectation.cipher_suite, 0x1302));
    cr_assert(eq(u8, capture.expectation.nonce[0], 1));
    cr_assert(eq(u8, capture.expectation.binder[0], 2));
    cr_assert(eq(u8, capture.expectation.spki_sha256[0], 3));
    cr_assert(eq(i64, capture.expectation.now, 1700000000));
    cr_assert(ratls_slice_equal(capture.evidence, ratls_slice("evidence", 8)));
}

Test(tool_capture, without_a_name)
{
    uint8_t bytes[CAPTURE_SIZE];
    const size_t len = write_capture(NULL, bytes);
    struct ratls_capture capture;

    cr_assert(ratls_capture_read(ratls_slice(bytes, len), &capture));
    cr_assert(capture.expectation.server_name == NULL);
}

Test(tool_capture, of_another_length_is_refused)
{
    uint8_t bytes[CAPTURE_SIZE] = {0};
    const size_t len = write_capture("bank.example", bytes);
    struct ratls_capture capture;

    for (size_t i = 0; i < len; i++) {
        uint8_t *cut = malloc(i + 1); /* so that a read beyond the end is seen */

        memcpy(cut, bytes, i);
        cr_assert(not(ratls_capture_read(ratls_slice(cut, i), &capture)), "%zu bytes", i);
        free(cut);
    }
    cr_assert(not(ratls_capture_read(ratls_slice(bytes, len + 1), &capture)));
}

Test(tool_capture, with_another_label_is_refused)
{
    uint8_t bytes[CAPTURE_SIZE];
    const size_t len = write_capture("bank.example", bytes);
    struct ratls_capture capture;

    cr_assert(ratls_capture_read(ratls_slice(bytes, len), &capture));
    bytes[2] ^= 1;
    cr_assert(not(ratls_capture_read(ratls_slice(bytes, len), &capture)));
}

/* What came later is given out again in its order, and then there is no more. */
Test(tool_capture, more_again)
{
    const struct ratls_log_request request = {.ima_bank = RATLS_ALG_SHA256};
    uint8_t bytes[CAPTURE_SIZE];
    const size_t len = write_capture("bank.example", bytes);
    struct ratls_capture_more more;
    struct ratls_capture capture;
    struct ratls_error err = {0};
    struct ratls_slice piece;

    cr_assert(ratls_capture_read(ratls_slice(bytes, len), &capture));
    cr_assert(eq(sz, capture.more_count, 2));
    for (int round = 0; round < 2; round++) {
        more = ratls_capture_more(&capture);
        cr_assert(eq(int, more.more.fetch(&more.more, &request, &piece, &err), RATLS_OK));
        cr_assert(ratls_slice_equal(piece, ratls_slice("one", 3)));
        cr_assert(eq(int, more.more.fetch(&more.more, &request, &piece, &err), RATLS_OK));
        cr_assert(ratls_slice_equal(piece, ratls_slice("three", 5)));
    }
    cr_assert(eq(int, more.more.fetch(&more.more, &request, &piece, &err), RATLS_REJECTED));
    cr_assert(eq(str, err.text, (char *)"the capture has no more of the server's list"));
}

/* The vector was put together by a shell script. */
Test(tool_capture, vector)
{
    static struct values values;
    static uint8_t out[RATLS_EVIDENCE_MAX];
    char folder[VECTOR_PATH_MAX / 2];
    struct ratls_writer w = ratls_writer(out, sizeof out);
    struct ratls_pieces pieces = {0};
    struct ratls_slice handshake, logs, file;
    struct ratls_capture capture;

    snprintf(folder, sizeof folder, "%s/tests/vectors", getenv("RATLS_SOURCE_DIR"));
    values_load(folder, "handshake.values", &values);
    file = vector_load(folder, "capture.cbor");
    handshake = vector_load(folder, "handshake.evidence.cbor");
    logs = vector_load(folder, "logs.evidence.cbor");
    cr_assert(ratls_capture_read(file, &capture));
    cr_assert(eq(i64, capture.expectation.now, 0x65000000));
    cr_assert(eq(str, capture.server_name, (char *)"server.example"));
    cr_assert(ratls_slice_equal(capture.evidence, handshake));
    cr_assert(ratls_slice_equal(ratls_slice(capture.expectation.binder, 32),
                                values_get(&values, "binder")));
    cr_assert(eq(sz, capture.more_count, 1));
    ratls_pieces_keep(&pieces, logs);
    ratls_capture_write(&capture.expectation, capture.evidence, &pieces, &w);
    cr_assert(ratls_slice_equal(ratls_writer_slice(&w), file));
    ratls_pieces_clear(&pieces);
    vector_free(file);
    vector_free(handshake);
    vector_free(logs);
}
