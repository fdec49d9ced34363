/*
 * The quote (TPM 2.0 Part 2, 10.12.12) and its signature. All checks need quote.format. In addition
 * quote.signature needs ak.algorithm, for an algorithm that the policy does not allow is never run,
 * and ak.trust, for a signature by somebody's key says nothing, and costs more than all else;
 * quote.signer needs ak.format, for the key's Name. quote.counters: check_counters.c.
 */
#include "appraise.h"

#include <inttypes.h>
#include <stdio.h>

#include "keys.h"
#include "quote_memory.h"

#define TPM_RH_ENDORSEMENT 0x4000000Bu /* Part 2, 7.4 */

/*
 * How old evidence may be that comes unasked: what a slow TPM and network take, and by how much a
 * TPM's clock may be slower than ours (Part 1, 36: it is no exact one).
 */
#define MS_PER_S 1000
#define PUSHED_LAG_MS 10000
#define PUSHED_DRIFT 20 /* one twentieth: 5 % */

static void check_structure(struct ratls_appraisal *a, bool is_readable, const char *at,
                            const char *expected, size_t len)
{
    char actual[RATLS_VALUE_MAX];

    if (!ratls_check_decide(a->report, RATLS_CHECK_QUOTE_FORMAT, is_readable))
        return;
    snprintf(actual, sizeof actual, "%zu bytes%s", len, is_readable ? "" : " that are none");
    ratls_check_say(a->report, RATLS_CHECK_QUOTE_FORMAT, at, expected, actual);
}

static bool check_format(struct ratls_appraisal *a)
{
    bool attest = ratls_tpm_read_attest(a->evidence.attest, &a->attest);
    bool signature = ratls_tpm_read_signature(a->evidence.signature, &a->signature);

    check_structure(a, attest, "quote.attest", "a TPMS_ATTEST", a->evidence.attest.len);
    check_structure(a, signature, "quote.signature", "a TPMT_SIGNATURE by ecdsa, rsassa or rsapss",
                    a->evidence.signature.len);
    return attest && signature;
}

/*
 * A quote of a batch, or of an epoch, comes with other handshakes too: its signature is verified
 * once. The check is made all the same, by finding the very bytes among those that were verified.
 */
static enum ratls_status verify(struct ratls_appraisal *a, bool *ret_valid)
{
    enum ratls_status status = RATLS_OK;

    a->may_come_again = ratls_is_of_epoch(a) || a->evidence.path.tree_size > 1;
    if (a->may_come_again)
        status = ratls_quote_hash(ratls_slice(a->ak_name, a->ak_name_len), a->attest.raw,
                                  a->evidence.signature, a->quote_sha256, a->err);
    if (status != RATLS_OK)
        return status;
    if (a->may_come_again &&
        ratls_quote_memory_knows(ratls_key_cache_quotes(a->rules->keys), a->quote_sha256)) {
        *ret_valid = true;
        return RATLS_OK;
    }
    return ratls_verify(a->key, &a->ak, &a->signature, a->attest.raw, ret_valid, a->err);
}

/*
 * Over the bytes as they came, with exactly the scheme of the key's public area: trying others
 * until one fits would let the peer choose.
 */
static enum ratls_status check_signature(struct ratls_appraisal *a)
{
    char expected[RATLS_VALUE_MAX], actual[RATLS_VALUE_MAX];
    bool is_valid = false;
    enum ratls_status status;

    if (!ratls_check_passed(a->report, RATLS_CHECK_AK_FORMAT) ||
        !ratls_check_passed(a->report, RATLS_CHECK_AK_ALGORITHM) ||
        !ratls_check_passed(a->report, RATLS_CHECK_AK_TRUST))
        return RATLS_OK;
    status = verify(a, &is_valid);
    if (status != RATLS_OK)
        return status;
    if (!ratls_check_decide(a->report, RATLS_CHECK_QUOTE_SIGNATURE, is_valid))
        return RATLS_OK;
    snprintf(expected, sizeof expected, "a signature by the attestation key, %s with %s",
             ratls_tpm_alg_name(a->ak.scheme), ratls_tpm_alg_name(a->ak.scheme_hash));
    snprintf(actual, sizeof actual, "%s signature, %s with %s", is_valid ? "a valid" : "another",
             ratls_tpm_alg_name(a->signature.alg), ratls_tpm_alg_name(a->signature.hash));
    ratls_check_say(a->report, RATLS_CHECK_QUOTE_SIGNATURE, "quote.signature", expected, actual);
    return RATLS_OK;
}

