/*
 * The one connection of a process to its agent, and the one thread that reads from it. Whoever asks
 * sends his question himself; the thread hands the answers out, ends what is too late, and calls
 * those who do not wait.
 */
#ifndef RATLS_AGENT_LINK_H
#define RATLS_AGENT_LINK_H

#include "agent_message.h"
#include "state_keeper.h"

struct ratls_agent_link;
struct ratls_agent_job;

/* path: at most RATLS_AGENT_PATH_MAX bytes; service: of what is asked ahead of need. Connects with
 * the first question; all have the same deadline. */
RATLS_MUST_CHECK enum ratls_status ratls_agent_link_new(const char *path, const char *service,
                                                        unsigned deadline_ms,
                                                        struct ratls_agent_link **ret_link,
                                                        struct ratls_error *err);
/*
 * Nobody may be inside a function of the link or have a job with it; but for one who is being
 * called by it, and takes its last job.
 */
void ratls_agent_link_free(struct ratls_agent_link *link);

/*
 * False in a child of the process that made the link: its thread does not exist here, and its lock
 * may be held for ever. Then the child lets go of the connection, once, and nothing else of it may
 * be used or freed.
 */
bool ratls_agent_link_is_ours(const struct ratls_agent_link *link);
/* How many threads it has. Never more than there are. */
unsigned ratls_agent_link_threads(struct ratls_agent_link *link);
void ratls_agent_link_forget(struct ratls_agent_link *link);

/* From here on safe for any number of threads. id and deadline of a question are filled in here. */

/* Waits for the answer. The caller frees *ret_payload. */
RATLS_MUST_CHECK enum ratls_status ratls_agent_link_ask(struct ratls_agent_link *link,
                                                        struct ratls_agent_question *question,
                                                        uint8_t **ret_payload, size_t *ret_len,
                                                        struct ratls_error *err);

/*
 * An answer without waiting, in two steps, so that the job is known to its maker before it is done.
 * After post, done(arg) is called once, without a lock, also if there is no answer within the
 * deadline, which is counted from prepare on. What went wrong, take() says.
 */
RATLS_MUST_CHECK enum ratls_status ratls_agent_link_prepare(struct ratls_agent_link *link,
                                                            struct ratls_agent_question *question,
                                                            struct ratls_agent_job **ret_job,
                                                            struct ratls_error *err);
void ratls_agent_link_post(struct ratls_agent_link *link, struct ratls_agent_job *job,
                           void (*done)(void *arg), void *arg);
/* Once it is done, also from within done(). Frees the job, whatever is returned. */
RATLS_MUST_CHECK enum ratls_status ratls_agent_link_take(struct ratls_agent_link *link,
                                                         struct ratls_agent_job *job,
                                                         uint8_t **ret_payload, size_t *ret_len,
                                                         struct ratls_error *err);
/* Frees the job at any time after prepare. When it returns, done is not called any more; and it
 * has returned, unless it is what calls here. */
void ratls_agent_link_cancel(struct ratls_agent_link *link, struct ratls_agent_job *job);

/*
 * agent_ahead.c: states at hand (state_keeper.h). want never waits: true if the state is known, and
 * fresh; from now on the reader asks for it ahead of need. keep: what came to the process
 * otherwise.
 */
bool ratls_agent_link_want_state(struct ratls_agent_link *link,
                                 const struct ratls_pcr_selection *selection,
                                 uint8_t ret_digest[static RATLS_MEASURED_LEN]);
void ratls_agent_link_keep_state(struct ratls_agent_link *link,
                                 const struct ratls_known_state *state);

#endif
