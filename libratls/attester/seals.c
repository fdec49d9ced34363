#include "seals.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ak_state.h"
#include "fail.h"
#include "request.h"
#include "trusted_file.h"

/* ---- one file ---- */

static enum ratls_status read_file(const char *path, struct ratls_sealed_state *state,
                                   struct ratls_error *err)
{
    size_t size = 0;
    int fd = -1;
    enum ratls_status status = ratls_trusted_file_open(path, RATLS_SEAL_MAX, &fd, &size, err);

    if (status != RATLS_OK)
        return status;
    status = ratls_trusted_file_read(fd, path, size, &state->bytes, &state->len, err);
    close(fd);
    return status;
}

static enum ratls_status check_seal(const struct ratls_seals *seals, const char *path,
                                    const struct ratls_seal *seal, struct ratls_error *err)
{
    char wanted[RATLS_ERROR_TEXT / 4], actual[RATLS_ERROR_TEXT / 4];
    const struct ratls_pcr_selection *selection = &seals->selection;
    bool is_valid = false;
    enum ratls_status status;

    if (!ratls_selection_is(&seal->selection, selection->banks, selection->count)) {
        ratls_tpm_selection_text(selection->banks, selection->count, wanted, sizeof wanted);
        ratls_tpm_selection_text(seal->selection.banks, seal->selection.count, actual,
                                 sizeof actual);
        return ratls_fail(err, RATLS_USAGE, "%s: a state of %s; the key is sealed to %s", path,
                          actual, wanted);
    }
    status = ratls_seal_authority_verify(&seals->authority, seal, &is_valid, err);
    if (status == RATLS_OK && !is_valid)
        status = ratls_fail(err, RATLS_USAGE,
                            "%s: not signed by the authority that the key is sealed for", path);
    return status;
}

static enum ratls_status take_bytes(struct ratls_seals *seals, const char *path,
                                    struct ratls_sealed_state *state, struct ratls_error *err)
{
    enum ratls_status status;

    if (!ratls_seal_read(ratls_slice(state->bytes, state->len), &state->seal))
        return ratls_fail(err, RATLS_USAGE, "%s: not a file of ratls seal authorize", path);
    status = check_seal(seals, path, &state->seal, err);
    if (status == RATLS_OK)
        status = ratls_seal_pcr_digest(&state->seal, state->pcr_digest, err);
    if (status == RATLS_OK)
        status = ratls_seal_policy(&state->seal, state->policy, err);
    return status;
}

enum ratls_status ratls_seals_take(struct ratls_seals *seals, const char *path,
                                   struct ratls_error *err)
{
    struct ratls_sealed_state state = {.bytes = NULL};
    enum ratls_status status;

    if (seals->count == RATLS_SEALS_MAX)
        return ratls_fail(err, RATLS_LIMIT,
                          "%s: there are %d states already: take old ones away with ratls seal "
                          "remove",
                          path, RATLS_SEALS_MAX);
    status = read_file(path, &state, err);
    if (status == RATLS_OK)
        status = take_bytes(seals, path, &state, err);
    if (status != RATLS_OK) {
        free(state.bytes);
        return status;
    }
    if (seals->fits == seals->count)
        seals->fits++;
    seals->states[seals->count++] = state;
    return RATLS_OK;
}

/* ---- the folder ---- */

static bool is_state_file(const char *name)
{
    const size_t len = strlen(name), ending = strlen(RATLS_SEAL_ENDING);

    return name[0] != '.' && len > ending && strcmp(name + len - ending, RATLS_SEAL_ENDING) == 0;
}

/* Memory that is short is no fault of a file. */
static enum ratls_status take_or_pass(struct ratls_seals *seals, const char *name,
                                      struct ratls_error *err)
{
    char *path = malloc(RATLS_AK_PATH_LEN);
    struct ratls_error why = {0};
    enum ratls_status status;

    if (path == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = ratls_ak_state_path(seals->folder, name, path, &why);
    if (status == RATLS_OK)
        status = ratls_seals_take(seals, path, &why);
    free(path);
    if (status == RATLS_OK)
        return RATLS_OK;
    if (status == RATLS_MEMORY || status == RATLS_CRYPTO)
        return ratls_fail(err, status, "%s", why.text);
    seals->has_unreadable = seals->has_unreadable || status == RATLS_IO;
    if (seals->passed_over++ == 0)
        seals->fault = why;
    return RATLS_OK;
}

static void drop_states(struct ratls_seals *seals)
{
    for (size_t i = 0; i < seals->count; i++)
        free(seals->states[i].bytes);
    seals->count = seals->fits = seals->passed_over = 0;
    seals->has_unreadable = false;
    seals->fault = (struct ratls_error){.status = RATLS_OK};
}

/* The time first: what is added meanwhile is seen the next time. */
static enum ratls_status read_folder(struct ratls_seals *seals, struct ratls_error *err)
{
    enum ratls_status status = ratls_ak_state_check_folder(seals->folder, err);
    const struct dirent *entry;
    struct stat st = {.st_mtim = {0, 0}};
    DIR *dir;

