/* The events of a good boot, its log and its PCR values. The policy is in fake_boot_rules.c. */
#include "fake_boot.h"

#include <stdio.h>
#include <string.h>

#include "eventlog.h"
#include "must.h"
#include "pki.h"

#define BANK RATLS_ALG_SHA256
#define DIGEST_LEN 32
#define LOCALITY 3
#define PCR_UKI 11

/* Data and its length: both may have bytes of 0. */
#define BYTES(text) text, sizeof(text) - 1

#define GLOBAL_GUID "\x61\xdf\xe4\x8b\xca\x93\xd2\x11\xaa\x0d\x00\xe0\x98\x03\x2b\x8c"
#define DEVICE_PATH                                                                                \
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x12\0\0\0\0\0\0\0\x04\x04\x0e\0\\\0a\0.\0"   \
    "e\0\0\0\x7f\xff\x04\0"
#define COMMAND_LINE "root=/dev/sda2 ro quiet"

/* measured == NULL: the data. */
static const struct {
    const char *name;
    uint32_t pcr;
    uint32_t type;
    const char *data;
    size_t data_len;
    const char *measured;
} FIRMWARE[] = {
    {"locality", 0, RATLS_EV_NO_ACTION, BYTES("StartupLocality\0\x03"), NULL},
    {"crtm-version", 0, RATLS_EV_S_CRTM_VERSION, BYTES("1\0.\0002\0\0\0"), NULL},
    {"firmware-volume", 0, RATLS_EV_EFI_PLATFORM_FIRMWARE_BLOB2,
     BYTES("\x03PEI\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), "firmware volume PEI"},
    {"setting", 1, RATLS_EV_EFI_VARIABLE_BOOT, BYTES("BootOrder"), NULL},
    {"option-rom", 2, RATLS_EV_EFI_BOOT_SERVICES_DRIVER, BYTES(DEVICE_PATH), "option ROM"},
    {"driver-setting", 3, RATLS_EV_EFI_VARIABLE_BOOT, BYTES("driver setting"), NULL},
    {"calling", 4, RATLS_EV_EFI_ACTION, BYTES("Calling EFI Application from Boot Option"), NULL},
};

static const struct {
    const char *name;
    uint32_t pcr;
    uint32_t type;
    const char *data;
    size_t data_len;
    const char *measured;
    size_t measured_len;
} LOADERS[] = {
    {"gpt", 5, RATLS_EV_EFI_GPT_EVENT, BYTES("EFI PART"), BYTES("EFI PART")},
    {"shim", 4, RATLS_EV_EFI_BOOT_SERVICES_APPLICATION, BYTES(DEVICE_PATH), BYTES("shim")},
    {"mok-list", 14, RATLS_EV_IPL, BYTES("MokList\0"), BYTES("list of keys")},
    {"grub", 4, RATLS_EV_EFI_BOOT_SERVICES_APPLICATION, BYTES(DEVICE_PATH), BYTES("GRUB")},
    {"grub-cfg", 9, RATLS_EV_IPL, BYTES("/boot/grub/grub.cfg\0"), BYTES("grub.cfg")},
    {"grub-command", 8, RATLS_EV_IPL, BYTES("grub_cmd: set root=hd0\0"), BYTES("set root=hd0")},
    {"kernel-file", 9, RATLS_EV_IPL, BYTES("/boot/vmlinuz\0"), BYTES("kernel as a file")},
    {"kernel", 4, RATLS_EV_EFI_BOOT_SERVICES_APPLICATION, BYTES(DEVICE_PATH), BYTES("kernel")},
    {"initrd", 9, RATLS_EV_IPL, BYTES("/boot/initrd.img\0"), BYTES("initrd")},
    {"command-line", 8, RATLS_EV_IPL, BYTES("kernel_cmdline: /vmlinuz " COMMAND_LINE "\0"),
     BYTES("/vmlinuz " COMMAND_LINE)},
    {"section", PCR_UKI, RATLS_EV_IPL, BYTES(".\0o\0s\0r\0e\0l\0\0\0"), BYTES(".osrel")},
    {"exit", 5, RATLS_EV_EFI_ACTION, BYTES("Exit Boot Services Invocation"),
     BYTES("Exit Boot Services Invocation")},
    {"exit-success", 5, RATLS_EV_EFI_ACTION, BYTES("Exit Boot Services Returned with Success"),
     BYTES("Exit Boot Services Returned with Success")},
};

static const char *const PHASES[] = {"enter-initrd", "leave-initrd", "sysinit", "ready"};

void fake_event_data(struct fake_event *event, const void *p, size_t len)
{
    must(len <= sizeof event->data);
    if (len > 0)
        memcpy(event->data, p, len);
    event->data_len = len;
}

void fake_event_measured(struct fake_event *event, const void *p, size_t len)
{
    must(len <= sizeof event->measured);
    memcpy(event->measured, p, len);
    event->measured_len = len;
}

static size_t find_event(const struct fake_boot *boot, const char *name)
{
    size_t i = 0;

    while (i < boot->count && strcmp(boot->events[i].name, name) != 0)
        i++;
    must(i < boot->count);
    return i;
}

struct fake_event *fake_boot_event(struct fake_boot *boot, const char *name)
{
    return &boot->events[find_event(boot, name)];
}

struct fake_event *fake_boot_insert(struct fake_boot *boot, const char *before, const char *name,
                                    uint32_t pcr, uint32_t type, struct ratls_slice data)
{
    size_t at = before == NULL ? boot->count : find_event(boot, before);
    struct fake_event *event = &boot->events[at];

    must(boot->count < FAKE_EVENTS_MAX);
    memmove(event + 1, event, (boot->count - at) * sizeof *event);
    boot->count++;
    *event = (struct fake_event){.pcr = pcr, .type = type};
    snprintf(event->name, sizeof event->name, "%s", name);
    fake_event_data(event, data.p, data.len);
    fake_event_measured(event, data.p, data.len);
    return event;
}

void fake_boot_remove(struct fake_boot *boot, const char *name)
{
    size_t at = find_event(boot, name);

    boot->count--;
    memmove(&boot->events[at], &boot->events[at + 1], (boot->count - at) * sizeof boot->events[at]);
}

static void write_le(struct ratls_writer *w, uint64_t value, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ratls_write_u8(w, (uint8_t)(value >> 8 * i));
}

size_t fake_variable(const char *name, struct ratls_slice content, uint8_t *out)
{
    struct ratls_writer w = ratls_writer(out, FAKE_EVENT_MAX);

    ratls_write_bytes(&w, ratls_slice(GLOBAL_GUID, 16));
    write_le(&w, strlen(name), 8);
    write_le(&w, content.len, 8);
    for (size_t i = 0; name[i] != '\0'; i++)
        write_le(&w, (uint8_t)name[i], 2);
    ratls_write_bytes(&w, content);
    must(!w.failed);
    return w.len;
}

static void add_variable(struct fake_boot *boot, const char *name, const char *variable,
                         struct ratls_slice content, uint32_t type)
{
    uint8_t data[FAKE_EVENT_MAX];
    size_t len = fake_variable(variable, content, data);

    fake_boot_insert(boot, NULL, name, 7, type, ratls_slice(data, len));
}

static void add_firmware(struct fake_boot *boot)
{
    static const char *const variables[] = {"PK", "KEK", "db", "dbx"};

    for (size_t i = 0; i < sizeof FIRMWARE / sizeof *FIRMWARE; i++) {
        struct fake_event *event =
            fake_boot_insert(boot, NULL, FIRMWARE[i].name, FIRMWARE[i].pcr, FIRMWARE[i].type,
                             ratls_slice(FIRMWARE[i].data, FIRMWARE[i].data_len));

        if (FIRMWARE[i].measured != NULL)
            fake_event_measured(event, FIRMWARE[i].measured, strlen(FIRMWARE[i].measured));
    }
    add_variable(boot, "SecureBoot", "SecureBoot", ratls_slice("\x01", 1),
                 RATLS_EV_EFI_VARIABLE_DRIVER_CONFIG);
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        add_variable(boot, variables[i], variables[i],
                     ratls_slice(variables[i], strlen(variables[i])),
                     RATLS_EV_EFI_VARIABLE_DRIVER_CONFIG);
    for (uint32_t pcr = 0; pcr < 8; pcr++) {
        char name[sizeof boot->events[0].name];

        snprintf(name, sizeof name, "separator-%u", pcr);
        fake_boot_insert(boot, NULL, name, pcr, RATLS_EV_SEPARATOR, ratls_slice("\0\0\0\0", 4));
    }
}

/* EFI_SIGNATURE_DATA as the firmware measures it, or the certificate alone, as shim does. */
static void add_authority(struct fake_boot *boot, const char *name, const char *variable,
                          const X509 *certificate, bool has_owner)
{
    uint8_t content[FAKE_EVENT_MAX] = {0};
    struct ratls_writer w = ratls_writer(content, sizeof content);
    size_t len;
    uint8_t *der = pki_der(certificate, &len);

    if (has_owner)
        ratls_write_bytes(&w, ratls_slice("owner of the key", 16));
    ratls_write_bytes(&w, ratls_slice(der, len));
    must(!w.failed);
    OPENSSL_free(der);
    add_variable(boot, name, variable, ratls_slice(content, w.len),
                 RATLS_EV_EFI_VARIABLE_AUTHORITY);
}

static void add_loaders(struct fake_boot *boot)
{
    add_authority(boot, "by-platform", "db", boot->platform, true);
    add_variable(boot, "sbat-level", "SbatLevel", ratls_slice("sbat,1,2021030218\n", 18),
                 RATLS_EV_EFI_VARIABLE_AUTHORITY);
    add_authority(boot, "by-vendor", "Shim", boot->vendor, false);
    for (size_t i = 0; i < sizeof LOADERS / sizeof *LOADERS; i++) {
        struct fake_event *event =
            fake_boot_insert(boot, NULL, LOADERS[i].name, LOADERS[i].pcr, LOADERS[i].type,
                             ratls_slice(LOADERS[i].data, LOADERS[i].data_len));

        fake_event_measured(event, LOADERS[i].measured, LOADERS[i].measured_len);
    }
}

struct fake_boot *fake_boot_new(void)
{
    struct fake_boot *boot = calloc(1, sizeof *boot);
    EVP_PKEY *key = pki_key(PKI_P256);

    must(boot != NULL);
    boot->platform = pki_ca("platform", key, NULL, NULL);
    boot->vendor = pki_ca("vendor", key, NULL, NULL);
    EVP_PKEY_free(key);
    boot->phases = 2;
    add_firmware(boot);
    add_loaders(boot);
    return boot;
}

void fake_boot_free(struct fake_boot *boot)
{
    if (boot == NULL)
        return;
    X509_free(boot->platform);
    X509_free(boot->vendor);
    free(boot);
}

static void extend(struct fake_tpm *tpm, uint32_t pcr, struct ratls_slice measured)
{
    uint8_t both[2 * DIGEST_LEN];
    uint8_t *value = fake_tpm_pcr(tpm, BANK, pcr);

    memcpy(both, value, DIGEST_LEN);
    fake_digest(BANK, measured, both + DIGEST_LEN);
    fake_digest(BANK, ratls_slice(both, sizeof both), value);
}

void fake_boot_extend(const struct fake_boot *boot, struct fake_tpm *tpm)
{
    for (unsigned pcr = 0; pcr < 16; pcr++)
        memset(fake_tpm_pcr(tpm, BANK, pcr), 0, DIGEST_LEN);
    fake_tpm_pcr(tpm, BANK, 0)[DIGEST_LEN - 1] = LOCALITY;
    for (size_t i = 0; i < boot->count; i++) {
        const struct fake_event *event = &boot->events[i];

        if (event->type != RATLS_EV_NO_ACTION)
            extend(tpm, event->pcr, ratls_slice(event->measured, event->measured_len));
    }
    for (size_t i = 0; i < boot->phases; i++)
        extend(tpm, PCR_UKI, ratls_slice(PHASES[i], strlen(PHASES[i])));
}

/* PFP, 10.4.5.1: the header, with SHA-256 alone. */
static void write_header(struct ratls_writer *w)
{
    static const uint8_t spec_id[] = "Spec ID Event03\0\0\0\0\0\0\x02\0\x02\x01\0\0\0\x0b\0\x20\0";

    write_le(w, 0, 4);
    write_le(w, RATLS_EV_NO_ACTION, 4);
    for (int i = 0; i < 20; i++)
        ratls_write_u8(w, 0);
    write_le(w, sizeof spec_id, 4); /* its last byte is the length of the vendor's information */
    ratls_write_bytes(w, ratls_slice(spec_id, sizeof spec_id));
}

struct ratls_slice fake_boot_log(struct fake_boot *boot)
{
    struct ratls_writer w = ratls_writer(boot->log, sizeof boot->log);

    write_header(&w);
    for (size_t i = 0; i < boot->count; i++) {
        const struct fake_event *event = &boot->events[i];
        uint8_t digest[DIGEST_LEN] = {0};

        if (event->type != RATLS_EV_NO_ACTION)
            fake_digest(BANK, ratls_slice(event->measured, event->measured_len), digest);
        write_le(&w, event->pcr, 4);
        write_le(&w, event->type, 4);
        write_le(&w, 1, 4);
        write_le(&w, BANK, 2);
        ratls_write_bytes(&w, ratls_slice(digest, sizeof digest));
        write_le(&w, event->data_len, 4);
        ratls_write_bytes(&w, ratls_slice(event->data, event->data_len));
    }
    must(!w.failed);
    boot->log_len = w.len;
    if (boot->edit != NULL)
        boot->edit(boot);
    return ratls_slice(boot->log, boot->log_len);
}
