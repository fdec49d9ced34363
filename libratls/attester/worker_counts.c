/* What a worker has done so far, for people who look after a server. */
#include "worker_parts.h"

/* The i for which a batch has at most 2^i leaves, and more than 2^(i-1). */
static size_t find_class(size_t count)
{
    size_t i = 0;

    while (i < RATLS_TPM_BATCH_CLASSES - 1 && ((size_t)1 << i) < count)
        i++;
    return i;
}

void ratls_worker_count(struct ratls_worker *worker, const struct ratls_batch *batch,
                        enum ratls_status status)
{
    struct ratls_tpm_counts *counts = &worker->counts;

    counts->retries += batch->retries;
    if (status != RATLS_OK) {
        counts->errors++;
    } else if (batch->want.kind == RATLS_JOB_STATE) {
        counts->states++;
    } else {
        counts->quotes++;
        counts->leaves += batch->leaf_count;
        counts->batches[find_class(batch->leaf_count)]++;
    }
}

void ratls_worker_counts(struct ratls_worker *worker, struct ratls_tpm_counts *ret_counts)
{
    pthread_mutex_lock(&worker->lock);
    *ret_counts = worker->counts;
    ret_counts->waiting = worker->waiting;
    pthread_mutex_unlock(&worker->lock);
}
