#include "learn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "file.h"
#include "ima.h"
#include "ima_boot.h"
#include "output.h"
#include "policy_load.h"
#include "proposal_write.h"
#include "selection.h"
#include "verdict.h"

#define POLICY_MODE 0644
#define SHOWN_PATH "learned policy"
#define IMA_PCRS 0x7ff /* 10, and 0 to 9 for boot_aggregate */

/* One lesson; too long for the stack. */
struct lesson {
    const struct ratls_learn *learn;
    struct ratls_observation machine;
    struct ratls_proposal proposal;
    struct ratls_proposal_place place;
    struct ratls_pcr_selection values; /* that --pcrs names */
    struct ratls_log_request logs;     /* the banks in which they are taken */
    uint8_t ak_name[RATLS_TPM_NAME_MAX];
    size_t ak_name_len;
    uint8_t *ima_signers; /* owned */
    size_t ima_signers_len;
    bool measures_itself; /* what was refused is a file of this very command */
};

static bool is_file(const struct lesson *l)
{
    return l->learn->from.capture != NULL;
}

static enum ratls_status select_pcrs(const struct ratls_learn *learn, const char *text,
                                     const char *if_none, struct ratls_pcr_selection *ret,
                                     struct ratls_error *err)
{
    if (learn->from.is_local)
        return ratls_local_selection(text, if_none, &learn->from.tpm, ret, err);
    return ratls_selection_parse(text == NULL ? if_none : text, ret, err);
}

/* Everything that logs may explain, in one bank, and what the person named. */
static enum ratls_status choose_wide(struct lesson *l, struct ratls_pcr_selection *ret,
                                     struct ratls_error *err)
{
    const struct ratls_learn *learn = l->learn;
    enum ratls_status status = RATLS_OK;
    uint16_t bank = RATLS_ALG_SHA256;
    char wide[sizeof "sha256:" RATLS_OBSERVE_PCRS];

    if (learn->pcrs != NULL)
        status = select_pcrs(learn, learn->pcrs, NULL, &l->values, err);
    if (status == RATLS_OK && learn->pcrs != NULL)
        bank = l->values.banks[0].hash_alg;
    l->logs = (struct ratls_log_request){.boot_bank = bank, .ima_bank = bank};
    snprintf(wide, sizeof wide, "%s:%s", ratls_tpm_hash_name(bank), RATLS_OBSERVE_PCRS);
    if (status == RATLS_OK)
        status = select_pcrs(learn, NULL, wide, ret, err);
    if (status == RATLS_OK && !ratls_selection_add(ret, &l->values))
        status = ratls_fail(err, RATLS_USAGE, "--pcrs: more than %d banks", RATLS_BANKS_MAX);
    return status;
}

static enum ratls_status observe(struct lesson *l, const struct ratls_pcr_selection *selection,
                                 bool has_logs, struct ratls_error *err)
{
    ratls_proposal_done(&l->proposal);
    ratls_observation_done(&l->machine);
    memset(&l->proposal, 0, sizeof l->proposal);
    return ratls_observe(&l->learn->from, selection, has_logs ? &l->logs : NULL, &l->machine, err);
}

/* By whose hash the list's first entry is; 0 if it says nothing that counts. */
static uint16_t find_boot_aggregate_bank(const struct ratls_observation *o)
{
    struct ratls_ima_reader r =
        ratls_ima_reader(ratls_slice(o->ima_list, o->ima_list_len), o->ima_alg, 0, 0);
    struct ratls_ima_entry first;
    const char *hash = NULL;

    if (o->ima_list != NULL && ratls_ima_next(&r, &first) && ratls_ima_is_boot_aggregate(&first))
        hash = ratls_ima_hash_name(first.file.hash);
    if (hash == NULL || !ratls_tpm_is_strong_hash(ratls_tpm_hash_alg(hash)))
        return 0;
    return ratls_tpm_hash_alg(hash);
}

/*
 * A kernel makes boot_aggregate in the bank of its ima_hash, whichever banks there are: where that
 * is not the bank that was asked for, the list counts in that one, and the boot log in this.
 */
static enum ratls_status follow_boot_aggregate(struct lesson *l,
                                               struct ratls_pcr_selection *selection,
                                               struct ratls_error *err)
{
    const uint16_t bank = find_boot_aggregate_bank(&l->machine);
    const struct ratls_pcr_selection of_list = {.count = 1, .banks = {{bank, IMA_PCRS}}};

    if (bank == 0 || bank == l->logs.ima_bank || is_file(l) || !l->machine.has_quote)
        return RATLS_OK;
    for (size_t i = 0; i < selection->count; i++)
        selection->banks[i].pcrs &= ~(UINT32_C(1) << RATLS_IMA_PCR);
    if (!ratls_selection_add(selection, &of_list))
        return ratls_fail(err, RATLS_USAGE, "--pcrs: more than %d banks", RATLS_BANKS_MAX);
    l->logs.ima_bank = bank;
    return observe(l, selection, true, err);
}

