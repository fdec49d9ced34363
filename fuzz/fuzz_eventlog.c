/*
 * Targets: ratls_eventlog_open, ratls_eventlog_next, ratls_replay_log, ratls_boot_read (both
 * rigors), ratls_boot_text, ratls_efi_signatures_next. The walks allocate nothing; a replay makes
 * one context of a hash.
 */
#include <string.h>

#include "boot.h"
#include "boot_text.h"
#include "efi_signatures.h"
#include "fuzz.h"

static void check_event(const struct ratls_eventlog *log, const struct ratls_event *event,
                        const uint8_t *end)
{
    bool is_no_action = event->type == RATLS_EV_NO_ACTION;
    size_t listed = 0;

    FUZZ_CHECK(event->pcr < RATLS_PCR_COUNT ||
               (is_no_action && event->pcr == RATLS_EVENTLOG_NO_PCR));
    for (size_t i = 0; i < log->alg_count; i++) {
        FUZZ_CHECK(event->digests[i].len == 0 || event->digests[i].len == log->algs[i].digest_len);
        FUZZ_CHECK(event->digests[i].len == 0 ||
                   event->digests[i].p + event->digests[i].len <= end);
        listed += event->digests[i].len > 0;
    }
    FUZZ_CHECK(listed == log->alg_count || log->rigor == RATLS_EVENTLOG_SHOW ||
               (event->number == 0 && listed == 0));
    FUZZ_CHECK(event->data.p + event->data.len <= end);
}

/* How many events the log has; 0 as well if it is refused. */
static size_t walk(struct ratls_slice in, enum ratls_eventlog_rigor rigor)
{
    const uint8_t *end = in.p; /* of the event before */
    struct ratls_eventlog log;
    struct ratls_event event;

    FUZZ_CHECK(ratls_eventlog_open(in, rigor, &log) == (log.why[0] == '\0'));
    while (ratls_eventlog_next(&log, &event)) {
        FUZZ_CHECK(in.p + event.offset == end);
        FUZZ_CHECK(event.number + 1 == log.events);
        check_event(&log, &event, in.p + in.len);
        end = event.data.p + event.data.len;
    }
    FUZZ_CHECK(ratls_eventlog_done(&log) == (log.why[0] == '\0'));
    FUZZ_CHECK(strlen(log.why) < sizeof log.why);
    FUZZ_CHECK(log.padding == 0 || rigor == RATLS_EVENTLOG_SHOW);
    FUZZ_CHECK(!ratls_eventlog_next(&log, &event));
    if (log.why[0] != '\0')
        return 0;
    FUZZ_CHECK(end + log.padding == in.p + in.len);
    return log.events;
}

static void replay(struct ratls_slice in, enum ratls_eventlog_rigor rigor, uint16_t bank)
{
    struct ratls_eventlog log;
    struct ratls_replay replay;
    size_t events = 0;

    ratls_eventlog_open(in, rigor, &log);
    FUZZ_CHECK(ratls_replay_log(&log, bank, &replay, NULL) == RATLS_OK);
    for (size_t i = 0; i < RATLS_PCR_COUNT; i++) {
        events += replay.pcrs[i].events + replay.pcrs[i].unlisted;
        FUZZ_CHECK(rigor == RATLS_EVENTLOG_SHOW || replay.pcrs[i].unlisted == 0);
    }
    FUZZ_CHECK(events <= log.events);
    FUZZ_CHECK(ratls_eventlog_done(&log) || replay.why[0] != '\0');
}

static void check_within(struct ratls_slice part, struct ratls_slice in)
{
    FUZZ_CHECK(part.len == 0 || (part.p >= in.p && part.p + part.len <= in.p + in.len));
}

static void walk_signatures(struct ratls_slice in)
{
    struct ratls_efi_signatures signatures = ratls_efi_signatures(in);
    struct ratls_efi_signature signature;
    size_t len = 0;

    while (ratls_efi_signatures_next(&signatures, &signature)) {
        check_within(signature.owner, in);
        check_within(signature.data, in);
        FUZZ_CHECK(signature.data.len > 0);
        len += signature.owner.len + signature.data.len;
    }
    FUZZ_CHECK(len <= in.len);
}

static void read_boot(struct ratls_slice in, enum ratls_eventlog_rigor rigor)
{
    struct ratls_eventlog log;
    static struct ratls_boot boot; /* too large for a stack frame */

    ratls_eventlog_open(in, rigor, &log);
    FUZZ_CHECK(ratls_boot_read(&log, RATLS_ALG_SHA256, &boot, NULL) == RATLS_OK);
    FUZZ_CHECK((boot.secure_boot == RATLS_SECURE_BOOT_UNKNOWN) ==
               (boot.secure_boot_why[0] != '\0'));
    FUZZ_CHECK(boot.why[0] == '\0' || boot.secure_boot == RATLS_SECURE_BOOT_UNKNOWN);
    for (size_t i = 0; i < boot.image_count; i++)
        check_within(boot.images[i].digest, in);
    for (size_t i = 0; i < RATLS_BOOT_VARIABLES; i++) {
        /* That of SecureBoot is known by its digest, whatever the log has for it. */
        if (i == RATLS_BOOT_SECURE_BOOT)
            FUZZ_CHECK(boot.variables[i].content.len <= 1);
        else
            check_within(boot.variables[i].content, in);
        walk_signatures(boot.variables[i].content);
    }
    for (size_t i = 0; i < boot.authority_count; i++) {
        check_within(boot.authorities[i].name, in);
        check_within(boot.authorities[i].content, in);
        check_within(boot.authorities[i].certificate, boot.authorities[i].content);
    }
}

static void read_texts(struct ratls_slice in)
{
    struct ratls_hasher hasher;
    struct ratls_eventlog log;
    struct ratls_event event;
    struct ratls_boot_text text;

    FUZZ_CHECK(ratls_hasher_begin(RATLS_ALG_SHA256, &hasher, NULL) == RATLS_OK);
    ratls_eventlog_open(in, RATLS_EVENTLOG_STRICT, &log);
    while (ratls_eventlog_next(&log, &event)) {
        FUZZ_CHECK(ratls_boot_text(&hasher, &event, event.digests[0], &text, NULL) == RATLS_OK);
        FUZZ_CHECK(text.is_measured || (text.text.len == 0 && text.label.len == 0));
        check_within(text.label, event.data);
        check_within(text.text, event.data);
    }
    ratls_hasher_end(&hasher);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned long before = fuzz_allocations();
    struct ratls_slice in = ratls_slice(data, size);
    size_t strict = walk(in, RATLS_EVENTLOG_STRICT);
    size_t shown = walk(in, RATLS_EVENTLOG_SHOW);

    walk_signatures(in);
    FUZZ_CHECK(strict == 0 || strict == shown);
    FUZZ_CHECK(fuzz_allocations() == before);
    replay(in, RATLS_EVENTLOG_STRICT, RATLS_ALG_SHA256);
    replay(in, RATLS_EVENTLOG_SHOW, RATLS_ALG_SHA1);
    read_boot(in, RATLS_EVENTLOG_STRICT);
    read_boot(in, RATLS_EVENTLOG_SHOW);
    read_texts(in);
    return 0;
}
