#include "ima_aggregate.h"

#include <string.h>

#define BOOT_NAME "boot_aggregate"
#define PCRS_OLD 8
#define PCRS_NEW 10

struct ratls_ima_aggregate ratls_ima_aggregate(const struct ratls_ima_line *first)
{
    struct ratls_ima_aggregate aggregate = {.len = 0};
    const char *hash = ratls_ima_hash_name(first->file.hash);
    struct ratls_slice value = first->file.value;

    if (first->is_violation || hash == NULL || value.len == 0 || value.len > sizeof aggregate.value)
        return aggregate;
    if (!ratls_slice_equal(first->path, ratls_slice(BOOT_NAME, strlen(BOOT_NAME))))
        return aggregate;
    aggregate.alg = ratls_bank_alg(hash);
    aggregate.len = value.len;
    memcpy(aggregate.value, value.p, value.len);
    return aggregate;
}

/* *ret_same is set if it is over the first `count` PCRs of the bank; false if not all are there. */
static bool compare(const struct ratls_ima_aggregate *aggregate, struct ratls_bank_hash *hash,
                    const struct ratls_pcr_bank_values *bank, size_t count, bool *ret_same)
{
    const uint32_t wanted = (1u << count) - 1;
    struct ratls_slice parts[PCRS_NEW];
    uint8_t computed[RATLS_BANK_DIGEST_MAX];

    if ((bank->present & wanted) != wanted)
        return false;
    for (size_t i = 0; i < count; i++)
        parts[i] = ratls_slice(bank->values[i], bank->len);
    if (!ratls_bank_hash(hash, parts, count, computed))
        return false;
    if (memcmp(computed, aggregate->value, aggregate->len) == 0)
        *ret_same = true;
    return true;
}

enum ratls_ima_origin ratls_ima_origin(const struct ratls_ima_aggregate *aggregate,
                                       const struct ratls_pcr_values *pcrs)
{
    struct ratls_bank_hash hash;
    bool is_compared = false;
    bool is_same = false;

    if (aggregate->len == 0 || ratls_bank_len(aggregate->alg) != aggregate->len)
        return RATLS_IMA_ORIGIN_UNKNOWN;
    if (ratls_bank_hash_begin(aggregate->alg, &hash)) {
        for (size_t i = 0; i < pcrs->count; i++) {
            is_compared |= compare(aggregate, &hash, &pcrs->banks[i], PCRS_OLD, &is_same);
            is_compared |= compare(aggregate, &hash, &pcrs->banks[i], PCRS_NEW, &is_same);
        }
    }
    ratls_bank_hash_end(&hash);
    if (!is_compared)
        return RATLS_IMA_ORIGIN_UNKNOWN;
    return is_same ? RATLS_IMA_ORIGIN_SAME : RATLS_IMA_ORIGIN_OTHER;
}
