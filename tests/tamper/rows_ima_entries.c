/* What a machine really measured, and the policy does not allow: list and PCR 10 agree. */
#include <string.h>

#include "rows.h"
#include "scene_ima.h"

static void install(struct scene *scene)
{
    fake_ima_install(&scene->ima->list, scene->tpm);
}

static struct fake_ima *list_of(struct scene *scene)
{
    return &scene_ima(scene)->list;
}

static void measure(struct scene *scene, const char *path, uint8_t fill)
{
    fake_ima_file(list_of(scene), path, fill);
    install(scene);
}

/* --- ima.boot-aggregate -------------------------------------------------------------------- */

/* The list is of a boot with other firmware: PCR 9 was extended when it had begun. */
static void of_other_boot(struct scene *scene)
{
    (void)list_of(scene);
    fake_tpm_pcr(scene->tpm, RATLS_ALG_SHA256, 9)[0] ^= 1;
}

static void known_of_other_boot(struct scene *scene)
{
    (void)list_of(scene);
    scene_ima_know(scene, 3);
    fake_tpm_pcr(scene->tpm, RATLS_ALG_SHA256, 8)[0] ^= 1;
}

static void begin(struct scene *scene)
{
    (void)list_of(scene);
    fake_ima_begin(&scene->ima->list, RATLS_ALG_SHA1, RATLS_ALG_SHA256, RATLS_IMA_NATIVE);
}

static void without_boot(struct scene *scene)
{
    begin(scene);
    fake_ima_file(&scene->ima->list, "/usr/bin/ls", FILL_LS);
    install(scene);
}

static void weak_boot(struct scene *scene)
{
    begin(scene);
    fake_ima_boot(&scene->ima->list, scene->tpm, RATLS_ALG_SHA1);
    install(scene);
}

static void boot_of_other_bank(struct scene *scene)
{
    begin(scene);
    fake_ima_boot(&scene->ima->list, scene->tpm, RATLS_ALG_SHA384);
    install(scene);
}

/* kexec, to a kernel that something else was measured for. */
static void second_boot(struct scene *scene)
{
    uint8_t *pcr = fake_tpm_pcr(scene->tpm, RATLS_ALG_SHA256, 4);

    (void)list_of(scene);
    pcr[0] ^= 1;
    fake_ima_boot(&scene->ima->list, scene->tpm, RATLS_ALG_SHA256);
    pcr[0] ^= 1;
    install(scene);
}

/* --- ima.violations, ima.deny -------------------------------------------------------------- */

static void violate(struct scene *scene)
{
    fake_ima_violation(list_of(scene), "/usr/bin/ls");
    install(scene);
}

static void violate_where_excluded(struct scene *scene)
{
    fake_ima_violation(list_of(scene), "/var/log/messages");
    install(scene);
}

static void run_denied(struct scene *scene)
{
    measure(scene, "/usr/bin/bad", FILL_BAD);
}

static void run_denied_where_excluded(struct scene *scene)
{
    measure(scene, "/var/log/bad", FILL_BAD);
}

static void run_denied_and_signed(struct scene *scene)
{
    struct fake_ima *list = list_of(scene);

    fake_ima_signed(list, "/usr/sbin/bad", FILL_BAD, scene->ima->key);
    install(scene);
}

/* A module whose content without its signature is denied. */
static void load_denied_module(struct scene *scene)
{
    struct fake_bytes data = {0};

    fake_ima_digest(&data, "sha256:", FILL_LS, 32);
    fake_ima_path(&data, "/usr/bin/ls");
    fake_ima_field(&data, NULL, 0);
    fake_ima_digest(&data, "sha256:", FILL_BAD, 32);
    fake_ima_field(&data, "signature", 9);
    fake_ima_entry(list_of(scene), "ima-modsig", &data, false);
    install(scene);
}

/* --- ima.signature ------------------------------------------------------------------------- */

static void run_unsigned(struct scene *scene)
{
    measure(scene, "/usr/sbin/fsck", FILL_LS);
}

static void run_empty_signature(struct scene *scene)
{
    struct fake_ima *list = list_of(scene);

    fake_ima_signed(list, "/usr/sbin/fsck", FILL_LS, NULL);
    install(scene);
}

static void run_signed_by_stranger(struct scene *scene)
{
    struct fake_ima *list = list_of(scene);

    fake_ima_signed(list, "/usr/sbin/fsck", FILL_LS, scene->ima->stranger);
    install(scene);
}

