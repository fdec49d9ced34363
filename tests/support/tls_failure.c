#include "tls_failure.h"

#include "failmalloc.h"

static void fail_within(struct tls_pair *pair, const struct tls_side *side, bool before, void *arg)
{
    struct tls_failure *failure = arg;

    (void)pair;
    if (side != failure->side)
        return;
    if (before && ++failure->calls == failure->call)
        failmalloc_arm(failure->n);
    else if (!before && failure->calls == failure->call)
        failure->failed = failmalloc_disarm();
}

void tls_failure_arm(struct tls_failure *failure, struct tls_pair *pair,
                     const struct tls_side *side)
{
    failure->side = side;
    failure->calls = 0;
    failure->failed = false;
    pair->around = fail_within;
    pair->around_arg = failure;
}
