/* A learned policy loads again to the rules that it was learned from. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "policy_load.h"
#include "policy_write.h"

static const uint8_t ak_name[34] = {0x00, 0x0b, 1, 2, 3, [33] = 0xff};
static const struct ratls_pcr_bank banks[] = {
    {RATLS_ALG_SHA256, 1u << 0 | 1u << 7 | 1u << 22},
    {RATLS_ALG_SHA512, 1u << 7 | 1u << 8},
};

static struct ratls_policy_draft make_draft(uint8_t values[static 224])
{
    static const char *const servers[] = {"Bank.example", "*.bank.example", "2001:db8::1"};

    for (size_t i = 0; i < 224; i++)
        values[i] = (uint8_t)i;
    return (struct ratls_policy_draft){
        .source = "bank.example:443, today",
        .servers = servers,
        .server_count = 3,
        .ak_name = ratls_slice(ak_name, sizeof ak_name),
        .banks = banks,
        .bank_count = 2,
        .values = ratls_slice(values, 224),
        .service = "it's 'web': # 1",
    };
}

static void expect_value(const struct ratls_pcr_rule *rule, uint16_t bank, unsigned index,
                         const uint8_t *value)
{
    cr_expect(eq(u16, rule->bank, bank));
    cr_expect(eq(uint, rule->index, index));
    cr_assert(eq(sz, rule->count, 1));
    cr_expect(eq(int, memcmp(rule->values[0], value, ratls_tpm_hash_len(bank)), 0));
}

Test(policy_write, round_trip)
{
    uint8_t values[224];
    struct ratls_policy_draft draft = make_draft(values);
    struct ratls_rules r = {0};
    struct ratls_error err = {0};
    char *text = NULL;

    cr_assert(eq(int, ratls_policy_write(&draft, &text, &err), RATLS_OK), "%s", err.text);
    cr_assert(
        eq(int, ratls_rules_parse("p.yaml", ratls_slice(text, strlen(text)), &r, &err), RATLS_OK),
        "%s", err.text);
    cr_expect(ne(ptr, strstr(text, "# Learned from bank.example:443, today.\n"), NULL));
    cr_expect(ne(ptr, strstr(text, "  - index: 7 # Secure Boot: its state, its keys\n"), NULL));
    cr_assert(eq(sz, r.servers.count, 3));
    cr_expect(eq(str, r.servers.names[0], "bank.example"));
    cr_expect(eq(str, r.servers.names[1], "*.bank.example"));
    cr_expect(eq(str, r.servers.names[2], "2001:db8::1"));
    cr_assert(eq(sz, r.pin_count, 1));
    cr_assert(eq(sz, r.pins[0].name_len, sizeof ak_name));
    cr_expect(eq(int, memcmp(r.pins[0].name, ak_name, sizeof ak_name), 0));
    cr_assert(eq(sz, r.pcr_count, 5));
    expect_value(&r.pcrs[0], RATLS_ALG_SHA256, 0, values);
    expect_value(&r.pcrs[1], RATLS_ALG_SHA256, 7, values + 32);
    expect_value(&r.pcrs[2], RATLS_ALG_SHA256, 22, values + 64);
    expect_value(&r.pcrs[3], RATLS_ALG_SHA512, 7, values + 96);
    expect_value(&r.pcrs[4], RATLS_ALG_SHA512, 8, values + 160);
    cr_assert(eq(sz, r.selection.count, 2));
    cr_expect(eq(u32, r.selection.banks[0].pcrs, banks[0].pcrs));
    cr_expect(eq(u32, r.selection.banks[1].pcrs, banks[1].pcrs));
    cr_expect(eq(str, r.service, "it's 'web': # 1"));
    cr_expect(eq(int, (int)r.freshness, RATLS_FRESHNESS_SESSION));
    ratls_rules_done(&r);
    free(text);
}

Test(policy_write, certificate_mode)
{
    uint8_t values[224];
    struct ratls_policy_draft draft = make_draft(values);
    struct ratls_rules r = {0};
    struct ratls_error err = {0};
    char *text = NULL;

    draft.max_age_s = 86400;
    draft.server_count = 0;
    draft.service = NULL;
    draft.source = NULL;
    cr_assert(eq(int, ratls_policy_write(&draft, &text, &err), RATLS_OK), "%s", err.text);
    cr_assert(eq(int, strncmp(text, "policy: ratls-1\n", 16), 0));
    cr_assert(
        eq(int, ratls_rules_parse("p.yaml", ratls_slice(text, strlen(text)), &r, &err), RATLS_OK),
        "%s", err.text);
    cr_expect(eq(int, (int)r.freshness, RATLS_FRESHNESS_CERTIFICATE));
    cr_expect(eq(u64, r.max_age_s, 86400));
    cr_expect(eq(sz, r.servers.count, 0));
    cr_expect(eq(str, r.service, "default"));
    ratls_rules_done(&r);
    free(text);
}

Test(policy_write, comment_cannot_become_a_key)
{
    uint8_t values[224];
    struct ratls_policy_draft draft = make_draft(values);
    struct ratls_error err = {0};
    char *text = NULL;

    draft.source = "x\nclock: ignored\n#";
    cr_assert(eq(int, ratls_policy_write(&draft, &text, &err), RATLS_OK), "%s", err.text);
    cr_expect(ne(ptr, strstr(text, "# Learned from x\\x0aclock: ignored\\x0a#.\n"), NULL));
    free(text);
}

static void expect_refused(const struct ratls_policy_draft *draft, const char *words)
{
    struct ratls_error err = {0};
    char *text = NULL;

    cr_expect(eq(int, ratls_policy_write(draft, &text, &err), RATLS_USAGE));
    cr_expect(ne(ptr, strstr(err.text, words), NULL), "%s", err.text);
    cr_expect(eq(ptr, text, NULL));
}

Test(policy_write, refused)
{
    static const struct ratls_pcr_bank resettable[] = {{RATLS_ALG_SHA256, 1u << 16}};
    static const char *const bad_name[] = {"bank.example\nclock: ignored"};
    uint8_t values[224];
    struct ratls_policy_draft draft = make_draft(values);

    draft.values.len = 223;
    expect_refused(&draft, "learned policy: 223 bytes of PCR values for a selection of 224");
    draft = make_draft(values);
    draft.banks = resettable;
    draft.bank_count = 1;
    draft.values.len = 32;
    expect_refused(&draft, "any program can reset PCR 16");
    draft = make_draft(values);
    draft.servers = bad_name;
    draft.server_count = 1;
    expect_refused(&draft, "servers[0]");
    draft = make_draft(values);
    draft.ak_name.len = 0;
    expect_refused(&draft, "attestation-keys[0].name: expected a value, got nothing");
}
