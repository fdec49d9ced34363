/* struct ratls_attester on a TPM: its life, and the calls that wait. */
#include <ratls/attester_tpm.h>

#include <stdlib.h>
#include <string.h>

#include "attester_parts.h"
#include "crypto.h"
#include "fail.h"
#include "passport.h"
#include "request.h"

#define DEADLINE_DEFAULT_MS 5000
#define SERVICE_DEFAULT "default"
#define EPOCH_DEFAULT_S 30
#define EPOCH_MAX_S 3600

/* The interface is the first member. */
static struct ratls_tpm_attester *from_interface(struct ratls_attester *interface)
{
    return (struct ratls_tpm_attester *)interface;
}

/*
 * A child of fork() gets a worker of its own, and leaves the parent's alone: it is neither used nor
 * freed. No lock guards the pointer, for a lock might be held for ever by a thread of the parent.
 */
enum ratls_status ratls_attester_worker(struct ratls_tpm_attester *one,
                                        struct ratls_worker **ret_worker, struct ratls_error *err)
{
    struct ratls_tpm_attester *self = one->first;
    struct ratls_worker *present = atomic_load(&self->worker);
    struct ratls_worker *mine = NULL;
    enum ratls_status status;

    if (present == NULL || !ratls_worker_is_ours(present)) {
        status = ratls_worker_new(&self->state, self->has_tcti ? self->tcti : NULL, self->queue_max,
                                  &mine, err);
        if (status != RATLS_OK)
            return status;
        if (atomic_compare_exchange_strong(&self->worker, &present, mine))
            present = mine;
        else
            ratls_worker_free(mine); /* another thread was faster; `present` is its worker */
    }
    *ret_worker = present;
    return RATLS_OK;
}

enum ratls_status ratls_attester_quote(struct ratls_tpm_attester *self,
                                       const struct ratls_draft *draft,
                                       struct ratls_quoted *ret_quoted, struct ratls_error *err)
{
    struct ratls_worker *worker = NULL;
    enum ratls_status status = ratls_attester_worker(self, &worker, err);

    return status == RATLS_OK ? ratls_worker_quote(worker, &draft->request.selection, draft->leaf,
                                                   self->deadline_ms, ret_quoted, err)
                              : status;
}

static enum ratls_status attest(struct ratls_attester *interface,
                                const struct ratls_attest_request *request, uint8_t **ret_evidence,
                                size_t *ret_len, struct ratls_error *err)
{
    struct ratls_tpm_attester *self = from_interface(interface);
    struct ratls_quoted quoted = {.quote = NULL};
    struct ratls_draft *draft = NULL;
    enum ratls_status status = ratls_draft_new(self, request, &draft, err);

    if (status == RATLS_OK && ratls_draft_needs_quote(draft))
        status = ratls_attester_quote(self, draft, &quoted, err);
    if (status == RATLS_OK)
        status = ratls_draft_finish(self, draft, &quoted, ret_evidence, ret_len, err);
    ratls_quoted_clear(&quoted);
    ratls_draft_free(draft);
    return status;
}

const char *ratls_tpm_log_missing(const struct ratls_attester *attester, enum ratls_tpm_log log)
{
    const struct ratls_tpm_attester *self = ((const struct ratls_tpm_attester *)attester)->first;
    const struct ratls_error *missing = &self->result_missing;

    if (log == RATLS_TPM_BOOT_LOG)
        missing = &self->logs.boot_missing;
    else if (log == RATLS_TPM_IMA_LIST)
        missing = &self->logs.ima_missing;

    return missing->status == RATLS_OK ? NULL : missing->text;
}

void ratls_tpm_attester_counts(const struct ratls_attester *attester,
                               struct ratls_tpm_counts *ret_counts)
{
    const struct ratls_tpm_attester *self = (const struct ratls_tpm_attester *)attester;
    struct ratls_worker *worker = atomic_load(&self->first->worker);

