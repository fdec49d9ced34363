#include "update.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "additions.h"
#include "describe.h"
#include "fail.h"
#include "output.h"
#include "verdict.h"

#define COMMENT_MAX 512

/* What is added must be all that was missing: else it is no update. */
static enum ratls_status try_additions(struct ratls_additions *a, struct ratls_error *err)
{
    struct ratls_report *report = NULL;
    enum ratls_status status = ratls_additions_grow(a, err);

    if (status == RATLS_OK && a->machine->has_quote)
        status = ratls_observation_appraise(a->machine, a->rules, &report, err);
    if (status == RATLS_REJECTED) {
        ratls_verdict_show_refusal(report);
        status = ratls_fail(err, RATLS_REJECTED,
                            "%s would refuse the machine also with what can be added: nothing was "
                            "written",
                            a->path);
    }
    ratls_report_free(report);
    return status;
}

static void count_additions(const struct ratls_additions *a, bool is_dry)
{
    const size_t files = ratls_edits_files(&a->edits);

    if (files == 0)
        printf("%s allows all of it already: nothing to add.\n", a->path);
    else
        printf("%s to %zu %s%s\n", is_dry ? "Would be added" : "Added", files,
               files == 1 ? "file" : "files",
               a->machine->has_quote ? ""
                                     : "; nobody vouches for these logs: compare what was added");
}

static enum ratls_status add(struct ratls_additions *a, bool is_dry, struct ratls_error *err)
{
    enum ratls_status status = ratls_additions_find(a, err);

    if (status == RATLS_OK)
        status = try_additions(a, err);
    if (status == RATLS_OK)
        status = ratls_edits_print(&a->edits, stdout, err);
    if (status == RATLS_OK && !is_dry)
        status = ratls_edits_write(&a->edits, err);
    if (status == RATLS_OK)
        count_additions(a, is_dry);
    return status;
}

static void write_comment(const struct ratls_observation *o, char *out, size_t cap)
{
    char when[RATLS_TIME_TEXT_MAX];

    ratls_time_text(o->when, when);
    snprintf(out, cap, "added from %s on %s%s", o->source, when,
             o->has_quote ? "" : ", not authenticated");
}

/* The log of another bank has no digest that the policy could know. */
static enum ratls_status check_logs(const struct ratls_rules *rules,
                                    const struct ratls_observation *o, struct ratls_error *err)
{
    if (rules->boot.is_asked && o->boot != NULL && o->boot_bank != rules->boot.bank)
        return ratls_fail(err, RATLS_USAGE, "%s: the policy judges digests of %s, the log has %s",
                          o->source, ratls_tpm_hash_name(rules->boot.bank),
                          ratls_tpm_alg_name(o->boot_bank));
    if (!o->has_quote && o->boot != NULL && !rules->boot.is_asked)
        return ratls_fail(err, RATLS_USAGE, "the policy does not judge a boot log");
    if (!o->has_quote && o->ima_list != NULL && !rules->ima.is_asked)
        return ratls_fail(err, RATLS_USAGE, "the policy does not judge an IMA list");
    return RATLS_OK;
}

static enum ratls_status update_rules(const struct ratls_update *update, struct ratls_rules *rules,
                                      struct ratls_observation *o, struct ratls_error *err)
{
    const struct ratls_log_request logs = ratls_observe_logs_of(rules);
    const bool has_logs = logs.boot_bank != 0 || logs.ima_bank != 0;
    struct ratls_additions additions = {
        .path = update->policy_path, .rules = rules, .machine = o, .adds_key = update->adds_key};
    char comment[COMMENT_MAX];
    enum ratls_status status;

    status = ratls_observe(&update->from, &rules->selection, has_logs ? &logs : NULL, o, err);
    if (status == RATLS_OK)
        status = check_logs(rules, o, err);
    if (status != RATLS_OK)
        return status;
    write_comment(o, comment, sizeof comment);
    additions.comment = comment;
    status = add(&additions, update->is_dry, err);
    ratls_additions_done(&additions);
    return status;
}

enum ratls_status ratls_update(const struct ratls_update *update, struct ratls_error *err)
{
    struct ratls_observation *o = calloc(1, sizeof *o); /* too long for the stack */
    struct ratls_policy *policy = NULL;
    enum ratls_status status;

    if (o == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = ratls_policy_load(update->policy_path, &policy, err);
    if (status == RATLS_OK && policy->count != 1)
        status = ratls_fail(err, RATLS_USAGE, "%s: a folder of policies; name one of its files",
                            update->policy_path);
    if (status == RATLS_OK)
        status = update_rules(update, &policy->rules[0], o, err);
    ratls_observation_done(o);
    ratls_policy_free(policy);
    free(o);
    return status;
}
