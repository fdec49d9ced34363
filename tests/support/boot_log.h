/* Logs of firmware for tests: crypto-agile, with the digests that the TPM would extend. */
#ifndef RATLS_TEST_BOOT_LOG_H
#define RATLS_TEST_BOOT_LOG_H

#include <string.h>

#include "crypto_hasher.h"
#include "eventlog.h"
#include "must.h"
#include "tpm_wire.h"

#define BOOT_LOG_CAP 65536
#define BOOT_LOG_BANKS 3

struct boot_log {
    size_t bank_count;
    uint16_t banks[BOOT_LOG_BANKS]; /* of TPM_ALG_ID */
    struct ratls_writer w;
    uint8_t bytes[BOOT_LOG_CAP];
};

static inline struct ratls_slice boot_log_slice(const struct boot_log *log)
{
    must(!log->w.failed);
    return ratls_slice(log->bytes, log->w.len);
}

static inline void boot_log_le16(struct boot_log *log, uint16_t value)
{
    ratls_write_u8(&log->w, (uint8_t)value);
    ratls_write_u8(&log->w, (uint8_t)(value >> 8));
}

static inline void boot_log_le32(struct boot_log *log, uint32_t value)
{
    boot_log_le16(log, (uint16_t)value);
    boot_log_le16(log, (uint16_t)(value >> 16));
}

/* The header, with the banks that are not 0 and with vendor information. */
static inline void boot_log_begin(struct boot_log *log, uint16_t first, uint16_t second,
                                  const char *vendor)
{
    static const uint8_t zeros[20];

    memset(log, 0, sizeof *log);
    log->w = ratls_writer(log->bytes, sizeof log->bytes);
    log->banks[0] = first;
    log->banks[1] = second;
    log->bank_count = second == 0 ? 1 : 2;
    boot_log_le32(log, 0);
    boot_log_le32(log, RATLS_EV_NO_ACTION);
    ratls_write_bytes(&log->w, ratls_slice(zeros, sizeof zeros));
    boot_log_le32(log, (uint32_t)(16 + 8 + 4 + 4 * log->bank_count + 1 + strlen(vendor)));
    ratls_write_bytes(&log->w, ratls_slice("Spec ID Event03", 16));
    ratls_write_bytes(&log->w, ratls_slice("\0\0\0\0\0\2\0\2", 8));
    boot_log_le32(log, (uint32_t)log->bank_count);
    for (size_t i = 0; i < log->bank_count; i++) {
        boot_log_le16(log, log->banks[i]);
        boot_log_le16(log, (uint16_t)ratls_tpm_hash_len(log->banks[i]));
    }
    ratls_write_u8(&log->w, (uint8_t)strlen(vendor));
    ratls_write_bytes(&log->w, ratls_slice(vendor, strlen(vendor)));
}

/* An event whose digests are over `measured`; of zeros if that has no bytes. */
static inline void boot_log_event(struct boot_log *log, uint32_t pcr, uint32_t type,
                                  struct ratls_slice data, struct ratls_slice measured)
{
    boot_log_le32(log, pcr);
    boot_log_le32(log, type);
    boot_log_le32(log, (uint32_t)log->bank_count);
    for (size_t i = 0; i < log->bank_count; i++) {
        uint8_t digest[RATLS_DIGEST_MAX] = {0};
        struct ratls_hasher hasher = {0};

        must(ratls_hasher_begin(log->banks[i], &hasher, NULL) == RATLS_OK);
        if (measured.p != NULL)
            must(ratls_hasher_digest(&hasher, &measured, 1, digest, NULL) == RATLS_OK);
        ratls_hasher_end(&hasher);
        boot_log_le16(log, log->banks[i]);
        ratls_write_bytes(&log->w, ratls_slice(digest, ratls_tpm_hash_len(log->banks[i])));
    }
    boot_log_le32(log, (uint32_t)data.len);
    ratls_write_bytes(&log->w, data);
}

/* An event whose digests are over its data. */
static inline void boot_log_put(struct boot_log *log, uint32_t pcr, uint32_t type, const void *data,
                                size_t len)
{
    boot_log_event(log, pcr, type, ratls_slice(data, len), ratls_slice(data, len));
}

static inline void boot_log_separator(struct boot_log *log, uint32_t pcr)
{
    boot_log_put(log, pcr, RATLS_EV_SEPARATOR, "\0\0\0", 4);
}

#endif
