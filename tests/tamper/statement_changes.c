#include "statement_changes.h"

static const uint8_t other[64] = {0xee};

void change_mode(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_STATEMENT)
        draft->statement.mode = (uint64_t) * (int *)arg;
}

void change_role(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_STATEMENT)
        draft->statement.role = (uint64_t) * (int *)arg;
}

void change_nonce(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_STATEMENT)
        draft->statement.nonce = ratls_slice(other, (size_t) * (int *)arg);
}

void change_binder(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_STATEMENT)
        draft->statement.binder = ratls_slice(other, (size_t) * (int *)arg);
}

void change_context(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_STATEMENT)
        draft->statement.context = ratls_slice(other, (size_t) * (int *)arg);
}

void change_spki(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_STATEMENT)
        draft->statement.spki_sha256 = ratls_slice(other, RATLS_SPKI_HASH_LEN);
}
