/* struct ratls_attester on a TPM: builds the statement, has it quoted, and packs the evidence. */
#include <ratls/attester_tpm.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "fail.h"
#include "logs.h"
#include "request.h"
#include "statement.h"
#include "worker.h"

#define DEADLINE_DEFAULT_MS 5000
#define SERVICE_DEFAULT "default"

struct tpm_attester {
    struct ratls_attester base;
    atomic_uint references;
    _Atomic(struct ratls_worker *) worker; /* of this process or, after a fork, of its parent */

    /* From here on nothing changes after ratls_tpm_attester_new(). */
    struct ratls_ak_state state;
    uint8_t key_id[RATLS_KEY_ID_LEN];
    bool has_tcti;
    char tcti[RATLS_TCTI_MAX];
    char service[RATLS_SERVICE_MAX + 1];
    unsigned deadline_ms;
    struct ratls_logs logs; /* but for its cache, which guards itself */
};

/* The interface is the first member. */
static struct tpm_attester *from_interface(struct ratls_attester *interface)
{
    return (struct tpm_attester *)interface;
}

/*
 * A child of fork() gets a worker of its own, and leaves the parent's alone: it is neither used nor
 * freed. No lock guards the pointer, for a lock might be held for ever by a thread of the parent.
 */
static enum ratls_status get_worker(struct tpm_attester *self, struct ratls_worker **ret_worker,
                                    struct ratls_error *err)
{
    struct ratls_worker *present = atomic_load(&self->worker);
    struct ratls_worker *mine = NULL;
    enum ratls_status status;

