#include "ima_fields.h"

#include <string.h>

#define UID_LEN 4                 /* iuid and igid */
#define MODE_LEN 2                /* imode */
#define XATTR_LENGTH_LEN 4        /* each number in xattrlengths */
#define SIGNATURE_MAX (64u << 10) /* XATTR_SIZE_MAX */
#define OLD_DIGEST_LEN 20
#define MD5_LEN 16
#define DIGEST_FIELD_MAX 80 /* no content of d-ng is longer */

enum role { /* what an entry can have only one of */
            ROLE_FILE_DIGEST = 1 << 0,
            ROLE_PATH = 1 << 1,
};

static const struct field {
    const char *name;
    unsigned roles;
} fields[RATLS_IMA_FIELD_COUNT] = {
    [RATLS_IMA_D] = {"d", ROLE_FILE_DIGEST},
    [RATLS_IMA_N] = {"n", ROLE_PATH},
    [RATLS_IMA_D_NG] = {"d-ng", ROLE_FILE_DIGEST},
    [RATLS_IMA_D_NGV2] = {"d-ngv2", ROLE_FILE_DIGEST},
    [RATLS_IMA_N_NG] = {"n-ng", ROLE_PATH},
    [RATLS_IMA_SIG] = {"sig", 0},
    [RATLS_IMA_BUF] = {"buf", 0},
    [RATLS_IMA_D_MODSIG] = {"d-modsig", 0},
    [RATLS_IMA_MODSIG] = {"modsig", 0},
    [RATLS_IMA_EVMSIG] = {"evmsig", 0},
    [RATLS_IMA_IUID] = {"iuid", 0},
    [RATLS_IMA_IGID] = {"igid", 0},
    [RATLS_IMA_IMODE] = {"imode", 0},
    [RATLS_IMA_XATTRNAMES] = {"xattrnames", 0},
    [RATLS_IMA_XATTRLENGTHS] = {"xattrlengths", 0},
    [RATLS_IMA_XATTRVALUES] = {"xattrvalues", 0},
};

/* The kernel's builtin_templates[], but for "ima", which lies otherwise in the list. */
static const struct template
{
    const char *name;
    struct ratls_ima_layout layout;
}
templates[] = {
    {"ima-ng", {2, {RATLS_IMA_D_NG, RATLS_IMA_N_NG}}},
    {"ima-sig", {3, {RATLS_IMA_D_NG, RATLS_IMA_N_NG, RATLS_IMA_SIG}}},
    {"ima-ngv2", {2, {RATLS_IMA_D_NGV2, RATLS_IMA_N_NG}}},
    {"ima-sigv2", {3, {RATLS_IMA_D_NGV2, RATLS_IMA_N_NG, RATLS_IMA_SIG}}},
    {"ima-buf", {3, {RATLS_IMA_D_NG, RATLS_IMA_N_NG, RATLS_IMA_BUF}}},
    {"ima-modsig",
     {5, {RATLS_IMA_D_NG, RATLS_IMA_N_NG, RATLS_IMA_SIG, RATLS_IMA_D_MODSIG, RATLS_IMA_MODSIG}}},
    {"evm-sig",
     {9,
      {RATLS_IMA_D_NG, RATLS_IMA_N_NG, RATLS_IMA_EVMSIG, RATLS_IMA_XATTRNAMES,
       RATLS_IMA_XATTRLENGTHS, RATLS_IMA_XATTRVALUES, RATLS_IMA_IUID, RATLS_IMA_IGID,
       RATLS_IMA_IMODE}}},
};

/* By number (include/uapi/linux/hash_info.h); names as crypto/hash_info.c has them. */
static const struct hash {
    const char *name;
    size_t len;
} hashes[RATLS_IMA_HASH_COUNT] = {
    {"md4", 16},      {"md5", 16},      {"sha1", 20},     {"rmd160", 20},      {"sha256", 32},
    {"sha384", 48},   {"sha512", 64},   {"sha224", 28},   {"rmd128", 16},      {"rmd256", 32},
    {"rmd320", 40},   {"wp256", 32},    {"wp384", 48},    {"wp512", 64},       {"tgr128", 16},
    {"tgr160", 20},   {"tgr192", 24},   {"sm3", 32},      {"streebog256", 32}, {"streebog512", 64},
    {"sha3-256", 32}, {"sha3-384", 48}, {"sha3-512", 64},
};

#define HASH_SM3 17
static const char SM3_OLD_NAME[] = "sm3-256"; /* before Linux 5.17 */

