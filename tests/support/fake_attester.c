/* The interface of <ratls/attester.h> over a TPM that is none. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "fail.h"
#include "fake_tpm.h"
#include "must.h"

struct fake_attester {
    struct ratls_attester base;
    atomic_uint references;
    pthread_mutex_t lock; /* a TPM does one thing at a time */
    struct fake_tpm *tpm;
    fake_tamper *tamper;
    void *arg;
};

static enum ratls_status attest(struct ratls_attester *self,
                                const struct ratls_attest_request *request,
                                uint8_t **ret_evidence, size_t *ret_len,
                                struct ratls_error *ret_error)
{
    struct fake_attester *attester = (struct fake_attester *)self;
    enum ratls_status status = RATLS_OK;
    struct fake_draft *draft;
    uint8_t *out;

    pthread_mutex_lock(&attester->lock);
    draft = fake_tpm_attest(attester->tpm, request, attester->tamper, attester->arg);
    pthread_mutex_unlock(&attester->lock);
    out = malloc(draft->wire_len + 1);
    if (out == NULL) {
        status = ratls_fail(ret_error, RATLS_MEMORY, "out of memory");
    } else {
        memcpy(out, draft->wire, draft->wire_len);
        *ret_evidence = out;
        *ret_len = draft->wire_len;
    }
    free(draft);
    return status;
}

static struct ratls_attester *add_reference(struct ratls_attester *self)
{
    atomic_fetch_add(&((struct fake_attester *)self)->references, 1);
    return self;
}

static void drop_reference(struct ratls_attester *self)
{
    struct fake_attester *attester = (struct fake_attester *)self;

    if (attester == NULL || atomic_fetch_sub(&attester->references, 1) > 1)
        return;
    pthread_mutex_destroy(&attester->lock);
    free(attester);
}

struct ratls_attester *fake_attester_new(struct fake_tpm *tpm, fake_tamper *tamper, void *arg)
{
    struct fake_attester *attester = calloc(1, sizeof *attester);

    must(attester != NULL);
    attester->base =
        (struct ratls_attester){.attest = attest, .up_ref = add_reference, .free = drop_reference};
    attester->references = 1;
    must(pthread_mutex_init(&attester->lock, NULL) == 0);
    attester->tpm = tpm;
    attester->tamper = tamper;
    attester->arg = arg;
    return &attester->base;
}
