#include "roots.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "fail.h"

struct ratls_roots {
    struct ratls_root *items;
    size_t count;
    size_t cap;
};

struct ratls_roots *ratls_roots_new(void)
{
    return calloc(1, sizeof(struct ratls_roots));
}

void ratls_roots_free(struct ratls_roots *roots)
{
    if (roots == NULL)
        return;
    for (size_t i = 0; i < roots->count; i++)
        X509_free(roots->items[i].certificate);
    free(roots->items);
    free(roots);
}

size_t ratls_roots_count(const struct ratls_roots *roots)
{
    return roots->count;
}

const struct ratls_root *ratls_roots_at(const struct ratls_roots *roots, size_t index)
{
    return &roots->items[index];
}

/* NULL if the bytes are not exactly one certificate. */
static X509 *read_certificate(struct ratls_slice der)
{
    const unsigned char *p = der.p;
    X509 *certificate;

    if (der.len == 0 || der.len > RATLS_ROOT_CERTIFICATE_MAX)
        return NULL;
    certificate = d2i_X509(NULL, &p, (long)der.len);
    if (certificate != NULL && p != der.p + der.len) {
        X509_free(certificate);
        certificate = NULL;
    }
    return certificate;
}

/*
 * RFC 5280, 4.2.1.9: basicConstraints, which old ones of some makers lack and make up for by
 * keyCertSign. What a chain needs of a CA is checked when a chain is built.
 */
static enum ratls_root_kind find_kind(X509 *certificate, bool may_pin)
{
    if (X509_check_ca(certificate) == 0)
        return RATLS_ROOT_NONE;
    return may_pin && X509_self_signed(certificate, 1) == 1 ? RATLS_ROOT_PINNED
                                                            : RATLS_ROOT_INTERMEDIATE;
}

static struct ratls_root *find_same(const struct ratls_roots *roots,
                                    const uint8_t sha256[static 32])
{
    for (size_t i = 0; i < roots->count; i++)
        if (memcmp(roots->items[i].sha256, sha256, sizeof roots->items[i].sha256) == 0)
            return &roots->items[i];
    return NULL;
}

static enum ratls_status append(struct ratls_roots *roots, const struct ratls_root *root,
                                struct ratls_error *err)
{
    if (roots->count == RATLS_ROOTS_MAX)
        return ratls_fail(err, RATLS_LIMIT, "more than %d certificates of CAs", RATLS_ROOTS_MAX);
    if (roots->count == roots->cap) {
        const size_t cap = roots->cap == 0 ? 64 : 2 * roots->cap;
        struct ratls_root *longer = realloc(roots->items, cap * sizeof *longer);

        if (longer == NULL)
            return ratls_fail(err, RATLS_MEMORY, "out of memory");
        roots->items = longer;
        roots->cap = cap;
    }
    roots->items[roots->count++] = *root;
    return RATLS_OK;
}

/* Pinned is more than intermediate: what was taken as the latter becomes the former. */
static enum ratls_status take(struct ratls_roots *roots, struct ratls_root *root, bool *ret_new,
                              struct ratls_error *err)
{
    struct ratls_root *same = find_same(roots, root->sha256);
    enum ratls_status status;

    if (same == NULL) {
        status = append(roots, root, err);
        if (status == RATLS_OK)
            root->certificate = NULL;
        *ret_new = true;
        return status;
    }
    *ret_new = same->kind != root->kind && root->kind == RATLS_ROOT_PINNED;
    if (*ret_new)
        same->kind = RATLS_ROOT_PINNED;
    root->kind = same->kind;
    return RATLS_OK;
}

enum ratls_status ratls_roots_add(struct ratls_roots *roots, struct ratls_slice der, bool may_pin,
                                  enum ratls_root_kind *ret_kind, bool *ret_new,
                                  struct ratls_error *err)
{
    struct ratls_root root = {.certificate = NULL};
    enum ratls_status status = RATLS_OK;
    bool is_new = false;

    ERR_set_mark();
    root.certificate = read_certificate(der);
    if (root.certificate == NULL)
        status = ratls_fail(err, RATLS_MALFORMED, "not the DER of one X.509 certificate");
    if (status == RATLS_OK) {
        root.kind = find_kind(root.certificate, may_pin);
        status = ratls_sha256(der, root.sha256, err);
    }
    if (status == RATLS_OK && root.kind != RATLS_ROOT_NONE)
        status = take(roots, &root, &is_new, err);
    ERR_pop_to_mark();
    X509_free(root.certificate);
    if (status != RATLS_OK)
        return status;
    *ret_kind = root.kind;
    *ret_new = is_new;
    return RATLS_OK;
}

STACK_OF(X509) *ratls_roots_stack(const struct ratls_roots *roots, enum ratls_root_kind kind)
{
    STACK_OF(X509) *stack = sk_X509_new_null();

    for (size_t i = 0; stack != NULL && i < roots->count; i++) {
        if (roots->items[i].kind != kind || sk_X509_push(stack, roots->items[i].certificate) > 0)
            continue;
        sk_X509_free(stack);
        stack = NULL;
    }
    return stack;
}
