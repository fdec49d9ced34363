/*
 * The one thread of a process that talks to the TPM. Callers queue and wait, never longer than
 * their deadline: a TCTI may block for ever inside the TPM's answer, and only the thread does. Who
 * does not wait is called, by a second thread that begins with the first of them.
 */
#ifndef RATLS_ATTESTER_WORKER_H
#define RATLS_ATTESTER_WORKER_H

#include "ak_state.h"
#include "batch.h"

struct ratls_worker;

/*
 * The state is copied without its certificates. The thread starts with the first quote. tcti: NULL
 * for the default of tpm2-tss. queue_max: how many may wait for the TPM, those that it is at
 * included; 1 to RATLS_MERKLE_LEAVES_MAX.
 */
RATLS_MUST_CHECK enum ratls_status ratls_worker_new(const struct ratls_ak_state *state,
                                                    const char *tcti, size_t queue_max,
                                                    struct ratls_worker **ret_worker,
                                                    struct ratls_error *err);
/*
 * Nobody may be inside a function of the worker or have a job with it; but for one who is being
 * called by it, and takes its last job. A thread that the TPM does not answer is left behind with
 * the memory that it uses: it frees both if the answer ever comes.
 */
void ratls_worker_free(struct ratls_worker *worker);

/*
 * False in a child of the process that made the worker. Then nothing of it may be used or freed:
 * its thread does not exist here, and its lock may be held for ever.
 */
bool ratls_worker_is_ours(const struct ratls_worker *worker);

/* From here on safe for any number of threads. The caller clears *ret_quoted. */
RATLS_MUST_CHECK enum ratls_status
ratls_worker_quote(struct ratls_worker *worker, const struct ratls_pcr_selection *selection,
                   const uint8_t leaf[RATLS_QUALIFYING_LEN], unsigned deadline_ms,
                   struct ratls_quoted *ret_quoted, struct ratls_error *err);
/* measured.h; at most a second old. */
RATLS_MUST_CHECK enum ratls_status ratls_worker_state(struct ratls_worker *worker,
                                                      const struct ratls_pcr_selection *selection,
                                                      unsigned deadline_ms,
                                                      uint8_t ret_digest[static RATLS_MEASURED_LEN],
                                                      struct ratls_error *err);

/* How many threads it has. Never more than there are. */
unsigned ratls_worker_threads(struct ratls_worker *worker);

/* What the TPM has done so far: attester_tpm.h. */
void ratls_worker_counts(struct ratls_worker *worker, struct ratls_tpm_counts *ret_counts);

/* True if the state is known, and no older than that: nobody has to wait for it. */
bool ratls_worker_knows_state(struct ratls_worker *worker,
                              const struct ratls_pcr_selection *selection, unsigned age_ms,
                              uint8_t ret_digest[static RATLS_MEASURED_LEN], unsigned *ret_age_ms);
/*
 * Never waits: true if the state is known, and fresh. From now on it is read ahead of need for a
 * while (state_keeper.h), so that it is at hand the next time.
 */
bool ratls_worker_want_state(struct ratls_worker *worker,
                             const struct ratls_pcr_selection *selection, unsigned deadline_ms,
                             uint8_t ret_digest[static RATLS_MEASURED_LEN]);

/*
 * A quote without waiting, in two steps, so that the job is known to its maker before it is done;
 * leaf NULL: the measured state. prepare finds place in the queue, and fails if there is none.
 * After post, done(arg) is called once, by any thread and without a lock, when there is an answer
 * or none could be had within the deadline: that is counted from prepare on. What went wrong, take
 * says. All deadlines of one worker must be the same. The job is the caller's memory: the worker's
 * from prepare until take or cancel returns.
 */
RATLS_MUST_CHECK enum ratls_status ratls_worker_prepare(struct ratls_worker *worker,
                                                        const struct ratls_pcr_selection *selection,
                                                        const uint8_t *leaf, unsigned deadline_ms,
                                                        struct ratls_job *ret_job,
                                                        struct ratls_error *err);
void ratls_worker_post(struct ratls_worker *worker, struct ratls_job *job, void (*done)(void *arg),
                       void *arg);
/* Once it is done, also from within done(). Ends the job, whatever is returned. */
RATLS_MUST_CHECK enum ratls_status ratls_worker_take(struct ratls_worker *worker,
                                                     struct ratls_job *job,
                                                     struct ratls_quoted *ret_quoted,
                                                     struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status
ratls_worker_take_state(struct ratls_worker *worker, struct ratls_job *job,
                        uint8_t ret_digest[static RATLS_MEASURED_LEN], struct ratls_error *err);
/* Ends the job at any time after prepare. When it returns, done is not called any more; and it has
 * returned, unless it is what calls here. */
void ratls_worker_cancel(struct ratls_worker *worker, struct ratls_job *job);

#endif