static void run_signed_by_stranger_anywhere(struct scene *scene)
{
    struct fake_ima *list = list_of(scene);

    fake_ima_signed(list, "/opt/x", FILL_UNKNOWN, scene->ima->stranger);
    install(scene);
}

/* A signature by the right key, over another file. */
static void run_with_signature_of(struct scene *scene, const char *path, uint8_t version,
                                  uint8_t signed_fill)
{
    struct fake_bytes data = {0};

    fake_ima_digest(&data, "sha256:", FILL_UNKNOWN, 32);
    fake_ima_path(&data, path);
    (void)list_of(scene);
    fake_ima_signature(&data, scene->ima->key, version, signed_fill);
    fake_ima_entry(&scene->ima->list, "ima-sig", &data, false);
    install(scene);
}

static void run_with_signature_of_other(struct scene *scene)
{
    run_with_signature_of(scene, "/usr/sbin/fsck", 2, FILL_LS);
}

static void run_with_signature_of_verity(struct scene *scene)
{
    run_with_signature_of(scene, "/opt/x", 3, FILL_UNKNOWN);
}

/* --- ima.allow ----------------------------------------------------------------------------- */

static void run_unknown(struct scene *scene)
{
    measure(scene, "/opt/x", FILL_UNKNOWN);
}

static void run_changed(struct scene *scene)
{
    measure(scene, "/usr/bin/ls", FILL_UNKNOWN);
}

static void run_under_other_name(struct scene *scene)
{
    measure(scene, "/usr/bin/cat", FILL_LS);
}

static void run_unknown_under_long_name(struct scene *scene)
{
    char path[1000] = "/opt/";

    memset(path + 5, '\n', sizeof path - 6);
    measure(scene, path, FILL_UNKNOWN);
}

/* Beside the folder that is excluded. */
static void run_beside_excluded(struct scene *scene)
{
    measure(scene, "/var/logs/x", FILL_UNKNOWN);
}

static void run_hashed(struct scene *scene, const char *template, const char *prefix, size_t len)
{
    struct fake_bytes data = {0};

    fake_ima_digest(&data, prefix, FILL_LS, len);
    fake_ima_path(&data, "/usr/bin/ls");
    fake_ima_entry(list_of(scene), template, &data, false);
    install(scene);
}

static void run_sm3(struct scene *scene)
{
    run_hashed(scene, "ima-ng", "sm3:", 32);
}

static void run_sha3(struct scene *scene)
{
    run_hashed(scene, "ima-ng", "sha3-256:", 32);
}

static void run_sha1(struct scene *scene)
{
    run_hashed(scene, "ima-ng", "sha1:", 20);
}

static void run_verity(struct scene *scene)
{
    run_hashed(scene, "ima-ngv2", "verity:sha256:", 32);
}

static void put_buffer(struct scene *scene, const char *name, uint8_t fill)
{
    struct fake_bytes data = {0};

    fake_ima_digest(&data, "sha256:", fill, 32);
    fake_ima_path(&data, name);
    fake_ima_field(&data, "root=/dev/sda1", 14);
    fake_ima_entry(list_of(scene), "ima-buf", &data, false);
    install(scene);
}

static void load_key(struct scene *scene)
{
    put_buffer(scene, ".ima", FILL_KEXEC);
}

static void kexec_other(struct scene *scene)
{
    put_buffer(scene, "kexec-cmdline", FILL_UNKNOWN);
}

/* New since the list is known. */
static void run_unknown_later(struct scene *scene)
{
    (void)list_of(scene);
    scene_ima_know(scene, 3);
    fake_ima_file(&scene->ima->list, "/opt/x", FILL_UNKNOWN);
    fake_ima_file(&scene->ima->list, "/opt/y", FILL_UNKNOWN);
    install(scene);
}

