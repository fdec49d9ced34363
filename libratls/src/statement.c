#include "statement.h"

#include "cbor.h"

#define STATEMENT_ITEMS 11
#define LABEL_MAX 64
#define ENUM_MAX UINT8_MAX /* modes and roles that may come */
#define DIGEST_LEN 32

/* WIRE.md, 5: of this length, or empty where there is none. */
static struct ratls_slice read_optional(struct ratls_cbor *c, size_t len)
{
    struct ratls_slice value = ratls_cbor_bytes(c, 0, len);

    if (value.len != 0 && value.len != len)
        c->failed = true;
    return value;
}

bool ratls_statement_read(struct ratls_slice in, struct ratls_statement *ret)
{
    struct ratls_cbor c = ratls_cbor(in);
    struct ratls_statement statement = {0};

    ratls_cbor_array(&c, STATEMENT_ITEMS, STATEMENT_ITEMS);
    statement.label = ratls_cbor_text(&c, 1, LABEL_MAX);
    statement.mode = ratls_cbor_uint(&c, ENUM_MAX);
    statement.role = ratls_cbor_uint(&c, ENUM_MAX);
    statement.tls_version = ratls_cbor_uint(&c, UINT16_MAX);
    statement.cipher_suite = ratls_cbor_uint(&c, UINT16_MAX);
    statement.nonce = read_optional(&c, RATLS_NONCE_LEN);
    statement.binder = read_optional(&c, RATLS_BINDER_LEN);
    statement.spki_sha256 = ratls_cbor_bytes(&c, RATLS_SPKI_HASH_LEN, RATLS_SPKI_HASH_LEN);
    statement.service = ratls_cbor_text(&c, 1, RATLS_SERVICE_MAX);
    statement.manifest = read_optional(&c, DIGEST_LEN);
    statement.context = ratls_cbor_bytes(&c, 0, RATLS_CONTEXT_MAX);
    if (!ratls_cbor_done(&c))
        return false;
    *ret = statement;
    return true;
}

void ratls_statement_write(const struct ratls_statement *statement, struct ratls_writer *w)
{
    ratls_cbor_put_array(w, STATEMENT_ITEMS);
    ratls_cbor_put_text(w, statement->label);
    ratls_cbor_put_uint(w, statement->mode);
    ratls_cbor_put_uint(w, statement->role);
    ratls_cbor_put_uint(w, statement->tls_version);
    ratls_cbor_put_uint(w, statement->cipher_suite);
    ratls_cbor_put_bytes(w, statement->nonce);
    ratls_cbor_put_bytes(w, statement->binder);
    ratls_cbor_put_bytes(w, statement->spki_sha256);
    ratls_cbor_put_text(w, statement->service);
    ratls_cbor_put_bytes(w, statement->manifest);
    ratls_cbor_put_bytes(w, statement->context);
}
