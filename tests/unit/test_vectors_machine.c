/*
 * Machines that booted in QEMU, each with one thing changed (tests/vectors/machine): today's
 * library says of what they sent what it said then, word for word, and no changed bit makes it say
 * more.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "eventlog.h"
#include "ledger_rows.h"
#include "machine_vector.h"
#include "octets.h"

#define FLIPS_OF_A_PART 16
#define FLIPS_OF_ALL 128
/* Of the PCRs that every policy here judges: others are quoted, and what is logged of them is not
 * looked at. */
#define JUDGED_PCRS (1u << 0 | 1u << 2 | 1u << 4 | 1u << 7 | 1u << 8 | 1u << 9)

static char names[MACHINE_VECTORS_MAX][MACHINE_NAME_MAX];

static struct ratls_report *appraise(struct ratls_policy *policy,
                                     const struct ratls_capture *capture)
{
    struct ratls_rules *rules = ratls_policy_rules(policy, capture->expectation.server_name);
    struct ratls_capture_more more = ratls_capture_more(capture);
    const struct ratls_submission submission = {.expectation = &capture->expectation,
                                                .tls_version = capture->expectation.tls_version,
                                                .present = true,
                                                .evidence = capture->evidence,
                                                .more = &more.more};
    struct ratls_report *report = NULL;
    struct ratls_error err = {0};
    enum ratls_status status;

    cr_assert_not_null(rules, "no policy for %s", capture->server_name);
    status = ratls_appraise_new(rules, &submission, &report, &err);
    cr_assert_not_null(report, "%s", err.text);
    cr_assert_eq(status == RATLS_OK, ratls_report_accepted(report));
    return report;
}

static struct ratls_policy *load_policy(const struct machine_vector *v,
                                        const struct ledger_folder *state)
{
    struct ratls_policy *policy = NULL;
    struct ratls_error err = {0};

    cr_assert_eq(ratls_policy_load(v->policy, &policy, &err), RATLS_OK, "%s", err.text);
    if (v->after.count > 0)
        cr_assert_eq(ratls_policy_use_state(policy, state->path, &err), RATLS_OK, "%s", err.text);
    return policy;
}

/* The policy, in the hands of a client that keeps what it has seen: each time another process. */
static struct ratls_policy *begin(const struct machine_vector *v, struct ledger_folder *state)
{
    ledger_folder_make(state);
    for (size_t i = 0; i < v->after.count; i++) {
        static struct machine_vector before;
        struct ratls_policy *policy = load_policy(v, state);
        struct ratls_report *report;

        memset(&before, 0, sizeof before);
        machine_vector_open(v->after.items[i], &before);
        report = appraise(policy, &before.capture);
        cr_assert(ratls_report_accepted(report), "%s", v->after.items[i]);
        ratls_report_free(report);
        machine_vector_close(&before);
        ratls_policy_free(policy);
    }
    return load_policy(v, state);
}

static void end(struct ratls_policy *policy, const struct ledger_folder *state)
{
    ratls_policy_free(policy);
    ledger_folder_remove(state);
}

/* As NAME.verdict has it. The caller frees. */
static char *write_verdict(const struct ratls_report *report)
{
    struct ratls_finding finding;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    cr_assert_not_null(out);
    fprintf(out, "verdict = %s\n", ratls_report_accepted(report) ? "accepted" : "refused");
    for (size_t i = 0; ratls_report_finding(report, i, &finding); i++)
        if (finding.verdict == RATLS_FAIL)
            fprintf(out, "check = %s\nexpected = %s\nseen = %s\nat = %s\n", finding.check,
                    finding.expected, finding.actual, finding.at);
    fclose(out);
    return text;
}

