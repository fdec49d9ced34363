/*
 * A policy that a person could have written, in YAML with files beside it, and the logs of a
 * machine: accepted, and with one thing in the policy changed refused by the check of its key.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eventlog.h"
#include "fake_boot.h"
#include "policy_folder.h"
#include "policy_load.h"
#include "scene_ima.h"

TestSuite(policy_logs, .init = policy_folder_enter, .fini = policy_folder_leave);

static const char HEAD[] = "policy: ratls-1\n"
                           "servers: [" SCENE_SERVER "]\n"
                           "attestation-keys: [{name: %s}]\n";

static const char LOGS[] = "boot:\n"
                           "  signers: [signers.pem]\n"
                           "  variables: [variables]\n"
                           "  images: [images]\n"
                           "  kernels: [kernels]\n"
                           "  firmware: [firmware]\n"
                           "  settings: [settings]\n"
                           "  partitions: [partitions]\n"
                           "  command-lines: [command-lines]\n"
                           "  files: [files]\n"
                           "  owner-keys: [owner-keys]\n"
                           "ima:\n"
                           "  allow: [programs]\n"
                           "  deny: [denied]\n"
                           "  signed-by: [ima.pem]\n"
                           "  signature-required: ['/usr/sbin/**']\n"
                           "  exclude: ['/var/log/**']\n"
                           "  violations: allow\n";

/* The events of some PCRs, as `sha256sum` would write them. */
static void write_events(const struct fake_boot *boot, const char *path, uint32_t pcrs,
                         bool kernels)
{
    FILE *f = fopen(path, "w");

    cr_assert(ne(ptr, f, NULL));
    for (size_t i = 0; i < boot->count; i++) {
        const struct fake_event *event = &boot->events[i];
        uint8_t digest[RATLS_DIGEST_MAX];
        char hex[2 * RATLS_DIGEST_MAX + 1];

        if ((pcrs >> event->pcr & 1) == 0 || event->type == RATLS_EV_SEPARATOR ||
            event->type == RATLS_EV_NO_ACTION || strncmp(event->name, "by-", 3) == 0 ||
            (strncmp(event->name, "kernel", 6) == 0) != kernels)
            continue;
        cr_assert(eq(int,
                     ratls_sha256(ratls_slice(event->measured, event->measured_len), digest, NULL),
                     RATLS_OK));
        ratls_hex(ratls_slice(digest, 32), hex, sizeof hex);
        cr_assert(gt(int, fprintf(f, "%s  %s\n", hex, event->name), 0));
    }
    cr_assert(eq(int, fclose(f), 0));
}

static void write_certificates(const char *path, X509 *first, X509 *second)
{
    FILE *f = fopen(path, "w");

    cr_assert(ne(ptr, f, NULL));
    cr_assert(PEM_write_X509(f, first) == 1 && (second == NULL || PEM_write_X509(f, second) == 1));
    cr_assert(eq(int, fclose(f), 0));
}

static void write_signer(const char *path, EVP_PKEY *key)
{
    struct pki_spec spec = {.subject = "IMA", .key = key};
    X509 *certificate = pki_certificate(&spec);

    pki_write_certificate(path, certificate);
    X509_free(certificate);
}

#define HEX16(digits) digits digits digits digits digits digits digits digits
#define HEX64(digits) HEX16(digits) HEX16(digits) HEX16(digits) HEX16(digits)

/* A signed program, a log, and a file that was written to while it was measured. */
static void write_programs(struct scene *scene)
{
    struct scene_ima *ima = scene->ima;

    fake_ima_signed(&ima->list, "/usr/sbin/tool", FILL_UNKNOWN, ima->key);
    fake_ima_file(&ima->list, "/var/log/journal/x", FILL_UNKNOWN);
    fake_ima_violation(&ima->list, "/var/log/y");
    fake_ima_install(&ima->list, scene->tpm);
    write_signer("ima.pem", ima->key);
    write_signer("stranger.pem", ima->stranger);
    policy_folder_write("programs", HEX64("15") "  /usr/bin/ls\n" HEX64("ca") "  /usr/bin/cat\n");
    policy_folder_write("moved", HEX64("15") "  /usr/bin/cat\n" HEX64("ca") "  /usr/bin/ls\n");
    policy_folder_write("denied", HEX64("bd") "  bad\n");
}

static void write_files(const struct fake_boot *boot)
{
    write_certificates("signers.pem", boot->platform, boot->vendor);
    write_certificates("platform.pem", boot->platform, NULL);
    write_events(boot, "variables", 1u << 7, false);
    write_events(boot, "images", 1u << 4, false);
    write_events(boot, "kernels", 1u << 4 | 1u << 9, true);
    write_events(boot, "firmware", 1u << 0 | 1u << 2, false);
    write_events(boot, "settings", 1u << 1 | 1u << 3, false);
    write_events(boot, "partitions", 1u << 5, false);
    write_events(boot, "files", 1u << 9 | 1u << 11 | 1u << 13, false);
    write_events(boot, "owner-keys", 1u << 14, false);
    policy_folder_write("command-lines", "set root=*\n/vmlinuz root=/dev/sda2 ro quiet\n");
    policy_folder_write("wild-lines", "**a**\n*\nset root=*\n/vmlinuz ** quiet\n");
    policy_folder_write("other-lines", "set root=*\n/vmlinuz root=/dev/sda2 ro\n");
}

