/*
 * Targets: ratls_agentd_session_hear, and what a session of ratlsd makes of each message. The first
 * byte says who calls and when the attester is done; behind it messages follow, each behind its
 * length in two bytes. Every answer is one, and is to a question that was asked; evidence is only
 * given to who has a rule; when the caller is gone nothing is left.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent.h"
#include "disposal.h"
#include "fuzz.h"

#define HAS_RULE 1 /* else it is a stranger */
#define IS_SLOW 2  /* answers come when the next message does */
#define STRANGER 4711
#define JOBS_MAX 64 /* at a time */

static const char rules[] = "state: /s\nqueue: 48\n"
                            "clients: [{user: 4710, services: [web, bank], waiting: 40}]\n";

static struct job {
    void (*done)(void *arg);
    void *arg;
} jobs[JOBS_MAX];
static bool is_slow;

/* ---- an attester that needs no TPM ---- */

static struct job *new_job(void (*done)(void *arg), void *arg)
{
    for (size_t i = 0; i < JOBS_MAX; i++) {
        if (jobs[i].done != NULL)
            continue;
        jobs[i] = (struct job){done, arg};
        return &jobs[i];
    }
    abort(); /* more than the rules allow */
}

static void finish_jobs(void)
{
    for (size_t i = 0; i < JOBS_MAX; i++)
        if (jobs[i].arg != NULL) {
            jobs[i].done(jobs[i].arg);
            jobs[i].arg = NULL;
        }
}

static void end_job(void *job)
{
    *(struct job *)job = (struct job){NULL, NULL};
}

static enum ratls_status begin(struct ratls_attester *self,
                               const struct ratls_attest_request *request, void (*done)(void *arg),
                               void *arg, struct ratls_attest_job **ret_job,
                               struct ratls_error *err)
{
    (void)self;
    (void)err;
    FUZZ_CHECK(request->mode >= RATLS_MODE_HANDSHAKE && request->mode <= RATLS_MODE_RENEWAL);
    *ret_job = (struct ratls_attest_job *)new_job(done, arg);
    return RATLS_OK;
}

static enum ratls_status take(struct ratls_attester *self, struct ratls_attest_job *job,
                              uint8_t **ret_evidence, size_t *ret_len, struct ratls_error *err)
{
    (void)self;
    (void)err;
    end_job(job);
    *ret_evidence = calloc(1, 1);
    *ret_len = 1;
    FUZZ_CHECK(*ret_evidence != NULL);
    return RATLS_OK;
}

static void cancel(struct ratls_attester *self, struct ratls_attest_job *job)
{
    (void)self;
    end_job(job);
}

static void keep(struct ratls_attester *self)
{
    (void)self;
}

static struct ratls_attester attester = {
    .begin = begin, .take = take, .cancel = cancel, .free = keep};

enum ratls_status __wrap_ratls_state_begin(struct ratls_attester *self,
                                           const struct ratls_pcr_selection *selection,
                                           void (*done)(void *arg), void *arg,
                                           struct ratls_state_job **ret_job,
                                           struct ratls_error *err);
enum ratls_status __wrap_ratls_state_take(struct ratls_state_job *job, uint8_t ret_digest[32],
                                          unsigned *ret_age_ms, struct ratls_error *err);
void __wrap_ratls_state_cancel(struct ratls_state_job *job);
void __wrap_ratls_tpm_attester_counts(const struct ratls_attester *self,
                                      struct ratls_tpm_counts *ret_counts);

enum ratls_status __wrap_ratls_state_begin(struct ratls_attester *self,
                                           const struct ratls_pcr_selection *selection,
                                           void (*done)(void *arg), void *arg,
                                           struct ratls_state_job **ret_job,
                                           struct ratls_error *err)
{
    (void)self;
    (void)err;
    FUZZ_CHECK(selection->count > 0);
    *ret_job = (struct ratls_state_job *)new_job(done, arg);
    return RATLS_OK;
}

