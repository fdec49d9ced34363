#include "eventlog.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tpm_wire.h"

#define SHA1_LEN 20
#define SIGNATURE_LEN 16 /* of the header and of every EV_NO_ACTION, with its NUL */
#define SIGNATURE_BEGIN "Spec ID Event"
#define SPEC_VERSION_MAJOR 2 /* of "Spec ID Event03" */
#define PADDING_ZEROS 0x00
#define PADDING_ONES 0xff

/* TCG Algorithm Registry, and Part 2, 9.27 (TPMI_ALG_HASH): another has no place in a log. */
static const struct ratls_eventlog_alg HASHES[] = {
    {RATLS_ALG_SHA1, SHA1_LEN}, {RATLS_ALG_SHA256, 32},   {RATLS_ALG_SHA384, 48},
    {RATLS_ALG_SHA512, 64},     {RATLS_ALG_SM3_256, 32},  {RATLS_ALG_SHA3_256, 32},
    {RATLS_ALG_SHA3_384, 48},   {RATLS_ALG_SHA3_512, 64},
};

static void refuse_log(struct ratls_eventlog *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void refuse_event(struct ratls_eventlog *log, const struct ratls_event *event,
                         const char *format, ...) __attribute__((format(printf, 3, 4)));

static void refuse_log(struct ratls_eventlog *log, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(log->why, sizeof log->why, format, arguments);
    va_end(arguments);
}

static void refuse_event(struct ratls_eventlog *log, const struct ratls_event *event,
                         const char *format, ...)
{
    char what[RATLS_EVENTLOG_WHY_MAX / 2];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    refuse_log(log, "event %zu at offset %zu %s", event->number, event->offset, what);
}

size_t ratls_eventlog_find_alg(const struct ratls_eventlog *log, uint16_t alg)
{
    size_t i = 0;

    while (i < log->alg_count && log->algs[i].id != alg)
        i++;
    return i;
}

/* The digests of PFP, 10.2.2 (TCG_PCR_EVENT2). False if they are not what the header announced. */
static bool read_digests(struct ratls_eventlog *log, struct ratls_event *event)
{
    struct ratls_reader *r = &log->reader;
    uint32_t count = ratls_read_le32(r);
    bool is_partial = log->rigor == RATLS_EVENTLOG_SHOW && count > 0 && count < log->alg_count;

    if (!r->failed && count != log->alg_count && !is_partial) {
        refuse_event(log, event, "lists %u digests, the header %zu algorithms", count,
                     log->alg_count);
        return false;
    }
    for (uint32_t i = 0; !r->failed && i < count; i++) {
        uint16_t alg = ratls_read_le16(r);
        size_t index = ratls_eventlog_find_alg(log, alg);

        if (r->failed)
            break;
        if (index == log->alg_count) {
            refuse_event(log, event, "lists algorithm 0x%04x, the header does not", (unsigned)alg);
            return false;
        }
        if (event->digests[index].p != NULL) {
            refuse_event(log, event, "lists algorithm 0x%04x twice", (unsigned)alg);
            return false;
        }
        event->digests[index] = ratls_read_bytes(r, log->algs[index].digest_len);
    }
    return true;
}

static bool read_data(struct ratls_eventlog *log, struct ratls_event *event)
{
    uint32_t len = ratls_read_le32(&log->reader);

    if (log->reader.failed) {
        refuse_event(log, event, "is cut");
        return false;
    }
    if (len > log->reader.rest.len) {
        refuse_event(log, event, "has %u bytes of data, %zu are left", len, log->reader.rest.len);
        return false;
    }
    event->data = ratls_read_bytes(&log->reader, len);
    return true;
}

static bool check_pcr(struct ratls_eventlog *log, const struct ratls_event *event)
{
    bool is_no_action = event->type == RATLS_EV_NO_ACTION;

    if (event->pcr < RATLS_PCR_COUNT || (is_no_action && event->pcr == RATLS_EVENTLOG_NO_PCR))
        return true;
    refuse_event(log, event, "names PCR %u, there is none", event->pcr);
    return false;
}

/* PFP, 10.2.1 (TCG_PCClientPCREvent) for a header and without one, else 10.2.2. */
static bool read_event(struct ratls_eventlog *log, struct ratls_event *event)
{
    struct ratls_slice sha1;

    event->number = log->events;
    event->offset = log->len - log->reader.rest.len;
    event->pcr = ratls_read_le32(&log->reader);
    event->type = ratls_read_le32(&log->reader);
    for (size_t i = 0; i < log->alg_count; i++)
        event->digests[i] = ratls_slice(NULL, 0);
    if (log->is_crypto_agile && log->events > 0) {
        if (!read_digests(log, event))
            return false;
    } else {
        sha1 = ratls_read_bytes(&log->reader, SHA1_LEN);
        if (!log->is_crypto_agile) /* else it is the header, whose digest is of no bank */
            event->digests[0] = sha1;
    }
    return read_data(log, event) && check_pcr(log, event);
}

/* A digest of zeros, as an event has it that nothing was extended for. */
static bool add_alg(struct ratls_eventlog *log, struct ratls_eventlog_alg alg)
{
    for (size_t i = 0; i < sizeof HASHES / sizeof *HASHES; i++) {
        if (HASHES[i].id != alg.id)
            continue;
        if (HASHES[i].digest_len != alg.digest_len) {
            refuse_log(log, "the header gives algorithm 0x%04x digests of %u bytes",
                       (unsigned)alg.id, (unsigned)alg.digest_len);
            return false;
        }
        if (ratls_eventlog_find_alg(log, alg.id) < log->alg_count) {
            refuse_log(log, "the header lists algorithm 0x%04x twice", (unsigned)alg.id);
            return false;
        }
        log->algs[log->alg_count++] = alg;
        return true;
    }
    refuse_log(log, "the header lists algorithm 0x%04x, which is no known hash", (unsigned)alg.id);
    return false;
}

/* PFP, 10.4.5.1 (TCG_EfiSpecIdEvent), behind its signature. */
static bool read_spec_id(struct ratls_eventlog *log, struct ratls_reader *r)
{
    uint8_t version_major;
    uint32_t count;

    ratls_read_le32(r); /* platformClass */
    ratls_read_u8(r);   /* specVersionMinor */
    version_major = ratls_read_u8(r);
    ratls_read_u8(r); /* specErrata */
    ratls_read_u8(r); /* uintnSize */
    count = ratls_read_le32(r);
    if (!r->failed && version_major != SPEC_VERSION_MAJOR) {
        refuse_log(log, "the header is one of version %u", (unsigned)version_major);
        return false;
    }
    if (!r->failed && (count < 1 || count > RATLS_EVENTLOG_ALGS_MAX)) {
        refuse_log(log, "the header lists %u algorithms", count);
        return false;
    }
    for (uint32_t i = 0; !r->failed && i < count; i++) {
        struct ratls_eventlog_alg alg = {.id = ratls_read_le16(r)};

        alg.digest_len = ratls_read_le16(r);
        if (!r->failed && !add_alg(log, alg))
            return false;
    }
    ratls_read_bytes(r, ratls_read_u8(r)); /* vendorInfo */
    if (!ratls_reader_done(r)) {
        refuse_log(log, "the header is %s than its event", r->failed ? "longer" : "shorter");
        return false;
    }
    return true;
}

static bool has_signature(struct ratls_slice signature, const char *text)
{
    return signature.len == strlen(text) + 1 && memcmp(signature.p, text, signature.len) == 0;
}

/*
 * Which form the log has. One without a header is one with SHA-1 digests: firmware of TPM 1.2, and
 * systems that translate it, write none.
 */
static bool read_header(struct ratls_eventlog *log, const struct ratls_event *first)
{
    struct ratls_reader r = ratls_reader(first->data);
    struct ratls_slice signature = ratls_read_bytes(&r, SIGNATURE_LEN);

    if (r.failed || memcmp(signature.p, SIGNATURE_BEGIN, strlen(SIGNATURE_BEGIN)) != 0)
        return true;
    if (first->type != RATLS_EV_NO_ACTION || !ratls_slice_is_zero(first->digests[0]) ||
        (first->pcr != 0 && log->rigor == RATLS_EVENTLOG_STRICT)) {
        refuse_log(log, "the header is not an EV_NO_ACTION of PCR 0 with a digest of zeros");
        return false;
    }
    if (has_signature(signature, "Spec ID Event00") || has_signature(signature, "Spec ID Event02"))
        return true;
    if (!has_signature(signature, "Spec ID Event03")) {
        refuse_log(log, "the header is of a kind that is not known");
        return false;
    }
    log->is_crypto_agile = true;
    log->alg_count = 0;
    return read_spec_id(log, &r);
}

/* Counted once, and not at every event, or a log of zeros would cost the square of its length. */
size_t ratls_eventlog_count_padding(struct ratls_slice in)
{
    uint8_t last = in.len > 0 ? in.p[in.len - 1] : 0;
    size_t count = 0;

    if (last != PADDING_ZEROS && last != PADDING_ONES)
        return 0;
    while (count < in.len && in.p[in.len - 1 - count] == last)
        count++;
    return count;
}

bool ratls_eventlog_open(struct ratls_slice in, enum ratls_eventlog_rigor rigor,
                         struct ratls_eventlog *ret_log)
{
    struct ratls_eventlog log = {.rigor = rigor,
                                 .alg_count = 1,
                                 .algs = {{RATLS_ALG_SHA1, SHA1_LEN}},
                                 .len = in.len,
                                 .reader = ratls_reader(in)};
    struct ratls_event first;

    if (in.len > RATLS_EVENTLOG_LEN_MAX)
        refuse_log(&log, "the log has %zu bytes, %d are allowed", in.len, RATLS_EVENTLOG_LEN_MAX);
    else if (in.len == 0)
        refuse_log(&log, "the log is empty");
    else
        log.padding_max = ratls_eventlog_count_padding(in);
    if (log.why[0] == '\0' && log.padding_max < in.len && read_event(&log, &first))
        read_header(&log, &first);
    log.reader = ratls_reader(in);
    *ret_log = log;
    return log.why[0] == '\0';
}

/* Whether the log ends here: with its last byte, or before what fills the area behind it. */
static bool has_ended(struct ratls_eventlog *log)
{
    size_t left = log->reader.rest.len;

    if (left == 0)
        return true;
    if (left > log->padding_max)
        return false;
    if (log->rigor == RATLS_EVENTLOG_STRICT) {
        refuse_log(log, "%zu bytes without meaning follow at offset %zu", left, log->len - left);
    } else {
        log->padding = left;
        ratls_read_bytes(&log->reader, left);
    }
    return true;
}

bool ratls_eventlog_next(struct ratls_eventlog *log, struct ratls_event *ret_event)
{
    if (log->why[0] != '\0' || has_ended(log))
        return false;
    if (log->events == RATLS_EVENTLOG_EVENTS_MAX) {
        refuse_log(log, "the log has more than %d events", RATLS_EVENTLOG_EVENTS_MAX);
        return false;
    }
    if (!read_event(log, ret_event))
        return false;
    log->events++;
    return true;
}

bool ratls_eventlog_done(const struct ratls_eventlog *log)
{
    return log->why[0] == '\0' && log->reader.rest.len == 0;
}
