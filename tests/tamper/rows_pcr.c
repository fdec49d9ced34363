/* Quotes of other PCRs, and other values. */
#include <string.h>

#include "rows.h"

#define PCRS_0_TO_7 0xffu
#define NEEDS_SELECTION (BIT(PCR_DIGEST) | BIT(PCR_VALUE))

/* What the TPM would have signed, had it been asked for this selection. */
static void select_banks(struct fake_draft *draft, size_t count, const struct ratls_pcr_bank *banks)
{
    draft->selection.count = count;
    memcpy(draft->selection.banks, banks, count * sizeof *banks);
    fake_draft_pcrs(draft);
}

static void select_pcrs(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_QUOTE)
        select_banks(draft, 1,
                     (struct ratls_pcr_bank[]){{RATLS_ALG_SHA256, (uint32_t) * (int *)arg}});
}

static void select_bank(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_QUOTE)
        select_banks(draft, 1, (struct ratls_pcr_bank[]){{(uint16_t) * (int *)arg, PCRS_0_TO_7}});
}

/* A selection of nothing has a digest of nothing; the values are those that the policy wants. */
static void select_none(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage != FAKE_QUOTE)
        return;
    draft->selection.count = (size_t) * (int *)arg;
    draft->selection.banks[0].pcrs = 0;
    draft->pcr_digest.len =
        fake_digest(RATLS_ALG_SHA256, ratls_slice(NULL, 0), draft->pcr_digest.p);
}

static void select_twice(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    static const struct ratls_pcr_bank banks[] = {{RATLS_ALG_SHA256, PCRS_0_TO_7},
                                                  {RATLS_ALG_SHA256, PCRS_0_TO_7}};

    (void)arg;
    if (stage == FAKE_QUOTE)
        select_banks(draft, 2, banks);
}

static void select_backwards(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    static const struct ratls_pcr_bank banks[] = {{RATLS_ALG_SHA384, 1u << 7},
                                                  {RATLS_ALG_SHA256, PCRS_0_TO_7}};

    (void)arg;
    if (stage == FAKE_QUOTE)
        select_banks(draft, 2, banks);
}

static void want_two_banks(struct scene *scene)
{
    fake_policy_pcr(scene->policy, scene->tpm, RATLS_ALG_SHA384, 7);
}

/* PCR 16 can be reset and extended by anybody: here it holds what PCR 7 should. */
static void imitate(struct scene *scene)
{
    memcpy(fake_tpm_pcr(scene->tpm, RATLS_ALG_SHA256, 16),
           fake_tpm_pcr(scene->tpm, RATLS_ALG_SHA256, 7), RATLS_DIGEST_MAX);
}

static void want_nothing(struct scene *scene)
{
    fake_policy_no_pcrs(scene->policy);
}

static void change_7(struct scene *scene)
{
    memset(fake_tpm_pcr(scene->tpm, RATLS_ALG_SHA256, 7), 0xab, 32);
}

static void change_2_4_and_7(struct scene *scene)
{
    change_7(scene);
    memset(fake_tpm_pcr(scene->tpm, RATLS_ALG_SHA256, 2), 0xa2, 32);
    memset(fake_tpm_pcr(scene->tpm, RATLS_ALG_SHA256, 4), 0xa4, 32);
}

/* The policy allows two values for PCR 0, and then the TPM has a third. */
static void allow_two(struct scene *scene)
{
    uint8_t *pcr = fake_tpm_pcr(scene->tpm, RATLS_ALG_SHA256, 0);

    fake_policy_no_pcrs(scene->policy);
    memset(pcr, 0x01, 32);
    fake_policy_pcr(scene->policy, scene->tpm, RATLS_ALG_SHA256, 0);
    memset(pcr, 0x02, 32);
    fake_policy_pcr(scene->policy, scene->tpm, RATLS_ALG_SHA256, 0);
    memset(pcr, 0x03, 32);
}

/* All the values of another PCR bank, of its own length, as if they were the right ones. */
static void change_384(struct scene *scene)
{
    want_two_banks(scene);
    fake_tpm_pcr(scene->tpm, RATLS_ALG_SHA384, 7)[47] ^= 1;
}

/* As no policy that is loaded can be: its selection is made of its rules. */
static void select_without_rule(struct scene *scene)
{
    scene->rules->selection.banks[0].pcrs |= 1u << 8;
}

static void rule_without_pcr(struct scene *scene)
{
    scene->rules->selection.banks[0].pcrs &= ~(1u << 7);
}

/* The TPM quotes a bad PCR 7; what is shown is the good one. */
static void show_good_values(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_SIGNED)
        memset(&draft->pcr_values.p[7 * 32], 0x47, 32);
}

static void change_digest_length(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_QUOTE)
        draft->pcr_digest.len = (size_t) * (int *)arg;
}

static void change_values_length(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_SIGNED)
        draft->evidence.pcr_values.len = (size_t) * (int *)arg;
}

