/* Files of reference values that a policy names. */
#include <stdlib.h>

#include "policy_build.h"

static bool has_length(const struct ratls_refvals *set, size_t len)
{
    for (size_t i = 0; i < ratls_refvals_count(set); i++) {
        struct ratls_slice digest, name;

        ratls_refvals_get(set, i, &digest, &name);
        if (digest.len == len)
            return true;
    }
    return false;
}

static enum ratls_status check_set(struct ratls_build *b, const char *path,
                                   const struct ratls_refvals *set, uint16_t bank)
{
    if (ratls_refvals_count(set) == 0)
        return ratls_build_refuse(b, "%s: compares nothing: there is no digest in it",
                                  ratls_build_show(b, path));
    if (bank != 0 && !has_length(set, ratls_tpm_hash_len(bank)))
        return ratls_build_refuse(b,
                                  "%s: compares nothing: no digest in it is one of %s, as the bank "
                                  "asks for",
                                  ratls_build_show(b, path), ratls_tpm_hash_name(bank));
    return RATLS_OK;
}

static enum ratls_status add_set(struct ratls_build *b, const char *key,
                                 const struct ratls_document_list *list, uint16_t bank,
                                 struct ratls_references *references)
{
    struct ratls_refvals *set = NULL;
    struct ratls_error why = {0};
    char *path = NULL;
    enum ratls_status status = ratls_build_file(b, key, list, references->count, &path);

    if (status == RATLS_OK && ratls_refvals_load(path, &set, &why) != RATLS_OK)
        status = ratls_build_refuse_file(b, path, &why);
    if (status == RATLS_OK)
        status = check_set(b, path, set, bank);
    if (status != RATLS_OK) {
        ratls_refvals_free(set);
        free(path);
        return status;
    }
    references->sets[references->count] = set;
    references->paths[references->count++] = path;
    return RATLS_OK;
}

enum ratls_status ratls_build_references(struct ratls_build *b, const char *key,
                                         const struct ratls_document_list *list, uint16_t bank,
                                         struct ratls_references *ret_references)
{
    enum ratls_status status = RATLS_OK;

    if (list->count == 0)
        return RATLS_OK;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers is what is wanted */
    ret_references->sets = calloc(list->count, sizeof *ret_references->sets);
    ret_references->paths = calloc(list->count, sizeof *ret_references->paths);
    if (ret_references->sets == NULL || ret_references->paths == NULL)
        return ratls_build_no_memory(b);
    for (size_t i = 0; status == RATLS_OK && i < list->count; i++)
        status = add_set(b, key, list, bank, ret_references);
    return status;
}

bool ratls_references_have(const struct ratls_references *references, struct ratls_slice digest)
{
    for (size_t i = 0; i < references->count; i++)
        if (ratls_refvals_has(references->sets[i], digest))
            return true;
    return false;
}

void ratls_references_done(struct ratls_references *references)
{
    for (size_t i = 0; i < references->count; i++) {
        ratls_refvals_free(references->sets[i]);
        free(references->paths[i]);
    }
    free(references->sets);
    free(references->paths);
    *references = (struct ratls_references){0};
}
