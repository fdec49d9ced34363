/* One thing that is changed in a good result before the verifier signs it. */
#ifndef RATLS_TEST_RESULT_CHANGES_H
#define RATLS_TEST_RESULT_CHANGES_H

#include "scene_result.h"

enum result_change {
    NOTHING_CHANGED,
    OTHER_PROFILE,
    EXPIRED,
    WITHOUT_END,
    OF_THE_FUTURE,
    OTHER_SERVER,
    NO_SERVER,
    OTHER_SERVICE,
    OTHER_KEY,
    OTHER_TLS_KEY,
    OTHER_STATE,
    FEWER_PCRS,
    OTHER_BANK,
    EARLIER_BOOT,
    WARNING,
    CONTRAINDICATED,
    NO_STATUS,
    OVERSTATED,
    FORGED_CRYPTO,
    BEFORE_SUSPEND,
};

/* A fake_tamper: the server staples such a result; arg is an enum result_change, as an int *. */
void staple_changed(enum fake_stage stage, struct fake_draft *draft, void *arg);

#endif
