#include "ima_boot.h"

#include <string.h>

#include "fail.h"

#define BOOT_NAME "boot_aggregate"
#define SHA1_PCRS 8

enum ratls_status
ratls_ima_boot_aggregate(uint16_t bank, const struct ratls_slice pcrs[static RATLS_IMA_BOOT_PCRS],
                         uint8_t *out, struct ratls_error *err)
{
    size_t count = bank == RATLS_ALG_SHA1 ? SHA1_PCRS : RATLS_IMA_BOOT_PCRS;
    struct ratls_hasher hasher;
    enum ratls_status status = ratls_hasher_begin(bank, &hasher, err);

    if (status != RATLS_OK)
        return status;
    for (size_t i = 0; i < count && status == RATLS_OK; i++)
        if (pcrs[i].len != hasher.len)
            status = ratls_fail(err, RATLS_USAGE, "PCR %zu of the %s bank has %zu bytes, not %zu",
                                i, ratls_tpm_hash_name(bank), hasher.len, pcrs[i].len);
    if (status == RATLS_OK)
        status = ratls_hasher_digest(&hasher, pcrs, count, out, err);
    ratls_hasher_end(&hasher);
    return status;
}

bool ratls_ima_is_boot_aggregate(const struct ratls_ima_entry *entry)
{
    return entry->path.len == strlen(BOOT_NAME) &&
           memcmp(entry->path.p, BOOT_NAME, entry->path.len) == 0;
}

enum ratls_status ratls_ima_match_boot(const struct ratls_ima_entry *entry, uint16_t bank,
                                       const struct ratls_slice pcrs[static RATLS_IMA_BOOT_PCRS],
                                       bool *ret_matches, struct ratls_error *err)
{
    uint8_t expected[RATLS_DIGEST_MAX];
    enum ratls_status status = ratls_ima_boot_aggregate(bank, pcrs, expected, err);
    const char *hash = ratls_ima_hash_name(entry->file.hash);

    if (status != RATLS_OK)
        return status;
    *ret_matches =
        !entry->is_violation && ratls_ima_is_boot_aggregate(entry) && hash != NULL &&
        ratls_tpm_hash_alg(hash) == bank &&
        ratls_slice_equal(entry->file.value, ratls_slice(expected, ratls_tpm_hash_len(bank)));
    return RATLS_OK;
}
