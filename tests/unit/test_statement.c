#include <criterion/criterion.h>
#include <string.h>

#include "octets.h"
#include "statement.h"

#define A32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B32 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C32 "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define D32 "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"

/* "ratls-1", then mode, role, TLS 1.3, TLS_AES_128_GCM_SHA256. */
#define LABEL "8b 67 7261746c732d31"
#define NUMBERS "02 01 190304 191301"
#define FRESH "5820" A32 "5820" B32
#define SERVICE "65 6e67696e78" /* nginx */
#define HANDSHAKE LABEL NUMBERS FRESH "5820" C32 SERVICE "5820" D32 "40"
#define CERTIFICATE LABEL "01 01 00 00 40 40 5820" C32 SERVICE "5820" D32 "48 0000000068000000"

static bool accepts(struct ratls_slice in)
{
    struct ratls_statement statement;

    return ratls_statement_read(in, &statement);
}

static void expect_bytes(struct ratls_slice bytes, int value, size_t len)
{
    uint8_t expected[32];

    memset(expected, value, sizeof expected);
    cr_expect(ratls_slice_equal(bytes, ratls_slice(expected, len)), "0x%02x", (unsigned)value);
}

Test(statement, every_field_arrives)
{
    struct octets in = octets_from_hex(HANDSHAKE);
    struct ratls_statement s;

    cr_assert(ratls_statement_read(octets_slice(in), &s));
    cr_expect(ratls_slice_equal(s.label, ratls_slice("ratls-1", 7)));
    cr_expect_eq(s.mode, RATLS_MODE_HANDSHAKE);
    cr_expect_eq(s.role, RATLS_ROLE_SERVER);
    cr_expect_eq(s.tls_version, 0x0304);
    cr_expect_eq(s.cipher_suite, 0x1301);
    expect_bytes(s.nonce, 0xaa, 32);
    expect_bytes(s.binder, 0xbb, 32);
    expect_bytes(s.spki_sha256, 0xcc, 32);
    cr_expect(ratls_slice_equal(s.service, ratls_slice("nginx", 5)));
    expect_bytes(s.manifest, 0xdd, 32);
    cr_expect_eq(s.context.len, 0);
    free(in.p);
}

Test(statement, what_is_accepted_is_written_the_same)
{
    static const char *const cases[] = {HANDSHAKE, CERTIFICATE,
                                        LABEL NUMBERS FRESH "5820" C32 SERVICE "40 40"};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct octets in = octets_from_hex(cases[i]);
        uint8_t out[RATLS_STATEMENT_MAX];
        struct ratls_writer w = ratls_writer(out, sizeof out);
        struct ratls_statement statement;

        cr_assert(ratls_statement_read(octets_slice(in), &statement));
        ratls_statement_write(&statement, &w);
        cr_expect(ratls_slice_equal(ratls_writer_slice(&w), octets_slice(in)), "case %zu", i);
        free(in.p);
    }
}

Test(statement, only_the_whole_is_accepted)
{
    struct octets handshake = octets_from_hex(HANDSHAKE);
    struct octets certificate = octets_from_hex(CERTIFICATE);

    assert_only_whole(octets_slice(handshake), accepts);
    assert_only_whole(octets_slice(certificate), accepts);
    free(handshake.p);
    free(certificate.p);
}