static enum ratls_status propose(struct lesson *l, bool has_logs, struct ratls_error *err)
{
    const struct ratls_learn *learn = l->learn;
    const struct ratls_proposal_options options = {
        .stem = l->place.stem,
        .server_name = l->machine.has_quote ? l->machine.expectation.server_name
                                            : learn->from.session.server_name,
        .for_clients = learn->for_clients,
        .service = learn->service,
        .ak_name = ratls_slice(l->ak_name, l->ak_name_len),
        .ima_signers = ratls_slice(l->ima_signers, l->ima_signers_len),
        .exclude = {.items = learn->exclude.items, .count = learn->exclude.count},
        .settings = learn->settings,
        .signed_images = learn->signed_images,
        .whole_quote = is_file(l) || !has_logs,
        .values = &l->values,
        .ignores_logs = !has_logs,
    };

    return ratls_propose(&l->machine, &options, &l->proposal, err);
}

/* With logs first; a machine without any is known by the values of its PCRs. */
static enum ratls_status look(struct lesson *l, struct ratls_error *err)
{
    struct ratls_pcr_selection selection = {.count = 0};
    enum ratls_status status = RATLS_OK;

    if (!l->learn->values) {
        status = choose_wide(l, &selection, err);
        if (status == RATLS_OK)
            status = observe(l, &selection, true, err);
        if (status == RATLS_OK)
            status = follow_boot_aggregate(l, &selection, err);
        if (status == RATLS_OK)
            status = propose(l, true, err);
        if (status != RATLS_OK || ratls_proposal_has_meaning(&l->proposal))
            return status;
        fputs(l->proposal.notes, stderr);
    }
    if (ratls_observe_is_raw(&l->learn->from))
        return ratls_fail(err, RATLS_USAGE, "nothing in these logs can be compared");
    if (!l->learn->values)
        fputs("There is no log that explains what was measured: only values are compared.\n",
              stderr);
    status = select_pcrs(l->learn, l->learn->pcrs, RATLS_SELECTION_DEFAULT, &selection, err);
    if (status == RATLS_OK)
        status = observe(l, &selection, false, err);
    if (status == RATLS_OK)
        status = propose(l, false, err);
    return status;
}

/* A second connection, on which the policy itself asks. */
static enum ratls_status prove_server(struct lesson *l, struct ratls_policy *policy,
                                      struct ratls_error *err)
{
    struct ratls_session_options options = l->learn->from.session;
    struct ratls_session session;
    enum ratls_status status;

    options.policy = policy;
    options.pki_ignored = true;
    status = ratls_session_open(&options, &session, err);
    if (status == RATLS_OK && session.end != RATLS_SESSION_CONNECTED) {
        const struct ratls_report *report = ratls_tls_report(session.ssl);

        if (report != NULL)
            ratls_verdict_show_refusal(report);
        status = RATLS_REJECTED;
    }
    ratls_session_close(&session);
    return status;
}

/* IMA's "tcb" measures what root reads: the staged policy, too, between one quote and the next. */
static bool names_stage(const struct lesson *l, const struct ratls_report *report)
{
    const char *stage = l->place.stage + strlen(l->place.folder);
    struct ratls_finding first;

    return l->place.stage[0] != '\0' && ratls_report_first_failure(report, &first) &&
           strcmp(first.check, "ima.allow") == 0 && strstr(first.actual, stage) != NULL;
}

static enum ratls_status appraise(struct lesson *l, const struct ratls_observation *o,
                                  struct ratls_policy *policy, struct ratls_error *err)
{
    const char *name = o->expectation.server_name;
    struct ratls_rules *rules = l->learn->for_clients ? ratls_policy_client_rules(policy, name)
                                                      : ratls_policy_rules(policy, name);
    struct ratls_report *report = NULL;
    enum ratls_status status;

    if (rules == NULL)
        return ratls_fail(err, RATLS_USAGE, "the policy would not speak for this name");
    status = ratls_observation_appraise(o, rules, &report, err);
    if (status == RATLS_REJECTED) {
        l->measures_itself = names_stage(l, report);
        ratls_verdict_show_refusal(report);
    }
    ratls_report_free(report);
    return status;
}

static enum ratls_status prove_local(struct lesson *l, struct ratls_policy *policy,
                                     struct ratls_error *err)
{
    const struct ratls_rules *rules = &policy->rules[0];
    const struct ratls_log_request logs = ratls_observe_logs_of(rules);
    struct ratls_observation *now = calloc(1, sizeof *now);
    enum ratls_status status;

    if (now == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = ratls_observe(&l->learn->from, &rules->selection, &logs, now, err);
    if (status == RATLS_OK)
        status = appraise(l, now, policy, err);
    ratls_observation_done(now);
    free(now);
    return status;
}

/* Only where it is well founded: the policy accepts the machine that it was made of. */
static enum ratls_status prove(struct lesson *l, struct ratls_policy *policy,
                               struct ratls_error *err)
{
    const struct ratls_learn *learn = l->learn;
    enum ratls_status status = RATLS_OK;

