/* One thing that is changed in a statement before the TPM signs for it: each is a fake_tamper. */
#ifndef RATLS_TEST_STATEMENT_CHANGES_H
#define RATLS_TEST_STATEMENT_CHANGES_H

#include "fake_tpm.h"

/* param: the other one. */
void change_mode(enum fake_stage stage, struct fake_draft *draft, void *arg);
void change_role(enum fake_stage stage, struct fake_draft *draft, void *arg);

/* param: the length of the other one, at most 64. */
void change_nonce(enum fake_stage stage, struct fake_draft *draft, void *arg);
void change_binder(enum fake_stage stage, struct fake_draft *draft, void *arg);
void change_context(enum fake_stage stage, struct fake_draft *draft, void *arg);

/* Another one, of the right length. */
void change_spki(enum fake_stage stage, struct fake_draft *draft, void *arg);

#endif
