#include <criterion/criterion.h>
#include <string.h>

#include "tpm_wire.h"

Test(tpm_names, hashes_by_number_and_by_name)
{
    static const struct {
        uint16_t alg;
        const char *name;
        size_t len;
    } cases[] = {
        {0x0004, "sha1", 20},
        {0x000B, "sha256", 32},
        {0x000C, "sha384", 48},
        {0x000D, "sha512", 64},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_str_eq(ratls_tpm_hash_name(cases[i].alg), cases[i].name);
        cr_expect_eq(ratls_tpm_hash_alg(cases[i].name), cases[i].alg);
        cr_expect_eq(ratls_tpm_hash_len(cases[i].alg), cases[i].len);
    }
}

Test(tpm_names, what_is_no_hash_has_no_name)
{
    static const uint16_t algs[] = {0, 0x0001, 0x0010, 0x0012, 0x0018, 0x0027, 0xffff};
    static const char *const names[] = {"", "sha", "SHA256", "sha256 ", "ecdsa", "sm3_256"};

    for (size_t i = 0; i < sizeof algs / sizeof *algs; i++) {
        cr_expect_null(ratls_tpm_hash_name(algs[i]), "0x%04x", algs[i]);
        cr_expect_eq(ratls_tpm_hash_len(algs[i]), 0, "0x%04x", algs[i]);
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cr_expect_eq(ratls_tpm_hash_alg(names[i]), 0, "%s", names[i]);
}

Test(tpm_names, every_algorithm_has_a_name)
{
    cr_expect_str_eq(ratls_tpm_alg_name(RATLS_ALG_ECDSA), "ecdsa");
    cr_expect_str_eq(ratls_tpm_alg_name(RATLS_ALG_RSAPSS), "rsapss");
    cr_expect_str_eq(ratls_tpm_alg_name(RATLS_ALG_SHA512), "sha512");
    cr_expect_str_eq(ratls_tpm_alg_name(RATLS_ALG_NULL), "null");
    cr_expect_str_eq(ratls_tpm_alg_name(0x7fff), "unknown");
}

Test(tpm_names, selections_in_words)
{
    static const struct ratls_pcr_bank banks[] = {
        {0x000B, 1u << 0 | 1u << 7 | 1u << 23}, {0x000C, 0}, {0x0027, 1u << 3}, {0x1234, 1u << 1}};
    static const struct {
        size_t count;
        size_t cap;
        const char *text;
    } cases[] = {
        {0, 64, ""},
        {1, 64, "sha256:0,7,23"},
        {2, 64, "sha256:0,7,23 sha384:"},
        {4, 64, "sha256:0,7,23 sha384: sha3_256:3 unknown:1"},
        {1, 14, "sha256:0,7,23"},
        {1, 13, "sha256:0,..."},
        {4, 13, "sha256:0,..."},
        {1, 4, "..."},
        {1, 3, "sh"},
        {1, 1, ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[65];

        memset(text, '#', sizeof text);
        ratls_tpm_selection_text(banks, cases[i].count, text, cases[i].cap);
        cr_expect_str_eq(text, cases[i].text, "case %zu: %s", i, text);
        cr_expect_eq(text[cases[i].cap], '#', "case %zu", i);
    }
}

Test(tpm_names, lengths_of_values)
{
    static const struct ratls_pcr_bank banks[] = {
        {0x0004, 3}, {0x000B, 0xffffff}, {0x000D, 1}, {0x000C, 0}, {0x0012, 1}};

    cr_expect_eq(ratls_tpm_selection_values_len(banks, 0), 0);
    cr_expect_eq(ratls_tpm_selection_values_len(banks, 1), 2 * 20);
    cr_expect_eq(ratls_tpm_selection_values_len(banks, 4), 2 * 20 + 24 * 32 + 64);
    cr_expect_eq(ratls_tpm_selection_values_len(banks, 5), 0, "SM3 is not known");
}
