#include "boot_words.h"

#include <string.h>

#define GUID_LEN 16
#define UTF16_UNIT 2
#define MEDIA_PATH 4      /* UEFI Specification, 10.3.5 */
#define MEDIA_FILE_PATH 4 /* 10.3.5.4 */

/* By PCR: PFP, 3.3.4; from 8 on boot loaders and the kernel. */
static const char *const KINDS[RATLS_PCR_COUNT] = {
    [0] = "firmware",
    [1] = "setting of the firmware",
    [2] = "option ROM or driver",
    [3] = "setting of a driver",
    [4] = "image",
    [5] = "partition table or boot option",
    [6] = "event of the manufacturer",
    [7] = "variable of Secure Boot",
    [8] = "text of the boot loader",
    [9] = "file of the boot loader",
    [11] = "part of a unified kernel image",
    [12] = "command line",
    [13] = "extension of the system",
    [14] = "list of the owner's keys",
};

/*
 * Types that say more than the PCR, where they belong. No digest covers a type: in another PCR it
 * is a lie or a mistake, and an image must not pass for an action in the eyes of who reads of it.
 */
static const struct {
    uint32_t type;
    uint32_t pcrs;
    const char *kind;
} KINDS_OF_TYPES[] = {
    {RATLS_EV_S_CRTM_VERSION, 1u << 0, "version of the firmware"},
    {RATLS_EV_CPU_MICROCODE, 1u << 1, "microcode"},
    {RATLS_EV_EFI_ACTION, 1u << 1 | 1u << 5 | 1u << 6 | 1u << 7, "action of the firmware"},
    {RATLS_EV_EFI_GPT_EVENT, 1u << 5, "partition table"},
    {RATLS_EV_EFI_GPT_EVENT2, 1u << 5, "partition table"},
    {RATLS_EV_EFI_VARIABLE_BOOT, 1u << 1 | 1u << 5, "boot option"},
    {RATLS_EV_EFI_VARIABLE_BOOT2, 1u << 1 | 1u << 5, "boot option"},
    {RATLS_EV_EFI_VARIABLE_AUTHORITY, 1u << 7, "authority"},
};

static const char *find_kind(const struct ratls_event *event)
{
    const char *kind = event->pcr < RATLS_PCR_COUNT ? KINDS[event->pcr] : NULL;
    uint32_t pcr = event->pcr < RATLS_PCR_COUNT ? UINT32_C(1) << event->pcr : 0;

    for (size_t i = 0; i < sizeof KINDS_OF_TYPES / sizeof *KINDS_OF_TYPES; i++)
        if (event->type == KINDS_OF_TYPES[i].type && (pcr & KINDS_OF_TYPES[i].pcrs) != 0)
            return KINDS_OF_TYPES[i].kind;
    return kind != NULL ? kind : "event";
}

/* Whether all of it is printable but for NULs at its end, which are left out. */
static bool put_ascii(struct ratls_slice in, char *out)
{
    size_t len;

    while (in.len > 0 && in.p[in.len - 1] == '\0')
        in.len--;
    for (size_t i = 0; i < in.len; i++)
        if (in.p[i] < ' ' || in.p[i] > '~')
            return false;
    len = in.len < RATLS_BOOT_WORDS_MAX ? in.len : RATLS_BOOT_WORDS_MAX - 1;
    if (len > 0)
        memcpy(out, in.p, len);
    out[len] = '\0';
    return len > 0;
}

/* The same of UTF-16; its last byte may be missing, as in logs of older versions of systemd. */
static bool put_utf16(struct ratls_slice in, char *out)
{
    char text[RATLS_BOOT_WORDS_MAX];
    size_t len = 0;

    for (size_t i = 0; i + 1 < in.len && len < sizeof text; i += UTF16_UNIT) {
        if (in.p[i + 1] != 0)
            return false;
        text[len++] = (char)in.p[i];
    }
    return put_ascii(ratls_slice(text, len), out);
}

static bool put_text(struct ratls_slice in, char *out)
{
    return put_ascii(in, out) || put_utf16(in, out);
}

/* UEFI_VARIABLE_DATA (PFP, 10.2.6): its name. */
static bool put_variable(struct ratls_slice in, char *out)
{
    struct ratls_reader r = ratls_reader(in);
    uint64_t units;

    ratls_read_bytes(&r, GUID_LEN);
    units = ratls_read_le64(&r);
    ratls_read_le64(&r);
    return !r.failed && units <= r.rest.len / UTF16_UNIT &&
           put_utf16(ratls_slice(r.rest.p, (size_t)units * UTF16_UNIT), out);
}

