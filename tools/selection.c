#include "selection.h"

#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "request.h"
#include "tpm_wire.h"

#define BANK_NAME_MAX 16

/* A decimal number below RATLS_PCR_COUNT, without leading zeros. */
static bool read_index(const char **text, unsigned *ret)
{
    unsigned value = 0;
    int digits = 0;

    for (; **text >= '0' && **text <= '9' && digits < 2; digits++, (*text)++)
        value = 10 * value + (unsigned)(**text - '0');
    if (digits == 0 || value >= RATLS_PCR_COUNT || (digits == 2 && value < 10))
        return false;
    *ret = value;
    return true;
}

/* One of "3" and "0-7". */
static bool read_range(const char **text, uint32_t *pcrs)
{
    unsigned first;
    unsigned last;

    if (!read_index(text, &first))
        return false;
    last = first;
    if (**text == '-') {
        (*text)++;
        if (!read_index(text, &last) || last < first)
            return false;
    }
    for (unsigned i = first; i <= last; i++) {
        if ((*pcrs & 1u << i) != 0)
            return false;
        *pcrs |= 1u << i;
    }
    return true;
}

static bool read_bank(const char **text, struct ratls_pcr_bank *ret)
{
    const size_t len = strcspn(*text, ":");
    char name[BANK_NAME_MAX];

    if (len >= sizeof name || (*text)[len] != ':')
        return false;
    snprintf(name, sizeof name, "%.*s", (int)len, *text);
    *ret = (struct ratls_pcr_bank){.hash_alg = ratls_tpm_hash_alg(name)};
    *text += len;
    do {
        (*text)++;
        if (!read_range(text, &ret->pcrs))
            return false;
    } while (**text == ',');
    return ret->hash_alg != 0 && ret->hash_alg != RATLS_ALG_SHA1;
}

/* Keeps the banks in ascending order, as the request requires. */
static void insert_bank(struct ratls_pcr_selection *selection, struct ratls_pcr_bank bank)
{
    size_t i = selection->count++;

    for (; i > 0 && selection->banks[i - 1].hash_alg > bank.hash_alg; i--)
        selection->banks[i] = selection->banks[i - 1];
    selection->banks[i] = bank;
}

enum ratls_status ratls_selection_parse(const char *text, struct ratls_pcr_selection *ret_selection,
                                        struct ratls_error *err)
{
    struct ratls_pcr_selection selection = {0};
    const char *rest = text;
    struct ratls_pcr_bank bank;
    bool more;

    do {
        if (selection.count == RATLS_BANKS_MAX || !read_bank(&rest, &bank))
            goto malformed;
        insert_bank(&selection, bank);
        more = *rest == '+';
        if (more)
            rest++;
    } while (more);
    if (*rest != '\0' || !ratls_selection_valid(&selection))
        goto malformed;
    *ret_selection = selection;
    return RATLS_OK;

malformed:
    return ratls_fail(
        err, RATLS_USAGE,
        "'%s' is no PCR selection; write, for example, sha256:0-7 or "
        "sha256:0,2,7+sha384:0 (banks sha256, sha384, sha512; PCRs 0 to 23, each once)",
        text);
}

bool ratls_selection_add(struct ratls_pcr_selection *selection,
                         const struct ratls_pcr_selection *other)
{
    struct ratls_pcr_selection sum = *selection;

    for (size_t i = 0; i < other->count; i++) {
        size_t j = 0;

        while (j < sum.count && sum.banks[j].hash_alg != other->banks[i].hash_alg)
            j++;
        if (j < sum.count)
            sum.banks[j].pcrs |= other->banks[i].pcrs;
        else if (sum.count < RATLS_BANKS_MAX)
            insert_bank(&sum, other->banks[i]);
        else
            return false;
    }
    *selection = sum;
    return true;
}

void ratls_selection_intersect(struct ratls_pcr_selection *selection,
                               const struct ratls_pcr_selection *allocated)
{
    size_t kept = 0;

    for (size_t i = 0; i < selection->count; i++) {
        struct ratls_pcr_bank bank = {.hash_alg = selection->banks[i].hash_alg};

        for (size_t j = 0; j < allocated->count; j++) {
            if (allocated->banks[j].hash_alg == bank.hash_alg)
                bank.pcrs |= selection->banks[i].pcrs & allocated->banks[j].pcrs;
        }
        if (bank.pcrs != 0)
            selection->banks[kept++] = bank;
    }
    selection->count = kept;
}