/* Whether it is one of what was accepted. */
static bool expect_verdict(const char *name)
{
    static struct machine_vector v;
    struct ledger_folder state;
    struct ratls_policy *policy;
    struct ratls_report *report;
    char *verdict, *text = NULL;

    memset(&v, 0, sizeof v);
    machine_vector_open(name, &v);
    policy = begin(&v, &state);
    report = appraise(policy, &v.capture);
    verdict = write_verdict(report);
    cr_expect_str_eq(verdict, v.verdict, "%s: now\n%sthen\n%s", name, verdict, v.verdict);
    cr_assert_eq(ratls_report_text(report, 0, &text), RATLS_OK);
    for (size_t i = 0; i < v.words.count; i++)
        cr_expect_not_null(strstr(text, v.words.items[i]), "%s: says '%s'", name, v.words.items[i]);
    free(text);
    free(verdict);
    ratls_report_free(report);
    end(policy, &state);
    machine_vector_close(&v);
    return v.is_accepted;
}

Test(vectors_machine, verdicts)
{
    const size_t count = machine_vector_names(names);
    size_t accepted = 0;

    for (size_t i = 0; i < count; i++)
        accepted += expect_verdict(names[i]);
    cr_expect(accepted > 0 && accepted < count, "%zu of %zu are accepted", accepted, count);
}

struct flipping {
    const char *name;
    struct ratls_policy *policy;
    const struct machine_vector *vector;
    size_t flips;
};

/* The capture is read again: it borrows from the bytes, one of which is another now. */
static void flip(struct flipping *f, const uint8_t *at)
{
    const size_t offset = (size_t)(at - f->vector->bytes.p);
    uint8_t *bytes = (uint8_t *)(uintptr_t)f->vector->bytes.p;
    const uint8_t bit = (uint8_t)(1u << offset % 8);
    struct ratls_capture capture;
    struct ratls_report *report;

    bytes[offset] ^= bit;
    if (ratls_capture_read(f->vector->bytes, &capture)) {
        report = appraise(f->policy, &capture);
        cr_expect_not(ratls_report_accepted(report), "%s: byte %zu", f->name, offset);
        ratls_report_free(report);
        f->flips++;
    }
    bytes[offset] ^= bit;
}

/* So many bytes of it, the first and the last among them. */
static void flip_some(struct flipping *f, struct ratls_slice part, size_t count)
{
    for (size_t i = 0; i < count && part.len > 0; i++)
        flip(f, part.p + i * (part.len - 1) / (count - 1));
}

/* What leads to a PCR that is judged; the type of an event and most of its data do not. */
static void flip_boot_log(struct flipping *f, struct ratls_slice in)
{
    struct ratls_eventlog log;
    struct ratls_event event;

    if (in.len == 0 || !ratls_eventlog_open(in, RATLS_EVENTLOG_STRICT, &log))
        return;
    while (ratls_eventlog_next(&log, &event))
        if (event.type != RATLS_EV_NO_ACTION && (JUDGED_PCRS >> event.pcr & 1) != 0)
            flip(f, event.digests[0].p + event.number % event.digests[0].len);
}

static void flip_all(const char *name)
{
    static struct machine_vector v;
    struct flipping f = {.name = name, .vector = &v};
    struct ledger_folder state;
    struct ratls_evidence e;

    memset(&v, 0, sizeof v);
    machine_vector_open(name, &v);
    f.policy = begin(&v, &state);
    cr_assert(ratls_evidence_read(v.capture.evidence, &e));
    flip_some(&f, e.statement, FLIPS_OF_A_PART);
    flip_some(&f, e.attest, FLIPS_OF_A_PART);
    flip_some(&f, e.signature, FLIPS_OF_A_PART);
    flip_some(&f, e.ak_public, FLIPS_OF_A_PART);
    flip_some(&f, e.pcr_values, FLIPS_OF_A_PART);
    flip_some(&f, e.ima.entries, FLIPS_OF_A_PART);
    flip_boot_log(&f, e.boot_log);
    if (!v.is_accepted)
        flip_some(&f, v.capture.evidence, FLIPS_OF_ALL);
    cr_expect_gt(f.flips, (size_t)5 * FLIPS_OF_A_PART, "%s: only %zu", name, f.flips);
    end(f.policy, &state);
    machine_vector_close(&v);
}

Test(vectors_machine, a_changed_bit_makes_none_accepted)
{
    const size_t count = machine_vector_names(names);

    for (size_t i = 0; i < count; i++)
        flip_all(names[i]);
}