    *ret_counts = (struct ratls_tpm_counts){.quotes = 0};
    if (worker != NULL && ratls_worker_is_ours(worker))
        ratls_worker_counts(worker, ret_counts);
}

static struct ratls_attester *up_ref(struct ratls_attester *interface)
{
    atomic_fetch_add(&from_interface(interface)->references, 1);
    return interface;
}

static void free_attester(struct ratls_attester *interface)
{
    struct ratls_tpm_attester *self;
    struct ratls_worker *worker;

    if (interface == NULL)
        return;
    self = from_interface(interface);
    if (atomic_fetch_sub(&self->references, 1) != 1)
        return;
    ratls_attester_end_epochs(self);
    if (self->first != self) {
        free_attester(&self->first->base);
        free(self);
        return;
    }
    worker = atomic_load(&self->worker);
    if (worker != NULL && ratls_worker_is_ours(worker))
        ratls_worker_free(worker);
    ratls_logs_close(&self->logs);
    ratls_ak_state_clear(&self->state);
    ratls_tls_keys_clear(&self->tls_keys);
    free(self->result);
    free(self);
}

/* Whether there is one now is said, and decides nothing: it may come later. */
static enum ratls_status take_result(struct ratls_tpm_attester *self, const char *path,
                                     struct ratls_error *err)
{
    struct ratls_slice ignored;
    uint8_t *buffer;

    if (path == NULL || path[0] == '\0')
        return RATLS_OK;
    buffer = malloc(RATLS_RESULT_MAX + 1);
    self->result = strdup(path);
    if (buffer == NULL || self->result == NULL) {
        free(buffer);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    if (ratls_passport_read(path, buffer, &ignored, &self->result_missing) == RATLS_OK)
        self->result_missing = (struct ratls_error){.status = RATLS_OK};
    free(buffer);
    return RATLS_OK;
}

static enum ratls_status take_epoch(struct ratls_tpm_attester *self,
                                    const struct ratls_tpm_options *options,
                                    struct ratls_error *err)
{
    const char *fault = options->epoch == NULL ? NULL : ratls_epoch_source_fault(options->epoch);

    if (fault != NULL)
        return ratls_fail(err, RATLS_USAGE, "epoch = %.64s: %s", options->epoch, fault);
    if (options->epoch_s > EPOCH_MAX_S)
        return ratls_fail(err, RATLS_USAGE, "an epoch of more than %d s", EPOCH_MAX_S);
    if (options->epoch != NULL)
        memcpy(self->epoch_source, options->epoch, strlen(options->epoch) + 1);
    self->epoch_s = options->epoch_s == 0 ? EPOCH_DEFAULT_S : options->epoch_s;
    self->notice = options->notice;
    self->notice_arg = options->notice_arg;
    return RATLS_OK;
}

static enum ratls_status take_service(struct ratls_tpm_attester *self, const char *service,
                                      struct ratls_error *err)
{
    size_t service_len = strlen(service);

    if (service_len == 0 || service_len > RATLS_SERVICE_MAX)
        return ratls_fail(err, RATLS_USAGE, "service: 1 to %d characters", RATLS_SERVICE_MAX);
    if (!ratls_slice_is_printable(ratls_slice(service, service_len)))
        return ratls_fail(err, RATLS_USAGE, "service: only printable ASCII");
    memcpy(self->service, service, service_len + 1);
    return RATLS_OK;
}

static enum ratls_status take_options(struct ratls_tpm_attester *self,
                                      const struct ratls_tpm_options *options,
                                      struct ratls_error *err)
{
    const char *service = options->service == NULL ? SERVICE_DEFAULT : options->service;
    const char *tcti = options->tcti == NULL ? self->state.tcti : options->tcti;
    enum ratls_status status = take_service(self, service, err);

