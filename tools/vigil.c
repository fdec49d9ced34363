#include "vigil.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fail.h"
#include "rules.h"

#define MS_PER_S 1000
#define NS_PER_MS 1000000
#define AGAIN_MS 1000  /* after a server that did not answer */
#define JITTER_PART 10 /* of the interval: never later, at most so much earlier */
#define TIMEOUT_MIN_S 1

int64_t ratls_vigil_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / NS_PER_MS;
}

bool ratls_vigil_fallen(enum ratls_vigil_end end)
{
    return end != RATLS_VIGIL_ACCEPTED && end != RATLS_VIGIL_UNREACHED;
}

const char *ratls_vigil_end_name(enum ratls_vigil_end end)
{
    switch (end) {
    case RATLS_VIGIL_ACCEPTED:
        return "accepted";
    case RATLS_VIGIL_UNREACHED:
        return "unreached";
    case RATLS_VIGIL_REFUSED:
        return "refused";
    case RATLS_VIGIL_REBOOTED:
        return "rebooted";
    case RATLS_VIGIL_REPLACED:
        return "replaced";
    case RATLS_VIGIL_SILENT:
        return "silent";
    }
    return "";
}

/* Of certificate mode max-age says how old a certificate may be: that is no age of a verdict. */
static uint64_t policy_max_age_s(const struct ratls_rules *rules)
{
    return rules->freshness == RATLS_FRESHNESS_CERTIFICATE ? 0 : rules->max_age_s;
}

static enum ratls_status choose_times(const struct ratls_rules *rules,
                                      struct ratls_vigil_options *options, struct ratls_error *err)
{
    uint64_t interval_s = options->interval_s != 0 ? options->interval_s : rules->renew_s;
    uint64_t max_age_s = options->max_age_s != 0 ? options->max_age_s : policy_max_age_s(rules);

    if (interval_s == 0)
        interval_s = RATLS_VIGIL_INTERVAL_DEFAULT_S;
    if (max_age_s == 0)
        max_age_s = RATLS_VIGIL_AGES * interval_s;
    if (max_age_s <= interval_s || max_age_s > INT32_MAX)
        return ratls_fail(err, RATLS_USAGE,
                          "%s: verdicts are to hold for %llu s and to be renewed every %llu s: "
                          "none would be renewed in time",
                          rules->path, (unsigned long long)max_age_s,
                          (unsigned long long)interval_s);
    options->interval_s = (unsigned)interval_s;
    options->max_age_s = (unsigned)max_age_s;
    return RATLS_OK;
}

enum ratls_status ratls_vigil_begin(const struct ratls_vigil_options *options,
                                    const struct ratls_machine *machine, int64_t since_ms,
                                    struct ratls_vigil *ret, struct ratls_error *err)
{
    struct ratls_vigil vigil = {.options = *options, .accepted_ms = since_ms};
    const char *name = options->session.server_name;
    struct ratls_rules *rules = ratls_policy_rules(options->session.policy, name);
    enum ratls_status status;

    if (rules == NULL)
        return ratls_policy_fail_unlisted(options->session.policy, RATLS_ROLE_SERVER, name, err);
    status = choose_times(rules, &vigil.options, err);
    if (status != RATLS_OK)
        return status;
    rules->ima.syncs = true; /* `sync: never` is for programs, whose handshake would wait */
    vigil.begun_ms = since_ms;
    if (machine != NULL) {
        vigil.is_tied = true;
        vigil.machine = *machine;
    }
    *ret = vigil;
    return RATLS_OK;
}

static void say(struct ratls_vigil_verdict *verdict, enum ratls_vigil_end end, const char *check,
                const char *reason)
{
    verdict->end = end;
    snprintf(verdict->check, sizeof verdict->check, "%s", check);
    snprintf(verdict->reason, sizeof verdict->reason, "%s", reason);
}

static void say_refusal(const struct ratls_session *session, struct ratls_vigil_verdict *verdict)
{
    const struct ratls_report *report = ratls_tls_report(session->ssl);
    struct ratls_finding finding;

    if (session->end == RATLS_SESSION_PKI) {
        say(verdict, RATLS_VIGIL_REFUSED, "certificate", ratls_session_pki_reason(session));
        return;
    }
    say(verdict, RATLS_VIGIL_REFUSED, "", "refused");
    if (!ratls_report_first_failure(report, &finding))
        return;
    say(verdict, RATLS_VIGIL_REFUSED, finding.check, "");
    snprintf(verdict->reason, sizeof verdict->reason, "%s at %s: expected %s, got %s",
             finding.meaning, finding.at, finding.expected, finding.actual);
}

/* The whole report, for whoever reacts. Without memory the verdict counts all the same. */
static void keep_report(const struct ratls_session *session, struct ratls_vigil_verdict *verdict)
{
    const struct ratls_report *report = ratls_tls_report(session->ssl);

    if (report == NULL)
        return;
    if (ratls_report_json(report, &verdict->json) != RATLS_OK)
        verdict->json = NULL;
    if (ratls_report_accepted(report) ||
        ratls_report_text(report, RATLS_TEXT_FAILURES, &verdict->text) != RATLS_OK)
        verdict->text = NULL;
}

/*
 * The machine must be the one that was seen first, in the same boot: what another one proves says
 * nothing of connections to this one. Its TLS key may change where certificate authorities vouch
 * for the new one (a certificate was renewed); where they are not asked it is all that names it.
 */
