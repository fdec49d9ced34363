/* Files of certificates of signers, which a policy names. */
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "policy_build.h"
#include "policy_file.h"

#define FILE_MAX (1024 * 1024)
#define CERTIFICATES_MAX 1024 /* of one key, in all its files */

static enum ratls_status read_file(struct ratls_build *b, const char *path,
                                   struct ratls_pem_certificate **ret_list, size_t *ret_count)
{
    struct ratls_error why = {0};
    uint8_t *pem = NULL;
    size_t len = 0;
    enum ratls_status status = ratls_policy_file_read(path, FILE_MAX, &pem, &len, &why);

    if (status == RATLS_OK)
        status = ratls_pem_certificates(ratls_slice(pem, len), ret_list, ret_count, &why);
    free(pem);
    return status == RATLS_OK ? RATLS_OK : ratls_build_refuse_file(b, path, &why);
}

static bool has_certificate(const struct ratls_build_certificates *all,
                            const struct ratls_pem_certificate *one)
{
    for (size_t i = 0; i < all->count; i++) {
        if (ratls_slice_equal(ratls_slice(all->items[i].der, all->items[i].len),
                              ratls_slice(one->der, one->len)))
            return true;
    }
    return false;
}

/* Takes over what is in the list. */
static enum ratls_status append(struct ratls_build *b, const char *path,
                                struct ratls_pem_certificate *list, size_t count,
                                struct ratls_build_certificates *all)
{
    struct ratls_pem_certificate *longer;

    if (all->count + count > CERTIFICATES_MAX)
        return ratls_build_refuse(b, "%s: more than %d certificates", ratls_build_show(b, path),
                                  CERTIFICATES_MAX);
    /* NOLINTNEXTLINE(clang-analyzer-optin.portability.UnixAPI): a file has at least one */
    longer = realloc(all->items, (all->count + count) * sizeof *longer);
    if (longer == NULL)
        return ratls_build_no_memory(b);
    all->items = longer;
    for (size_t i = 0; i < count; i++) {
        if (has_certificate(all, &list[i]))
            return ratls_build_refuse(b, "%s: this certificate stands in the list twice: %s",
                                      ratls_build_show(b, path), list[i].subject);
        all->items[all->count++] = list[i];
        list[i] = (struct ratls_pem_certificate){0};
    }
    return RATLS_OK;
}

static enum ratls_status add_file(struct ratls_build *b, const char *path,
                                  struct ratls_build_certificates *all)
{
    struct ratls_pem_certificate *list = NULL;
    size_t count = 0;
    enum ratls_status status = read_file(b, path, &list, &count);

    if (status == RATLS_OK)
        status = append(b, path, list, count, all);
    ratls_pem_certificates_free(list, count);
    return status;
}

enum ratls_status ratls_build_certificates(struct ratls_build *b, const char *key,
                                           const struct ratls_document_list *list,
                                           struct ratls_build_certificates *ret_certificates)
{
    struct ratls_build_certificates all = {0};
    enum ratls_status status = RATLS_OK;

    for (size_t i = 0; status == RATLS_OK && i < list->count; i++) {
        char *path = NULL;

        status = ratls_build_file(b, key, list, i, &path);
        if (status == RATLS_OK)
            status = add_file(b, path, &all);
        free(path);
    }
    if (status != RATLS_OK)
        ratls_pem_certificates_free(all.items, all.count);
    else
        *ret_certificates = all;
    return status;
}
