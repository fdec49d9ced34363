/*
 * Events that are known before a log is: the digests of what the specifications fix to the byte.
 * An event is one of these by its digest, whatever its type and its data say (TCG PC Client
 * Platform Firmware Profile, "PFP").
 */
#ifndef RATLS_BOOT_KNOWN_H
#define RATLS_BOOT_KNOWN_H

#include <ratls/attester.h>

#include "crypto_hasher.h"
#include "eventlog.h"

enum ratls_boot_known_id {
    RATLS_BOOT_SEPARATOR_ZEROS,
    RATLS_BOOT_SEPARATOR_ONES,
    RATLS_BOOT_SEPARATOR_ERROR, /* the last of the separators */
    RATLS_BOOT_CALLING,
    RATLS_BOOT_RETURNING,
    RATLS_BOOT_EXIT_INVOCATION,
    RATLS_BOOT_EXIT_SUCCESS,
    RATLS_BOOT_EXIT_FAILURE,
    RATLS_BOOT_DEBUG_MODE,
    RATLS_BOOT_DMA_UNPROTECTED,
    RATLS_BOOT_SECURE_BOOT_ABSENT, /* the first that only PCR 7 has */
    RATLS_BOOT_SECURE_BOOT_OFF,
    RATLS_BOOT_SECURE_BOOT_ON,
    RATLS_BOOT_PK_ABSENT,
    RATLS_BOOT_KNOWN_COUNT
};

struct ratls_boot_known {
    uint16_t bank; /* of the digests; 0: there are none */
    uint8_t digests[RATLS_BOOT_KNOWN_COUNT][RATLS_DIGEST_MAX];
    uint64_t heads[RATLS_BOOT_KNOWN_COUNT]; /* of the digests: enough to tell most events */
};

RATLS_MUST_CHECK enum ratls_status ratls_boot_known(struct ratls_hasher *hasher,
                                                    struct ratls_boot_known *ret_known,
                                                    struct ratls_error *err);
/* RATLS_BOOT_KNOWN_COUNT for every other event. */
enum ratls_boot_known_id ratls_boot_known_find(const struct ratls_boot_known *known, uint32_t pcr,
                                               struct ratls_slice digest);
/* The type that an honest log gives it. */
uint32_t ratls_boot_known_type(enum ratls_boot_known_id id);
/* What was measured. */
struct ratls_slice ratls_boot_known_data(enum ratls_boot_known_id id);

#endif
