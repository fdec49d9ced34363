/* A learned policy loads again to the rules that it was learned from. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "policy_folder.h"
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
    cr_expect(eq(int, (int)r.freshness, RATLS_FRESHNESS_NONCE));
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

static const char *const one[] = {"one.pem"}, *const two[] = {"two.pem", "one.pem"},
                         *const a[] = {"a.sha256"}, *const ab[] = {"a.sha256", "b.sha256"},
                         *const lines[] = {"lines.txt"}, *const pcrs[] = {"pcrs.sha256"},
                         *const paths[] = {"/var/**", "/it's: #"};

#define LIST(items)                                                                                \
    {                                                                                              \
        items, sizeof(items) / sizeof *(items)                                                     \
    }

static void expect_paths(const struct ratls_references *references,
                         const struct ratls_draft_list *list)
{
    cr_assert(eq(sz, references->count, list->count));
    for (size_t i = 0; i < list->count; i++)
        cr_expect(eq(str, references->paths[i], (char *)list->items[i]));
}

static void expect_boot(const struct ratls_boot_rules *rules, const struct ratls_draft_boot *draft)
{
    cr_expect(rules->is_asked);
    cr_expect(eq(u16, rules->bank, draft->bank == 0 ? RATLS_ALG_SHA256 : draft->bank));
    cr_expect(eq(int, rules->secure_boot_required, !draft->secure_boot_ignored));
    cr_expect(eq(int, rules->images_signed, draft->images_signed));
    cr_expect(eq(sz, rules->signer_count, draft->signers.count));
    expect_paths(&rules->variables, &draft->variables);
    expect_paths(&rules->images, &draft->images);
    expect_paths(&rules->kernels, &draft->kernels);
    expect_paths(&rules->firmware, &draft->firmware);
    expect_paths(&rules->settings, &draft->settings);
    expect_paths(&rules->partitions, &draft->partitions);
    expect_paths(&rules->files, &draft->files);
    expect_paths(&rules->owner_keys, &draft->owner_keys);
    cr_expect(eq(sz, rules->command_lines.count, draft->command_lines.count * 2));
}

static void expect_ima(const struct ratls_ima_rules *rules, const struct ratls_draft_ima *draft)
{
    cr_expect(rules->is_asked);
    cr_expect(eq(u16, rules->bank, draft->bank == 0 ? RATLS_ALG_SHA256 : draft->bank));
    cr_expect(eq(int, (int)rules->extend, (int)draft->extend));
    cr_expect(eq(int, rules->violations_allowed, draft->violations_allowed));
    cr_expect(eq(int, rules->syncs, !draft->never_syncs));
    expect_paths(&rules->allow, &draft->allow);
    expect_paths(&rules->deny, &draft->deny);
    cr_expect(eq(sz, rules->signer_count, draft->signed_by.count));
    cr_assert(eq(sz, rules->exclude.count, draft->exclude.count));
    cr_assert(eq(sz, rules->signature_required.count, draft->signature_required.count));
    for (size_t i = 0; i < draft->exclude.count; i++)
        cr_expect(eq(str, rules->exclude.texts[i], (char *)draft->exclude.items[i]));
}

static void expect_logs(const struct ratls_draft_boot *boot, const struct ratls_draft_ima *ima,
                        size_t pcr_count)
{
    struct ratls_policy_draft draft = {
        .ak_name = ratls_slice(ak_name, sizeof ak_name),
        .path = "p.yaml",
        .boot = boot,
        .ima = ima,
    };
    struct ratls_rules r = {0};
    struct ratls_error err = {0};
    char *text = NULL;

    if (pcr_count > 0)
        draft.reference_values = (struct ratls_draft_list)LIST(pcrs);
    cr_assert(eq(int, ratls_policy_write(&draft, &text, &err), RATLS_OK), "%s", err.text);
    cr_assert(
        eq(int, ratls_rules_parse("p.yaml", ratls_slice(text, strlen(text)), &r, &err), RATLS_OK),
        "%s", err.text);
    cr_expect(eq(sz, r.pcr_count, pcr_count));
    if (boot != NULL)
        expect_boot(&r.boot, boot);
    if (ima != NULL)
        expect_ima(&r.ima, ima);
    ratls_rules_done(&r);
    free(text);
}

Test(policy_write, logs, .init = policy_folder_enter, .fini = policy_folder_leave)
{
    const struct ratls_draft_boot every = {
        .bank = RATLS_ALG_SHA256,
        .signers = LIST(two),
        .variables = LIST(a),
        .images = LIST(ab),
        .kernels = LIST(a),
        .firmware = LIST(a),
        .settings = LIST(ab),
        .partitions = LIST(a),
        .command_lines = LIST(lines),
        .files = LIST(ab),
        .owner_keys = LIST(a),
    };
    const struct ratls_draft_boot few = {.signers = LIST(one), .images_signed = true};
    const struct ratls_draft_boot open = {.secure_boot_ignored = true, .kernels = LIST(a)};
    const struct ratls_draft_ima ima = {
        .bank = RATLS_ALG_SHA512,
        .extend = RATLS_IMA_PADDED,
        .violations_allowed = true,
        .never_syncs = true,
        .allow = LIST(ab),
        .deny = LIST(a),
        .signed_by = LIST(two),
        .signature_required = LIST(paths),
        .exclude = LIST(paths),
    };
    const struct ratls_draft_ima plain = {.allow = LIST(a)};

    expect_logs(&every, &ima, 2);
    expect_logs(&few, &plain, 0);
    expect_logs(&open, NULL, 0);
    expect_logs(NULL, &plain, 2);
    expect_logs(NULL, NULL, 2);
}

/* Nothing is written that would not load, or name files that are not there. */
Test(policy_write, logs_refused, .init = policy_folder_enter, .fini = policy_folder_leave)
{
    static const char *const gone[] = {"gone.sha256"};
    const struct ratls_draft_boot nothing = {.secure_boot_ignored = true};
    const struct ratls_draft_boot missing = {.secure_boot_ignored = true, .files = LIST(gone)};
    const struct ratls_draft_boot sha1 = {.bank = RATLS_ALG_SHA1, .signers = LIST(one)};
    const struct {
        const struct ratls_draft_boot *boot;
        const char *words;
    } cases[] = {
        {&nothing, "learned policy:9:3: boot: compares nothing"},
        {&missing, "boot.files[0]: gone.sha256: No such file"},
        {&sha1, "boot.bank: expected sha256, sha384 or sha512, got sha1"},
        {NULL, "compares nothing: give pcrs"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ratls_policy_draft draft = {.ak_name = ratls_slice(ak_name, sizeof ak_name),
                                           .boot = cases[i].boot};
        struct ratls_error err = {0};
        char *text = NULL;

        cr_expect(eq(int, ratls_policy_write(&draft, &text, &err), RATLS_USAGE));
        cr_expect(ne(ptr, strstr(err.text, cases[i].words), NULL), "%s", err.text);
    }
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
