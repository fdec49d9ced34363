#include "ima.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "ima_fields.h"
#include "tpm_wire.h"

#define PLAIN_NAME "ima"
#define PLAIN_DIGEST_LEN 20
#define SHOWN_NAME_MAX 64
#define WHAT_MAX 200

/* Refuses the list at the entry that is being read. */
__attribute__((format(printf, 2, 3))) static bool refuse(struct ratls_ima_reader *r,
                                                         const char *format, ...)
{
    char what[WHAT_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    (void)ratls_fail(&r->error, RATLS_MALFORMED, "entry %" PRIu64 " at byte %" PRIu64 ": %s",
                     r->entries + 1, r->offset, what);
    return false;
}

static bool is_zero(struct ratls_slice bytes)
{
    static const uint8_t zeros[64];

    return bytes.len <= sizeof zeros && memcmp(bytes.p, zeros, bytes.len) == 0;
}

struct ratls_ima_reader ratls_ima_reader(struct ratls_slice list, uint16_t digest_alg,
                                         uint64_t offset, uint64_t entries)
{
    struct ratls_ima_reader r = {
        .in = ratls_reader(list),
        .digest_len = ratls_tpm_hash_len(digest_alg),
        .offset = offset,
        .entries = entries,
    };

    if (ratls_tpm_hash_name(digest_alg) == NULL)
        (void)ratls_fail(&r.error, RATLS_USAGE, "no IMA list has digests of hash algorithm 0x%04x",
                         (unsigned)digest_alg);
    else if (offset > RATLS_IMA_LIST_MAX || list.len > RATLS_IMA_LIST_MAX - offset)
        (void)ratls_fail(&r.error, RATLS_LIMIT,
                         "an IMA list of %" PRIu64 " bytes, at most %u are read", offset + list.len,
                         RATLS_IMA_LIST_MAX);
    return r;
}

/* PCR, digest and the name of the template. */
static bool read_header(struct ratls_ima_reader *r, struct ratls_ima_entry *entry)
{
    size_t left = r->in.rest.len;
    uint32_t name_len;

    entry->pcr = ratls_read_le32(&r->in);
    entry->digest = ratls_read_bytes(&r->in, r->digest_len);
    name_len = ratls_read_le32(&r->in);
    if (r->in.failed)
        return refuse(r, "the list ends within the header of an entry: %zu bytes are left", left);
    if (entry->pcr >= RATLS_PCR_COUNT)
        return refuse(r, "the index of the PCR is %" PRIu32, entry->pcr);
    if (name_len < 1 || name_len > RATLS_IMA_TEMPLATE_NAME_MAX)
        return refuse(r, "the name of the template has %" PRIu32 " bytes, not 1 to %d", name_len,
                      RATLS_IMA_TEMPLATE_NAME_MAX);
    entry->template_name = ratls_read_bytes(&r->in, name_len);
    if (r->in.failed)
        return refuse(r, "the list ends within the name of the template");
    entry->is_violation = is_zero(entry->digest);
    entry->is_plain =
        name_len == strlen(PLAIN_NAME) && memcmp(entry->template_name.p, PLAIN_NAME, name_len) == 0;
    return true;
}

/* Template "ima": the digest, and the name with its length but without NUL. */
static bool read_plain(struct ratls_ima_reader *r, struct ratls_ima_entry *entry)
{
    struct ratls_slice digest = ratls_read_bytes(&r->in, PLAIN_DIGEST_LEN);
    uint32_t path_len = ratls_read_le32(&r->in);
    struct ratls_slice path;

    if (!r->in.failed && (path_len < 1 || path_len > RATLS_IMA_OLD_PATH_MAX))
        return refuse(r, "field n has %" PRIu32 " bytes, not 1 to %d", path_len,
                      RATLS_IMA_OLD_PATH_MAX);
    path = ratls_read_bytes(&r->in, path_len);
    if (r->in.failed)
        return refuse(r, "the list ends within the fields");
    if (memchr(path.p, '\0', path.len) != NULL)
        return refuse(r, "field n has NUL inside");
    entry->present = 1u << RATLS_IMA_D | 1u << RATLS_IMA_N;
    entry->file = (struct ratls_ima_digest){.hash = RATLS_IMA_HASH_SHA1, .value = digest};
    entry->path = path;
    return true;
}

/* u32 length and content of each field, and nothing behind the last. */
static bool read_fields(struct ratls_ima_reader *r, struct ratls_ima_entry *entry,
                        const struct ratls_ima_layout *layout)
{
    struct ratls_reader data = ratls_reader(entry->data);

    for (size_t i = 0; i < layout->count; i++) {
        unsigned field = layout->fields[i];
        uint32_t len = ratls_read_le32(&data);
        struct ratls_slice content = ratls_read_bytes(&data, len);
        const char *wrong;

        if (data.failed)
            return refuse(r, "the template data ends within field %s", ratls_ima_field_name(field));
        wrong = ratls_ima_take_field(entry, field, content);
        if (wrong != NULL)
            return refuse(r, "field %s %s", ratls_ima_field_name(field), wrong);
    }
    if (data.rest.len > 0)
        return refuse(r, "%zu bytes are left behind the last field", data.rest.len);
    return true;
}

static bool read_data(struct ratls_ima_reader *r, struct ratls_ima_entry *entry)
{
    struct ratls_ima_layout layout;
    const char *wrong = ratls_ima_layout(entry->template_name, &layout);
    uint32_t len = ratls_read_le32(&r->in);

    if (wrong != NULL) {
        char name[SHOWN_NAME_MAX];

        ratls_escape(entry->template_name, name, sizeof name);
        return refuse(r, "\"%s\" %s", name, wrong);
    }
    if (r->in.failed)
        return refuse(r, "the list ends within the length of the template data");
    if (len > RATLS_IMA_DATA_MAX)
        return refuse(r, "template data of %" PRIu32 " bytes, at most %u are read", len,
                      RATLS_IMA_DATA_MAX);
    if (len > r->in.rest.len)
        return refuse(r, "template data of %" PRIu32 " bytes, but the list ends after %zu", len,
                      r->in.rest.len);
    entry->data = ratls_read_bytes(&r->in, len);
    if (!read_fields(r, entry, &layout))
        return false;
    if (!ratls_ima_layout_is_usual(&layout))
        entry->doubt = "its template does not begin with digest and path";
    return true;
}

bool ratls_ima_next(struct ratls_ima_reader *r, struct ratls_ima_entry *ret_entry)
{
    struct ratls_ima_entry entry = {.number = r->entries + 1, .offset = r->offset};
    size_t left = r->in.rest.len;

    if (r->error.status != RATLS_OK || left == 0)
        return false;
    if (!read_header(r, &entry) || !(entry.is_plain ? read_plain(r, &entry) : read_data(r, &entry)))
        return false;
    entry.len = left - r->in.rest.len;
    r->offset += entry.len;
    r->entries++;
    *ret_entry = entry;
    return true;
}