    if (status != RATLS_OK)
        return status;
    if (strlen(tcti) >= sizeof self->tcti)
        return ratls_fail(err, RATLS_USAGE, "tcti: more than %d characters", RATLS_TCTI_MAX - 1);
    memcpy(self->tcti, tcti, strlen(tcti) + 1);
    self->has_tcti = tcti[0] != '\0';
    self->deadline_ms = options->deadline_ms == 0 ? DEADLINE_DEFAULT_MS : options->deadline_ms;
    if (options->queue > RATLS_TPM_QUEUE_MAX)
        return ratls_fail(err, RATLS_USAGE, "queue: at most %d, as one quote can serve",
                          RATLS_TPM_QUEUE_MAX);
    self->queue_max = options->queue == 0 ? RATLS_TPM_QUEUE_MAX : options->queue;
    return take_epoch(self, options, err);
}

static unsigned count_threads(struct ratls_attester *interface)
{
    struct ratls_worker *worker = atomic_load(&from_interface(interface)->first->worker);

    return worker != NULL && ratls_worker_is_ours(worker) ? ratls_worker_threads(worker) : 0;
}

static void init_base(struct ratls_tpm_attester *self, struct ratls_tpm_attester *first)
{
    self->base = (struct ratls_attester){.attest = attest,
                                         .up_ref = up_ref,
                                         .free = free_attester,
                                         .begin = ratls_attester_begin,
                                         .take = ratls_attester_take,
                                         .cancel = ratls_attester_cancel,
                                         .threads = count_threads};
    ratls_attester_add_state(&self->base);
    self->first = first;
    atomic_init(&self->references, 1);
    atomic_init(&self->worker, NULL);
    atomic_init(&self->epochs, NULL);
}

/* An epoch's quote is of one service: each has epochs of its own, and all else is shared. */
enum ratls_status ratls_tpm_attester_of_service(struct ratls_attester *attester,
                                                const char *service,
                                                struct ratls_attester **ret_attester,
                                                struct ratls_error *err)
{
    struct ratls_tpm_attester *first = from_interface(attester)->first;
    struct ratls_tpm_attester *self = calloc(1, sizeof *self);
    enum ratls_status status;

    if (self == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = take_service(self, service, err);
    if (status != RATLS_OK) {
        free(self);
        return status;
    }
    init_base(self, from_interface(up_ref(&first->base)));
    self->state = first->state;
    memset(self->state.auth, 0, sizeof self->state.auth); /* only the worker needs it */
    memcpy(self->key_id, first->key_id, sizeof self->key_id);
    self->deadline_ms = first->deadline_ms;
    memcpy(self->epoch_source, first->epoch_source, sizeof self->epoch_source);
    self->epoch_s = first->epoch_s;
    self->notice = first->notice;
    self->notice_arg = first->notice_arg;
    self->result = first->result;
    *ret_attester = &self->base;
    return RATLS_OK;
}

enum ratls_status ratls_tpm_attester_new(const struct ratls_tpm_options *options,
                                         struct ratls_attester **ret_attester,
                                         struct ratls_error *err)
{
    struct ratls_tpm_attester *self;
    uint8_t digest[32];
    enum ratls_status status;

    if (options->state_dir == NULL)
        return ratls_fail(err, RATLS_USAGE, "the state folder of the attestation key is missing");
    self = calloc(1, sizeof *self);
    if (self == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    init_base(self, self);
    ratls_logs_open(options->boot_log, options->ima_list, &self->logs);
    status = ratls_ak_state_load(options->state_dir, &self->state, err);
    if (status == RATLS_OK)
        status = ratls_tls_keys_load(options->state_dir, &self->state, &self->tls_keys, err);
    if (status == RATLS_OK)
        status = take_options(self, options, err);
    if (status == RATLS_OK)
        status = take_result(self, options->result, err);
    if (status == RATLS_OK)
        status = ratls_sha256(ratls_slice(self->state.name, sizeof self->state.name), digest, err);
    if (status != RATLS_OK) {
        free_attester(&self->base);
        return status;
    }
    memcpy(self->key_id, digest, sizeof self->key_id);
    *ret_attester = &self->base;
    return RATLS_OK;
}
