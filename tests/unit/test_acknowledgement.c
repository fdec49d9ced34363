#include <criterion/criterion.h>

#include "acknowledgement.h"
#include "octets.h"

#define FRAMES RATLS_OFFER_FRAMES
#define BOTH (RATLS_OFFER_FRAMES | RATLS_OFFER_EXPORTER)

Test(acknowledgement, is_read_as_it_was_written)
{
    const unsigned rows[] = {FRAMES, BOTH};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint8_t out[RATLS_ACKNOWLEDGEMENT_MAX];
        struct ratls_writer w = ratls_writer(out, sizeof out);
        unsigned offers = 0;

        ratls_acknowledgement_write(rows[i], &w);
        cr_assert_not(w.failed);
        cr_assert(ratls_acknowledgement_read(ratls_writer_slice(&w), BOTH, &offers));
        cr_assert_eq(offers, rows[i]);
    }
}

Test(acknowledgement, accepts_nothing_but_what_was_offered)
{
    static const struct {
        const char *hex;
        unsigned offered;
        bool accepted;
    } rows[] = {
        {"82 01 01", FRAMES, true},
        {"82 01 01", BOTH, true},
        {"82 01 03", BOTH, true},
        {"82 01 03", FRAMES, false}, /* not offered */
        {"82 01 01", 0, false},
        {"82 01 02", BOTH, false},            /* without frames */
        {"82 01 00", BOTH, false},            /* nothing: then it is left out */
        {"82 01 05", RATLS_OFFER_ALL, false}, /* seen in what comes, not acknowledged */
        {"82 02 01", BOTH, false},            /* of another version than the request */
        {"81 01", BOTH, false},
        {"83 01 01 00", BOTH, false},
        {"82 01 01 00", BOTH, false}, /* a byte behind it */
        {"82 01 1801", BOTH, false},  /* not the shortest head */
        {"9f 01 01 ff", BOTH, false},
        {"82 01 41 01", BOTH, false},
        {"", BOTH, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct octets in = octets_from_hex(rows[i].hex);
        unsigned offers = 77;

        cr_assert_eq(ratls_acknowledgement_read(octets_slice(in), rows[i].offered, &offers),
                     rows[i].accepted, "row %zu", i);
        cr_assert_eq(offers == 77, !rows[i].accepted, "row %zu: written on failure", i);
        free(in.p);
    }
}