static void compare(struct ratls_vigil *vigil, const struct ratls_machine *seen,
                    struct ratls_vigil_verdict *verdict)
{
    const struct ratls_machine *first = &vigil->machine;
    char counters[128];

    if (!ratls_machine_same_key(first, seen)) {
        say(verdict, RATLS_VIGIL_REPLACED, "machine", "another machine answers in its place");
    } else if (first->reset_count != seen->reset_count ||
               first->restart_count != seen->restart_count) {
        snprintf(counters, sizeof counters,
                 "resetCount.restartCount of its TPM were %u.%u, and are %u.%u now",
                 first->reset_count, first->restart_count, seen->reset_count, seen->restart_count);
        say(verdict, RATLS_VIGIL_REBOOTED, "boot", counters);
    } else if (vigil->options.session.pki_ignored &&
               memcmp(first->spki_sha256, seen->spki_sha256, sizeof seen->spki_sha256) != 0) {
        say(verdict, RATLS_VIGIL_REPLACED, "tls-key",
            "it has another TLS key, and no certificate authority was asked");
    } else {
        verdict->end = RATLS_VIGIL_ACCEPTED;
    }
}

static void judge(struct ratls_vigil *vigil, const struct ratls_session *session,
                  struct ratls_vigil_verdict *verdict)
{
    struct ratls_error err = {0};
    struct ratls_machine seen;

    keep_report(session, verdict);
    if (session->end != RATLS_SESSION_CONNECTED) {
        say_refusal(session, verdict);
        return;
    }
    if (ratls_machine_of(session->ssl, &seen, &err) != RATLS_OK) {
        say(verdict, RATLS_VIGIL_REFUSED, "evidence.present", err.text);
        return;
    }
    if (vigil->is_tied)
        compare(vigil, &seen, verdict);
    else
        vigil->machine = seen;
    vigil->is_tied = true;
    if (verdict->end == RATLS_VIGIL_ACCEPTED)
        vigil->accepted_ms = vigil->begun_ms;
}

static int64_t left_ms(const struct ratls_vigil *vigil)
{
    return vigil->accepted_ms + (int64_t)vigil->options.max_age_s * MS_PER_S - ratls_vigil_now_ms();
}

static void say_unreached(const struct ratls_vigil *vigil, enum ratls_status status,
                          const struct ratls_error *err, struct ratls_vigil_verdict *verdict)
{
    verdict->status = status;
    say(verdict, RATLS_VIGIL_UNREACHED, "", err->text);
    if (left_ms(vigil) > 0)
        return;
    verdict->end = RATLS_VIGIL_SILENT;
    snprintf(verdict->check, sizeof verdict->check, "max-age");
    snprintf(verdict->reason, sizeof verdict->reason, "no new verdict for %u s (%.512s)",
             vigil->options.max_age_s, err->text);
}

void ratls_vigil_look(struct ratls_vigil *vigil, struct ratls_vigil_verdict *ret_verdict)
{
    struct ratls_session_options options = vigil->options.session;
    struct ratls_session session;
    struct ratls_error err = {0};
    enum ratls_status status;
    int64_t left;

    *ret_verdict = (struct ratls_vigil_verdict){.end = RATLS_VIGIL_ACCEPTED};
    vigil->begun_ms = ratls_vigil_now_ms();
    left = left_ms(vigil);
    options.all_s = left < MS_PER_S ? TIMEOUT_MIN_S : (unsigned)(left / MS_PER_S);
    status = ratls_session_open(&options, &session, &err);
    if (status == RATLS_OK)
        judge(vigil, &session, ret_verdict);
    else
        say_unreached(vigil, status, &err, ret_verdict);
    ratls_session_close(&session);
}

void ratls_vigil_verdict_clear(struct ratls_vigil_verdict *verdict)
{
    free(verdict->text);
    free(verdict->json);
    *verdict = (struct ratls_vigil_verdict){.end = verdict->end};
}

/* Many watch one server: they are not to come all at once. */
static int64_t jitter_ms(int64_t interval_ms)
{
    uint32_t chance = 0;

    if (RAND_bytes((uint8_t *)&chance, sizeof chance) != 1)
        return 0;
    return (int64_t)chance * (interval_ms / JITTER_PART) / UINT32_MAX;
}

void ratls_vigil_wait(const struct ratls_vigil *vigil, enum ratls_vigil_end end)
{
    const int64_t interval_ms = (int64_t)vigil->options.interval_s * MS_PER_S;
    int64_t due_ms = vigil->begun_ms + interval_ms - jitter_ms(interval_ms);
    const int64_t now_ms = ratls_vigil_now_ms();
    const int64_t over_ms = now_ms + left_ms(vigil);
    struct timespec due;

    if (end == RATLS_VIGIL_UNREACHED && now_ms + AGAIN_MS < due_ms)
        due_ms = now_ms + AGAIN_MS;
    if (!ratls_vigil_fallen(end) && over_ms < due_ms)
        due_ms = over_ms;
    due = (struct timespec){.tv_sec = due_ms / MS_PER_S, .tv_nsec = due_ms % MS_PER_S * NS_PER_MS};
    /* Absolute on the clock that goes on in sleep: what is overdue then, is done at once. */
    while (clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &due, NULL) == EINTR)
        continue;
}
