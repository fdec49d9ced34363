#include "crl_places.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "policy_file.h"
#include "policy_load.h"

static void free_place(struct ratls_crl_place *place)
{
    free(place->issuer_path);
    free(place->path);
    free(place->url);
    *place = (struct ratls_crl_place){0};
}

/* Relative to the folder of the policy; NULL: no memory. */
static char *resolve(const char *policy, const char *file)
{
    const int folder_len = file[0] == '/' ? 0 : (int)ratls_policy_folder_len(policy);
    char *path = NULL;

    return asprintf(&path, "%.*s%s", folder_len, policy, file) < 0 ? NULL : path;
}

static bool is_known(const struct ratls_crl_places *places, const struct ratls_crl_place *place)
{
    for (size_t i = 0; i < places->count; i++)
        if (strcmp(places->items[i].path, place->path) == 0 &&
            strcmp(places->items[i].issuer_path, place->issuer_path) == 0)
            return true;
    return false;
}

/* Takes the place. */
static enum ratls_status append(struct ratls_crl_places *places, struct ratls_crl_place *place,
                                struct ratls_error *err)
{
    struct ratls_crl_place *longer;

    if (is_known(places, place)) {
        free_place(place);
        return RATLS_OK;
    }
    longer = realloc(places->items, (places->count + 1) * sizeof *longer);
    if (longer == NULL) {
        free_place(place);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    places->items = longer;
    places->items[places->count++] = *place;
    return RATLS_OK;
}

static enum ratls_status add_key(struct ratls_crl_places *places, const char *policy,
                                 const struct ratls_document_key *key, struct ratls_error *err)
{
    struct ratls_crl_place place = {0};

    if (key->issuer == NULL || key->crl == NULL)
        return RATLS_OK;
    place.issuer_path = resolve(policy, key->issuer);
    place.path = resolve(policy, key->crl);
    place.url = key->crl_url == NULL ? NULL : strdup(key->crl_url);
    if (place.issuer_path == NULL || place.path == NULL ||
        (key->crl_url != NULL && place.url == NULL)) {
        free_place(&place);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    return append(places, &place, err);
}

static enum ratls_status add_text(struct ratls_crl_places *places, const char *path,
                                  struct ratls_slice text, struct ratls_error *err)
{
    const struct ratls_source source = {.path = path, .text = text};
    struct ratls_document *document = NULL;
    enum ratls_status status = ratls_source_check(&source, err);

    if (status == RATLS_OK)
        status = ratls_document_load(&source, &document, err);
    for (size_t i = 0; status == RATLS_OK && i < document->keys_count; i++)
        status = add_key(places, path, &document->keys[i], err);
    if (document != NULL)
        ratls_document_free(document);
    return status;
}

static enum ratls_status add_file(struct ratls_crl_places *places, const char *path,
                                  struct ratls_error *err)
{
    uint8_t *text = NULL;
    size_t len = 0;
    enum ratls_status status =
        ratls_policy_file_read(path, RATLS_POLICY_BYTES_MAX, &text, &len, err);

    if (status == RATLS_OK)
        status = add_text(places, path, ratls_slice(text, len), err);
    free(text);
    return status;
}

enum ratls_status ratls_crl_places_add(struct ratls_crl_places *places, const char *policy,
                                       struct ratls_error *err)
{
    struct ratls_policy_paths paths = {0};
    enum ratls_status status = ratls_policy_find(policy, &paths, err);

    for (size_t i = 0; status == RATLS_OK && i < paths.count; i++)
        status = add_file(places, paths.paths[i], err);
    ratls_policy_paths_done(&paths);
    return status;
}

void ratls_crl_places_done(struct ratls_crl_places *places)
{
    for (size_t i = 0; i < places->count; i++)
        free_place(&places->items[i]);
    free(places->items);
    *places = (struct ratls_crl_places){0};
}
