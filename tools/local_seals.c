#include "local_seals.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ak_state.h"
#include "fail.h"
#include "file.h"
#include "pcrs.h"
#include "seals.h"

#define FOLDER_MODE 0750
#define FILE_MODE 0640
#define DIGITS_MIN 8
#define NAME_DIGITS (2 * RATLS_SEAL_DIGEST_LEN)

/* The caller clears *ret_state. */
static enum ratls_status load_sealed(const char *state_dir, struct ratls_ak_state *ret_state,
                                     struct ratls_error *err)
{
    enum ratls_status status = ratls_ak_state_load(state_dir, ret_state, err);

    if (status == RATLS_OK && ret_state->seals == NULL) {
        ratls_ak_state_clear(ret_state);
        return ratls_fail(err, RATLS_USAGE,
                          "%s: the attestation key is not sealed: ratls init --seal-to-pcrs makes "
                          "one that is",
                          state_dir);
    }
    return status;
}

static enum ratls_status read_pcrs(const struct ratls_ak_state *state, const char *tcti,
                                   const struct ratls_pcr_selection *selection,
                                   uint8_t out[static RATLS_PCR_VALUES_MAX], size_t *ret_len,
                                   struct ratls_error *err)
{
    struct ratls_tpm tpm = {0};
    enum ratls_status status;

    if (tcti == NULL && state->tcti[0] != '\0')
        tcti = state->tcti;
    status = ratls_tpm_open(tcti, &tpm, err);
    if (status == RATLS_OK)
        status = ratls_pcrs_read(&tpm, selection, out, RATLS_PCR_VALUES_MAX, ret_len, err);
    ratls_tpm_close(&tpm);
    return status;
}

enum ratls_status ratls_local_pcrs(const char *state_dir, const char *tcti,
                                   const struct ratls_pcr_selection *selection,
                                   struct ratls_pcr_selection *ret_selection,
                                   uint8_t out[static RATLS_PCR_VALUES_MAX], size_t *ret_len,
                                   struct ratls_error *err)
{
    struct ratls_ak_state state = {0};
    enum ratls_status status = RATLS_OK;

    /* A machine without a key, but with a TPM that is named, can have its state signed, too. */
    if (selection == NULL)
        status = load_sealed(state_dir, &state, err);
    else if (tcti == NULL)
        status = ratls_ak_state_load(state_dir, &state, err);
    if (status != RATLS_OK)
        return status;
    *ret_selection = selection == NULL ? state.seals->selection : *selection;
    status = read_pcrs(&state, tcti, ret_selection, out, ret_len, err);
    ratls_ak_state_clear(&state);
    return status;
}

/* ---- the list ---- */

static int is_state_file(const struct dirent *entry)
{
    const size_t len = strlen(entry->d_name), ending = strlen(RATLS_SEAL_ENDING);

    return entry->d_name[0] != '.' && len > ending &&
           strcmp(entry->d_name + len - ending, RATLS_SEAL_ENDING) == 0;
}

static void add_file(struct ratls_local_seals *list, const char *file)
{
    struct ratls_seals *seals = list->memory;
    struct ratls_local_seal *item = &list->items[list->count++];
    char *path = malloc(RATLS_AK_PATH_LEN);
    const struct ratls_sealed_state *state;
    enum ratls_status status;

    snprintf(item->file, sizeof item->file, "%s", file);
    if (path == NULL)
        status = ratls_fail(&item->fault, RATLS_MEMORY, "out of memory");
    else
        status = ratls_ak_state_path(seals->folder, file, path, &item->fault);
    if (status == RATLS_OK)
        status = ratls_seals_take(seals, path, &item->fault);
    free(path);
    if (status != RATLS_OK)
        return;
    state = &seals->states[seals->count - 1];
    item->seal = state->seal;
    memcpy(item->policy, state->policy, sizeof item->policy);
    item->differs = ratls_seals_compare(
        seals, &item->seal, ratls_slice(list->values, list->values_len), item->differing);
}

static enum ratls_status add_files(struct ratls_local_seals *list, struct ratls_error *err)
{
    const struct ratls_seals *seals = list->memory;
    struct dirent **entries = NULL;
    int count = scandir(seals->folder, &entries, is_state_file, alphasort);

