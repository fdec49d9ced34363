/* ratls sync: fetches ahead what does not fit in the handshakes of programs. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "appraise.h"
#include "command.h"
#include "fail.h"
#include "options.h"
#include "output.h"
#include "rules.h"
#include "verdict.h"

/* What has come so far. */
struct progress {
    unsigned requests; /* further ones */
    uint64_t bytes;    /* which these brought */
};

struct arguments {
    struct ratls_session_options session;
    struct ratls_endpoint endpoint;
    const char *policy_path;
    const char *state_path;
    bool json;
    struct progress progress;
};

static void show_progress(void *arg, struct ratls_slice bytes)
{
    struct progress *progress = arg;
    struct ratls_evidence evidence;

    progress->requests++;
    if (!ratls_evidence_read(bytes, &evidence) || !evidence.has_ima)
        return;
    progress->bytes += evidence.ima.entries.len;
    if (isatty(STDERR_FILENO) == 1)
        fprintf(stderr, "\r\033[K%" PRIu64 " of %" PRIu64 " bytes ...",
                evidence.ima.offset + evidence.ima.entries.len, evidence.ima.total);
}

/* How far the list is acknowledged; zeros if nothing of it is. */
static enum ratls_status find_row(struct ratls_rules *rules, const char *name,
                                  struct ratls_ledger_row *ret_row, struct ratls_error *err)
{
    bool is_found = false;
    enum ratls_status status =
        ratls_ledger_find(rules->ledger, name, rules->ima.sha256, ret_row, &is_found, err);

    if (status == RATLS_OK && !is_found)
        *ret_row = (struct ratls_ledger_row){0};
    return status;
}

static bool is_same_list(const struct ratls_ledger_row *a, const struct ratls_ledger_row *b)
{
    return ratls_slice_equal(ratls_slice(a->ak_name, a->ak_name_len),
                             ratls_slice(b->ak_name, b->ak_name_len)) &&
           a->reset_count == b->reset_count && a->restart_count == b->restart_count;
}

static void show_state(const struct arguments *a, const struct ratls_session *session,
                       const struct ratls_ledger_row *before, const struct ratls_ledger_row *row)
{
    const uint64_t known = is_same_list(before, row) ? before->ima.entries : 0;
    struct ratls_view v;

    ratls_view_begin(&v, stdout, a->json, "UP TO DATE");
    ratls_view_text(&v, "kind", NULL, "sync");
    ratls_view_bool(&v, "accepted", NULL, true);
    ratls_session_describe(&v, session);
    ratls_view_section(&v, "list", "List of measured files");
    ratls_view_uint(&v, "entries", "entries", row->ima.entries, NULL);
    ratls_view_uint(&v, "newEntries", "new", row->ima.entries - known, NULL);
    ratls_view_uint(&v, "bytes", "bytes", row->ima.offset, NULL);
    ratls_view_uint(&v, "violations", "violations", row->ima.violations, NULL);
    ratls_view_uint(&v, "furtherRequests", "further requests", a->progress.requests, NULL);
    ratls_view_section_end(&v);
    ratls_view_end(&v);
}

/*
 * A server need not wait for the end of a handshake in which so much was fetched. What it brought
 * is acknowledged: the second one has no more to fetch.
 */
static enum ratls_status open_session(const struct ratls_session_options *options,
                                      struct ratls_session *session, struct ratls_error *err)
{
    enum ratls_status status = ratls_session_open(options, session, err);

    if (status == RATLS_OK || session->ssl == NULL ||
        !ratls_report_accepted(ratls_tls_report(session->ssl)))
        return status;
    ratls_session_close(session);
    *err = (struct ratls_error){0};
    return ratls_session_open(options, session, err);
}

static int synchronize(struct arguments *a, struct ratls_rules *rules)
{
    const char *name = a->session.server_name;
    struct ratls_ledger_row before;
    struct ratls_ledger_row row;
    struct ratls_session session;
    struct ratls_error err = {0};
    enum ratls_status status = find_row(rules, name, &before, &err);
    int code;

    if (status != RATLS_OK)
        return ratls_out_error(status, &err);
    status = open_session(&a->session, &session, &err);
    ratls_progress_done();
    if (status == RATLS_OK && session.end == RATLS_SESSION_CONNECTED)
        status = find_row(rules, name, &row, &err);
    if (status != RATLS_OK) {
        code = ratls_out_error(status, &err);
    } else if (session.end != RATLS_SESSION_CONNECTED) {
        code = ratls_verdict_show(&session, "sync", a->json, stdout);
    } else {
        show_state(a, &session, &before, &row);
        code = RATLS_EXIT_OK;
    }
    ratls_session_close(&session);
    return code;
}