/* Values that are wrong are read: the checks say which one and what was expected. */
static const struct {
    const char *name;
    const char *hex;
    bool accepted;
} SHAPES[] = {
    {"handshake", HANDSHAKE, true},
    {"certificate", CERTIFICATE, true},
    {"another label", "8b 63 666f6f" NUMBERS FRESH "5820" C32 SERVICE "5820" D32 "40", true},
    {"no label", "8b 60" NUMBERS FRESH "5820" C32 SERVICE "5820" D32 "40", false},
    {"another mode", LABEL "09 01 190304 191301" FRESH "5820" C32 SERVICE "5820" D32 "40", true},
    {"mode 255", LABEL "18ff 01 190304 191301" FRESH "5820" C32 SERVICE "5820" D32 "40", true},
    {"mode 256", LABEL "190100 01 190304 191301" FRESH "5820" C32 SERVICE "5820" D32 "40", false},
    {"another role", LABEL "02 02 190304 191301" FRESH "5820" C32 SERVICE "5820" D32 "40", true},
    {"version 65535", LABEL "02 01 19ffff 191301" FRESH "5820" C32 SERVICE "5820" D32 "40", true},
    {"version 65536", LABEL "02 01 1a00010000 191301" FRESH "5820" C32 SERVICE "5820" D32 "40",
     false},
    {"suite 65536", LABEL "02 01 190304 1a00010000" FRESH "5820" C32 SERVICE "5820" D32 "40",
     false},
    {"empty nonce in handshake mode",
     LABEL NUMBERS "40 5820" B32 "5820" C32 SERVICE "5820" D32 "40", true},
    {"nonce of 31 bytes",
     LABEL NUMBERS "581f aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 5820" B32
                   "5820" C32 SERVICE "5820" D32 "40",
     false},
    {"nonce of 33 bytes", LABEL NUMBERS "5821" A32 "aa 5820" B32 "5820" C32 SERVICE "5820" D32 "40",
     false},
    {"binder of one byte", LABEL NUMBERS "5820" A32 "41bb 5820" C32 SERVICE "5820" D32 "40", false},
    {"no SPKI", LABEL NUMBERS FRESH "40" SERVICE "5820" D32 "40", false},
    {"no manifest", LABEL NUMBERS FRESH "5820" C32 SERVICE "40 40", true},
    {"manifest of 31 bytes",
     LABEL NUMBERS FRESH "5820" C32 SERVICE
                         "581f dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd 40",
     false},
    {"manifest of 33 bytes", LABEL NUMBERS FRESH "5820" C32 SERVICE "5821" D32 "dd 40", false},
    {"no service", LABEL NUMBERS FRESH "5820" C32 "60 5820" D32 "40", false},
    {"service with a control character", LABEL NUMBERS FRESH "5820" C32 "61 1b 5820" D32 "40",
     false},
    {"service as bytes", LABEL NUMBERS FRESH "5820" C32 "41 61 5820" D32 "40", false},
    {"ten items", "8a 67 7261746c732d31" NUMBERS FRESH "5820" C32 SERVICE "5820" D32, false},
    {"twelve items", "8c 67 7261746c732d31" NUMBERS FRESH "5820" C32 SERVICE "5820" D32 "4040",
     false},
};

Test(statement, shapes)
{
    for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++) {
        struct octets in = octets_from_hex(SHAPES[i].hex);

        cr_expect_eq(accepts(octets_slice(in)), SHAPES[i].accepted, "%s", SHAPES[i].name);
        free(in.p);
    }
}

/* Writes a statement with strings of these lengths and reads it again. */
static bool comes_back(size_t label_len, size_t service_len, size_t context_len)
{
    static const uint8_t letters[300] = {[0 ... 299] = 'a'};
    uint8_t out[1024];
    struct ratls_writer w = ratls_writer(out, sizeof out);
    const struct ratls_statement statement = {
        .label = ratls_slice(letters, label_len),
        .mode = 255,
        .role = 255,
        .tls_version = 0xffff,
        .cipher_suite = 0xffff,
        .nonce = ratls_slice(letters, 32),
        .binder = ratls_slice(letters, 32),
        .spki_sha256 = ratls_slice(letters, 32),
        .service = ratls_slice(letters, service_len),
        .manifest = ratls_slice(letters, 32),
        .context = ratls_slice(letters, context_len),
    };
    struct ratls_statement again;

    ratls_statement_write(&statement, &w);
    cr_assert_not(w.failed);
    return ratls_statement_read(ratls_writer_slice(&w), &again) && w.len <= RATLS_STATEMENT_MAX &&
           again.context.len == context_len;
}

Test(statement, limits_hold_at_their_edges)
{
    cr_expect(comes_back(7, 1, 0));
    cr_expect(comes_back(64, 64, 255), "the largest fits RATLS_STATEMENT_MAX");
    cr_expect_not(comes_back(65, 64, 255));
    cr_expect_not(comes_back(64, 65, 255));
    cr_expect_not(comes_back(64, 64, 256));
}
