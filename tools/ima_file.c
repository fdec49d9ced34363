/* The binary form. */
#include "ima_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "ima_fields.h"
#include "tpm_wire.h"

#define PLAIN_NAME "ima"
#define PLAIN_DIGEST_LEN 20
#define PLAIN_PATH_FIELD 256
#define PLAIN_PATH_MAX 65536
#define NAME_SHOWN_MAX 64 /* of a template; the kernel's own are much shorter */

static const size_t digest_lens[] = {20, 32, 48, 64}; /* SHA-1 first: the oldest file */
#define DIGEST_LENS (sizeof digest_lens / sizeof *digest_lens)

bool ratls_ima_file_stop(struct ratls_ima_file *file, const char *what)
{
    snprintf(file->why, sizeof file->why, "entry %" PRIu64 " at byte %zu %s", file->entries + 1,
             file->len - file->reader.rest.len, what);
    return false;
}

static bool is_plain(struct ratls_slice name)
{
    return name.len == strlen(PLAIN_NAME) && memcmp(name.p, PLAIN_NAME, name.len) == 0;
}

/* What the fields of a known template mean; a wrong field says nothing. */
void ratls_ima_line_explain(struct ratls_ima_line *line)
{
    struct ratls_reader data = ratls_reader(line->data);
    struct ratls_ima_entry entry = {0};
    struct ratls_ima_layout layout;

    if (ratls_ima_layout(line->template_name, &layout) != NULL)
        return;
    for (size_t i = 0; i < layout.count; i++) {
        struct ratls_slice content = ratls_read_bytes(&data, ratls_read_le32(&data));

        if (data.failed)
            break;
        (void)ratls_ima_take_field(&entry, layout.fields[i], content);
        line->has_signature |= layout.fields[i] == RATLS_IMA_SIG && content.len > 0;
    }
    line->path = entry.path;
    line->file = entry.file;
}

/* Template "ima": hashed with zeros behind the name, up to 256 bytes. */
static bool read_plain(struct ratls_ima_file *file, struct ratls_reader *r,
                       struct ratls_ima_line *line)
{
    struct ratls_slice digest = ratls_read_bytes(r, PLAIN_DIGEST_LEN);
    uint32_t path_len = ratls_read_le32(r);
    struct ratls_slice path;

    if (!r->failed && path_len > PLAIN_PATH_MAX)
        return ratls_ima_file_stop(file, "has a name of more than 65536 bytes");
    path = ratls_read_bytes(r, path_len);
    if (r->failed)
        return ratls_ima_file_stop(file, "is cut");
    while (path.len > 0 && path.p[path.len - 1] == '\0')
        path.len--;
    line->path = path;
    line->file = (struct ratls_ima_digest){.hash = RATLS_IMA_HASH_SHA1, .value = digest};
    memset(file->scratch, 0, file->scratch_cap);
    memcpy(file->scratch, digest.p, digest.len);
    if (path.len > 0)
        memcpy(file->scratch + digest.len, path.p,
               path.len < PLAIN_PATH_FIELD ? path.len : PLAIN_PATH_FIELD);
    line->data = ratls_slice(file->scratch, PLAIN_DIGEST_LEN + PLAIN_PATH_FIELD);
    line->has_data = true;
    return true;
}

/* Lengths and fields, whatever they are. */
static bool is_fields(struct ratls_slice data)
{
    struct ratls_reader r = ratls_reader(data);

    while (!r.failed && r.rest.len > 0)
        ratls_read_bytes(&r, ratls_read_le32(&r));
    return !r.failed;
}

static bool read_data(struct ratls_ima_file *file, struct ratls_reader *r,
                      struct ratls_ima_line *line)
{
    uint32_t len = ratls_read_le32(r);

    line->data = ratls_read_bytes(r, len);
    if (r->failed)
        return ratls_ima_file_stop(file, "is cut");
    if (!is_fields(line->data))
        return ratls_ima_file_stop(file, "has data that is not made of fields");
    line->has_data = true;
    ratls_ima_line_explain(line);
    return true;
}

