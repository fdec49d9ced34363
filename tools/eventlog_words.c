#include "eventlog_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "eventlog.h"
#include "utf16_text.h"

#define GUID_LEN 16
#define SIGNATURE_LEN 16 /* of EV_NO_ACTION, with its NUL */
#define STARTUP_LOCALITY "StartupLocality"
/* UEFI Specification, 10.3: nodes of a device path. */
#define NODE_MEDIA 4
#define NODE_MEDIA_FILE 4
#define NODE_HEADER_LEN 4
#define GPT_HEADER_LEN 92
#define BLOB_LEN 16         /* where it lies, and its length */
#define SIGNATURE_LEN_MIN 4 /* of binary data that begin with a text and its NUL */
#define SIGNATURE_TEXT_MAX 64
#define TEXT_ODD_SHARE 4 /* at most one byte in four of a text is not printable ASCII */
#define GPT_GUID_OFFSET 56

void ratls_event_type_text(uint32_t type, char out[static RATLS_EVENT_TYPE_MAX])
{
    const char *name = ratls_event_type_name(type);

    if (name != NULL)
        snprintf(out, RATLS_EVENT_TYPE_MAX, "%s", name);
    else
        snprintf(out, RATLS_EVENT_TYPE_MAX, "0x%08" PRIx32, type);
}

static size_t count_printable(struct ratls_slice text)
{
    size_t printable = 0;

    for (size_t i = 0; i < text.len; i++)
        printable += text.p[i] >= ' ' && text.p[i] <= '~';
    return printable;
}

/*
 * Text, in UTF-16 or with NULs behind it or not, else how many bytes there are. A few odd bytes
 * make no other thing of it: it may be in another language, or somebody wants it to be overlooked.
 */
static void say_text(struct ratls_slice data, char *out, size_t cap)
{
    struct ratls_slice text = data;
    char name[SIGNATURE_TEXT_MAX];

    if (ratls_is_utf16_text(data)) {
        ratls_utf16_text(data, out, cap);
        return;
    }
    while (text.len > 0 && text.p[text.len - 1] == '\0')
        text.len--;
    if (text.len > 0 && count_printable(text) >= text.len - text.len / TEXT_ODD_SHARE) {
        ratls_escape(text, out, cap);
        return;
    }
    text.len = 0;
    while (text.len < data.len && data.p[text.len] != '\0')
        text.len++;
    ratls_escape(text, name, sizeof name);
    if (text.len >= SIGNATURE_LEN_MIN && count_printable(text) == text.len)
        snprintf(out, cap, "%s, %zu bytes", name, data.len);
    else
        snprintf(out, cap, "%zu bytes", data.len);
}

/* PFP, 10.2.6 (UEFI_VARIABLE_DATA): the name, and how much there is. */
static void say_variable(struct ratls_slice data, char *out, size_t cap)
{
    struct ratls_reader r = ratls_reader(data);
    uint64_t name_units, content_len;
    struct ratls_slice name;
    char text[128];

    ratls_read_bytes(&r, GUID_LEN);
    name_units = ratls_read_le64(&r);
    content_len = ratls_read_le64(&r);
    name = ratls_read_bytes(&r, name_units <= r.rest.len / 2 ? (size_t)name_units * 2 : SIZE_MAX);
    if (r.failed) {
        snprintf(out, cap, "%zu bytes that are no variable", data.len);
        return;
    }
    ratls_utf16_text(name, text, sizeof text);
    if (content_len == 0)
        snprintf(out, cap, "%s, empty", text);
    else if (content_len == 1 && r.rest.len >= 1)
        snprintf(out, cap, "%s = %u", text, r.rest.p[0]);
    else
        snprintf(out, cap, "%s, %" PRIu64 " bytes", text, content_len);
}

/* The path of a file in a device path; empty if there is none. */
static void say_path(struct ratls_slice path, char *out, size_t cap)
{
    struct ratls_reader r = ratls_reader(path);

    out[0] = '\0';
    while (r.rest.len >= NODE_HEADER_LEN) {
        uint8_t type = ratls_read_u8(&r);
        uint8_t subtype = ratls_read_u8(&r);
        uint16_t len = ratls_read_le16(&r);
        struct ratls_slice content =
            ratls_read_bytes(&r, len >= NODE_HEADER_LEN ? (size_t)len - NODE_HEADER_LEN : SIZE_MAX);

        if (r.failed)
            return;
        if (type == NODE_MEDIA && subtype == NODE_MEDIA_FILE)
            ratls_utf16_text(content, out, cap);
    }
}

/* PFP, 10.2.3 (UEFI_IMAGE_LOAD_EVENT). */
static void say_image(struct ratls_slice data, char *out, size_t cap)
{
    struct ratls_reader r = ratls_reader(data);
    uint64_t len, path_len;
    char path[256];

    ratls_read_le64(&r); /* where it was loaded */
    len = ratls_read_le64(&r);
    ratls_read_le64(&r); /* where it was linked for */
    path_len = ratls_read_le64(&r);
    if (r.failed) {
        snprintf(out, cap, "%zu bytes", data.len);
        return;
    }
    say_path(path_len <= r.rest.len ? ratls_slice(r.rest.p, (size_t)path_len) : r.rest, path,
             sizeof path);
    snprintf(out, cap, "%s%simage of %" PRIu64 " bytes", path, path[0] == '\0' ? "" : ", ", len);
}

