/*
 * Target: ratls_boot_compact. What it writes is a log for the strict walk, with the PCRs of the
 * whole log and as many events, and is its own compact form.
 */
#include <stdlib.h>
#include <string.h>

#include "boot_compact.h"
#include "evidence.h"
#include "fuzz.h"
#include "replay.h"

/* How many events the log has. */
static size_t replay(struct ratls_slice in, struct ratls_replay *ret_replay)
{
    struct ratls_eventlog log;

    FUZZ_CHECK(ratls_eventlog_open(in, RATLS_EVENTLOG_STRICT, &log));
    FUZZ_CHECK(ratls_replay_log(&log, RATLS_ALG_SHA256, ret_replay, NULL) == RATLS_OK);
    FUZZ_CHECK(log.why[0] == '\0');
    return log.events;
}

static void check_same(struct ratls_slice whole, struct ratls_slice compact)
{
    static struct ratls_replay a;
    static struct ratls_replay b;

    FUZZ_CHECK(replay(whole, &a) == replay(compact, &b));
    FUZZ_CHECK((a.why[0] == '\0') == (b.why[0] == '\0'));
    FUZZ_CHECK(memcmp(a.pcrs, b.pcrs, sizeof a.pcrs) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ratls_slice in = ratls_slice(data, size);
    struct ratls_error err = {0};
    struct ratls_slice once;
    uint8_t *compact = NULL;
    uint8_t *again = NULL;
    size_t len = 0;
    size_t again_len = 0;
    enum ratls_status status = ratls_boot_compact(in, RATLS_ALG_SHA256, &compact, &len, &err);

    FUZZ_CHECK(status == RATLS_OK || status == RATLS_MALFORMED || status == RATLS_LIMIT);
    FUZZ_CHECK((status == RATLS_OK) == (compact != NULL));
    if (status != RATLS_OK)
        return 0;
    FUZZ_CHECK(len <= RATLS_BOOT_LOG_MAX);
    once = ratls_slice(compact, len);
    check_same(in, once);
    FUZZ_CHECK(ratls_boot_compact(once, RATLS_ALG_SHA256, &again, &again_len, &err) == RATLS_OK);
    FUZZ_CHECK(ratls_slice_equal(once, ratls_slice(again, again_len)));
    free(compact);
    free(again);
    return 0;
}