    if (count < 0)
        return errno == ENOENT
                   ? RATLS_OK
                   : ratls_fail(err, RATLS_IO, "%s: %s", seals->folder, strerror(errno));
    for (int i = 0; i < count; i++) {
        if (list->count < RATLS_LOCAL_SEALS_MAX)
            add_file(list, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return RATLS_OK;
}

/* The states one by one, each with its own fault. */
static enum ratls_status start_over(const struct ratls_ak_state *state, void **ret_seals,
                                    struct ratls_error *err)
{
    const struct ratls_seals *whole = state->seals;

    *ret_seals = ratls_seals_new(whole->folder, &whole->authority, &whole->selection);
    return *ret_seals == NULL ? ratls_fail(err, RATLS_MEMORY, "out of memory") : RATLS_OK;
}

enum ratls_status ratls_local_seals_read(const char *state_dir, const char *tcti,
                                         struct ratls_local_seals **ret, struct ratls_error *err)
{
    struct ratls_local_seals *list = calloc(1, sizeof *list);
    struct ratls_ak_state state = {0};
    enum ratls_status status;

    if (list == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = load_sealed(state_dir, &state, err);
    if (status == RATLS_OK) {
        list->selection = state.seals->selection;
        memcpy(list->authority, state.seals->authority.name, sizeof list->authority);
        status = read_pcrs(&state, tcti, &list->selection, list->values, &list->values_len, err);
    }
    if (status == RATLS_OK)
        status = start_over(&state, &list->memory, err);
    if (status == RATLS_OK)
        status = add_files(list, err);
    ratls_ak_state_clear(&state);
    if (status == RATLS_OK)
        *ret = list;
    else
        ratls_local_seals_free(list);
    return status;
}

void ratls_local_seals_free(struct ratls_local_seals *seals)
{
    if (seals == NULL)
        return;
    ratls_seals_free(seals->memory);
    free(seals);
}

/* ---- one file ---- */

/* Servers may read it if they may read the key. */
static void give_group(const char *state_dir, const char *path)
{
    char *conf = malloc(RATLS_AK_PATH_LEN);
    struct stat st;

    if (conf != NULL && ratls_ak_state_path(state_dir, "ak.conf", conf, NULL) == RATLS_OK &&
        stat(conf, &st) == 0 && chown(path, (uid_t)-1, st.st_gid) != 0)
        errno = 0; /* who is not root keeps his own group */
    free(conf);
}

static enum ratls_status make_folder(const char *state_dir, const char *folder,
                                     struct ratls_error *err)
{
    if (mkdir(folder, FOLDER_MODE) == 0)
        give_group(state_dir, folder);
    else if (errno != EEXIST)
        return ratls_fail(err, RATLS_IO, "%s: %s", folder, strerror(errno));
    return RATLS_OK;
}

static enum ratls_status write_state(const char *state_dir, const struct ratls_seals *seals,
                                     const struct ratls_sealed_state *state, const char *file,
                                     struct ratls_error *err)
{
    char *path = malloc(RATLS_AK_PATH_LEN);
    enum ratls_status status = path == NULL ? ratls_fail(err, RATLS_MEMORY, "out of memory")
                                            : make_folder(state_dir, seals->folder, err);

    if (status == RATLS_OK)
        status = ratls_ak_state_path(seals->folder, file, path, err);
    if (status == RATLS_OK)
        status =
            ratls_file_write(path, ratls_slice(state->bytes, state->len), FILE_MODE, true, err);
    if (status == RATLS_OK)
        give_group(state_dir, path);
    free(path);
    return status;
}

enum ratls_status ratls_local_seal_install(const char *state_dir, const char *path,
                                           struct ratls_local_seal *ret, struct ratls_error *err)
{
    struct ratls_local_seal made = {.fault = {.status = RATLS_OK}};
    struct ratls_ak_state state = {0};
    enum ratls_status status = load_sealed(state_dir, &state, err);
    const struct ratls_sealed_state *taken;

    if (status != RATLS_OK)
        return status;
    status = ratls_seals_take(state.seals, path, err);
    if (status == RATLS_OK) {
        taken = &state.seals->states[state.seals->count - 1];
        memcpy(made.policy, taken->policy, sizeof made.policy);
        ratls_hex(ratls_slice(made.policy, sizeof made.policy), made.file, sizeof made.file);
        memcpy(made.file + NAME_DIGITS, RATLS_SEAL_ENDING, sizeof RATLS_SEAL_ENDING);
        status = write_state(state_dir, state.seals, taken, made.file, err);
    }
    ratls_ak_state_clear(&state);
    if (status == RATLS_OK)
        *ret = made;
    return status;
}

static enum ratls_status find_file(const char *folder, const char *digits,
                                   char ret_file[static RATLS_LOCAL_SEAL_FILE_MAX],
                                   struct ratls_error *err)
{
    struct dirent **entries = NULL;
    const int count = scandir(folder, &entries, is_state_file, alphasort);
    unsigned found = 0;

    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;

        if (strcmp(name, digits) == 0 ||
            (strlen(digits) >= DIGITS_MIN && strncasecmp(name, digits, strlen(digits)) == 0)) {
            snprintf(ret_file, RATLS_LOCAL_SEAL_FILE_MAX, "%s", name);
            found++;
        }
        free(entries[i]);
    }
    free(entries);
    if (found == 1)
        return RATLS_OK;
    return ratls_fail(err, RATLS_USAGE,
                      found == 0 ? "%s: no state begins so: 'ratls seal list' has them all; %d or "
                                   "more digits are wanted"
                                 : "%s: more than one begins so: write more than %d digits",
                      digits, DIGITS_MIN);
}

enum ratls_status ratls_local_seal_remove(const char *state_dir, const char *digits,
                                          char ret_file[static RATLS_LOCAL_SEAL_FILE_MAX],
                                          struct ratls_error *err)
{
    struct ratls_ak_state state = {0};
    char *path = malloc(RATLS_AK_PATH_LEN);
    enum ratls_status status = path == NULL ? ratls_fail(err, RATLS_MEMORY, "out of memory")
                                            : load_sealed(state_dir, &state, err);

    if (status != RATLS_OK) {
        free(path);
        return status;
    }
    status = find_file(state.seals->folder, digits, ret_file, err);
    if (status == RATLS_OK)
        status = ratls_ak_state_path(state.seals->folder, ret_file, path, err);
    if (status == RATLS_OK && unlink(path) != 0)
        status = ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    ratls_ak_state_clear(&state);
    free(path);
    return status;
}
