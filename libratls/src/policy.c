/* Policies: one file or a folder of them. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "fail.h"
#include "policy_file.h"
#include "policy_load.h"

#define FILES_MAX 1024

/* In any case of letters. */
static bool ends_with(const char *text, const char *end)
{
    size_t text_len = strlen(text), end_len = strlen(end);

    return text_len > end_len && strcasecmp(text + text_len - end_len, end) == 0;
}

/* Also what is only like one: a policy that is left out in silence protects nobody. */
static int is_policy_file(const struct dirent *entry)
{
    return entry->d_name[0] != '.' &&
           (ends_with(entry->d_name, ".yaml") || ends_with(entry->d_name, ".yml"));
}

static int compare_entries(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static enum ratls_status check_entries(const char *folder, struct dirent *const *entries, int count,
                                       struct ratls_error *err)
{
    if (count == 0)
        return ratls_fail(err, RATLS_USAGE, "%s: no file *.yaml in this folder", folder);
    if (count > FILES_MAX)
        return ratls_fail(err, RATLS_USAGE, "%s: more than %d files", folder, FILES_MAX);
    for (int i = 0; i < count; i++) {
        if (strcmp(strrchr(entries[i]->d_name, '.'), ".yaml") != 0)
            return ratls_fail(err, RATLS_USAGE,
                              "%s/%s: policies end in .yaml: rename this file, or move it away",
                              folder, entries[i]->d_name);
    }
    return RATLS_OK;
}

static enum ratls_status join_paths(const char *folder, struct dirent *const *entries, int count,
                                    struct ratls_policy_paths *paths, struct ratls_error *err)
{
    paths->paths = calloc((size_t)count, sizeof *paths->paths);
    if (paths->paths == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    for (int i = 0; i < count; i++) {
        const char *slash = ends_with(folder, "/") ? "" : "/";

        if (asprintf(&paths->paths[i], "%s%s%s", folder, slash, entries[i]->d_name) < 0) {
            paths->paths[i] = NULL;
            return ratls_fail(err, RATLS_MEMORY, "out of memory");
        }
        paths->count++;
    }
    return RATLS_OK;
}

static enum ratls_status find_in_folder(const char *folder, struct ratls_policy_paths *paths,
                                        struct ratls_error *err)
{
    struct dirent **entries = NULL;
    enum ratls_status status;
    int count = scandir(folder, &entries, is_policy_file, compare_entries);

    if (count < 0)
        return ratls_fail(err, errno == ENOMEM ? RATLS_MEMORY : RATLS_IO, "%s: %s", folder,
                          strerror(errno));
    status = check_entries(folder, entries, count, err);
    if (status == RATLS_OK)
        status = join_paths(folder, entries, count, paths, err);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    return status;
}

enum ratls_status ratls_policy_find(const char *path, struct ratls_policy_paths *ret_paths,
                                    struct ratls_error *err)
{
    struct ratls_policy_paths paths = {0};
    enum ratls_status status = RATLS_OK;
    struct stat st;

    if (stat(path, &st) != 0)
        return ratls_fail(err, errno == ENOENT || errno == ENOTDIR ? RATLS_USAGE : RATLS_IO,
                          "%s: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode) && (st.st_mode & S_IWOTH) != 0)
        return ratls_fail(err, RATLS_USAGE,
                          "%s: everyone may add files to this folder and so choose what is "
                          "trusted: take that right away with chmod o-w",
                          path);
    if (S_ISDIR(st.st_mode)) {
        status = find_in_folder(path, &paths, err);
    } else {
        paths.paths = calloc(1, sizeof *paths.paths);
        if (paths.paths != NULL)
            paths.paths[0] = strdup(path);
        if (paths.paths == NULL || paths.paths[0] == NULL)
            status = ratls_fail(err, RATLS_MEMORY, "out of memory");
        else
            paths.count = 1;
    }
    if (status != RATLS_OK)
        ratls_policy_paths_done(&paths);
    else
        *ret_paths = paths;
    return status;
}

void ratls_policy_paths_done(struct ratls_policy_paths *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        free(paths->paths[i]);
    free(paths->paths);
    *paths = (struct ratls_policy_paths){0};
}

static enum ratls_status load_file(const char *path, struct ratls_rules *ret_rules,
                                   struct ratls_error *err)
{
    uint8_t *text = NULL;
    size_t len = 0;
    enum ratls_status status =
        ratls_policy_file_read(path, RATLS_POLICY_BYTES_MAX, &text, &len, err);

    if (status != RATLS_OK)
        return status;
    status = ratls_rules_parse(path, ratls_slice(text, len), ret_rules, err);
    free(text);
    return status;
}

static enum ratls_status new_policy(size_t count, struct ratls_policy **ret_policy,
                                    struct ratls_error *err)
{
    struct ratls_policy *policy = calloc(1, sizeof *policy);
    enum ratls_status status;

    if (policy != NULL)
        policy->rules = calloc(count, sizeof *policy->rules);
    if (policy == NULL || policy->rules == NULL) {
        free(policy);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    atomic_init(&policy->references, 1);
    status = ratls_ledger_new(NULL, &policy->ledger, err);
    if (status != RATLS_OK)
        ratls_policy_free(policy);
    else
        *ret_policy = policy;
    return status;
}

/* For all rules that were loaded. */
static void share_ledger(struct ratls_policy *policy)
{
    for (size_t i = 0; i < policy->count; i++)
        policy->rules[i].ledger = policy->ledger;
}

/* The name that two files speak for, "" if both speak for every name, or NULL. */
static const char *find_shared_name(const struct ratls_names *a, const struct ratls_names *b)
{
    if (a->count == 0 && b->count == 0)
        return "";
    for (size_t i = 0; i < a->count; i++) {
        for (size_t j = 0; j < b->count; j++) {
            if (strcmp(a->names[i], b->names[j]) == 0)
                return a->names[i];
        }
    }
    return NULL;
}

/* Else the order of the files would choose. */
static enum ratls_status check_overlap(const struct ratls_policy *policy, struct ratls_error *err)
{
    for (size_t i = 1; i < policy->count; i++) {
        for (size_t j = 0; j < i; j++) {
            const struct ratls_rules *a = &policy->rules[j], *b = &policy->rules[i];
            const char *name = find_shared_name(&a->servers, &b->servers);
            const char *peers = b->for_clients ? "client" : "server";

            if (name == NULL || a->for_clients != b->for_clients)
                continue;
            if (*name == '\0')
                return ratls_fail(err, RATLS_USAGE,
                                  "%s:1:1: speaks for every %s, and so does %s: one of them "
                                  "needs %ss",
                                  b->path, peers, a->path, peers);
            return ratls_fail(err, RATLS_USAGE, "%s:1:1: %ss: %s is named in %s too", b->path,
                              peers, name, a->path);
        }
    }
    return RATLS_OK;
}

enum ratls_status ratls_policy_load(const char *path, struct ratls_policy **ret_policy,
                                    struct ratls_error *ret_error)
{
    struct ratls_policy_paths paths = {0};
    struct ratls_policy *policy = NULL;
    enum ratls_status status = ratls_policy_find(path, &paths, ret_error);

    if (status == RATLS_OK)
        status = new_policy(paths.count, &policy, ret_error);
    for (size_t i = 0; status == RATLS_OK && i < paths.count; i++) {
        status = load_file(paths.paths[i], &policy->rules[i], ret_error);
        policy->count += status == RATLS_OK;
    }
    if (status == RATLS_OK)
        status = check_overlap(policy, ret_error);
    ratls_policy_paths_done(&paths);
    if (status != RATLS_OK) {
        ratls_policy_free(policy);
        return status;
    }
    share_ledger(policy);
    *ret_policy = policy;
    return RATLS_OK;
}

enum ratls_status ratls_policy_parse(const char *path, struct ratls_slice text,
                                     struct ratls_policy **ret_policy, struct ratls_error *err)
{
    struct ratls_policy *policy = NULL;
    enum ratls_status status = new_policy(1, &policy, err);

    if (status != RATLS_OK)
        return status;
    status = ratls_rules_parse(path, text, &policy->rules[0], err);
    if (status != RATLS_OK) {
        ratls_policy_free(policy);
        return status;
    }
    policy->count = 1;
    share_ledger(policy);
    *ret_policy = policy;
    return RATLS_OK;
}

enum ratls_status ratls_policy_use_state(struct ratls_policy *policy, const char *folder,
                                         struct ratls_error *ret_error)
{
    struct ratls_ledger *ledger = NULL;
    enum ratls_status status = ratls_ledger_new(folder, &ledger, ret_error);

    if (status != RATLS_OK)
        return status;
    ratls_ledger_free(policy->ledger);
    policy->ledger = ledger;
    share_ledger(policy);
    ratls_policy_keep_counters(policy, true);
    return RATLS_OK;
}

void ratls_policy_keep_counters(struct ratls_policy *policy, bool keeps)
{
    for (size_t i = 0; i < policy->count; i++)
        policy->rules[i].keeps_counters = keeps;
}

struct ratls_policy *ratls_policy_up_ref(struct ratls_policy *policy)
{
    atomic_fetch_add_explicit(&policy->references, 1, memory_order_relaxed);
    return policy;
}

void ratls_policy_free(struct ratls_policy *policy)
{
    if (policy == NULL ||
        atomic_fetch_sub_explicit(&policy->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < policy->count; i++)
        ratls_rules_done(&policy->rules[i]);
    free(policy->rules);
    ratls_ledger_free(policy->ledger);
    free(policy);
}