const char *ratls_ima_hash_name(unsigned hash)
{
    return hash < RATLS_IMA_HASH_COUNT ? hashes[hash].name : NULL;
}

size_t ratls_ima_hash_len(unsigned hash)
{
    return hash < RATLS_IMA_HASH_COUNT ? hashes[hash].len : 0;
}

const char *ratls_ima_field_name(unsigned field)
{
    return field < RATLS_IMA_FIELD_COUNT ? fields[field].name : "unknown";
}

/* Most names of a table differ early: there is no need to measure each. */
static bool is_text(struct ratls_slice bytes, const char *text)
{
    for (size_t i = 0; i < bytes.len; i++)
        if (text[i] == '\0' || bytes.p[i] != (uint8_t)text[i])
            return false;
    return text[bytes.len] == '\0';
}

/* What stands before the next separator, which is taken too; fails if there is none. */
static struct ratls_slice read_word(struct ratls_reader *r, char separator)
{
    const uint8_t *end = r->rest.len > 0 ? memchr(r->rest.p, separator, r->rest.len) : NULL;
    struct ratls_slice word;

    if (end == NULL) {
        r->failed = true;
        return ratls_slice(NULL, 0);
    }
    word = ratls_read_bytes(r, (size_t)(end - r->rest.p));
    ratls_read_u8(r);
    return word;
}

/* RATLS_IMA_FIELD_COUNT if there is no such field. */
static unsigned find_field(struct ratls_slice name)
{
    unsigned i = 0;

    while (i < RATLS_IMA_FIELD_COUNT && !is_text(name, fields[i].name))
        i++;
    return i;
}

/* Notes one field of a list; roles and present are those of the fields before it. */
static const char *add_field(struct ratls_ima_layout *layout, struct ratls_slice name,
                             unsigned *roles, uint32_t *present)
{
    unsigned field = find_field(name);

    if (field == RATLS_IMA_FIELD_COUNT)
        return "is neither a template nor a list of fields that is known";
    if (layout->count == RATLS_IMA_FIELDS_MAX)
        return "has more than 15 fields";
    if ((*present & 1u << field) != 0)
        return "has a field twice";
    if ((*roles & fields[field].roles) != 0)
        return "has two fields for the path, or for the digest of the file";
    *present |= 1u << field;
    *roles |= fields[field].roles;
    layout->fields[layout->count++] = (uint8_t)field;
    return NULL;
}

static const char *read_field_list(struct ratls_slice list, struct ratls_ima_layout *ret_layout)
{
    struct ratls_ima_layout layout = {0};
    struct ratls_reader r = ratls_reader(list);
    unsigned roles = 0;
    uint32_t present = 0;
    bool is_last;

    do {
        struct ratls_slice name;
        const char *wrong;

        is_last = r.rest.len == 0 || memchr(r.rest.p, '|', r.rest.len) == NULL;
        name = is_last ? r.rest : read_word(&r, '|');
        wrong = add_field(&layout, name, &roles, &present);
        if (wrong != NULL)
            return wrong;
    } while (!is_last);
    *ret_layout = layout;
    return NULL;
}

const char *ratls_ima_layout(struct ratls_slice name, struct ratls_ima_layout *ret_layout)
{
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++) {
        if (is_text(name, templates[i].name)) {
            *ret_layout = templates[i].layout;
            return NULL;
        }
    }
    return read_field_list(name, ret_layout);
}

bool ratls_ima_layout_is_usual(const struct ratls_ima_layout *layout)
{
    return layout->count > 1 && fields[layout->fields[0]].roles == ROLE_FILE_DIGEST &&
           fields[layout->fields[1]].roles == ROLE_PATH;
}

static bool find_hash(struct ratls_slice name, unsigned *ret_hash)
{
    for (unsigned i = 0; i < RATLS_IMA_HASH_COUNT; i++) {
        if (is_text(name, hashes[i].name)) {
            *ret_hash = i;
            return true;
        }
    }
    *ret_hash = HASH_SM3;
    return is_text(name, SM3_OLD_NAME);
}

/* "sha256:" NUL digest; with a type "ima:" or "verity:" before it in d-ngv2. */
static const char *take_digest(struct ratls_slice content, bool has_type,
                               struct ratls_ima_digest *ret_digest)
{
    struct ratls_ima_digest digest = {0};
    struct ratls_reader r = ratls_reader(content);
    struct ratls_slice type = has_type ? read_word(&r, ':') : ratls_slice(NULL, 0);
    struct ratls_slice name = read_word(&r, ':');