    if (l->machine.has_quote && (is_file(l) || !ratls_proposal_has_meaning(&l->proposal)))
        status = appraise(l, &l->machine, policy, err);
    else if (learn->from.is_local)
        status = prove_local(l, policy, err);
    else if (learn->from.session.server != NULL)
        status = prove_server(l, policy, err);
    if (status != RATLS_REJECTED)
        return status;
    if (l->measures_itself)
        return ratls_fail(err, RATLS_REJECTED,
                          "Linux IMA has measured what this command itself wrote and read; nothing "
                          "was learned: let --out be where IMA measures nothing, such as "
                          "/run/learned/%s",
                          l->place.file);
    return ratls_fail(err, RATLS_REJECTED,
                      "the evidence does not hold by itself: the policy that was made of it "
                      "refuses it; nothing was learned");
}

static void say_learned(const struct lesson *l)
{
    const struct ratls_proposal *p = &l->proposal;

    for (size_t i = 0; i < RATLS_TOPIC_COUNT; i++)
        if (p->files[i].text != NULL)
            printf("%s%s: %zu %s\n", strcmp(l->place.folder, "./") == 0 ? "" : l->place.folder,
                   p->files[i].name, p->files[i].count, p->files[i].count == 1 ? "line" : "lines");
    printf("Wrote the policy to %s\n", l->learn->out_path);
    fflush(stdout);
    fputs(p->notes, stderr);
    ratls_proposal_warn(&l->proposal);
}

static enum ratls_status write_files(struct lesson *l, struct ratls_error *err)
{
    struct ratls_policy *policy = NULL;
    char *path = NULL;
    enum ratls_status status = ratls_proposal_stage(&l->proposal, &l->place, &path, err);

    if (status == RATLS_OK)
        status = ratls_policy_load(path, &policy, err);
    if (status == RATLS_OK)
        status = prove(l, policy, err);
    ratls_policy_free(policy);
    if (status == RATLS_OK)
        status = ratls_proposal_keep(&l->proposal, &l->place, l->learn->replaces, err);
    ratls_proposal_unstage(&l->proposal, &l->place);
    free(path);
    if (status == RATLS_OK)
        say_learned(l);
    return status;
}

/* A policy without files needs no folder. */
static enum ratls_status write_values(struct lesson *l, struct ratls_error *err)
{
    const struct ratls_learn *learn = l->learn;
    struct ratls_policy *policy = NULL;
    char *text = NULL;
    enum ratls_status status = ratls_policy_write(&l->proposal.draft, &text, err);

    if (status == RATLS_OK)
        status = ratls_policy_parse(SHOWN_PATH, ratls_slice(text, strlen(text)), &policy, err);
    if (status == RATLS_OK)
        status = prove(l, policy, err);
    if (status == RATLS_OK && learn->out_path == NULL)
        fputs(text, stdout);
    else if (status == RATLS_OK)
        status = ratls_file_write(learn->out_path, ratls_slice(text, strlen(text)), POLICY_MODE,
                                  learn->replaces, err);
    if (status == RATLS_OK && learn->out_path != NULL)
        printf("Wrote the policy to %s\n", learn->out_path);
    fflush(stdout);
    if (status == RATLS_OK)
        ratls_proposal_warn(&l->proposal);
    ratls_policy_free(policy);
    free(text);
    return status;
}

static enum ratls_status prepare(struct lesson *l, struct ratls_error *err)
{
    const struct ratls_learn *learn = l->learn;
    enum ratls_status status = RATLS_OK;

    if (learn->ima_cert != NULL)
        status = ratls_file_read(learn->ima_cert, &l->ima_signers, &l->ima_signers_len, err);
    if (status != RATLS_OK)
        return status;
    if (learn->ak_name != NULL) {
        l->ak_name_len = strlen(learn->ak_name) / 2;
        if (l->ak_name_len > sizeof l->ak_name ||
            !ratls_unhex(learn->ak_name, l->ak_name, l->ak_name_len))
            return ratls_fail(err, RATLS_USAGE, "--ak-name: '%s' is no Name in hexadecimal",
                              learn->ak_name);
    }
    if (learn->out_path == NULL)
        return RATLS_OK;
    status = ratls_file_may_write(learn->out_path, learn->replaces, err);
    if (status == RATLS_OK)
        status = ratls_proposal_find_place(learn->out_path, &l->place, err);
    return status;
}

enum ratls_status ratls_learn(const struct ratls_learn *learn, struct ratls_error *err)
{
    struct lesson *l = calloc(1, sizeof *l);
    enum ratls_status status;

    if (l == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    l->learn = learn;
    status = prepare(l, err);
    if (status == RATLS_OK)
        status = look(l, err);
    if (status == RATLS_OK && !ratls_proposal_has_meaning(&l->proposal))
        status = write_values(l, err);
    else if (status == RATLS_OK && learn->out_path == NULL)
        status = ratls_fail(err, RATLS_USAGE,
                            "this policy has files beside it: --out says where; --values prints "
                            "one that compares values of PCRs only");
    else if (status == RATLS_OK)
        status = write_files(l, err);
    ratls_proposal_done(&l->proposal);
    ratls_observation_done(&l->machine);
    free(l->ima_signers);
    free(l);
    return status;
}