static const struct row rows[] = {
    {.name = "a list of another boot",
     .check = RATLS_CHECK_IMA_BOOT_AGGREGATE,
     .after = of_other_boot,
     .at = "ima-list[1]"},
    {.name = "other PCRs than when the list became known",
     .check = RATLS_CHECK_IMA_BOOT_AGGREGATE,
     .after = known_of_other_boot,
     .at = "ima-list[1]"},
    {.name = "no boot_aggregate",
     .check = RATLS_CHECK_IMA_BOOT_AGGREGATE,
     .after = without_boot,
     .at = "ima-list[1]"},
    {.name = "a SHA-1 boot_aggregate", .check = RATLS_CHECK_IMA_BOOT_AGGREGATE, .after = weak_boot},
    {.name = "a boot_aggregate of another bank",
     .check = RATLS_CHECK_IMA_BOOT_AGGREGATE,
     .after = boot_of_other_bank},
    {.name = "kexec after another measurement",
     .check = RATLS_CHECK_IMA_BOOT_AGGREGATE,
     .after = second_boot,
     .at = "ima-list[4]"},
    {.name = "a violation",
     .check = RATLS_CHECK_IMA_VIOLATIONS,
     .after = violate,
     .at = "ima-list[4]",
     .actual = "/usr/bin/ls: written to while it was read, if this unauthenticated path is right"},
    {.name = "a violation of what would be excluded",
     .check = RATLS_CHECK_IMA_VIOLATIONS,
     .after = violate_where_excluded},
    {.name = "a denied file", .check = RATLS_CHECK_IMA_DENY, .after = run_denied},
    {.name = "a denied file where files are excluded",
     .check = RATLS_CHECK_IMA_DENY,
     .after = run_denied_where_excluded,
     .actual = "/var/log/bad has sha256:"
               "bdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbdbd"},
    {.name = "a denied file with a good signature",
     .check = RATLS_CHECK_IMA_DENY,
     .after = run_denied_and_signed},
    {.name = "a module that is denied without its signature",
     .check = RATLS_CHECK_IMA_DENY,
     .after = load_denied_module},
    {.name = "allowed, but the path needs a signature",
     .check = RATLS_CHECK_IMA_SIGNATURE,
     .after = run_unsigned,
     .at = "ima-list[4]",
     .actual = "/usr/sbin/fsck: the file has no signature"},
    {.name = "an empty signature",
     .check = RATLS_CHECK_IMA_SIGNATURE,
     .after = run_empty_signature},
    {.name = "a signature by another key",
     .check = RATLS_CHECK_IMA_SIGNATURE,
     .after = run_signed_by_stranger,
     .actual = "/usr/sbin/fsck: the signature is by a key that is not among the allowed ones"},
    {.name = "a signature by another key instead of a digest",
     .check = RATLS_CHECK_IMA_SIGNATURE,
     .after = run_signed_by_stranger_anywhere},
    {.name = "a signature of another file",
     .check = RATLS_CHECK_IMA_SIGNATURE,
     .after = run_with_signature_of_other,
     .actual = "/usr/sbin/fsck: the signature is not one over this digest by the key it names"},
    {.name = "a signature of another kind of digest",
     .check = RATLS_CHECK_IMA_SIGNATURE,
     .after = run_with_signature_of_verity},
    {.name = "an unknown file",
     .check = RATLS_CHECK_IMA_ALLOW,
     .after = run_unknown,
     .at = "ima-list[4]",
     .expected = "a file that is allowed, or signed: nothing is for this path"
                 "; what follows is authentic too",
     .actual = "/opt/x has sha256:"
               "9999999999999999999999999999999999999999999999999999999999999999"},
    {.name = "another content",
     .check = RATLS_CHECK_IMA_ALLOW,
     .after = run_changed,
     .expected = "allowed is 1515151515151515151515151515151515151515151515151515151515151515"
                 "; what follows is authentic too"},
    {.name = "allowed under another name",
     .check = RATLS_CHECK_IMA_ALLOW,
     .after = run_under_other_name},
    {.name = "a long name", .check = RATLS_CHECK_IMA_ALLOW, .after = run_unknown_under_long_name},
    {.name = "beside what is excluded",
     .check = RATLS_CHECK_IMA_ALLOW,
     .after = run_beside_excluded},
    {.name = "SM3 with the bytes of SHA-256", .check = RATLS_CHECK_IMA_ALLOW, .after = run_sm3},
    {.name = "SHA3 with the bytes of SHA-256", .check = RATLS_CHECK_IMA_ALLOW, .after = run_sha3},
    {.name = "SHA-1", .check = RATLS_CHECK_IMA_ALLOW, .after = run_sha1},
    {.name = "fs-verity with the bytes of SHA-256",
     .check = RATLS_CHECK_IMA_ALLOW,
     .after = run_verity},
    {.name = "a key for the kernel's keyring", .check = RATLS_CHECK_IMA_ALLOW, .after = load_key},
    {.name = "kexec with another command line",
     .check = RATLS_CHECK_IMA_ALLOW,
     .after = kexec_other},
    {.name = "an unknown file since the list is known",
     .check = RATLS_CHECK_IMA_ALLOW,
     .after = run_unknown_later,
     .at = "ima-list[4]"},
};

const struct rows rows_ima_entries = {rows, sizeof rows / sizeof rows[0]};
