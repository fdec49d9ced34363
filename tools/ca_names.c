#include "ca_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

static int compare_texts(const void *a, const void *b)
{
    return strcmp(a, b);
}

static enum ratls_status read_all(const char *const *texts, size_t count,
                                  struct ratls_ca_names *names, struct ratls_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *why = ratls_name_normalise(texts[i], names->texts[i]);

        if (why != NULL)
            return ratls_fail(err, RATLS_USAGE, "%s: %s", texts[i], why);
    }
    return RATLS_OK;
}

/* Sorted, each once. */
static void put_in_order(struct ratls_ca_names *names, size_t count)
{
    size_t used = 0, kept = 0;

    qsort(names->texts, count, sizeof names->texts[0], compare_texts);
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && strcmp(names->texts[i], names->texts[i - 1]) == 0)
            continue;
        names->slices[kept++] = ratls_slice(names->texts[i], strlen(names->texts[i]));
        used += (size_t)snprintf(names->joined + used, sizeof names->joined - used, "%s%s",
                                 used == 0 ? "" : " ", names->texts[i]);
    }
    names->all = (struct ratls_store_names){.p = names->slices, .count = kept};
}

enum ratls_status ratls_ca_names_read(const char *const *texts, size_t count,
                                      struct ratls_ca_names **ret, struct ratls_error *err)
{
    struct ratls_ca_names *names;
    enum ratls_status status;

    if (count == 0 || count > RATLS_STORE_NAMES_MAX)
        return ratls_fail(err, RATLS_USAGE, "1 to %d names, not %zu", RATLS_STORE_NAMES_MAX, count);
    names = calloc(1, sizeof *names);
    if (names == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = read_all(texts, count, names, err);
    if (status == RATLS_OK) {
        put_in_order(names, count);
        *ret = names;
    } else {
        free(names);
    }
    return status;
}
