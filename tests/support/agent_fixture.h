/*
 * What the tests of ratlsd share: the agent as a process before the software TPM of
 * attester_fixture.h, and callers of their own who speak on its socket.
 *
 * Run by root, as in continuous integration, the agent becomes the user "daemon"; else it is who
 * runs the test.
 */
#ifndef RATLS_TEST_AGENT_FIXTURE_H
#define RATLS_TEST_AGENT_FIXTURE_H

#include "agent_message.h"
#include "attester_fixture.h"

#define AGENT_USER "daemon"
#define AGENT_TEXT_MAX 65536

struct agent {
    pid_t pid;
    char socket[PATH_LEN];
    char config[PATH_LEN];
    char log[PATH_LEN]; /* its stderr */
    const char *tcti;   /* NULL: that of the state folder */
};

/* For TestSuite: a test that failed leaves no agent behind. */
void agent_tear_down(void);

/* The rest of the configuration, behind state, tcti, socket, user and the logs. */
void agent_configure(struct agent *agent, const char *rest);
/* Serves when it returns. A rule for the user who runs the test: agent_start_simply(). */
void agent_start(struct agent *agent, const char *tcti, const char *rest);
void agent_start_simply(struct agent *agent, const char *tcti);
void agent_start_over(struct agent *agent, struct tpm_mux *mux, const char *const *options);
void agent_run(struct agent *agent); /* of one that is configured */
/* Sends a signal and waits for the end; the exit code, or -1 if it died of a signal. */
int agent_end(struct agent *agent, int signal);
/* The same by SIGTERM, which must succeed. */
void agent_stop(struct agent *agent);
bool agent_has_logged(const struct agent *agent, const char *text);
void agent_wait_for_log(const struct agent *agent, const char *text);

int agent_connect(const struct agent *agent);
int agent_try_connect(const struct agent *agent); /* -1: nobody listens */
struct ratls_agent_question evidence_question(uint64_t id, uint8_t seed);
void name_service(struct ratls_agent_question *question, const char *service);
void agent_send(int fd, const struct ratls_agent_question *question);
/* False if the connection ended. */
bool agent_try_receive(int fd, struct ratls_agent_answer *ret, uint8_t *buffer, unsigned limit_ms);
void agent_receive(int fd, struct ratls_agent_answer *ret, uint8_t *buffer);
/* Sound evidence of the question with this seed, and of this service. */
void assert_evidence(const struct ratls_agent_answer *answer, uint8_t seed, const char *service);
void assert_refused(const struct ratls_agent_answer *answer, uint64_t id, enum ratls_status status,
                    const char *text);
/* Asks, and must get evidence of this service. */
void agent_must_serve(const struct agent *agent, uint8_t seed, const char *service);
/* The metrics; the caller frees them. */
char *agent_status(const struct agent *agent);
/* The value of one series; it must be there. */
double agent_figure(const struct agent *agent, const char *series);
/* Waits until it has this value. */
void agent_await_figure(const struct agent *agent, const char *series, double value);

/* The peer is another user then, with these further groups: only root can. */
int agent_connect_as(const struct agent *agent, uid_t uid, gid_t gid, size_t group_count,
                     const gid_t *groups);

/* The most memory that was resident of the agent until now, in KiB. */
size_t agent_memory_kib(const struct agent *agent);

#endif
