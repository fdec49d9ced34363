#include "eventlog_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bank_hash.h"
#include "eventlog.h"
#include "tpm_wire.h"

#define SHA1_LEN 20
#define EVENT_LEN_MIN 32 /* TCG_PCClientPCREvent without data */
#define SIGNATURE_LEN 16
#define SPEC_ID_03 "Spec ID Event03"

__attribute__((format(printf, 2, 3))) static bool stop(struct ratls_log_file *log,
                                                       const char *format, ...)
{
    char what[RATLS_LOG_WHY_MAX / 2];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    snprintf(log->why, sizeof log->why, "event %zu at offset %zu %s", log->events,
             log->len - log->reader.rest.len, what);
    return false;
}

static size_t find_len(const struct ratls_log_file *log, uint16_t alg)
{
    for (size_t i = 0; i < log->alg_count; i++)
        if (log->algs[i].id == alg)
            return log->algs[i].digest_len;
    return ratls_bank_len(alg);
}

/* NULL, or what is wrong with them. */
static const char *read_digests(const struct ratls_log_file *log, struct ratls_reader *r,
                                struct ratls_log_event *event)
{
    uint32_t count = ratls_read_le32(r);

    if (!r->failed && count > RATLS_LOG_ALGS_MAX)
        return "lists more than 16 digests";
    for (uint32_t i = 0; !r->failed && i < count; i++) {
        uint16_t alg = ratls_read_le16(r);
        size_t len = find_len(log, alg);

        if (!r->failed && len == 0)
            return "lists a digest of a hash whose length nobody says";
        event->digests[i].alg = alg;
        event->digests[i].value = ratls_read_bytes(r, len);
        event->digest_count++;
    }
    return NULL;
}

static bool read_event(struct ratls_log_file *log, struct ratls_log_event *event)
{
    struct ratls_reader r = log->reader;
    const char *wrong = NULL;
    uint32_t len;

    *event = (struct ratls_log_event){.number = log->events, .offset = log->len - r.rest.len};
    event->pcr = ratls_read_le32(&r);
    event->type = ratls_read_le32(&r);
    if (log->form == RATLS_LOG_CRYPTO_AGILE && log->events > 0) {
        wrong = read_digests(log, &r, event);
    } else {
        event->digest_count = 1;
        event->digests[0].alg = RATLS_ALG_SHA1;
        event->digests[0].value = ratls_read_bytes(&r, SHA1_LEN);
    }
    len = ratls_read_le32(&r);
    if (wrong != NULL)
        return stop(log, "%s", wrong);
    if (r.failed)
        return stop(log, "is cut");
    if (len > r.rest.len)
        return stop(log, "has %u bytes of data, %zu are left", len, r.rest.len);
    event->data = ratls_read_bytes(&r, len);
    log->reader = r;
    return true;
}

/* PFP, 10.4.5.1: the algorithms of a crypto-agile log. */
static bool read_spec_id(struct ratls_log_file *log, struct ratls_slice data)
{
    struct ratls_reader r = ratls_reader(data);
    uint32_t count;

    log->alg_count = 0;
    ratls_read_bytes(&r, SIGNATURE_LEN);
    ratls_read_bytes(&r, 8); /* platform class, version, errata, size of UINTN */
    count = ratls_read_le32(&r);
    if (!r.failed && count > RATLS_LOG_ALGS_MAX)
        return stop(log, "is a header of %u algorithms", count);
    for (uint32_t i = 0; !r.failed && i < count; i++) {
        struct ratls_log_alg alg = {.id = ratls_read_le16(&r)};

        alg.digest_len = ratls_read_le16(&r);
        log->algs[log->alg_count++] = alg;
    }
    return r.failed ? stop(log, "is a header that is cut") : true;
}

static bool is_spec_id(const struct ratls_log_event *first)
{
    return first->type == RATLS_EV_NO_ACTION && first->data.len >= SIGNATURE_LEN &&
           memcmp(first->data.p, SPEC_ID_03, SIGNATURE_LEN) == 0;
}

/* Without a header: other files may begin with a number that is a type, few with a PCR before. */
static bool is_plausible(const struct ratls_log_event *first)
{
    bool is_pcr = first->pcr < RATLS_PCR_COUNT || first->pcr == RATLS_EVENTLOG_NO_PCR;

    return is_spec_id(first) || (is_pcr && ratls_event_type_name(first->type) != NULL);
}

bool ratls_log_file_open(struct ratls_slice in, struct ratls_log_file *ret_log)
{
    struct ratls_log_file log = {.form = RATLS_LOG_SHA1,
                                 .alg_count = 1,
                                 .algs = {{RATLS_ALG_SHA1, SHA1_LEN}},
                                 .len = in.len,
                                 .padding_max = ratls_eventlog_count_padding(in),
                                 .reader = ratls_reader(in)};
    struct ratls_log_event first;

    if (in.len < EVENT_LEN_MIN)
        return false;
    if (log.padding_max == in.len) {
        log.form = RATLS_LOG_EMPTY;
        log.alg_count = 0;
    } else {
        if (!read_event(&log, &first) || !is_plausible(&first))
            return false;
        log.reader = ratls_reader(in);
        log.header_pcr = first.pcr;
        if (is_spec_id(&first)) {
            log.form = RATLS_LOG_CRYPTO_AGILE;
            (void)read_spec_id(&log, first.data);
        }
    }
    *ret_log = log;
    return true;
}

bool ratls_log_file_next(struct ratls_log_file *log, struct ratls_log_event *ret_event)
{
    size_t left = log->reader.rest.len;

    if (log->why[0] != '\0' || left == 0)
        return false;
    if (left <= log->padding_max) {
        log->padding = left;
        ratls_read_bytes(&log->reader, left);
        return false;
    }
    if (!read_event(log, ret_event))
        return false;
    log->events++;
    return true;
}

struct ratls_slice ratls_log_digest(const struct ratls_log_event *event, uint16_t alg)
{
    for (size_t i = event->digest_count; i > 0; i--)
        if (event->digests[i - 1].alg == alg)
            return event->digests[i - 1].value;
    return ratls_slice(NULL, 0);
}