    if (status != RATLS_OK)
        return status;
    dir = opendir(seals->folder);
    if (dir == NULL)
        return errno == ENOENT
                   ? RATLS_OK
                   : ratls_fail(err, RATLS_IO, "%s: %s", seals->folder, strerror(errno));
    if (fstat(dirfd(dir), &st) == 0)
        seals->changed = st.st_mtim;
    while (status == RATLS_OK && (entry = readdir(dir)) != NULL)
        if (is_state_file(entry->d_name))
            status = take_or_pass(seals, entry->d_name, err);
    closedir(dir);
    return status;
}

struct ratls_seals *ratls_seals_new(const char *folder,
                                    const struct ratls_seal_authority *authority,
                                    const struct ratls_pcr_selection *selection)
{
    struct ratls_seals *seals = calloc(1, sizeof *seals);

    if (seals == NULL)
        return NULL;
    seals->authority = *authority;
    seals->selection = *selection;
    seals->folder = strdup(folder);
    if (seals->folder == NULL) {
        free(seals);
        return NULL;
    }
    return seals;
}

enum ratls_status ratls_seals_read(const char *state_dir,
                                   const struct ratls_seal_authority *authority,
                                   const struct ratls_pcr_selection *selection,
                                   struct ratls_seals **ret_seals, struct ratls_error *err)
{
    char *folder = malloc(RATLS_AK_PATH_LEN);
    struct ratls_seals *seals = NULL;
    enum ratls_status status;

    if (folder == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = ratls_ak_state_path(state_dir, RATLS_SEAL_FOLDER, folder, err);
    if (status == RATLS_OK) {
        seals = ratls_seals_new(folder, authority, selection);
        status = seals == NULL ? ratls_fail(err, RATLS_MEMORY, "out of memory")
                               : read_folder(seals, err);
    }
    free(folder);
    if (status == RATLS_OK)
        *ret_seals = seals;
    else
        ratls_seals_free(seals);
    return status;
}

static bool copy_states(const struct ratls_seals *from, struct ratls_seals *to)
{
    for (; to->count < from->count; to->count++) {
        struct ratls_sealed_state *state = &to->states[to->count];

        *state = from->states[to->count];
        state->bytes = malloc(state->len + 1);
        if (state->bytes == NULL)
            return false;
        memcpy(state->bytes, from->states[to->count].bytes, state->len);
        if (!ratls_seal_read(ratls_slice(state->bytes, state->len), &state->seal)) {
            free(state->bytes);
            return false;
        }
    }
    return true;
}

enum ratls_status ratls_seals_copy(const struct ratls_seals *seals, struct ratls_seals **ret_copy,
                                   struct ratls_error *err)
{
    struct ratls_seals *copy = ratls_seals_new(seals->folder, &seals->authority, &seals->selection);

    if (copy == NULL || !copy_states(seals, copy)) {
        ratls_seals_free(copy);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    copy->changed = seals->changed;
    copy->fits = seals->fits;
    copy->passed_over = seals->passed_over;
    copy->fault = seals->fault;
    *ret_copy = copy;
    return RATLS_OK;
}

void ratls_seals_free(struct ratls_seals *seals)
{
    if (seals == NULL)
        return;
    drop_states(seals);
    free(seals->folder);
    free(seals);
}

void ratls_seals_refresh(struct ratls_seals *seals)
{
    struct ratls_seals *fresh;
    struct stat st;

    if (stat(seals->folder, &st) != 0 || (st.st_mtim.tv_sec == seals->changed.tv_sec &&
                                          st.st_mtim.tv_nsec == seals->changed.tv_nsec))
        return;
    fresh = ratls_seals_new(seals->folder, &seals->authority, &seals->selection);
    if (fresh != NULL && read_folder(fresh, NULL) == RATLS_OK && !fresh->has_unreadable) {
        drop_states(seals);
        memcpy(seals->states, fresh->states, sizeof fresh->states);
        seals->count = seals->fits = fresh->count;
        seals->changed = fresh->changed;
        seals->passed_over = fresh->passed_over;
        seals->fault = fresh->fault;
        fresh->count = 0; /* they went over */
    }
    ratls_seals_free(fresh);
}

enum ratls_status ratls_seals_find(struct ratls_seals *seals, struct ratls_slice values,
                                   bool *ret_found, struct ratls_error *err)
{
    const struct ratls_seal now = {.selection = seals->selection, .values = values};
    uint8_t digest[RATLS_SEAL_DIGEST_LEN];
    enum ratls_status status = ratls_seal_pcr_digest(&now, digest, err);

    if (status != RATLS_OK)
        return status;
    seals->fits = 0;
    while (seals->fits < seals->count &&
           memcmp(seals->states[seals->fits].pcr_digest, digest, sizeof digest) != 0)
        seals->fits++;
    *ret_found = seals->fits < seals->count;
    return RATLS_OK;
}
