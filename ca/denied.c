#include "denied.h"

#include <inttypes.h>
#include <stdio.h>

#define MODEL_PARTS 3

void ratls_denied_firmware(uint64_t version, char out[static RATLS_DENIED_VALUE_MAX])
{
    (void)snprintf(out, RATLS_DENIED_VALUE_MAX, "0x%016" PRIx64, version);
}

void ratls_denied_model(const struct ratls_ek_certificate *ek, unsigned parts,
                        char out[static RATLS_DENIED_VALUE_MAX])
{
    (void)snprintf(out, RATLS_DENIED_VALUE_MAX, "%s%s%s%s%s", ek->manufacturer,
                   parts > 1 ? "/" : "", parts > 1 ? ek->model : "", parts > 2 ? "/" : "",
                   parts > 2 ? ek->version : "");
}

enum ratls_status ratls_denied_has_firmware(struct ratls_store *store, uint64_t version,
                                            bool *ret_denied, struct ratls_error *err)
{
    char value[RATLS_DENIED_VALUE_MAX];

    ratls_denied_firmware(version, value);
    return ratls_store_is_denied(store, RATLS_DENIED_FIRMWARE, value, ret_denied, err);
}

enum ratls_status ratls_denied_has_model(struct ratls_store *store,
                                         const struct ratls_ek_certificate *ek, bool *ret_denied,
                                         struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;
    bool is_denied = false;

    for (unsigned parts = 1; parts <= MODEL_PARTS && status == RATLS_OK && !is_denied; parts++) {
        char value[RATLS_DENIED_VALUE_MAX];

        ratls_denied_model(ek, parts, value);
        status = ratls_store_is_denied(store, RATLS_DENIED_MODEL, value, &is_denied, err);
    }
    if (status == RATLS_OK)
        *ret_denied = is_denied;
    return status;
}
