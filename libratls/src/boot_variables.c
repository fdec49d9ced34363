/* PCR 7: the variables of Secure Boot, and who signed what was loaded. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "boot.h"
#include "boot_compact.h"

#define PCR_SECURE_BOOT 7
#define GUID_LEN 16
#define UTF16_UNIT 2
#define NAME_UNITS_MAX 1024 /* no real name has more than 16 */

/* What some versions of shim put behind the structure; all but its last byte is measured. */
#define SHIM_TAIL_LEN 6

/* UEFI, 3.3: EFI_GLOBAL_VARIABLE 8be4df61-93ca-11d2-aa0d-00e098032b8c, as it is in memory. */
static const uint8_t GLOBAL_GUID[GUID_LEN] = {0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
                                              0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c};
/* UEFI, 32.4.1: EFI_IMAGE_SECURITY_DATABASE_GUID d719b2cb-3d3a-4596-a3bc-dad00e67656f. */
static const uint8_t DATABASE_GUID[GUID_LEN] = {0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45,
                                                0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f};

static const struct {
    const uint8_t *guid;
    const char *name;
} VARIABLES[RATLS_BOOT_VARIABLES] = {
    [RATLS_BOOT_SECURE_BOOT] = {GLOBAL_GUID, "SecureBoot"},
    [RATLS_BOOT_PK] = {GLOBAL_GUID, "PK"},
    [RATLS_BOOT_KEK] = {GLOBAL_GUID, "KEK"},
    [RATLS_BOOT_DB] = {DATABASE_GUID, "db"},
    [RATLS_BOOT_DBX] = {DATABASE_GUID, "dbx"},
    [RATLS_BOOT_DBT] = {DATABASE_GUID, "dbt"},
    [RATLS_BOOT_DBR] = {DATABASE_GUID, "dbr"},
};

