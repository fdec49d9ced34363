#include <criterion/criterion.h>

#include "frame.h"
#include "octets.h"

Test(frame, head_is_one_byte_of_type_and_three_of_length)
{
    static const struct {
        const char *hex;
        bool accepted;
        enum ratls_frame_type type;
        size_t len;
    } rows[] = {
        {"00 000001", true, RATLS_FRAME_DATA, 1},
        {"00 003ffc", true, RATLS_FRAME_DATA, RATLS_FRAME_DATA_MAX},
        {"00 003ffd", false, 0, 0}, /* with its head more than a record */
        {"00 000000", false, 0, 0},
        {"01 00044c", true, RATLS_FRAME_CHALLENGE, RATLS_FRAME_CHALLENGE_MAX},
        {"01 00044d", false, 0, 0},
        {"02 010040", true, RATLS_FRAME_EVIDENCE, RATLS_FRAME_EVIDENCE_MAX},
        {"02 010041", false, 0, 0},
        {"02 ffffff", false, 0, 0},
        {"03 000001", true, RATLS_FRAME_END, 1},
        {"03 000002", false, 0, 0},
        {"04 000001", false, 0, 0}, /* no such type */
        {"ff 000001", false, 0, 0},
        {"00 0000", false, 0, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct octets in = octets_from_hex(rows[i].hex);
        struct ratls_frame_head head = {.len = 77};

        cr_assert_eq(ratls_frame_read(octets_slice(in), &head), rows[i].accepted, "row %zu", i);
        if (rows[i].accepted) {
            uint8_t out[RATLS_FRAME_HEAD];
            struct ratls_writer w = ratls_writer(out, sizeof out);

            cr_assert_eq(head.type, rows[i].type, "row %zu", i);
            cr_assert_eq(head.len, rows[i].len, "row %zu", i);
            ratls_frame_write(&head, &w);
            cr_assert(ratls_slice_equal(ratls_writer_slice(&w), octets_slice(in)), "row %zu", i);
        } else {
            cr_assert_eq(head.len, 77, "row %zu: written on failure", i);
        }
        free(in.p);
    }
}

Test(frame, none_is_written_that_could_not_be_read)
{
    static const struct ratls_frame_head rows[] = {
        {RATLS_FRAME_DATA, 0},
        {RATLS_FRAME_DATA, RATLS_FRAME_DATA_MAX + 1},
        {RATLS_FRAME_END, 2},
        {RATLS_FRAME_EVIDENCE, RATLS_FRAME_EVIDENCE_MAX + 1},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t out[RATLS_FRAME_HEAD];
        struct ratls_writer w = ratls_writer(out, sizeof out);

        ratls_frame_write(&rows[i], &w);
        cr_assert(w.failed, "row %zu", i);
    }
}
