#include "boot_phases.h"

#include <string.h>

static const char *const PHASES[] = {"enter-initrd", "leave-initrd", "sysinit", "ready"};

enum ratls_status ratls_boot_phases(struct ratls_hasher *hasher, struct ratls_slice value,
                                    struct ratls_slice quoted, bool *ret_same,
                                    struct ratls_error *err)
{
    uint8_t digest[RATLS_DIGEST_MAX], sum[RATLS_DIGEST_MAX];
    bool is_same = ratls_slice_equal(value, quoted);
    enum ratls_status status = RATLS_OK;

    memcpy(sum, value.p, value.len);
    for (size_t i = 0; status == RATLS_OK && !is_same && i < sizeof PHASES / sizeof *PHASES; i++) {
        struct ratls_slice phase = ratls_slice(PHASES[i], strlen(PHASES[i]));
        struct ratls_slice parts[2] = {ratls_slice(sum, hasher->len),
                                       ratls_slice(digest, hasher->len)};

        status = ratls_hasher_digest(hasher, &phase, 1, digest, err);
        if (status == RATLS_OK)
            status = ratls_hasher_digest(hasher, parts, 2, sum, err);
        is_same = status == RATLS_OK && ratls_slice_equal(parts[0], quoted);
    }
    if (status == RATLS_OK)
        *ret_same = is_same;
    return status;
}
