/* Values of PCRs from files of others: each form, and what is none. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "pcr_file.h"
#include "tpm_wire.h"

TestSuite(tool_pcr_file, .timeout = 20);

#define ONES "1111111111111111111111111111111111111111111111111111111111111111"
#define TWOS "2222222222222222222222222222222222222222222222222222222222222222"

static const struct ratls_pcr_selection selection = {1, {{RATLS_ALG_SHA256, 1u << 0 | 1u << 7}}};

static enum ratls_status read_text(const char *text, uint8_t out[static 64],
                                   struct ratls_error *err)
{
    struct ratls_pcr_values *values = NULL;
    size_t len = 0;
    enum ratls_status status =
        ratls_pcr_file_read("pcrs", ratls_slice(text, strlen(text)), &values, err);

    if (status == RATLS_OK)
        status = ratls_pcr_file_select("pcrs", values, &selection, out, 64, &len, err);
    cr_assert(status != RATLS_OK || len == 64);
    free(values);
    return status;
}

static void expect_read(const char *text)
{
    struct ratls_error err = {0};
    uint8_t out[64] = {0};

    cr_expect(read_text(text, out, &err) == RATLS_OK, "%s: %s", text, err.text);
    for (int i = 0; i < 64; i++)
        cr_assert_eq(out[i], i < 32 ? 0x11 : 0x22, "%s", text);
}

static void expect_refused(const char *text, const char *why)
{
    struct ratls_error err = {0};
    uint8_t out[64];

    cr_expect(read_text(text, out, &err) == RATLS_USAGE, "%s", text);
    cr_expect_not_null(strstr(err.text, why), "%s: %s", text, err.text);
}

Test(tool_pcr_file, forms)
{
    expect_read("  sha1:\n    0 : 0x0000000000000000000000000000000000000000\n"
                "  sha256:\n    0 : 0x" ONES "\n    7 : 0x" TWOS "\n    10: 0X" TWOS "\n");
    expect_read("{\"sha256\": {\"0\": \"" ONES "\", \"7\": \"" TWOS "\"}}");
    expect_read("{\"kind\": \"log\", \"pcrs\": {\"sha256\": {\"0\": \"" ONES "\", \"7\": \"" TWOS
                "\"}}}");
    expect_read("policy: ratls-1\npcrs:\n  - index: 0\n    sha256: [" ONES "]\n    comment: x\n"
                "  - index: 7\n    sha256:\n      - " TWOS "\n");
}

Test(tool_pcr_file, refused)
{
    expect_refused("", "no values");
    expect_refused("a: [", "neither YAML nor JSON");
    expect_refused("- sha256", "no values");
    expect_refused("sha255:\n  0: " ONES "\n", "no values");
    expect_refused("pcrs: 7\n", "no values");
    expect_refused("sha256:\n  0: " ONES "\n", "no value of PCR 7 in the bank sha256");
    expect_refused("sha384:\n  0: " ONES ONES "\n", "not a value");
    expect_refused("sha256:\n  0: 11\n", "pcrs:2: not a value");
    expect_refused("sha256:\n  24: " ONES "\n", "not the number of a PCR");
    expect_refused("sha256:\n  -1: " ONES "\n", "not the number of a PCR");
    expect_refused("sha256:\n  0x0: " ONES "\n", "not the number of a PCR");
    expect_refused("sha256:\n  0: [" ONES "]\n", "not a value");
    expect_refused("sha256:\n  0: " ONES "\n  0: " TWOS "\n", "one more value of a PCR");
    expect_refused("pcrs:\n  - index: 0\n    sha256: [" ONES ", " TWOS "]\n",
                   "pcrs:3: one more value of a PCR: a state has one of each");
    expect_refused("pcrs:\n  - sha256: [" ONES "]\n", "not an entry");
}