static const struct row rows[] = {
    {.name = "PCR 7 left out",
     .check = RATLS_CHECK_PCR_SELECTION,
     .not_run = NEEDS_SELECTION,
     .tamper = select_pcrs,
     .param = 0x7f,
     .at = "quote.attest.pcrSelect",
     .expected = "sha256:0,1,2,3,4,5,6,7",
     .actual = "sha256:0,1,2,3,4,5,6"},
    {.name = "PCR 8 as well",
     .check = RATLS_CHECK_PCR_SELECTION,
     .not_run = NEEDS_SELECTION,
     .tamper = select_pcrs,
     .param = 0x1ff},
    {.name = "PCR 16 imitates PCR 7",
     .check = RATLS_CHECK_PCR_SELECTION,
     .not_run = NEEDS_SELECTION,
     .after = imitate,
     .tamper = select_pcrs,
     .param = 0x1007f,
     .actual = "sha256:0,1,2,3,4,5,6,16"},
    {.name = "no bank",
     .check = RATLS_CHECK_PCR_SELECTION,
     .not_run = NEEDS_SELECTION,
     .tamper = select_none,
     .param = 0,
     .actual = "none"},
    {.name = "a bank without PCRs",
     .check = RATLS_CHECK_PCR_SELECTION,
     .not_run = NEEDS_SELECTION,
     .tamper = select_none,
     .param = 1},
    {.name = "no bank, and a policy that wants none",
     .check = RATLS_CHECK_PCR_SELECTION,
     .not_run = NEEDS_SELECTION,
     .meanwhile = want_nothing,
     .tamper = select_none,
     .param = 0},
    {.name = "bank SHA-384",
     .check = RATLS_CHECK_PCR_SELECTION,
     .not_run = NEEDS_SELECTION,
     .tamper = select_bank,
     .param = RATLS_ALG_SHA384,
     .actual = "sha384:0,1,2,3,4,5,6,7"},
    {.name = "bank SHA-1",
     .check = RATLS_CHECK_PCR_SELECTION,
     .not_run = NEEDS_SELECTION,
     .tamper = select_bank,
     .param = RATLS_ALG_SHA1},
    {.name = "the same bank twice",
     .check = RATLS_CHECK_PCR_SELECTION,
     .not_run = NEEDS_SELECTION,
     .tamper = select_twice},
    {.name = "banks in another order",
     .check = RATLS_CHECK_PCR_SELECTION,
     .not_run = NEEDS_SELECTION,
     .after = want_two_banks,
     .tamper = select_backwards,
     .expected = "sha256:0,1,2,3,4,5,6,7 sha384:7",
     .actual = "sha384:7 sha256:0,1,2,3,4,5,6,7"},
    {.name = "good values shown for a bad quote",
     .check = RATLS_CHECK_PCR_DIGEST,
     .after = change_7,
     .tamper = show_good_values,
     .at = "quote.attest.pcrDigest"},
    {.name = "no digest",
     .check = RATLS_CHECK_PCR_DIGEST,
     .tamper = change_digest_length,
     .param = 0,
     .actual = "empty"},
    {.name = "half a digest",
     .check = RATLS_CHECK_PCR_DIGEST,
     .tamper = change_digest_length,
     .param = 16},
    {.name = "a value too few",
     .check = RATLS_CHECK_PCR_DIGEST,
     .not_run = BIT(PCR_VALUE),
     .tamper = change_values_length,
     .param = 7 * 32,
     .at = "quote.pcr-values",
     .expected = "256 bytes of values",
     .actual = "224 bytes"},
    {.name = "a byte too many",
     .check = RATLS_CHECK_PCR_DIGEST,
     .not_run = BIT(PCR_VALUE),
     .tamper = change_values_length,
     .param = 8 * 32 + 1},
    {.name = "another PCR 7",
     .check = RATLS_CHECK_PCR_VALUE,
     .after = change_7,
     .at = "pcrs.sha256[7]",
     .expected = "4747474747474747474747474747474747474747474747474747474747474747",
     .actual = "abababababababababababababababababababababababababababababababab"},
    {.name = "three other PCRs",
     .check = RATLS_CHECK_PCR_VALUE,
     .after = change_2_4_and_7,
     .at = "pcrs.sha256[2]",
     .actual = "a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2"},
    {.name = "none of two values",
     .check = RATLS_CHECK_PCR_VALUE,
     .after = allow_two,
     .at = "pcrs.sha256[0]",
     .expected = "0101010101010101010101010101010101010101010101010101010101010101 or 1 other"},
    {.name = "the last byte of the second bank",
     .check = RATLS_CHECK_PCR_VALUE,
     .after = change_384,
     .at = "pcrs.sha384[7]"},
    {.name = "a PCR that nothing speaks of",
     .check = RATLS_CHECK_PCR_VALUE,
     .after = select_without_rule,
     .at = "policy"},
    {.name = "a rule for a PCR that was not asked for",
     .check = RATLS_CHECK_PCR_VALUE,
     .after = rule_without_pcr,
     .at = "policy"},
};

const struct rows rows_pcr = {rows, sizeof rows / sizeof rows[0]};
