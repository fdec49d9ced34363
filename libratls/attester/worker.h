/*
 * The one thread of a process that talks to the TPM. Callers queue and wait, never longer than
 * their deadline: a TCTI may block for ever inside the TPM's answer, and only the thread does.
 */
#ifndef RATLS_ATTESTER_WORKER_H
#define RATLS_ATTESTER_WORKER_H

#include "ak_state.h"
#include "job.h"

struct ratls_worker;

/*
 * The state is copied without its certificates. The thread starts with the first quote. tcti: NULL
 * for the default of tpm2-tss.
 */
RATLS_MUST_CHECK enum ratls_status ratls_worker_new(const struct ratls_ak_state *state,
                                                    const char *tcti,
                                                    struct ratls_worker **ret_worker,
                                                    struct ratls_error *err);
/*
 * Nobody may be inside ratls_worker_quote(). A thread that the TPM does not answer is left behind
 * with the memory that it uses: it frees both if the answer ever comes.
 */
void ratls_worker_free(struct ratls_worker *worker);

/*
 * False in a child of the process that made the worker. Then nothing of it may be used or freed:
 * its thread does not exist here, and its lock may be held for ever.
 */
bool ratls_worker_is_ours(const struct ratls_worker *worker);

/* Safe for any number of threads. */
RATLS_MUST_CHECK enum ratls_status
ratls_worker_quote(struct ratls_worker *worker, const struct ratls_pcr_selection *selection,
                   const uint8_t leaf[RATLS_QUALIFYING_LEN], unsigned deadline_ms,
                   struct ratls_quoted *ret_quoted, struct ratls_error *err);

#endif
