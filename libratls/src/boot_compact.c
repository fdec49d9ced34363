#include "boot_compact.h"

#include <stdlib.h>
#include <string.h>

#include "crypto_hasher.h"
#include "evidence.h"
#include "fail.h"

#define PCR_TEXTS_GRUB 8
#define PCR_TEXTS_STUB 12
#define PCR_AUTHORITIES 7
#define STARTUP_LOCALITY "StartupLocality"

/* The header (PFP, 10.2.1 and 10.4.5.1): of a log with one algorithm, whatever the original had. */
#define SHA1_LEN 20
#define SPEC_ID "Spec ID Event03"
#define SPEC_ID_LEN 33
#define PLATFORM_CLIENT 0
#define VERSION_MINOR 0
#define VERSION_MAJOR 2
#define ERRATA 0
#define UINTN_64 2

static void write_le16(struct ratls_writer *w, uint16_t value)
{
    ratls_write_u8(w, (uint8_t)value);
    ratls_write_u8(w, (uint8_t)(value >> 8));
}

static void write_le32(struct ratls_writer *w, uint32_t value)
{
    write_le16(w, (uint16_t)value);
    write_le16(w, (uint16_t)(value >> 16));
}

static void write_header(const struct ratls_eventlog_alg *alg, struct ratls_writer *w)
{
    static const uint8_t no_digest[SHA1_LEN];

    write_le32(w, 0);
    write_le32(w, RATLS_EV_NO_ACTION);
    ratls_write_bytes(w, ratls_slice(no_digest, sizeof no_digest));
    write_le32(w, SPEC_ID_LEN);
    ratls_write_bytes(w, ratls_slice(SPEC_ID, sizeof SPEC_ID));
    write_le32(w, PLATFORM_CLIENT);
    ratls_write_u8(w, VERSION_MINOR);
    ratls_write_u8(w, VERSION_MAJOR);
    ratls_write_u8(w, ERRATA);
    ratls_write_u8(w, UINTN_64);
    write_le32(w, 1);
    write_le16(w, alg->id);
    write_le16(w, alg->digest_len);
    ratls_write_u8(w, 0); /* vendorInfoSize */
}

/* Whether the digest is over the data, or over all of it but the last byte: old versions of shim.
 */
static enum ratls_status find_measured(struct ratls_hasher *hasher, const struct ratls_event *event,
                                       struct ratls_slice digest, bool *ret_measured,
                                       struct ratls_error *err)
{
    bool is_authority = event->type == RATLS_EV_EFI_VARIABLE_AUTHORITY;
    struct ratls_slice data = event->data;
    int tries = is_authority && data.len > 0 ? 2 : 1;
    uint8_t computed[RATLS_DIGEST_MAX];

    for (int i = 0; i < tries; i++, data.len--) {
        enum ratls_status status = ratls_hasher_digest(hasher, &data, 1, computed, err);

        if (status != RATLS_OK)
            return status;
        *ret_measured = ratls_slice_equal(ratls_slice(computed, hasher->len), digest);
        if (*ret_measured)
            break;
    }
    return RATLS_OK;
}

static bool is_startup_locality(struct ratls_slice data)
{
    return data.len >= sizeof STARTUP_LOCALITY &&
           memcmp(data.p, STARTUP_LOCALITY, sizeof STARTUP_LOCALITY) == 0;
}

/* What the policy can use of an event's data: all of it, or nothing. */
static enum ratls_status choose_data(struct ratls_hasher *hasher, const struct ratls_event *event,
                                     struct ratls_slice digest, struct ratls_slice *ret_data,
                                     struct ratls_error *err)
{
    bool is_text = event->pcr == PCR_TEXTS_GRUB || event->pcr == PCR_TEXTS_STUB;
    bool is_authority =
        event->pcr == PCR_AUTHORITIES && event->type == RATLS_EV_EFI_VARIABLE_AUTHORITY;
    enum ratls_status status = RATLS_OK;
    bool keep = false;

    if (event->type == RATLS_EV_NO_ACTION)
        keep = event->number > 0 && is_startup_locality(event->data);
    else if (is_text && event->data.len <= RATLS_BOOT_TEXT_MAX)
        keep = true;
    else if (is_authority || event->data.len <= RATLS_BOOT_SHORT_MAX)
        status = find_measured(hasher, event, digest, &keep, err);
    if (status == RATLS_OK)
        *ret_data = keep ? event->data : ratls_slice(NULL, 0);
    return status;
}

static void write_event(const struct ratls_event *event, uint16_t bank, struct ratls_slice digest,
                        struct ratls_slice data, struct ratls_writer *w)
{
    write_le32(w, event->pcr);
    write_le32(w, event->type);
    write_le32(w, 1);
    write_le16(w, bank);
    ratls_write_bytes(w, digest);
    write_le32(w, (uint32_t)data.len);
    ratls_write_bytes(w, data);
}

/* The header of the original is event 0, and is replaced: every other event keeps its number. */
static enum ratls_status write_log(struct ratls_eventlog *log, uint16_t bank,
                                   struct ratls_hasher *hasher, struct ratls_writer *w,
                                   struct ratls_error *err)
{
    size_t index = ratls_eventlog_find_alg(log, bank);
    struct ratls_event event;
    struct ratls_slice data;

    if (!log->is_crypto_agile || index == log->alg_count)
        return ratls_fail(err, RATLS_MALFORMED, "the log has no digests of %s",
                          ratls_tpm_alg_name(bank));
    write_header(&log->algs[index], w);
    while (!w->failed && ratls_eventlog_next(log, &event)) {
        enum ratls_status status;

        if (event.number == 0)
            continue;
        status = choose_data(hasher, &event, event.digests[index], &data, err);
        if (status != RATLS_OK)
            return status;
        write_event(&event, bank, event.digests[index], data, w);
    }
    if (log->why[0] != '\0')
        return ratls_fail(err, RATLS_MALFORMED, "%s", log->why);
    if (w->failed)
        return ratls_fail(err, RATLS_LIMIT, "the log has more than %d bytes in compact form",
                          RATLS_BOOT_LOG_MAX);
    return RATLS_OK;
}

enum ratls_status ratls_boot_compact(struct ratls_slice in, uint16_t bank, uint8_t **ret_log,
                                     size_t *ret_len, struct ratls_error *err)
{
    struct ratls_hasher hasher = {0};
    struct ratls_eventlog log;
    struct ratls_writer w;
    enum ratls_status status;
    uint8_t *out;

    if (!ratls_eventlog_open(in, RATLS_EVENTLOG_STRICT, &log))
        return ratls_fail(err, RATLS_MALFORMED, "%s", log.why);
    out = malloc(RATLS_BOOT_LOG_MAX);
    if (out == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    w = ratls_writer(out, RATLS_BOOT_LOG_MAX);
    status = ratls_hasher_begin(bank, &hasher, err);
    if (status == RATLS_OK)
        status = write_log(&log, bank, &hasher, &w, err);
    ratls_hasher_end(&hasher);
    if (status != RATLS_OK) {
        free(out);
        return status;
    }
    *ret_log = out;
    *ret_len = w.len;
    return RATLS_OK;
}