/* HEAD and LOGS, with one text in it replaced. */
static struct ratls_policy *load(const struct scene *scene, const char *from, const char *to)
{
    uint8_t name[RATLS_TPM_NAME_MAX];
    char hex[2 * RATLS_TPM_NAME_MAX + 1], text[2048];
    const char *place = strstr(LOGS, from);
    struct ratls_policy *policy = NULL;
    struct ratls_error err = {0};
    size_t len;

    cr_assert(ne(ptr, (void *)place, NULL), "%s", from);
    ratls_hex(ratls_slice(name, fake_tpm_name(scene->tpm, name)), hex, sizeof hex);
    len = (size_t)snprintf(text, sizeof text, HEAD, hex);
    snprintf(text + len, sizeof text - len, "%.*s%s%s", (int)(place - LOGS), LOGS, to,
             place + strlen(from));
    cr_assert(eq(int, ratls_policy_parse("p.yaml", ratls_slice(text, strlen(text)), &policy, &err),
                 RATLS_OK),
              "%s", err.text);
    return policy;
}

struct change {
    const char *from;
    const char *to;
    const char *check; /* the first that fails; NULL: accepted */
};

static const struct change changes[] = {
    {"boot:", "boot:", NULL},
    {"[images]", "[signed]", NULL},
    {"[images]", "[kernels, images]", NULL},
    {"[command-lines]", "[wild-lines]", NULL},
    {"  settings: [settings]\n", "", NULL},
    {"  variables: [variables]\n", "", "boot.signers"}, /* SbatLevel is no certificate */
    {"  signers: [signers.pem]\n", "  secure-boot: ignored\n", "boot.signers"},
    {"signers.pem", "platform.pem", "boot.signers"},
    {"[variables]", "[a.sha256]", "boot.variables"},
    {"[images]", "[a.sha256]", "boot.images"},
    {"[kernels]", "[a.sha256]", "boot.images"},
    {"images: [images]\n  kernels: [kernels]", "images: [kernels, images]\n  kernels: [a.sha256]",
     "boot.kernel"},
    {"[firmware]", "[a.sha256]", "boot.firmware"},
    {"[settings]", "[a.sha256]", "boot.settings"},
    {"[partitions]", "[a.sha256]", "boot.partitions"},
    {"[command-lines]", "[other-lines]", "boot.command-line"},
    {"[files]", "[a.sha256]", "boot.files"},
    {"[owner-keys]", "[a.sha256]", "boot.owner-keys"},
    {"violations: allow", "violations: allow\n  sync: never\n  extend: native", NULL},
    {"'/usr/sbin/**'", "'/usr/sbin/*', /usr/lib/x", NULL},
    {"  signature-required: ['/usr/sbin/**']\n", "", NULL},
    {"violations: allow", "violations: allow\n  extend: padded", "ima.replay"},
    {"violations: allow", "violations: refuse", "ima.violations"},
    {"  violations: allow\n", "", "ima.violations"},
    {"[denied]", "[denied, programs]", "ima.deny"},
    {"ima.pem", "stranger.pem", "ima.signature"},
    {"'/usr/sbin/**'", "'/usr/**'", "ima.signature"},
    {"[programs]", "[a.sha256]", "ima.allow"},
    {"[programs]", "[moved]", "ima.allow"},
    {"'/var/log/**'", "'/var/log/*'", "ima.allow"},
    {"  exclude: ['/var/log/**']\n", "", "ima.allow"},
};

static void expect_verdict(struct scene *scene, const struct change *change)
{
    struct ratls_rules *fake = scene->rules;
    struct ratls_policy *policy = load(scene, change->from, change->to);
    struct fake_draft *draft;
    struct ratls_report *report;
    struct ratls_finding finding = {.check = "none", .expected = "", .actual = ""};

    scene->rules = &policy->rules[0];
    draft = scene_attest(scene, NULL, NULL);
    report = scene_appraise(scene, draft->wire, draft->wire_len);
    ratls_report_first_failure(report, &finding);
    cr_expect(
        eq(str, (char *)finding.check, (char *)(change->check == NULL ? "none" : change->check)),
        "%s -> %s: expected %s, saw %s", change->from, change->to, finding.expected,
        finding.actual);
    cr_expect(eq(int, ratls_report_accepted(report), change->check == NULL));
    ratls_report_free(report);
    free(draft);
    ratls_policy_free(policy);
    scene->rules = fake;
}

Test(policy_logs, what_the_files_say_is_what_is_allowed)
{
    struct scene scene;

    scene_open(&scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_boot(&scene);
    scene_ima(&scene);
    write_files(scene.boot);
    write_programs(&scene);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        expect_verdict(&scene, &changes[i]);
    scene_close(&scene);
}
