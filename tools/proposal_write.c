#include "proposal_write.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fail.h"
#include "file.h"

#define FILE_MODE 0644
#define YAML ".yaml"

enum ratls_status ratls_proposal_find_place(const char *path,
                                            struct ratls_proposal_place *ret_place,
                                            struct ratls_error *err)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    const size_t folder_len = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    size_t stem_len = strlen(name);

    if (stem_len > strlen(YAML) && strcmp(name + stem_len - strlen(YAML), YAML) == 0)
        stem_len -= strlen(YAML);
    if (stem_len == 0 || strlen(name) >= sizeof ret_place->file ||
        folder_len >= sizeof ret_place->folder)
        return ratls_fail(err, RATLS_USAGE, "'%s' is no name for a policy", path);
    memset(ret_place, 0, sizeof *ret_place);
    memcpy(ret_place->folder, folder_len == 0 ? "./" : path, folder_len == 0 ? 2 : folder_len);
    memcpy(ret_place->stem, name, stem_len);
    memcpy(ret_place->file, name, strlen(name));
    return RATLS_OK;
}

static char *join(const char *folder, const char *name)
{
    char *path = NULL;

    return asprintf(&path, "%s%s", folder, name) < 0 ? NULL : path;
}

static enum ratls_status put(const char *folder, const char *name, const char *text,
                             struct ratls_error *err)
{
    char *path = join(folder, name);
    enum ratls_status status;

    if (path == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = ratls_file_write(path, ratls_slice(text, strlen(text)), FILE_MODE, true, err);
    free(path);
    return status;
}

/* With a final slash, as the folder has it. */
static enum ratls_status make_stage(struct ratls_proposal_place *place, struct ratls_error *err)
{
    snprintf(place->stage, sizeof place->stage, "%s.ratls-XXXXXX", place->folder);
    if (mkdtemp(place->stage) == NULL) {
        place->stage[0] = '\0';
        return ratls_fail(err, RATLS_IO, "%s: %s", place->folder, strerror(errno));
    }
    strncat(place->stage, "/", sizeof place->stage - strlen(place->stage) - 1);
    return RATLS_OK;
}

enum ratls_status ratls_proposal_stage(struct ratls_proposal *proposal,
                                       struct ratls_proposal_place *place, char **ret_path,
                                       struct ratls_error *err)
{
    enum ratls_status status = make_stage(place, err);
    char *path = NULL, *text = NULL;

    for (size_t i = 0; status == RATLS_OK && i < RATLS_TOPIC_COUNT; i++)
        if (proposal->files[i].text != NULL)
            status = put(place->stage, proposal->files[i].name, proposal->files[i].text, err);
    if (status != RATLS_OK)
        return status;
    path = join(place->stage, place->file);
    if (path == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    proposal->draft.path = path;
    status = ratls_policy_write(&proposal->draft, &text, err);
    if (status == RATLS_OK)
        status = put(place->stage, place->file, text, err);
    proposal->draft.path = NULL;
    free(text);
    if (status == RATLS_OK)
        *ret_path = path;
    else
        free(path);
    return status;
}

/* link() fails where rename() would replace what somebody else made meanwhile. */
static enum ratls_status move(const struct ratls_proposal_place *place, const char *name,
                              bool replace, struct ratls_error *err)
{
    char *from = join(place->stage, name);
    char *to = join(place->folder, name);
    enum ratls_status status = RATLS_OK;

    if (from == NULL || to == NULL)
        status = ratls_fail(err, RATLS_MEMORY, "out of memory");
    else if ((replace ? rename(from, to) : link(from, to)) != 0)
        status = ratls_fail(err, RATLS_IO, "%s: %s", to, strerror(errno));
    free(from);
    free(to);
    return status;
}

static enum ratls_status check_free(const struct ratls_proposal_place *place, const char *name,
                                    bool replace, struct ratls_error *err)
{
    char *path = join(place->folder, name);
    enum ratls_status status;

    if (path == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = ratls_file_may_write(path, replace, err);
    free(path);
    return status;
}

enum ratls_status ratls_proposal_keep(const struct ratls_proposal *proposal,
                                      const struct ratls_proposal_place *place, bool replace,
                                      struct ratls_error *err)
{
    enum ratls_status status = check_free(place, place->file, replace, err);

    for (size_t i = 0; status == RATLS_OK && i < RATLS_TOPIC_COUNT; i++)
        if (proposal->files[i].text != NULL)
            status = check_free(place, proposal->files[i].name, replace, err);
    for (size_t i = 0; status == RATLS_OK && i < RATLS_TOPIC_COUNT; i++)
        if (proposal->files[i].text != NULL)
            status = move(place, proposal->files[i].name, replace, err);
    if (status == RATLS_OK)
        status = move(place, place->file, replace, err);
    return status;
}

static void remove_from(const char *stage, const char *name)
{
    char *path = join(stage, name);

    if (path != NULL)
        unlink(path);
    free(path);
}

void ratls_proposal_unstage(const struct ratls_proposal *proposal,
                            struct ratls_proposal_place *place)
{
    if (place->stage[0] == '\0')
        return;
    for (size_t i = 0; i < RATLS_TOPIC_COUNT; i++)
        if (proposal->files[i].text != NULL)
            remove_from(place->stage, proposal->files[i].name);
    remove_from(place->stage, place->file);
    rmdir(place->stage);
    place->stage[0] = '\0';
}