/* UEFI_IMAGE_LOAD_EVENT (PFP, 10.2.3): address, length, link address, and the device path. */
static bool put_path(struct ratls_slice in, char *out)
{
    struct ratls_reader r = ratls_reader(in);
    bool is_found = false;

    for (int i = 0; i < 4; i++)
        ratls_read_le64(&r);
    while (!r.failed && r.rest.len > 0 && !is_found) {
        uint8_t type = ratls_read_u8(&r);
        uint8_t subtype = ratls_read_u8(&r);
        uint16_t len = ratls_read_le16(&r);
        struct ratls_slice node;

        if (r.failed || len < 4)
            return false;
        node = ratls_read_bytes(&r, len - 4u);
        is_found =
            !r.failed && type == MEDIA_PATH && subtype == MEDIA_FILE_PATH && put_utf16(node, out);
    }
    return is_found;
}

/* TCG_PCClientTaggedEvent (PFP, 10.4.2.1). */
static bool put_tagged(struct ratls_slice in, char *out)
{
    struct ratls_reader r = ratls_reader(in);
    struct ratls_slice text;

    ratls_read_le32(&r); /* its id */
    text = ratls_read_bytes(&r, ratls_read_le32(&r));
    return !r.failed && put_text(text, out);
}

/* UEFI_PLATFORM_FIRMWARE_BLOB2 (PFP, 10.2.5): its description. */
static bool put_blob(struct ratls_slice in, char *out)
{
    struct ratls_reader r = ratls_reader(in);
    struct ratls_slice text = ratls_read_bytes(&r, ratls_read_u8(&r));

    return !r.failed && put_text(text, out);
}

static bool put_data(const struct ratls_event *event, char *out)
{
    switch (event->type) {
    case RATLS_EV_EFI_BOOT_SERVICES_APPLICATION:
    case RATLS_EV_EFI_BOOT_SERVICES_DRIVER:
    case RATLS_EV_EFI_RUNTIME_SERVICES_DRIVER:
        return put_path(event->data, out);
    case RATLS_EV_EFI_PLATFORM_FIRMWARE_BLOB2:
        return put_blob(event->data, out);
    case RATLS_EV_EVENT_TAG:
        return put_tagged(event->data, out);
    case RATLS_EV_EFI_VARIABLE_DRIVER_CONFIG:
    case RATLS_EV_EFI_VARIABLE_BOOT:
    case RATLS_EV_EFI_VARIABLE_BOOT2:
    case RATLS_EV_EFI_VARIABLE_AUTHORITY:
        return put_variable(event->data, out);
    default:
        return put_text(event->data, out);
    }
}

/* What a boot loader measured as text. */
static enum ratls_status put_boot_text(struct ratls_hasher *hasher, const struct ratls_event *event,
                                       struct ratls_slice digest, struct ratls_boot_words *words,
                                       struct ratls_error *err)
{
    struct ratls_boot_text text;
    enum ratls_status status = ratls_boot_text(hasher, event, digest, &text, err);

    if (status != RATLS_OK || !text.is_measured)
        return status;
    words->is_covered =
        text.is_utf16 ? put_utf16(text.text, words->text) : put_ascii(text.text, words->text);
    return RATLS_OK;
}

enum ratls_status ratls_boot_words(struct ratls_hasher *hasher, const struct ratls_event *event,
                                   struct ratls_slice digest, struct ratls_boot_words *ret_words,
                                   struct ratls_error *err)
{
    struct ratls_boot_words words = {.kind = find_kind(event)};
    uint8_t computed[RATLS_DIGEST_MAX];
    enum ratls_status status = put_boot_text(hasher, event, digest, &words, err);

    if (status == RATLS_OK && !words.is_covered && put_data(event, words.text)) {
        status = ratls_hasher_digest(hasher, &event->data, 1, computed, err);
        words.is_covered =
            status == RATLS_OK && ratls_slice_equal(ratls_slice(computed, hasher->len), digest);
    }
    if (status == RATLS_OK)
        *ret_words = words;
    return status;
}

void ratls_boot_command(struct ratls_slice text, char out[static RATLS_BOOT_COMMAND_MAX])
{
    bool has_path = false;
    int words = 1;
    size_t len = 0;

    while (len < text.len && len < RATLS_BOOT_COMMAND_MAX - 1) {
        const uint8_t c = text.p[len];

        if (c < ' ' || c > '~' || strchr("\\\"=", c) != NULL || (c == '/' && words == 1)) {
            has_path = false;
            break;
        }
        if (c == ' ' && ++words == 3)
            break;
        has_path = has_path || c == '/';
        out[len++] = (char)c;
    }
    out[has_path ? len : 0] = '\0';
}

const char *ratls_secure_boot_word(enum ratls_secure_boot state)
{
    switch (state) {
    case RATLS_SECURE_BOOT_ON:
        return "on";
    case RATLS_SECURE_BOOT_OFF:
        return "off";
    case RATLS_SECURE_BOOT_UNKNOWN:
        break;
    }
    return "unknown";
}