    if (present == NULL || !ratls_worker_is_ours(present)) {
        status = ratls_worker_new(&self->state, self->has_tcti ? self->tcti : NULL, &mine, err);
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

static bool wants_logs(const struct ratls_attest_request *request)
{
    return request->logs.boot_bank != 0 || request->logs.ima_bank != 0;
}

static enum ratls_status check_request(const struct ratls_attest_request *request,
                                       struct ratls_error *err)
{
    if (request->mode != RATLS_MODE_CERTIFICATE && !ratls_mode_has_session(request->mode))
        return ratls_fail(err, RATLS_USAGE, "attestation request: unknown mode %d", request->mode);
    if (request->role != RATLS_ROLE_SERVER && request->role != RATLS_ROLE_CLIENT)
        return ratls_fail(err, RATLS_USAGE, "attestation request: unknown role %d", request->role);
    if (request->context_len > RATLS_CONTEXT_MAX)
        return ratls_fail(err, RATLS_USAGE, "attestation request: context of more than %d bytes",
                          RATLS_CONTEXT_MAX);
    if (request->key_id_count > RATLS_KEY_IDS_MAX)
        return ratls_fail(err, RATLS_USAGE, "attestation request: more than %d key ids",
                          RATLS_KEY_IDS_MAX);
    if (wants_logs(request) && request->mode == RATLS_MODE_CERTIFICATE)
        return ratls_fail(err, RATLS_USAGE, "attestation request: no logs in a certificate");
    if (request->selection.count == 0 && wants_logs(request))
        return RATLS_OK;
    if (!ratls_selection_valid(&request->selection))
        return ratls_fail(err, RATLS_USAGE, "attestation request: malformed PCR selection");
    return RATLS_OK;
}

/* The verifier has the certificates already if it names the key (WIRE.md, 2). */
static void add_certificates(const struct tpm_attester *self,
                             const struct ratls_attest_request *request,
                             struct ratls_evidence *evidence)
{
    size_t i;

    for (i = 0; i < request->key_id_count; i++)
        if (memcmp(request->key_ids[i], self->key_id, RATLS_KEY_ID_LEN) == 0)
            return;
    evidence->certificate_count = self->state.certificate_count;
    for (i = 0; i < self->state.certificate_count; i++)
        evidence->certificates[i] = self->state.certificates[i];
}

/* WIRE.md, 5. The service is this attester's, whatever the caller wants. */
static enum ratls_status write_statement(const struct tpm_attester *self,
                                         const struct ratls_attest_request *request,
                                         const struct ratls_evidence *evidence,
                                         struct ratls_writer *w, struct ratls_error *err)
{
    uint8_t manifest[32];
    bool has_session = ratls_mode_has_session(request->mode);
    struct ratls_statement statement = {
        .label = ratls_slice(RATLS_STATEMENT_LABEL, strlen(RATLS_STATEMENT_LABEL)),
        .mode = (uint64_t)request->mode,
        .role = (uint64_t)request->role,
        .tls_version = request->tls_version,
        .cipher_suite = request->cipher_suite,
        .nonce = ratls_slice(request->nonce, has_session ? RATLS_NONCE_LEN : 0),
        .binder = ratls_slice(request->binder, has_session ? RATLS_BINDER_LEN : 0),
        .spki_sha256 = ratls_slice(request->spki_sha256, RATLS_SPKI_HASH_LEN),
        .service = ratls_slice(self->service, strlen(self->service)),
        .manifest = ratls_slice(manifest, sizeof manifest),
        .context = ratls_slice(request->context, request->context_len),
    };
    enum ratls_status status = ratls_evidence_manifest(evidence, manifest, err);

    if (status != RATLS_OK)
        return status;
    ratls_statement_write(&statement, w);
    if (w->failed)
        return ratls_fail(err, RATLS_LIMIT, "the statement has more than %d bytes",
                          RATLS_STATEMENT_MAX);
    return RATLS_OK;
}

/*
 * What the evidence borrows from until it is written; together it is too much for a stack.
 */
struct material {
    uint8_t statement[RATLS_STATEMENT_MAX];
    struct ratls_quoted quoted;
    uint8_t ima[RATLS_EVIDENCE_MAX + 1];
};

static enum ratls_status add_quote(struct tpm_attester *self,
                                   const struct ratls_attest_request *request,
                                   struct material *material, struct ratls_evidence *evidence,
                                   struct ratls_error *err)
{
    struct ratls_writer w = ratls_writer(material->statement, sizeof material->statement);
    const struct ratls_quote *quote = &material->quoted.quote;
    uint8_t leaf[RATLS_QUALIFYING_LEN];
    struct ratls_worker *worker = NULL;
    enum ratls_status status;

    add_certificates(self, request, evidence);
    status = write_statement(self, request, evidence, &w, err);
    evidence->statement = ratls_writer_slice(&w);
    if (status == RATLS_OK)
        status = ratls_merkle_leaf(evidence->statement, leaf, err);
    if (status == RATLS_OK)
        status = get_worker(self, &worker, err);
    if (status == RATLS_OK)
        status = ratls_worker_quote(worker, &request->selection, leaf, self->deadline_ms,
                                    &material->quoted, err);
    if (status != RATLS_OK)
        return status;
    evidence->has_quote = true;
    evidence->path = material->quoted.path;
    evidence->attest = ratls_slice(quote->attest, quote->attest_len);
    evidence->signature = ratls_slice(quote->signature, quote->signature_len);
    evidence->ak_public = ratls_slice(self->state.public_area, self->state.public_len);
    evidence->pcr_values = ratls_slice(quote->pcr_values, quote->pcr_values_len);
    return RATLS_OK;
}

/* The offset that was asked for, if it counts in the list that is sent (WIRE.md, 2); else 0. */
static uint64_t choose_offset(const struct tpm_attester *self, const struct ratls_log_request *logs,
                              const struct ratls_evidence *evidence)
{
    struct ratls_tpm_attest attest;

    if (!evidence->has_quote)
        return logs->ima_offset;
    if (memcmp(logs->ima_key_id, self->key_id, RATLS_KEY_ID_LEN) != 0 ||
        !ratls_tpm_read_attest(evidence->attest, &attest) ||
        attest.reset_count != logs->ima_reset_count ||
        attest.restart_count != logs->ima_restart_count)
        return 0;
    return logs->ima_offset;
}

/* Behind the quote: the IMA list that is read has all that is in the quoted PCR. */
static enum ratls_status add_logs(struct tpm_attester *self,
                                  const struct ratls_attest_request *request,
                                  struct material *material, struct ratls_evidence *evidence,
                                  struct ratls_error *err)
{
    const struct ratls_log_request *logs = &request->logs;
    enum ratls_status status = RATLS_OK;

    if (logs->boot_bank != 0)
        status = ratls_logs_boot(&self->logs, logs->boot_bank, &evidence->boot_log, err);
    if (status != RATLS_OK)
        return status;
    if (logs->ima_bank != 0)
        evidence->has_ima =
            ratls_logs_ima(&self->logs, logs->ima_bank, choose_offset(self, logs, evidence),
                           material->ima, ratls_evidence_ima_room(evidence), &evidence->ima);
    if (!evidence->has_quote && evidence->boot_log.len == 0 && !evidence->has_ima)
        return ratls_fail(err, RATLS_IO, "logs alone were asked for, and there are none to send");
    return RATLS_OK;
}

static enum ratls_status write_evidence(const struct ratls_evidence *evidence,
                                        uint8_t **ret_evidence, size_t *ret_len,
                                        struct ratls_error *err)
{
    struct ratls_writer w = ratls_writer(NULL, RATLS_EVIDENCE_MAX); /* counts */
    uint8_t *out;

    ratls_evidence_write(evidence, &w);
    if (w.failed)
        return ratls_fail(err, RATLS_LIMIT, "the evidence has more than %zu bytes", w.cap);
    out = malloc(w.len);
    if (out == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    w = ratls_writer(out, w.len);
    ratls_evidence_write(evidence, &w);
    *ret_evidence = out;
    *ret_len = w.len;
    return RATLS_OK;
}

static enum ratls_status attest(struct ratls_attester *interface,
                                const struct ratls_attest_request *request, uint8_t **ret_evidence,
                                size_t *ret_len, struct ratls_error *err)
{
    struct tpm_attester *self = from_interface(interface);
    struct ratls_evidence evidence = {0};
    struct material *material = NULL;
    enum ratls_status status = check_request(request, err);

    if (status != RATLS_OK)
        return status;
    material = malloc(sizeof *material);
    if (material == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (request->selection.count != 0)
        status = add_quote(self, request, material, &evidence, err);
    if (status == RATLS_OK)
        status = add_logs(self, request, material, &evidence, err);
    if (status == RATLS_OK)
        status = write_evidence(&evidence, ret_evidence, ret_len, err);
    free(material);
    return status;
}

const char *ratls_tpm_log_missing(const struct ratls_attester *attester, enum ratls_tpm_log log)
{
    const struct tpm_attester *self = (const struct tpm_attester *)attester;
    const struct ratls_error *missing =
        log == RATLS_TPM_BOOT_LOG ? &self->logs.boot_missing : &self->logs.ima_missing;

    return missing->status == RATLS_OK ? NULL : missing->text;
}

static struct ratls_attester *up_ref(struct ratls_attester *interface)
{
    atomic_fetch_add(&from_interface(interface)->references, 1);
    return interface;
}

static void free_attester(struct ratls_attester *interface)
{
    struct tpm_attester *self;
    struct ratls_worker *worker;

    if (interface == NULL)
        return;
    self = from_interface(interface);
    if (atomic_fetch_sub(&self->references, 1) != 1)
        return;
    worker = atomic_load(&self->worker);
    if (worker != NULL && ratls_worker_is_ours(worker))
        ratls_worker_free(worker);
    ratls_logs_close(&self->logs);
    ratls_ak_state_clear(&self->state);
    free(self);
}

static enum ratls_status take_options(struct tpm_attester *self,
                                      const struct ratls_tpm_options *options,
                                      struct ratls_error *err)
{
    const char *service = options->service == NULL ? SERVICE_DEFAULT : options->service;
    const char *tcti = options->tcti == NULL ? self->state.tcti : options->tcti;
    size_t service_len = strlen(service);

    if (service_len == 0 || service_len > RATLS_SERVICE_MAX)
        return ratls_fail(err, RATLS_USAGE, "service: 1 to %d characters", RATLS_SERVICE_MAX);
    for (size_t i = 0; i < service_len; i++)
        if (service[i] < ' ' || service[i] > '~')
            return ratls_fail(err, RATLS_USAGE, "service: only printable ASCII");
    if (strlen(tcti) >= sizeof self->tcti)
        return ratls_fail(err, RATLS_USAGE, "tcti: more than %d characters", RATLS_TCTI_MAX - 1);
    memcpy(self->service, service, service_len + 1);
    memcpy(self->tcti, tcti, strlen(tcti) + 1);
    self->has_tcti = tcti[0] != '\0';
    self->deadline_ms = options->deadline_ms == 0 ? DEADLINE_DEFAULT_MS : options->deadline_ms;
    return RATLS_OK;
}

enum ratls_status ratls_tpm_attester_new(const struct ratls_tpm_options *options,
                                         struct ratls_attester **ret_attester,
                                         struct ratls_error *err)
{
    struct tpm_attester *self;
    uint8_t digest[32];
    enum ratls_status status;

    if (options->state_dir == NULL)
        return ratls_fail(err, RATLS_USAGE, "the state folder of the attestation key is missing");
    self = calloc(1, sizeof *self);
    if (self == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    self->base = (struct ratls_attester){.attest = attest, .up_ref = up_ref, .free = free_attester};
    atomic_init(&self->references, 1);
    atomic_init(&self->worker, NULL);
    ratls_logs_open(options->boot_log, options->ima_list, &self->logs);
    status = ratls_ak_state_load(options->state_dir, &self->state, err);
    if (status == RATLS_OK)
        status = take_options(self, options, err);
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
