#include "chain_file.h"

#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "file.h"
#include "roots_file.h"

static enum ratls_status take_certificate(void *arg, struct ratls_slice der,
                                          struct ratls_error *err)
{
    struct ratls_chain_file *chain = arg;
    uint8_t *copy;

    if (chain->count == RATLS_CHAIN_FILE_MAX)
        return ratls_fail(err, RATLS_LIMIT, "more than %d certificates", RATLS_CHAIN_FILE_MAX);
    copy = malloc(der.len == 0 ? 1 : der.len);
    if (copy == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (der.len > 0)
        memcpy(copy, der.p, der.len);
    chain->certificates[chain->count++] = ratls_slice(copy, der.len);
    return RATLS_OK;
}

enum ratls_status ratls_chain_file_parse(const char *path, struct ratls_slice bytes,
                                         struct ratls_chain_file *ret, struct ratls_error *err)
{
    struct ratls_error why = {0};
    bool whole = true;
    enum ratls_status status = ratls_roots_read(bytes, take_certificate, ret, &whole, &why);

    if (status != RATLS_OK)
        return ratls_fail(err, status, "%s: %s", path, why.text);
    if (!whole || ret->count == 0)
        return ratls_fail(err, RATLS_USAGE, "%s: %s", path,
                          whole ? "no certificate" : "not PEM to its end");
    return RATLS_OK;
}

enum ratls_status ratls_chain_file_read(const char *path, struct ratls_chain_file *ret,
                                        struct ratls_error *err)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum ratls_status status = ratls_file_read(path, &bytes, &len, err);

    if (status == RATLS_OK)
        status = ratls_chain_file_parse(path, ratls_slice(bytes, len), ret, err);
    free(bytes);
    return status;
}

void ratls_chain_file_done(struct ratls_chain_file *chain)
{
    for (size_t i = 0; i < chain->count; i++)
        free((void *)(uintptr_t)chain->certificates[i].p);
    chain->count = 0;
}