/*
 * The magic is all that tells a structure of the TPM from bytes that somebody had signed by it
 * (CVE-2024-29038); the type is all that tells a quote from a certification or a time.
 */
static void check_kind(struct ratls_appraisal *a)
{
    ratls_check_uint(a->report, RATLS_CHECK_QUOTE_MAGIC, "quote.attest.magic", RATLS_TPM_GENERATED,
                     a->attest.magic);
    ratls_check_uint(a->report, RATLS_CHECK_QUOTE_TYPE, "quote.attest.type",
                     RATLS_TPM_ST_ATTEST_QUOTE, a->attest.type);
}

/*
 * Part 1, 16: the QualifiedName shows under which hierarchy the key lies. Only in the endorsement
 * (and platform) hierarchy a quote has clock, counters and firmware version in clear.
 */
static enum ratls_status check_signer(struct ratls_appraisal *a)
{
    uint8_t qualified_name[RATLS_TPM_NAME_MAX];
    size_t len;
    enum ratls_status status;

    if (!ratls_check_passed(a->report, RATLS_CHECK_AK_FORMAT))
        return RATLS_OK;
    status = ratls_tpm_qualified_name(ratls_slice(a->ak_name, a->ak_name_len), TPM_RH_ENDORSEMENT,
                                      qualified_name, &len, a->err);
    if (status != RATLS_OK)
        return status;
    ratls_check_bytes(a->report, RATLS_CHECK_QUOTE_SIGNER, "quote.attest.qualifiedSigner",
                      ratls_slice(qualified_name, len), a->attest.qualified_signer);
    return RATLS_OK;
}

/* The statement was compared with our own values; here its hash is compared with what was signed.
 */
static enum ratls_status check_extra_data(struct ratls_appraisal *a)
{
    const struct ratls_merkle_path *path = &a->evidence.path;
    uint8_t leaf[32], root[32];
    char actual[RATLS_VALUE_MAX];
    bool is_valid = false;
    enum ratls_status status = ratls_merkle_leaf(a->evidence.statement, leaf, a->err);

    if (status == RATLS_OK)
        status = ratls_merkle_root(leaf, path, &is_valid, root, a->err);
    if (status != RATLS_OK)
        return status;
    if (is_valid) {
        ratls_check_bytes(a->report, RATLS_CHECK_QUOTE_EXTRA_DATA, "quote.attest.extraData",
                          ratls_slice(root, sizeof root), a->attest.extra_data);
        return RATLS_OK;
    }
    snprintf(actual, sizeof actual, "leaf %" PRIu32 " of %" PRIu32 " with %zu hashes",
             path->leaf_index, path->tree_size, path->count);
    ratls_check_holds(a->report, RATLS_CHECK_QUOTE_EXTRA_DATA, false, "quote.path",
                      "a path as long as its tree requires", actual);
    return RATLS_OK;
}

static void check_clock(struct ratls_appraisal *a)
{
    if (a->rules->clock_ignored)
        ratls_check_not_asked(a->report, RATLS_CHECK_QUOTE_CLOCK);
    else
        ratls_check_holds(a->report, RATLS_CHECK_QUOTE_CLOCK, a->attest.safe,
                          "quote.attest.clockInfo.safe", "yes", a->attest.safe ? "yes" : "no");
}

/*
 * A key that lies in another TPM, or another boot: the peer is not who answered before, or what it
 * answered then is gone.
 */
static void check_boot(struct ratls_appraisal *a)
{
    const struct ratls_accepted *before = &a->submission->expectation->before;
    bool is_same = a->attest.reset_count == before->reset_count &&
                   a->attest.restart_count == before->restart_count;
    char expected[RATLS_VALUE_MAX], actual[RATLS_VALUE_MAX];

    if (before->ak_name_len == 0) {
        ratls_check_not_asked(a->report, RATLS_CHECK_QUOTE_BOOT);
        return;
    }
    if (!ratls_check_passed(a->report, RATLS_CHECK_AK_FORMAT))
        return;
    ratls_check_bytes(a->report, RATLS_CHECK_QUOTE_BOOT, "quote.ak-public",
                      ratls_slice(before->ak_name, before->ak_name_len),
                      ratls_slice(a->ak_name, a->ak_name_len));
    if (!ratls_check_decide(a->report, RATLS_CHECK_QUOTE_BOOT, is_same))
        return;
    snprintf(expected, sizeof expected,
             "the boot of the evidence before: reset %" PRIu32 ", restart %" PRIu32,
             before->reset_count, before->restart_count);
    snprintf(actual, sizeof actual, "reset %" PRIu32 ", restart %" PRIu32 "%s",
             a->attest.reset_count, a->attest.restart_count,
             is_same ? "" : ": the machine was started again; connect anew");
    ratls_check_say(a->report, RATLS_CHECK_QUOTE_BOOT, "quote.attest.clockInfo", expected, actual);
}

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
    return a + b < a ? UINT64_MAX : a + b;
}