    if (ratls_read_u8(&r) != '\0' || r.failed)
        return "has no colon and NUL behind the hash algorithm";
    digest.is_verity = has_type && is_text(type, "verity");
    if (has_type && !digest.is_verity && !is_text(type, "ima"))
        return "has a digest of another type than ima and verity";
    if (!find_hash(name, &digest.hash))
        return "has a hash algorithm that is not known";
    if (r.rest.len != hashes[digest.hash].len)
        return "has a digest of another length than its hash algorithm";
    digest.value = r.rest;
    *ret_digest = digest;
    return NULL;
}

/* Field d has no algorithm: SHA-1, or MD5 if ima_hash=md5. */
static const char *take_old_digest(struct ratls_slice content, struct ratls_ima_digest *ret_digest)
{
    if (content.len != OLD_DIGEST_LEN && content.len != MD5_LEN)
        return "is neither a SHA-1 nor an MD5 digest";
    ret_digest->hash = content.len == MD5_LEN ? RATLS_IMA_HASH_MD5 : RATLS_IMA_HASH_SHA1;
    ret_digest->value = content;
    return NULL;
}

/* A name and its NUL. */
static const char *take_path(struct ratls_slice content, size_t max, struct ratls_slice *ret_path)
{
    if (content.len < 1 || content.p[content.len - 1] != '\0')
        return "does not end with NUL";
    if (content.len == 1)
        return "is empty";
    if (content.len - 1 > max)
        return "is longer than a path can be";
    if (memchr(content.p, '\0', content.len - 1) != NULL)
        return "has NUL inside";
    *ret_path = ratls_slice(content.p, content.len - 1);
    return NULL;
}

/* Numbers of an inode: empty where there was no file, as for boot_aggregate. */
static const char *take_number(struct ratls_slice content, size_t len)
{
    return content.len == 0 || content.len == len ? NULL : "has another length than its type";
}

static bool is_hidden_digest(unsigned field, struct ratls_slice content)
{
    struct ratls_ima_digest digest;

    return fields[field].roles == 0 && field != RATLS_IMA_D_MODSIG &&
           content.len <= DIGEST_FIELD_MAX && take_digest(content, false, &digest) == NULL;
}

const char *ratls_ima_take_field(struct ratls_ima_entry *entry, unsigned field,
                                 struct ratls_slice content)
{
    entry->present |= 1u << field;
    if (is_hidden_digest(field, content))
        entry->doubt = "a digest is in a field that has none";
    switch (field) {
    case RATLS_IMA_D:
        return take_old_digest(content, &entry->file);
    case RATLS_IMA_D_NG:
    case RATLS_IMA_D_NGV2:
        return take_digest(content, field == RATLS_IMA_D_NGV2, &entry->file);
    case RATLS_IMA_D_MODSIG:
        return content.len == 0 ? NULL : take_digest(content, false, &entry->without_modsig);
    case RATLS_IMA_N:
        return take_path(content, RATLS_IMA_OLD_PATH_MAX, &entry->path);
    case RATLS_IMA_N_NG:
        return take_path(content, RATLS_IMA_PATH_MAX, &entry->path);
    case RATLS_IMA_SIG:
    case RATLS_IMA_EVMSIG:
        return content.len <= SIGNATURE_MAX ? NULL : "is longer than an xattr can be";
    case RATLS_IMA_IUID:
    case RATLS_IMA_IGID:
        return take_number(content, UID_LEN);
    case RATLS_IMA_IMODE:
        return take_number(content, MODE_LEN);
    case RATLS_IMA_XATTRLENGTHS:
        return content.len % XATTR_LENGTH_LEN == 0 ? NULL : "ends within a number";
    default: /* buf, modsig and what describes xattrs: any bytes */
        return NULL;
    }
}

struct ratls_slice ratls_ima_field(const struct ratls_ima_entry *entry, enum ratls_ima_field field)
{
    struct ratls_reader r = ratls_reader(entry->data);
    struct ratls_ima_layout layout = {0};

    if (entry->is_plain)
        return field == RATLS_IMA_D   ? entry->file.value
               : field == RATLS_IMA_N ? entry->path
                                      : ratls_slice(NULL, 0);
    if (ratls_ima_layout(entry->template_name, &layout) != NULL)
        return ratls_slice(NULL, 0);
    for (size_t i = 0; i < layout.count; i++) {
        struct ratls_slice content = ratls_read_bytes(&r, ratls_read_le32(&r));

        if (layout.fields[i] == field)
            return content;
    }
    return ratls_slice(NULL, 0);
}
