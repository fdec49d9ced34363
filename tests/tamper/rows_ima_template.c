/*
 * What was measured by one template, and is shown by the name of another: no digest covers the
 * name, so list and PCR 10 agree.
 */
#include "rows.h"
#include "scene_ima.h"

static void show_as(struct scene *scene, const char *template, const struct fake_bytes *data)
{
    struct fake_ima *list = &scene_ima(scene)->list;

    fake_ima_entry(list, template, data, false);
    fake_ima_install(list, scene->tpm);
}

/* Measured as ima-ng, where files are excluded. */
static void hide_denied_digest(struct scene *scene)
{
    struct fake_bytes data = {0};

    fake_ima_digest(&data, "sha256:", FILL_BAD, 32);
    fake_ima_path(&data, "/var/log/bad");
    show_as(scene, "buf|n-ng", &data);
}

/* Measured as ima-buf, whose content who owns the machine chooses. */
static void take_path_from_buffer(struct scene *scene)
{
    struct fake_bytes data = {0};

    fake_ima_digest(&data, "sha256:", FILL_UNKNOWN, 32);
    fake_ima_path(&data, "kexec-cmdline");
    fake_ima_path(&data, "/var/log/x init=/bin/sh");
    show_as(scene, "d-ng|buf|n-ng", &data);
}

/* Measured as ima-modsig, where files are excluded. */
static void hide_denied_module(struct scene *scene)
{
    struct fake_bytes data = {0};

    fake_ima_digest(&data, "sha256:", FILL_UNKNOWN, 32);
    fake_ima_path(&data, "/var/log/bad.ko");
    fake_ima_field(&data, NULL, 0);
    fake_ima_digest(&data, "sha256:", FILL_BAD, 32);
    fake_ima_field(&data, "signature", 9);
    show_as(scene, "d-ng|n-ng|sig|buf|modsig", &data);
}

static void run_without_path(struct scene *scene)
{
    struct fake_bytes data = {0};

    fake_ima_digest(&data, "sha256:", FILL_LS, 32);
    show_as(scene, "d-ng", &data);
}

static void run_without_digest(struct scene *scene)
{
    struct fake_bytes data = {0};

    fake_ima_path(&data, "/usr/bin/ls");
    show_as(scene, "n-ng", &data);
}

static const struct row rows[] = {
    {.name = "a denied digest by another name",
     .check = RATLS_CHECK_IMA_FORMAT,
     .after = hide_denied_digest,
     .at = "ima-list[4]",
     .expected = "fields as the kernel's templates have them"
                 "; what follows is authentic too",
     .actual = "/var/log/bad: its template does not begin with digest and path"},
    {.name = "a path that was a command line",
     .check = RATLS_CHECK_IMA_FORMAT,
     .after = take_path_from_buffer,
     .at = "ima-list[4]"},
    {.name = "a denied module by another name",
     .check = RATLS_CHECK_IMA_FORMAT,
     .after = hide_denied_module,
     .at = "ima-list[4]",
     .actual = "/var/log/bad.ko: a digest is in a field that has none"},
    {.name = "no path",
     .check = RATLS_CHECK_IMA_FORMAT,
     .also = BIT(IMA_ALLOW),
     .after = run_without_path},
    {.name = "no digest",
     .check = RATLS_CHECK_IMA_FORMAT,
     .also = BIT(IMA_ALLOW),
     .after = run_without_digest},
};

const struct rows rows_ima_template = {rows, sizeof rows / sizeof rows[0]};