/* How much the TPM's clock and the way to us may be off, after this time by our own. */
static uint64_t allow_lag(uint64_t elapsed_ms)
{
    return PUSHED_LAG_MS + elapsed_ms / PUSHED_DRIFT;
}

/* What a clock that began at `from` must show at least, and what it can show. */
static uint64_t find_least_clock(uint64_t from, uint64_t elapsed_ms)
{
    const uint64_t lag = allow_lag(elapsed_ms);

    return add_saturated(from, elapsed_ms > lag ? elapsed_ms - lag : 0);
}

static uint64_t find_greatest_clock(uint64_t from, uint64_t elapsed_ms)
{
    return add_saturated(from, add_saturated(elapsed_ms, allow_lag(elapsed_ms)));
}

/* A quote of an epoch was made before its answer: at most as long ago as its time stamp. */
static uint64_t find_passed(const struct ratls_expectation *e)
{
    const bool is_older = e->before.is_dated && e->before.age_s <= UINT32_MAX;

    return add_saturated(e->elapsed_ms, is_older ? e->before.age_s * MS_PER_S : 0);
}

/*
 * Nobody asked for what comes unasked, so no nonce says when it was made. The TPM's own clock does:
 * it was so much when the last nonce was answered, and that is so long ago. The owner of a TPM can
 * set its clock forward (TPM 2.0 Part 3, TPM2_ClockSet): quotes made then are of a time to come,
 * and would be kept for it.
 */
static void check_recent(struct ratls_appraisal *a)
{
    const struct ratls_expectation *e = a->submission->expectation;
    const uint64_t least = find_least_clock(e->before.clock_ms, e->elapsed_ms);
    const uint64_t greatest = find_greatest_clock(e->before.clock_ms, find_passed(e));
    bool is_late = a->attest.clock_ms < least;
    bool is_early = a->attest.clock_ms > greatest;
    char expected[RATLS_VALUE_MAX], actual[RATLS_VALUE_MAX];

    /* When a quote of an epoch was made is told by a better clock: epoch.age. */
    if (e->sequence == 0 || ratls_is_of_epoch(a)) {
        ratls_check_not_asked(a->report, RATLS_CHECK_QUOTE_RECENT);
        return;
    }
    if (!ratls_check_decide(a->report, RATLS_CHECK_QUOTE_RECENT, !is_late && !is_early))
        return;
    snprintf(expected, sizeof expected, "%" PRIu64 " to %" PRIu64 " ms", least, greatest);
    snprintf(actual, sizeof actual, "%" PRIu64 " ms%s%s", a->attest.clock_ms,
             is_late ? ": made too long ago, or the TPM's clock stood still" : "",
             is_early ? ": the TPM's clock was set forward" : "");
    ratls_check_say(a->report, RATLS_CHECK_QUOTE_RECENT, "quote.attest.clockInfo.clock", expected,
                    actual);
}

static void check_firmware(struct ratls_appraisal *a)
{
    const struct ratls_rules *rules = a->rules;
    char actual[RATLS_VALUE_MAX];
    bool is_denied = false;

    if (rules->denied_firmware_count == 0) {
        ratls_check_not_asked(a->report, RATLS_CHECK_QUOTE_FIRMWARE);
        return;
    }
    for (size_t i = 0; i < rules->denied_firmware_count; i++)
        is_denied = is_denied || rules->denied_firmware[i] == a->attest.firmware_version;
    snprintf(actual, sizeof actual, "0x%016" PRIx64, a->attest.firmware_version);
    ratls_check_holds(a->report, RATLS_CHECK_QUOTE_FIRMWARE, !is_denied,
                      "quote.attest.firmwareVersion", "a version that is not denied", actual);
}

enum ratls_status ratls_check_quote(struct ratls_appraisal *a)
{
    enum ratls_status status;

    if (!check_format(a))
        return RATLS_OK;
    status = check_signature(a);
    if (status != RATLS_OK)
        return status;
    check_kind(a);
    status = check_signer(a);
    if (status == RATLS_OK)
        status = check_extra_data(a);
    check_clock(a);
    if (status == RATLS_OK)
        status = ratls_check_counters(a);
    check_boot(a);
    check_recent(a);
    check_firmware(a);
    return status;
}