enum ratls_status __wrap_ratls_state_take(struct ratls_state_job *job, uint8_t ret_digest[32],
                                          unsigned *ret_age_ms, struct ratls_error *err)
{
    end_job(job);
    memset(ret_digest, 1, 32);
    *ret_age_ms = 1;
    return err->status;
}

void __wrap_ratls_state_cancel(struct ratls_state_job *job)
{
    end_job(job);
}

void __wrap_ratls_tpm_attester_counts(const struct ratls_attester *self,
                                      struct ratls_tpm_counts *ret_counts)
{
    (void)self;
    *ret_counts = (struct ratls_tpm_counts){.quotes = 0};
}

/* ---- the agent, and its one caller ---- */

static void begin_agent(struct ratls_agentd *agent, struct ratls_agentd_service services[2])
{
    FUZZ_CHECK(ratls_agentd_config_read("f.yaml", ratls_slice(rules, strlen(rules)), &agent->config,
                                        NULL) == RATLS_OK);
    FUZZ_CHECK(ratls_agentd_init(agent, NULL) == RATLS_OK);
    FUZZ_CHECK(sd_event_new(&agent->event) >= 0);
    agent->config_path = "f.yaml";
    for (size_t i = 0; i < 2; i++) {
        snprintf(services[i].name, sizeof services[i].name, "%s", i == 0 ? "web" : "bank");
        services[i].attester = &attester;
        agent->services.items[i] = &services[i];
    }
    agent->services.count = 2;
}

static void end_agent(struct ratls_agentd *agent)
{
    if (!LIST_EMPTY(&agent->sessions))
        ratls_agentd_session_end(LIST_FIRST(&agent->sessions));
    FUZZ_CHECK(agent->waiting_count == 0 && agent->session_count == 0 &&
               agent->stranger_count == 0 && agent->blocked_count == 0);
    for (size_t i = 0; i < JOBS_MAX; i++)
        FUZZ_CHECK(jobs[i].done == NULL);
    agent->services.count = 0;
    ratls_agentd_clear(agent);
    agent->event = sd_event_unref(agent->event);
    free(agent);
}

static void read_answers(int fd, bool has_rule)
{
    static uint8_t buffer[RATLS_AGENT_ANSWER_MAX];
    struct ratls_agent_answer answer;
    ssize_t n;

    while ((n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0) {
        FUZZ_CHECK(ratls_agent_answer_read(ratls_slice(buffer, (size_t)n), &answer));
        FUZZ_CHECK(has_rule || answer.status != RATLS_OK);
    }
}

static bool hear(struct ratls_agentd *agent, struct ratls_reader *r, int fd, bool has_rule)
{
    struct ratls_slice message = ratls_read_bytes(r, ratls_read_u16(r));
    bool goes_on;

    if (r->failed)
        return false;
    goes_on = ratls_agentd_session_hear(LIST_FIRST(&agent->sessions), message);
    if (!is_slow)
        finish_jobs();
    ratls_agentd_deliver(agent);
    if (is_slow)
        finish_jobs();
    read_answers(fd, has_rule);
    return goes_on && !LIST_EMPTY(&agent->sessions);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ratls_reader r = ratls_reader(ratls_slice(data, size));
    const uint8_t how = ratls_read_u8(&r);
    const bool has_rule = (how & HAS_RULE) != 0;
    struct ratls_agentd_peer peer = {.uid = has_rule ? STRANGER - 1 : STRANGER, .gid = STRANGER};
    struct ratls_agentd_service services[2] = {{.evidence = 0}};
    struct ratls_agentd *agent = calloc(1, sizeof *agent);
    int fds[2];

    FUZZ_CHECK(agent != NULL && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
    ratls_agentd_refuse_files(fds[0]); /* else each connection is closed by a process of its own */
    (void)signal(SIGCHLD, SIG_IGN);
    is_slow = (how & IS_SLOW) != 0;
    begin_agent(agent, services);
    FUZZ_CHECK(ratls_agentd_session_begin(agent, fds[0], &peer, NULL) == RATLS_OK);
    while (hear(agent, &r, fds[1], has_rule))
        continue;
    end_agent(agent);
    close(fds[1]);
    return 0;
}
