#include "boot_known.h"

#include <string.h>

#define PCR_SECURE_BOOT 7

#define TEXT(text)                                                                                 \
    {                                                                                              \
        RATLS_EV_EFI_ACTION, (text), sizeof(text) - 1                                              \
    }
#define VARIABLE(bytes)                                                                            \
    {                                                                                              \
        RATLS_EV_EFI_VARIABLE_DRIVER_CONFIG, (bytes), sizeof(bytes) - 1                            \
    }

/* UEFI_VARIABLE_DATA (PFP, 10.2.6): GUID, two lengths, the name in UTF-16, the content. */
#define GLOBAL_GUID "\x61\xdf\xe4\x8b\xca\x93\xd2\x11\xaa\x0d\x00\xe0\x98\x03\x2b\x8c"
#define LEN_64(low) low "\0\0\0\0\0\0\0"
#define SECURE_BOOT(len) GLOBAL_GUID LEN_64("\x0a") LEN_64(len) "S\0e\0c\0u\0r\0e\0B\0o\0o\0t\0"

/* PFP, 10.4.1 and 10.4.4. */
static const struct {
    uint32_t type;
    const char *data;
    size_t len;
} KNOWN[RATLS_BOOT_KNOWN_COUNT] = {
    [RATLS_BOOT_SEPARATOR_ZEROS] = {RATLS_EV_SEPARATOR, "\x00\x00\x00\x00", 4},
    [RATLS_BOOT_SEPARATOR_ONES] = {RATLS_EV_SEPARATOR, "\xff\xff\xff\xff", 4},
    [RATLS_BOOT_SEPARATOR_ERROR] = {RATLS_EV_SEPARATOR, "\x01\x00\x00\x00", 4},
    [RATLS_BOOT_CALLING] = TEXT("Calling EFI Application from Boot Option"),
    [RATLS_BOOT_RETURNING] = TEXT("Returning from EFI Application from Boot Option"),
    [RATLS_BOOT_EXIT_INVOCATION] = TEXT("Exit Boot Services Invocation"),
    [RATLS_BOOT_EXIT_SUCCESS] = TEXT("Exit Boot Services Returned with Success"),
    [RATLS_BOOT_EXIT_FAILURE] = TEXT("Exit Boot Services Returned with Failure"),
    [RATLS_BOOT_DEBUG_MODE] = TEXT("UEFI Debug Mode"),
    [RATLS_BOOT_DMA_UNPROTECTED] = TEXT("DMA Protection Disabled"),
    [RATLS_BOOT_SECURE_BOOT_ABSENT] = VARIABLE(SECURE_BOOT("\0")),
    [RATLS_BOOT_SECURE_BOOT_OFF] = VARIABLE(SECURE_BOOT("\x01") "\0"),
    [RATLS_BOOT_SECURE_BOOT_ON] = VARIABLE(SECURE_BOOT("\x01") "\x01"),
    [RATLS_BOOT_PK_ABSENT] = VARIABLE(GLOBAL_GUID LEN_64("\x02") LEN_64("\0") "P\0K\0"),
};

enum ratls_status ratls_boot_known(struct ratls_hasher *hasher, struct ratls_boot_known *ret_known,
                                   struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    for (size_t i = 0; status == RATLS_OK && i < RATLS_BOOT_KNOWN_COUNT; i++) {
        struct ratls_slice data = ratls_boot_known_data((enum ratls_boot_known_id)i);

        status = ratls_hasher_digest(hasher, &data, 1, ret_known->digests[i], err);
        memcpy(&ret_known->heads[i], ret_known->digests[i], sizeof ret_known->heads[i]);
    }
    ret_known->bank = status == RATLS_OK ? hasher->alg : 0;
    return status;
}

enum ratls_boot_known_id ratls_boot_known_find(const struct ratls_boot_known *known, uint32_t pcr,
                                               struct ratls_slice digest)
{
    size_t count = pcr == PCR_SECURE_BOOT ? RATLS_BOOT_KNOWN_COUNT : RATLS_BOOT_SECURE_BOOT_ABSENT;
    uint64_t head; /* every digest is longer */

    memcpy(&head, digest.p, sizeof head);
    for (size_t id = 0; id < count; id++)
        if (known->heads[id] == head && memcmp(known->digests[id], digest.p, digest.len) == 0)
            return (enum ratls_boot_known_id)id;
    return RATLS_BOOT_KNOWN_COUNT;
}

uint32_t ratls_boot_known_type(enum ratls_boot_known_id id)
{
    return KNOWN[id].type;
}

struct ratls_slice ratls_boot_known_data(enum ratls_boot_known_id id)
{
    return ratls_slice(KNOWN[id].data, KNOWN[id].len);
}
