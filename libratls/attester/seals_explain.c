/* Why a sealed key cannot be used now, for whoever has to do something about it. */
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "seals.h"

#define SHOWN 8     /* bytes of a value: ratls seal list has all of them */
#define NAMED_MAX 2 /* PCRs with their values; others by their number */
#define COMMENT_MAX 32
#define DIFFER_MAX 160
#define OTHERS_MAX 64

unsigned ratls_seals_compare(const struct ratls_seals *seals, const struct ratls_seal *seal,
                             struct ratls_slice values, uint32_t ret_differ[static RATLS_BANKS_MAX])
{
    const struct ratls_pcr_selection *selection = &seals->selection;
    size_t offset = 0;
    unsigned count = 0;

    memset(ret_differ, 0, RATLS_BANKS_MAX * sizeof *ret_differ);
    for (size_t i = 0; i < selection->count; i++) {
        const size_t len = ratls_tpm_hash_len(selection->banks[i].hash_alg);

        for (unsigned pcr = 0; pcr < RATLS_PCR_COUNT; pcr++) {
            if ((selection->banks[i].pcrs >> pcr & 1) == 0)
                continue;
            if (offset + len > values.len || offset + len > seal->values.len ||
                memcmp(values.p + offset, seal->values.p + offset, len) != 0) {
                ret_differ[i] |= UINT32_C(1) << pcr;
                count++;
            }
            offset += len;
        }
    }
    return count;
}

static const struct ratls_sealed_state *find_nearest(const struct ratls_seals *seals,
                                                     struct ratls_slice values)
{
    const struct ratls_sealed_state *nearest = NULL;
    uint32_t differ[RATLS_BANKS_MAX];
    unsigned least = 0;

    for (size_t i = 0; i < seals->count; i++) {
        const unsigned count = ratls_seals_compare(seals, &seals->states[i].seal, values, differ);

        if (nearest == NULL || count < least) {
            nearest = &seals->states[i];
            least = count;
        }
    }
    return nearest;
}

/* Where the value of a PCR begins. */
static size_t offset_of(const struct ratls_pcr_selection *selection, size_t bank, unsigned pcr)
{
    struct ratls_pcr_bank before = selection->banks[bank];

    before.pcrs &= (UINT32_C(1) << pcr) - 1;
    return ratls_tpm_selection_values_len(selection->banks, bank) +
           ratls_tpm_selection_values_len(&before, 1);
}

/* "sha256:4 is 00.., authorised 11.."; takes the PCR away from those that differ. */
static void name_first(const struct ratls_seals *seals, const struct ratls_seal *seal,
                       struct ratls_slice values, struct ratls_pcr_selection *differ, char *out,
                       size_t cap)
{
    char actual[2 * SHOWN + 1], expected[2 * SHOWN + 1];
    size_t bank = 0, offset;
    unsigned pcr;

    while (bank < differ->count && differ->banks[bank].pcrs == 0)
        bank++;
    if (bank == differ->count)
        return;
    pcr = (unsigned)__builtin_ctz(differ->banks[bank].pcrs);
    offset = offset_of(&seals->selection, bank, pcr);
    differ->banks[bank].pcrs &= differ->banks[bank].pcrs - 1;
    ratls_hex(ratls_slice(values.p + offset, SHOWN), actual, sizeof actual);
    ratls_hex(ratls_slice(seal->values.p + offset, SHOWN), expected, sizeof expected);
    snprintf(out, cap, "%s%s:%u is %s.., authorised %s..", out[0] == '\0' ? "" : ", ",
             ratls_tpm_hash_name(seals->selection.banks[bank].hash_alg), pcr, actual, expected);
}

static void name_others(const struct ratls_pcr_selection *differ, char *out, size_t cap)
{
    struct ratls_pcr_selection left = {.count = 0};
    char text[OTHERS_MAX];

    for (size_t i = 0; i < differ->count; i++)
        if (differ->banks[i].pcrs != 0)
            left.banks[left.count++] = differ->banks[i];
    if (left.count == 0)
        return;
    ratls_tpm_selection_text(left.banks, left.count, text, sizeof text);
    snprintf(out, cap, ", and %s", text);
}

enum ratls_status ratls_seals_refuse(const struct ratls_seals *seals, struct ratls_slice values,
                                     struct ratls_error *err)
{
    static const char *const remedy =
        "'ratls seal authorize --now' signs this state, 'ratls seal install' installs it";
    const struct ratls_sealed_state *nearest = find_nearest(seals, values);
    struct ratls_pcr_selection differ = seals->selection;
    uint32_t bitmaps[RATLS_BANKS_MAX];
    char text[DIFFER_MAX] = "";

    if (nearest == NULL && seals->passed_over > 0)
        return ratls_fail(err, RATLS_TPM,
                          "no state of this machine was authorised; passed over: %.200s",
                          seals->fault.text);
    if (nearest == NULL)
        return ratls_fail(err, RATLS_TPM,
                          "the attestation key is sealed, and no state of this machine was "
                          "authorised: %s",
                          remedy);
    (void)ratls_seals_compare(seals, &nearest->seal, values, bitmaps);
    for (size_t i = 0; i < differ.count; i++)
        differ.banks[i].pcrs = bitmaps[i];
    for (int i = 0; i < NAMED_MAX; i++) {
        const size_t used = strlen(text);

        name_first(seals, &nearest->seal, values, &differ, text + used, sizeof text - used);
    }
    name_others(&differ, text + strlen(text), sizeof text - strlen(text));
    return ratls_fail(
        err, RATLS_TPM, "this machine is in no authorised state: %s (%.*s); %s", text,
        (int)(nearest->seal.comment.len < COMMENT_MAX ? nearest->seal.comment.len : COMMENT_MAX),
        nearest->seal.comment.len == 0 ? "" : (const char *)nearest->seal.comment.p, remedy);
}