/* The first reason stays. */
static void doubt(struct ratls_boot *boot, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void doubt(struct ratls_boot *boot, const char *format, ...)
{
    va_list arguments;

    if (boot->secure_boot_why[0] != '\0')
        return;
    va_start(arguments, format);
    vsnprintf(boot->secure_boot_why, sizeof boot->secure_boot_why, format, arguments);
    va_end(arguments);
}

struct variable {
    struct ratls_slice guid, name, content;
    size_t tail_len; /* behind the structure */
};

/* PFP, 10.2.6 (UEFI_VARIABLE_DATA). */
static bool read_variable(struct ratls_slice in, struct variable *ret_variable)
{
    struct ratls_reader r = ratls_reader(in);
    uint64_t units;
    uint64_t content_len;

    ret_variable->guid = ratls_read_bytes(&r, GUID_LEN);
    units = ratls_read_le64(&r);
    content_len = ratls_read_le64(&r);
    if (r.failed || units > NAME_UNITS_MAX || content_len > r.rest.len)
        return false;
    ret_variable->name = ratls_read_bytes(&r, (size_t)units * UTF16_UNIT);
    ret_variable->content = ratls_read_bytes(&r, (size_t)content_len);
    ret_variable->tail_len = r.rest.len;
    return !r.failed;
}

static bool is_name(struct ratls_slice name, const char *ascii)
{
    size_t len = strlen(ascii);

    if (name.len != len * UTF16_UNIT)
        return false;
    for (size_t i = 0; i < len; i++)
        if (name.p[i * UTF16_UNIT] != (uint8_t)ascii[i] || name.p[i * UTF16_UNIT + 1] != 0)
            return false;
    return true;
}

static enum ratls_boot_variable_id find_variable(const struct variable *variable)
{
    size_t id = 0;

    while (id < RATLS_BOOT_VARIABLES &&
           !(is_name(variable->name, VARIABLES[id].name) &&
             memcmp(variable->guid.p, VARIABLES[id].guid, GUID_LEN) == 0))
        id++;
    return (enum ratls_boot_variable_id)id;
}

/* Whether the digest is over the data. */
static enum ratls_status compare_digest(struct ratls_boot *boot, struct ratls_slice data,
                                        struct ratls_slice digest, bool *ret_same,
                                        struct ratls_error *err)
{
    uint8_t computed[RATLS_DIGEST_MAX];
    enum ratls_status status = ratls_hasher_digest(&boot->replay.hasher, &data, 1, computed, err);

    if (status == RATLS_OK)
        *ret_same = ratls_slice_equal(ratls_slice(computed, boot->replay.hasher.len), digest);
    return status;
}

/* A whole DER SEQUENCE: as much of a certificate as is looked at here. */
static bool is_der_sequence(struct ratls_slice in)
{
    struct ratls_reader r = ratls_reader(in);
    uint16_t begin = ratls_read_u16(&r); /* SEQUENCE, and a length of two bytes */
    uint16_t len = ratls_read_u16(&r);

    return !r.failed && begin == 0x3082 && len == r.rest.len;
}

/* Firmware measures EFI_SIGNATURE_DATA, owner and certificate; shim the certificate alone. */
static struct ratls_slice find_certificate(struct ratls_slice content)
{
    struct ratls_reader r = ratls_reader(content);

    if (is_der_sequence(content))
        return content;
    ratls_read_bytes(&r, GUID_LEN);
    return !r.failed && is_der_sequence(r.rest) ? r.rest : ratls_slice(NULL, 0);
}

static void note_authority(struct ratls_boot *boot, const struct ratls_event *event,
                           const struct variable *variable, struct ratls_slice digest)
{
    struct ratls_boot_authority *authority = &boot->authorities[boot->authority_count];

    if (boot->authority_count == RATLS_BOOT_AUTHORITIES_MAX) {
        snprintf(boot->why, sizeof boot->why, "event %zu at offset %zu is authority %d of PCR %d",
                 event->number, event->offset, RATLS_BOOT_AUTHORITIES_MAX + 1, PCR_SECURE_BOOT);
        return;
    }
    boot->authority_count++;
    authority->event = event->number;
    authority->digest = digest;
    if (variable == NULL)
        return;
    authority->name = variable->name;
    authority->content = variable->content;
    authority->certificate = find_certificate(variable->content);
}

static void note_variable(struct ratls_boot *boot, const struct ratls_event *event,
                          enum ratls_boot_variable_id id, struct ratls_slice content,
                          struct ratls_slice digest)
{
    struct ratls_boot_variable *variable = &boot->variables[id];

    if (variable->is_measured) {
        variable->is_repeated = true;
        if (id == RATLS_BOOT_SECURE_BOOT)
            doubt(boot, "event %zu is a second %s", event->number, VARIABLES[id].name);
        return;
    }
    variable->is_measured = true;
    variable->event = event->number;
    variable->digest = digest;
    variable->content = content;
}

/*
 * Variables are before the separator. Authorities are behind it, but for those of option ROMs,
 * which firmware loads before.
 */
static bool check_order(struct ratls_boot *boot, const struct ratls_event *event, bool is_config)
{
    if (!is_config || boot->phases[PCR_SECURE_BOOT].separators == 0)
        return true;
    doubt(boot, "event %zu of PCR 7 is a variable behind the separator", event->number);
    return false;
}

/*
 * What SecureBoot says is known from its digest alone: leaving its data out, or giving it another
 * type, does not hide it.
 */
void ratls_boot_known_variable(struct ratls_boot *boot, const struct ratls_event *event,
                               enum ratls_boot_known_id id, struct ratls_slice digest)
{
    struct ratls_slice data = ratls_boot_known_data(id);
    struct variable variable;

    if (!check_order(boot, event, true) || !read_variable(data, &variable))
        return;
    boot->variable_count++;
    note_variable(boot, event, find_variable(&variable), variable.content, digest);
}

/* Whether the digest is over the variable, for shim's tail see above. */
static enum ratls_status find_measured(struct ratls_boot *boot, const struct ratls_event *event,
                                       const struct variable *variable, struct ratls_slice digest,
                                       bool *ret_measured, struct ratls_error *err)
{
    bool is_authority = event->type == RATLS_EV_EFI_VARIABLE_AUTHORITY;
    struct ratls_slice data = event->data;

    if (variable->tail_len != 0 && !(is_authority && variable->tail_len == SHIM_TAIL_LEN)) {
        *ret_measured = false;
        return RATLS_OK;
    }
    if (variable->tail_len == SHIM_TAIL_LEN)
        data.len--;
    return compare_digest(boot, data, digest, ret_measured, err);
}

/*
 * Vendors measure texts of their own ("Security Level is Downgraded to 0"), which state nothing
 * here. Behind the separator anything else of that type may be an authority: the type is not
 * covered, and a variable has bytes of 0 in its lengths.
 */
static enum ratls_status note_text(struct ratls_boot *boot, const struct ratls_event *event,
                                   struct ratls_slice digest, struct ratls_error *err)
{
    bool is_text = event->data.len <= RATLS_BOOT_SHORT_MAX; /* longer ones a log may leave out */
    bool is_measured = false;
    enum ratls_status status = compare_digest(boot, event->data, digest, &is_measured, err);

    for (size_t i = 0; i < event->data.len; i++)
        is_text = is_text && event->data.p[i] >= ' ' && event->data.p[i] <= '~';
    if (status == RATLS_OK && !(is_text && is_measured) &&
        boot->phases[PCR_SECURE_BOOT].separators > 0)
        note_authority(boot, event, NULL, digest);
    return status;
}

enum ratls_status ratls_boot_variable_event(struct ratls_boot *boot,
                                            const struct ratls_event *event,
                                            struct ratls_slice digest, struct ratls_error *err)
{
    bool is_config = event->type == RATLS_EV_EFI_VARIABLE_DRIVER_CONFIG;
    bool is_authority = event->type == RATLS_EV_EFI_VARIABLE_AUTHORITY;
    bool is_measured = false;
    struct variable variable = {.tail_len = 0};
    enum ratls_status status = RATLS_OK;

    if (event->type == RATLS_EV_EFI_ACTION)
        return note_text(boot, event, digest, err);
    if (!is_config && !is_authority)
        doubt(boot, "event %zu of PCR 7 has type 0x%08x", event->number, event->type);
    else if (!check_order(boot, event, is_config))
        return RATLS_OK;
    else if (read_variable(event->data, &variable))
        status = find_measured(boot, event, &variable, digest, &is_measured, err);
    if (status != RATLS_OK)
        return status;
    if (is_authority)
        note_authority(boot, event, is_measured ? &variable : NULL, digest);
    if (!is_config)
        return RATLS_OK;
    boot->variable_count++;
    /* AuditMode, DeployedMode and others of newer firmware are not kept. */
    if (is_measured && find_variable(&variable) < RATLS_BOOT_VARIABLES)
        note_variable(boot, event, find_variable(&variable), variable.content, digest);
    return RATLS_OK;
}

/*
 * PFP, 3.3.4.8: SecureBoot, PK, KEK, db and dbx are measured in any case, also where they are
 * empty. Which is which cannot always be told, so they are counted.
 */
void ratls_boot_judge_secure_boot(struct ratls_boot *boot)
{
    const struct ratls_boot_phase *phase = &boot->phases[PCR_SECURE_BOOT];
    const struct ratls_boot_variable *secure_boot = &boot->variables[RATLS_BOOT_SECURE_BOOT];
    const struct ratls_boot_variable *pk = &boot->variables[RATLS_BOOT_PK];
    struct ratls_slice state = secure_boot->content;
    bool is_on = state.len == 1 && state.p[0] == 1;

    if (boot->why[0] != '\0')
        doubt(boot, "the log is refused");
    if (phase->separators != 1 || phase->errors != 0)
        doubt(boot, "PCR 7 has %zu separators, %zu of an error", phase->separators, phase->errors);
    if (!secure_boot->is_measured)
        doubt(boot, "SecureBoot was not measured");
    if (boot->variable_count < RATLS_BOOT_VARIABLES_REQUIRED)
        doubt(boot, "PCR 7 has %zu variables, SecureBoot, PK, KEK, db and dbx are %d",
              boot->variable_count, RATLS_BOOT_VARIABLES_REQUIRED);
    if (state.len > 1 || (state.len == 1 && state.p[0] > 1))
        doubt(boot, "SecureBoot is neither 0 nor 1");
    if (is_on && pk->is_measured && pk->content.len == 0)
        doubt(boot, "SecureBoot is 1 without a PK");
    if (boot->secure_boot_why[0] != '\0')
        return;
    /* Without content the variable is not there: such firmware has no Secure Boot. */
    boot->secure_boot = is_on ? RATLS_SECURE_BOOT_ON : RATLS_SECURE_BOOT_OFF;
}
