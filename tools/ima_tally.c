#include "ima_tally.h"

#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "tpm_wire.h"

#define SHA1_LEN 20

static const uint16_t algs[RATLS_IMA_BANKS] = {RATLS_ALG_SHA1, RATLS_ALG_SHA256, RATLS_ALG_SHA384,
                                               RATLS_ALG_SHA512};

static void begin_way(struct ratls_ima_way *way, uint16_t alg, bool is_padded, bool is_known)
{
    way->alg = alg;
    way->is_padded = is_padded;
    way->is_known = is_known;
    way->pcrs.alg = alg;
    way->pcrs.len = ratls_bank_len(alg);
    way->pcrs.present = 1u << RATLS_IMA_PCR; /* zeros before the first entry */
}

enum ratls_status ratls_ima_tally_new(uint16_t list_alg, const struct ratls_pcr_values *expected,
                                      struct ratls_ima_tally **ret_tally, struct ratls_error *err)
{
    struct ratls_ima_tally *tally = calloc(1, sizeof *tally);

    if (tally == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    tally->list_alg = list_alg;
    tally->expected = expected;
    for (size_t i = 0; i < RATLS_IMA_BANKS; i++) {
        bool can_be_padded = list_alg == RATLS_ALG_SHA1 && algs[i] != RATLS_ALG_SHA1;

        begin_way(&tally->native[i], algs[i], false, true);
        begin_way(&tally->padded[i], algs[i], true, can_be_padded);
        if (!ratls_bank_hash_begin(algs[i], &tally->hashes[i])) {
            ratls_ima_tally_free(tally);
            return ratls_fail_openssl(err, ratls_bank_name(algs[i]));
        }
    }
    *ret_tally = tally;
    return RATLS_OK;
}

void ratls_ima_tally_free(struct ratls_ima_tally *tally)
{
    for (size_t i = 0; tally != NULL && i < RATLS_IMA_BANKS; i++)
        ratls_bank_hash_end(&tally->hashes[i]);
    free(tally);
}

static void note_reached(const struct ratls_ima_tally *tally, struct ratls_ima_way *way,
                         const struct ratls_ima_line *line)
{
    const struct ratls_pcr_bank_values *bank =
        tally->expected == NULL ? NULL : ratls_pcr_values_find(tally->expected, way->alg);

    if (bank == NULL || line->pcr != RATLS_IMA_PCR || (bank->present >> RATLS_IMA_PCR & 1) == 0)
        return;
    /* The last place counts: the whole list is the best answer. */
    if (memcmp(way->pcrs.values[RATLS_IMA_PCR], bank->values[RATLS_IMA_PCR], bank->len) == 0)
        way->reached = line->number;
}

static bool extend(struct ratls_ima_tally *tally, size_t bank, struct ratls_ima_way *way,
                   const struct ratls_ima_line *line, const uint8_t *extended)
{
    uint8_t *pcr = way->pcrs.values[line->pcr];
    const struct ratls_slice parts[] = {{pcr, way->pcrs.len}, {extended, way->pcrs.len}};

    way->pcrs.present |= 1u << line->pcr;
    if (!ratls_bank_hash(&tally->hashes[bank], parts, 2, pcr))
        return false;
    note_reached(tally, way, line);
    return true;
}

/* What was extended in the bank: of its own list what that says, else the digest of the data. */
static bool extend_native(struct ratls_ima_tally *tally, size_t bank,
                          const struct ratls_ima_line *line)
{
    struct ratls_ima_way *way = &tally->native[bank];
    uint8_t extended[RATLS_BANK_DIGEST_MAX];
    bool is_listed = tally->list_alg == way->alg;

    memset(extended, 0xff, sizeof extended);
    if (is_listed)
        way->is_known = way->is_known && line->digest.len == way->pcrs.len;
    else
        way->is_known = way->is_known && (line->has_data || line->is_violation);
    if (!way->is_known)
        return true;
    if (is_listed && !line->is_violation)
        memcpy(extended, line->digest.p, line->digest.len);
    else if (!line->is_violation &&
             !ratls_bank_hash(&tally->hashes[bank], &line->data, 1, extended))
        return false;
    return extend(tally, bank, way, line, extended);
}

static bool extend_padded(struct ratls_ima_tally *tally, size_t bank,
                          const struct ratls_ima_line *line)
{
    struct ratls_ima_way *way = &tally->padded[bank];
    uint8_t extended[RATLS_BANK_DIGEST_MAX] = {0};

    way->is_known = way->is_known && line->digest.len == SHA1_LEN;
    if (!way->is_known)
        return true;
    if (line->is_violation)
        memset(extended, 0xff, SHA1_LEN);
    else
        memcpy(extended, line->digest.p, SHA1_LEN);
    return extend(tally, bank, way, line, extended);
}

/* The digest that is listed is of the hash that has its length. */
static bool check_digest(struct ratls_ima_tally *tally, const struct ratls_ima_line *line,
                         bool *ret_right)
{
    uint8_t computed[RATLS_BANK_DIGEST_MAX];

    *ret_right = false;
    for (size_t i = 0; i < RATLS_IMA_BANKS; i++) {
        if (tally->hashes[i].len != line->digest.len)
            continue;
        if (!ratls_bank_hash(&tally->hashes[i], &line->data, 1, computed))
            return false;
        *ret_right = memcmp(computed, line->digest.p, line->digest.len) == 0;
    }
    return true;
}

enum ratls_status ratls_ima_tally_add(struct ratls_ima_tally *tally,
                                      const struct ratls_ima_line *line, bool *ret_template_error,
                                      struct ratls_error *err)
{
    bool is_checked = !line->is_violation && line->has_data;
    bool is_good = true;
    bool is_right = true;

    if (is_checked)
        is_good = check_digest(tally, line, &is_right);
    for (size_t i = 0; is_good && line->pcr < RATLS_PCR_COUNT && i < RATLS_IMA_BANKS; i++)
        is_good = extend_native(tally, i, line) && extend_padded(tally, i, line);
    if (!is_good)
        return ratls_fail_openssl(err, "the digest of an entry");
    if (tally->entries++ == 0)
        tally->aggregate = ratls_ima_aggregate(line);
    tally->violations += line->is_violation;
    tally->unchecked += !is_checked && !line->is_violation;
    tally->signatures += line->has_signature;
    if (!is_right && tally->template_errors++ == 0)
        tally->first_template_error = line->number;
    *ret_template_error = !is_right;
    return RATLS_OK;
}
