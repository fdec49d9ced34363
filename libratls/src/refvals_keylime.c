/*
 * Runtime policies of Keylime (its docs/user_guide/runtime_ima.rst). Taken are the digests of
 * files. What else decides there and not here is told, not heeded: without its excludes and key
 * rings a policy accepts less.
 */
#include <string.h>

#include "fail.h"
#include "refvals_image.h"
#include "refvals_import.h"
#include "refvals_json.h"

#define VERSION_MAX 1 /* RUNTIME_POLICY_CURRENT_VERSION */
#define SHA1_DIGITS 40
#define SHOWN_MAX 100 /* of a path, in messages */

static enum ratls_status fail_at(const struct ratls_refvals_input *input, const char *member,
                                 struct ratls_error *err, const char *why)
{
    char shown[SHOWN_MAX];

    ratls_escape(ratls_slice(member, strlen(member)), shown, sizeof shown);
    return ratls_fail(err, RATLS_USAGE, "%s: %s: %s", input->path, shown, why);
}

/* Adds one digest of a path, or counts it as one of SHA-1. */
static enum ratls_status add_digest(struct ratls_refvals_input *input, const char *path,
                                    const json_t *value, size_t *sha1, struct ratls_error *err)
{
    const char *hex = json_string_value(value);
    size_t len = hex == NULL ? 0 : strlen(hex);
    uint8_t digest[64];

    if (len == SHA1_DIGITS) {
        (*sha1)++;
        return RATLS_OK;
    }
    if (len != 64 && len != 96 && len != 128)
        return fail_at(input, path, err, "expected digests of 64, 96 or 128 hex digits");
    if (!ratls_unhex(hex, digest, len / 2))
        return fail_at(input, path, err, "a digest is not hexadecimal");
    return ratls_refvals_add(&input->builder, ratls_slice(digest, len / 2),
                             ratls_slice(path, strlen(path)), err);
}

static enum ratls_status add_path(struct ratls_refvals_input *input, const char *path,
                                  json_t *digests, size_t *sha1, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;
    size_t len = strlen(path);
    json_t *value;
    size_t i;

    if (len == 0 || len > RATLS_REFVALS_NAME_MAX)
        return fail_at(input, "digests", err, "a path of no bytes, or of more than 4095");
    if (!json_is_array(digests))
        return fail_at(input, path, err, "expected a list of digests");
    json_array_foreach(digests, i, value)
    {
        status = add_digest(input, path, value, sha1, err);
        if (status != RATLS_OK)
            break;
    }
    return status;
}

static enum ratls_status add_paths(struct ratls_refvals_input *input, json_t *paths,
                                   struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;
    const char *path;
    json_t *digests;
    size_t sha1 = 0;

    json_object_foreach(paths, path, digests)
    {
        status = add_path(input, path, digests, &sha1, err);
        if (status != RATLS_OK)
            return status;
    }
    ratls_refvals_add_unused(input, "digests of SHA-1", sha1);
    return RATLS_OK;
}

/* How much there is in something: its members, or 1; 0 for null and the empty string. */
static size_t count_members(const json_t *value)
{
    if (value == NULL || json_is_null(value))
        return 0;
    if (json_is_array(value))
        return json_array_size(value);
    if (json_is_object(value))
        return json_object_size(value);
    return json_is_string(value) && json_string_length(value) == 0 ? 0 : 1;
}

static void tell_unused(struct ratls_refvals_input *input, const json_t *policy)
{
    static const char *const names[] = {"excludes", "keyrings", "ima-buf", "verification-keys"};
    const json_t *ima = json_object_get(policy, "ima");

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ratls_refvals_add_unused(input, names[i], count_members(json_object_get(policy, names[i])));
    ratls_refvals_add_unused(input, "ignored_keyrings",
                             count_members(json_object_get(ima, "ignored_keyrings")));
    ratls_refvals_add_unused(input, "dm_policy", count_members(json_object_get(ima, "dm_policy")));
}

static enum ratls_status read_policy(struct ratls_refvals_input *input, const json_t *policy,
                                     struct ratls_error *err)
{
    const json_t *meta = json_object_get(policy, "meta");
    const json_t *version = json_object_get(meta, "version");
    json_t *digests = json_object_get(policy, "digests");

    if (json_object_get(policy, "payloadType") != NULL)
        return ratls_fail(err, RATLS_USAGE,
                          "%s: signed (DSSE): give the runtime policy that is in it", input->path);
    if (!json_is_object(digests))
        return ratls_fail(err, RATLS_USAGE,
                          "%s: no object \"digests\": not a runtime policy of Keylime",
                          input->path);
    if (!json_is_integer(version) || json_integer_value(version) < 0 ||
        json_integer_value(version) > VERSION_MAX)
        return fail_at(input, "meta.version", err, "expected 1");
    tell_unused(input, policy);
    return add_paths(input, digests, err);
}

enum ratls_status ratls_refvals_read_keylime(struct ratls_refvals_input *input,
                                             struct ratls_error *err)
{
    enum ratls_status status;
    json_t *policy = NULL;

    if (input->text.len > RATLS_KEYLIME_BYTES_MAX)
        return ratls_fail(err, RATLS_USAGE, "%s: JSON of more than %u MiB", input->path,
                          RATLS_KEYLIME_BYTES_MAX >> 20);
    status = ratls_refvals_json(input->path, input->text, RATLS_KEYLIME_DEPTH_MAX, &policy, err);
    if (status != RATLS_OK)
        return status;
    status = read_policy(input, policy, err);
    json_decref(policy);
    return status;
}