/* The rules for the server; RATLS_USAGE if there is nothing to fetch by them. */
static enum ratls_status find_rules(const struct arguments *a, struct ratls_policy *policy,
                                    struct ratls_rules **ret_rules, struct ratls_error *err)
{
    struct ratls_rules *rules = ratls_policy_rules(policy, a->session.server_name);

    if (rules == NULL)
        return ratls_policy_fail_unlisted(policy, RATLS_ROLE_SERVER, a->session.server_name, err);
    if (!rules->ima.is_asked)
        return ratls_fail(err, RATLS_USAGE,
                          "%s: without `ima` there is nothing to bring up to date", rules->path);
    *ret_rules = rules;
    return RATLS_OK;
}

static int load_and_synchronize(struct arguments *a)
{
    struct ratls_policy *policy = NULL;
    struct ratls_rules *rules = NULL;
    struct ratls_error err = {0};
    enum ratls_status status = ratls_policy_load(a->policy_path, &policy, &err);
    int code;

    if (status == RATLS_OK)
        status = ratls_policy_use_state(policy, a->state_path, &err);
    if (status == RATLS_OK)
        status = find_rules(a, policy, &rules, &err);
    if (status == RATLS_OK) {
        rules->ima.syncs = true; /* `sync: never` is for programs */
        a->session.policy = policy;
        code = synchronize(a, rules);
    } else {
        code = ratls_out_error(status, &err);
    }
    ratls_policy_free(policy);
    return code;
}

static int run(struct arguments *a)
{
    struct ratls_error err = {0};
    enum ratls_status status = ratls_endpoint_parse(a->session.server, &a->endpoint, &err);

    if (status != RATLS_OK)
        return ratls_out_error(status, &err);
    if (a->session.server_name == NULL)
        a->session.server_name = a->endpoint.host;
    a->session.seen = show_progress;
    a->session.seen_arg = &a->progress;
    return load_and_synchronize(a);
}

int ratls_cmd_sync(int argc, char **argv)
{
    struct arguments a = {.session = {.timeout_s = RATLS_TIMEOUT_DEFAULT_S}};
    const struct ratls_option rows[] = {
        {"policy", RATLS_OPTION_TEXT, &a.policy_path, "PATH", "policy, or folder of policies"},
        {"state", RATLS_OPTION_TEXT, &a.state_path, "DIR",
         "the state folder of the programs that it is done for"},
        {"server-name", RATLS_OPTION_TEXT, &a.session.server_name, "NAME",
         "the server that is meant (default HOST)"},
        {"ca", RATLS_OPTION_TEXT, &a.session.ca, "FILE",
         "certificate authorities (default: those of the system)"},
        {"insecure-no-pki", RATLS_OPTION_FLAG, &a.session.pki_ignored, NULL,
         "do not verify the certificate, only the evidence"},
        {"timeout", RATLS_OPTION_UINT, &a.session.timeout_s, "SECONDS",
         "how long to wait for each answer of the server (default 10)"},
        {"json", RATLS_OPTION_FLAG, &a.json, NULL, "print one JSON object"},
    };
    const struct ratls_options options = {
        .synopsis = "HOST:PORT --policy PATH --state DIR [OPTION...]",
        .about = "Appraises a server whose policy has `ima`, fetches as much of its list as that\n"
                 "needs, and keeps how far it was acknowledged: programs that use the same\n"
                 "policy and state folder then fetch only what is new since.",
        .example = "  ratls sync bank.example:443 --policy /etc/ratls/policies --state "
                   "/var/lib/ratls-client",
        .rows = rows,
        .count = sizeof rows / sizeof rows[0],
    };
    int first;
    int code;

    if (!ratls_options_parse(&options, argc, argv, &first, &code))
        return code;
    code = ratls_session_operand(&a.session, argc - first, argv + first);
    if (code != RATLS_EXIT_OK)
        return code;
    if (a.policy_path == NULL || a.state_path == NULL)
        return ratls_usage("--policy and --state say what to appraise by, and where to keep it");
    return run(&a);
}
