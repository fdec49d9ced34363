#include "timed.h"

#include "samples.h"

static enum ratls_status attest_timed(struct ratls_attester *self,
                                      const struct ratls_attest_request *request,
                                      uint8_t **ret_evidence, size_t *ret_len,
                                      struct ratls_error *err)
{
    struct timed *timed = (struct timed *)self;
    double begin = cpu_us();
    enum ratls_status status =
        timed->inner->attest(timed->inner, request, ret_evidence, ret_len, err);

    timed->us += cpu_us() - begin;
    return status;
}

static struct ratls_attester *keep(struct ratls_attester *self)
{
    return self;
}

static void forget(struct ratls_attester *self)
{
    (void)self;
}

void timed_begin(struct timed *timed, struct ratls_attester *inner)
{
    *timed = (struct timed){.interface = {.attest = attest_timed, .up_ref = keep, .free = forget},
                            .inner = inner};
}
