#include "config_values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "policy_duration.h"
#include "policy_file.h"
#include "policy_names.h"

#define NUMBER_DIGITS_MAX 9
#define DAY_S 86400

enum ratls_status ratls_ca_read_path(const struct ratls_source *source, const char *value,
                                     char **ret, struct ratls_error *err)
{
    char *path = NULL;

    if (value == NULL)
        return RATLS_OK;
    if (asprintf(&path, "%.*s%s", value[0] == '/' ? 0 : (int)ratls_policy_folder_len(source->path),
                 source->path, value) < 0)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    *ret = path;
    return RATLS_OK;
}

enum ratls_status ratls_ca_read_duration(const struct ratls_source *source, const char *at,
                                         const char *value, unsigned max_s, unsigned *ret,
                                         struct ratls_error *err)
{
    uint64_t seconds;

    if (value == NULL)
        return RATLS_OK;
    seconds = ratls_duration_s(value);
    if (seconds == 0 || seconds > max_s)
        return ratls_source_fail(source, err, at,
                                 "must be a time such as 90s, 5m, 12h or 7d, at most %ud",
                                 max_s / DAY_S);
    *ret = (unsigned)seconds;
    return RATLS_OK;
}

enum ratls_status ratls_ca_read_number(const struct ratls_source *source, const char *at,
                                       const char *value, unsigned max, unsigned *ret,
                                       struct ratls_error *err)
{
    const size_t digits = value == NULL ? 0 : strspn(value, "0123456789");
    unsigned long number;

    if (value == NULL)
        return RATLS_OK;
    number = digits > NUMBER_DIGITS_MAX ? 0 : strtoul(value, NULL, 10);
    if (value[digits] != '\0' || value[0] == '0' || number == 0 || number > max)
        return ratls_source_fail(source, err, at, "must be a number, 1 to %u", max);
    *ret = (unsigned)number;
    return RATLS_OK;
}

enum ratls_status ratls_ca_read_word(const struct ratls_source *source, const char *at,
                                     const char *value, const char *yes, const char *no, bool *ret,
                                     struct ratls_error *err)
{
    if (value == NULL)
        return RATLS_OK;
    if (strcmp(value, yes) != 0 && strcmp(value, no) != 0)
        return ratls_source_fail(source, err, at, "must be %s or %s", yes, no);
    *ret = strcmp(value, yes) == 0;
    return RATLS_OK;
}

enum ratls_status ratls_ca_copy_texts(char *const *texts, size_t count, char ***ret,
                                      size_t *ret_count, struct ratls_error *err)
{
    *ret = calloc(count + 1, sizeof **ret);
    if (*ret == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    *ret_count = count;
    for (size_t i = 0; i < count; i++) {
        (*ret)[i] = strdup(texts[i]);
        if ((*ret)[i] == NULL)
            return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    return RATLS_OK;
}

void ratls_ca_free_texts(char **texts, size_t count)
{
    for (size_t i = 0; texts != NULL && i < count; i++)
        free(texts[i]);
    free(texts);
}

static enum ratls_status read_name(const struct ratls_source *source, const char *at,
                                   const char *text, char **ret, struct ratls_error *err)
{
    char name[RATLS_NAME_SIZE];
    const char *why = ratls_name_normalise(text, name);

    if (why != NULL)
        return ratls_source_fail(source, err, at, "%s", why);
    *ret = strdup(name);
    return *ret == NULL ? ratls_fail(err, RATLS_MEMORY, "out of memory") : RATLS_OK;
}

enum ratls_status ratls_ca_read_names(const struct ratls_source *source, const char *at,
                                      char *const *texts, size_t count, char ***ret,
                                      size_t *ret_count, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;
    char place[RATLS_CA_AT_MAX];

    *ret = calloc(count + 1, sizeof **ret);
    if (*ret == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    *ret_count = count;
    for (size_t i = 0; i < count && status == RATLS_OK; i++) {
        (void)snprintf(place, sizeof place, "%s[%zu]", at, i);
        status = read_name(source, place, texts[i], &(*ret)[i], err);
        for (size_t k = 0; k < i && status == RATLS_OK; k++)
            if (strcmp((*ret)[k], (*ret)[i]) == 0)
                status = ratls_source_fail(source, err, place, "stands in this list twice");
    }
    return status;
}