/* PCR, digest and the name of the template; false if they cannot be. */
static bool read_header(struct ratls_reader *r, size_t digest_len, struct ratls_ima_line *line)
{
    uint32_t name_len;

    line->pcr = ratls_read_le32(r);
    line->digest = ratls_read_bytes(r, digest_len);
    name_len = ratls_read_le32(r);
    if (r->failed || name_len < 1 || name_len > RATLS_IMA_TEMPLATE_NAME_MAX)
        return false;
    line->template_name = ratls_read_bytes(r, name_len);
    line->is_violation = ratls_slice_is_zero(line->digest);
    return !r->failed;
}

static bool next_binary(struct ratls_ima_file *file, struct ratls_ima_line *ret_line)
{
    struct ratls_ima_line line = {.number = file->entries + 1,
                                  .offset = file->len - file->reader.rest.len};
    struct ratls_reader r = file->reader;

    if (r.rest.len == 0)
        return false;
    if (!read_header(&r, file->digest_len, &line))
        return ratls_ima_file_stop(file, "has no header of an entry");
    if (!(is_plain(line.template_name) ? read_plain : read_data)(file, &r, &line))
        return false;
    file->reader = r;
    file->entries++;
    *ret_line = line;
    return true;
}

bool ratls_ima_file_next(struct ratls_ima_file *file, struct ratls_ima_line *ret_line)
{
    if (file->why[0] != '\0')
        return false;
    return file->is_ascii ? ratls_ima_ascii_next(file, ret_line) : next_binary(file, ret_line);
}

/* A PCR and the printable name of a template where they should be. */
static bool looks_binary(struct ratls_slice in, size_t digest_len)
{
    struct ratls_reader r = ratls_reader(in);
    struct ratls_ima_line line = {0};

    if (!read_header(&r, digest_len, &line) || line.pcr >= RATLS_PCR_COUNT ||
        line.template_name.len > NAME_SHOWN_MAX)
        return false;
    for (size_t i = 0; i < line.template_name.len; i++)
        if (line.template_name.p[i] <= ' ' || line.template_name.p[i] > '~')
            return false;
    return true;
}

bool ratls_ima_file_looks(struct ratls_slice in)
{
    bool looks = ratls_ima_looks_ascii(in);

    for (size_t i = 0; !looks && i < DIGEST_LENS; i++)
        looks = looks_binary(in, digest_lens[i]);
    return looks;
}

/* The length with which the list can be read to its end, else furthest. */
static void choose_digest_len(struct ratls_ima_file *file, struct ratls_slice in)
{
    uint64_t most = 0;

    for (size_t i = 0; i < DIGEST_LENS; i++) {
        struct ratls_ima_file tried = *file;
        struct ratls_ima_line line;

        tried.digest_len = digest_lens[i];
        if (!looks_binary(in, tried.digest_len))
            continue;
        while (ratls_ima_file_next(&tried, &line))
            ;
        if (file->digest_len == 0 || tried.entries > most || tried.why[0] == '\0') {
            file->digest_len = tried.digest_len;
            most = tried.entries;
        }
        if (tried.why[0] == '\0')
            return;
    }
}

enum ratls_status ratls_ima_file_open(struct ratls_slice in, struct ratls_ima_file *ret_file,
                                      struct ratls_error *err)
{
    struct ratls_ima_file file = {.is_ascii = ratls_ima_looks_ascii(in),
                                  .reader = ratls_reader(in),
                                  .len = in.len,
                                  .scratch_cap = PLAIN_DIGEST_LEN + PLAIN_PATH_FIELD};

    if (file.is_ascii)
        file.scratch_cap = ratls_ima_ascii_scratch(in);
    file.scratch = malloc(file.scratch_cap);
    if (file.scratch == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (!file.is_ascii)
        choose_digest_len(&file, in);
    *ret_file = file;
    return RATLS_OK;
}

void ratls_ima_file_close(struct ratls_ima_file *file)
{
    free(file->scratch);
    file->scratch = NULL;
}