/* PFP, 10.2.4 and 10.2.5: a firmware volume, with a description in newer logs. */
static void say_blob(struct ratls_slice data, bool has_description, char *out, size_t cap)
{
    struct ratls_reader r = ratls_reader(data);
    struct ratls_slice description = ratls_slice(NULL, 0);
    uint64_t base, len;
    char text[256];

    if (has_description)
        description = ratls_read_bytes(&r, ratls_read_u8(&r));
    base = ratls_read_le64(&r);
    len = ratls_read_le64(&r);
    if (r.failed) { /* some firmware writes a text alone */
        say_text(data, out, cap);
        return;
    }
    while (description.len > 0 && description.p[description.len - 1] == '\0')
        description.len--;
    ratls_escape(description, text, sizeof text);
    snprintf(out, cap, "%s%s%" PRIu64 " bytes at 0x%" PRIx64, text, text[0] == '\0' ? "" : ", ",
             len, base);
}

/* UEFI_GPT_DATA: the header of the table, and how many partitions it has. */
static void say_gpt(struct ratls_slice data, char *out, size_t cap)
{
    struct ratls_reader r = ratls_reader(data);
    struct ratls_slice header = ratls_read_bytes(&r, GPT_HEADER_LEN);
    uint64_t partitions = ratls_read_le64(&r);
    char guid[2 * GUID_LEN + 1];

    if (r.failed) {
        snprintf(out, cap, "%zu bytes", data.len);
        return;
    }
    ratls_hex(ratls_slice(header.p + GPT_GUID_OFFSET, GUID_LEN), guid, sizeof guid);
    snprintf(out, cap, "%" PRIu64 " partitions of disk %s", partitions, guid);
}

static void say_separator(struct ratls_slice data, char *out, size_t cap)
{
    struct ratls_reader r = ratls_reader(data);
    uint32_t value = ratls_read_le32(&r);

    if (ratls_reader_done(&r) && (value == 0 || value == UINT32_MAX))
        snprintf(out, cap, "separator");
    else if (ratls_reader_done(&r) && value == 1)
        snprintf(out, cap, "separator of an error");
    else
        say_text(data, out, cap);
}

static void say_no_action(struct ratls_slice data, char *out, size_t cap)
{
    struct ratls_slice signature =
        ratls_slice(data.p, data.len < SIGNATURE_LEN ? data.len : SIGNATURE_LEN);
    const uint8_t *end = signature.len > 0 ? memchr(signature.p, '\0', signature.len) : NULL;
    bool is_text;

    if (end != NULL)
        signature.len = (size_t)(end - signature.p);
    is_text = signature.len > 0;
    for (size_t i = 0; i < signature.len; i++)
        is_text = is_text && signature.p[i] >= ' ' && signature.p[i] <= '~';
    if (!is_text)
        snprintf(out, cap, "%zu bytes", data.len);
    else
        ratls_escape(signature, out, cap);
    if (data.len > sizeof STARTUP_LOCALITY && strcmp(out, STARTUP_LOCALITY) == 0)
        snprintf(out, cap, STARTUP_LOCALITY " %u", data.p[sizeof STARTUP_LOCALITY]);
}

void ratls_event_words(const struct ratls_log_event *event, char out[static RATLS_EVENT_WORDS_MAX])
{
    const size_t cap = RATLS_EVENT_WORDS_MAX;

    switch (event->type) {
    case RATLS_EV_NO_ACTION:
        say_no_action(event->data, out, cap);
        break;
    case RATLS_EV_SEPARATOR:
        say_separator(event->data, out, cap);
        break;
    case RATLS_EV_EFI_VARIABLE_DRIVER_CONFIG:
    case RATLS_EV_EFI_VARIABLE_BOOT:
    case RATLS_EV_EFI_VARIABLE_BOOT2:
    case RATLS_EV_EFI_VARIABLE_AUTHORITY:
        say_variable(event->data, out, cap);
        break;
    case RATLS_EV_EFI_BOOT_SERVICES_APPLICATION:
    case RATLS_EV_EFI_BOOT_SERVICES_DRIVER:
    case RATLS_EV_EFI_RUNTIME_SERVICES_DRIVER:
        say_image(event->data, out, cap);
        break;
    case RATLS_EV_EFI_GPT_EVENT:
    case RATLS_EV_EFI_GPT_EVENT2:
        say_gpt(event->data, out, cap);
        break;
    case RATLS_EV_POST_CODE:
        if (event->data.len == BLOB_LEN)
            say_blob(event->data, false, out, cap);
        else
            say_text(event->data, out, cap);
        break;
    case RATLS_EV_POST_CODE2:
    case RATLS_EV_EFI_PLATFORM_FIRMWARE_BLOB2:
    case RATLS_EV_EFI_PLATFORM_FIRMWARE_BLOB:
        say_blob(event->data, event->type != RATLS_EV_EFI_PLATFORM_FIRMWARE_BLOB, out, cap);
        break;
    default:
        say_text(event->data, out, cap);
    }
}
