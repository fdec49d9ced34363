#include "epoch.h"

#include "cbor.h"
#include "crypto.h"
#include "statement.h"

#define ITEMS 3

/* With its final NUL: the 0x00 that ends it. */
static const char domain[] = "ratls epoch";

bool ratls_epoch_session_valid(const struct ratls_epoch_session *session)
{
    return session->key.len == RATLS_EPOCH_KEY_LEN && session->statement.len >= 1 &&
           session->statement.len <= RATLS_STATEMENT_MAX &&
           session->signature.len >= RATLS_EPOCH_SIGNATURE_MIN &&
           session->signature.len <= RATLS_EPOCH_SIGNATURE_MAX;
}

bool ratls_epoch_session_read(struct ratls_slice in, struct ratls_epoch_session *ret)
{
    struct ratls_cbor c = ratls_cbor(in);
    struct ratls_epoch_session session = {0};

    ratls_cbor_array(&c, ITEMS, ITEMS);
    session.key = ratls_cbor_bytes(&c, RATLS_EPOCH_KEY_LEN, RATLS_EPOCH_KEY_LEN);
    session.statement = ratls_cbor_bytes(&c, 1, RATLS_STATEMENT_MAX);
    session.signature = ratls_cbor_bytes(&c, RATLS_EPOCH_SIGNATURE_MIN, RATLS_EPOCH_SIGNATURE_MAX);
    if (!ratls_cbor_done(&c))
        return false;
    *ret = session;
    return true;
}

void ratls_epoch_session_write(const struct ratls_epoch_session *session, struct ratls_writer *w)
{
    ratls_cbor_put_array(w, ITEMS);
    ratls_cbor_put_bytes(w, session->key);
    ratls_cbor_put_bytes(w, session->statement);
    ratls_cbor_put_bytes(w, session->signature);
}

enum ratls_status ratls_epoch_digest(struct ratls_slice statement, uint8_t out[static 32],
                                     struct ratls_error *err)
{
    const struct ratls_slice parts[] = {ratls_slice(domain, sizeof domain), statement};

    return ratls_digest(RATLS_ALG_SHA256, parts, sizeof parts / sizeof *parts, out, err);
}
