/* A policy that allows a boot: each event's digest in a file of reference values for its PCR. */
#include <stdio.h>
#include <string.h>

#include "eventlog.h"
#include "fake_boot.h"
#include "fake_policy.h"
#include "must.h"
#include "pki.h"

#define LINE_LEN_MAX (2 * RATLS_DIGEST_MAX + 40)

static const char *const COMMANDS[] = {"set root=*", "/vmlinuz root=/dev/sda2 ro quiet",
                                       "initrd /boot/initrd.img"};

static bool is_kernel(const struct fake_event *event)
{
    return strncmp(event->name, "kernel", strlen("kernel")) == 0;
}

/* Neither what needs no rule, nor the certificates of signers. */
static bool is_listed(const struct fake_event *event)
{
    return event->type != RATLS_EV_SEPARATOR && event->type != RATLS_EV_EFI_ACTION &&
           event->type != RATLS_EV_NO_ACTION && strncmp(event->name, "by-", 3) != 0;
}

static size_t print_event(const struct fake_event *event, char *out, size_t cap)
{
    uint8_t digest[RATLS_DIGEST_MAX];
    char hex[2 * RATLS_DIGEST_MAX + 1];
    struct ratls_slice measured = ratls_slice(event->measured, event->measured_len);
    size_t len = fake_digest(RATLS_ALG_SHA256, measured, digest);

    ratls_hex(ratls_slice(digest, len), hex, sizeof hex);
    return (size_t)snprintf(out, cap, "%s  %s\n", hex, event->name);
}

/* The events of some PCRs as sha256sum writes them. */
static void set_references(struct fake_boot *boot, uint32_t pcrs, bool kernels,
                           struct ratls_references *ret_references)
{
    const size_t cap = FAKE_EVENTS_MAX * LINE_LEN_MAX;
    char *text = calloc(1, cap);
    struct ratls_error err = {0};
    size_t len = 0;

    ret_references->sets = calloc(1, sizeof *ret_references->sets);
    must(text != NULL && ret_references->sets != NULL);
    for (size_t i = 0; i < boot->count; i++) {
        const struct fake_event *event = &boot->events[i];

        if ((pcrs >> event->pcr & 1) != 0 && is_kernel(event) == kernels && is_listed(event))
            len += print_event(event, text + len, cap - len);
    }
    must(len > 0 && len < cap);
    ret_references->count = 1;
    if (ratls_refvals_parse("fake.sha256", ratls_slice(text, len), &ret_references->sets[0],
                            &err) != RATLS_OK) {
        fprintf(stderr, "%s\n", err.text);
        must(false);
    }
    free(text);
}

static void set_signers(const struct fake_boot *boot, struct ratls_boot_rules *rules)
{
    const X509 *certificates[] = {boot->platform, boot->vendor};

    rules->signers = calloc(2, sizeof *rules->signers);
    must(rules->signers != NULL);
    rules->signer_count = 2;
    for (size_t i = 0; i < 2; i++) {
        rules->signers[i].der = pki_der(certificates[i], &rules->signers[i].len);
        rules->signers[i].name = strdup(i == 0 ? "platform" : "vendor");
        must(rules->signers[i].name != NULL);
    }
}

static void set_command_lines(struct ratls_patterns *patterns, struct ratls_boot_lines *ret_exact)
{
    const size_t count = sizeof COMMANDS / sizeof *COMMANDS;

    patterns->items = calloc(count, sizeof *patterns->items);
    must(patterns->items != NULL);
    patterns->count = count;
    for (size_t i = 0; i < count; i++)
        must(ratls_pattern_init(RATLS_PATTERN_TEXT, ratls_slice(COMMANDS[i], strlen(COMMANDS[i])),
                                &patterns->items[i]) == NULL);
    must(ratls_boot_lines(patterns->items, count, RATLS_ALG_SHA256, ret_exact, NULL) == RATLS_OK);
}

void fake_boot_allow(struct fake_boot *boot, struct ratls_policy *policy)
{
    struct ratls_rules *rules = fake_policy_rules(policy);
    struct ratls_boot_rules *b = &rules->boot;

    fake_boot_forget(policy);
    fake_policy_no_pcrs(policy);
    rules->selection.count = 1;
    rules->selection.banks[0] = (struct ratls_pcr_bank){RATLS_ALG_SHA256, FAKE_BOOT_PCRS};
    *b = (struct ratls_boot_rules){.is_asked = true,
                                   .bank = RATLS_ALG_SHA256,
                                   .pcrs = FAKE_BOOT_PCRS,
                                   .secure_boot_required = true};
    set_signers(boot, b);
    set_references(boot, 1u << 7, false, &b->variables);
    set_references(boot, 1u << 4, false, &b->images);
    set_references(boot, 1u << 4 | 1u << 9, true, &b->kernels);
    set_references(boot, 1u << 0 | 1u << 2, false, &b->firmware);
    set_references(boot, 1u << 1 | 1u << 3, false, &b->settings);
    set_references(boot, 1u << 5, false, &b->partitions);
    set_command_lines(&b->command_lines, &b->exact_lines);
    set_references(boot, 1u << 9 | 1u << 11 | 1u << 13, false, &b->files);
    set_references(boot, 1u << 14, false, &b->owner_keys);
}

static void forget_references(struct ratls_references *references)
{
    for (size_t i = 0; i < references->count; i++)
        ratls_refvals_free(references->sets[i]);
    free(references->sets);
}

void fake_boot_forget(struct ratls_policy *policy)
{
    struct ratls_boot_rules *rules = &fake_policy_rules(policy)->boot;
    struct ratls_references *const all[] = {
        &rules->variables, &rules->images,     &rules->kernels, &rules->firmware,
        &rules->settings,  &rules->partitions, &rules->files,   &rules->owner_keys,
    };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        forget_references(all[i]);
    for (size_t i = 0; i < rules->signer_count; i++) {
        OPENSSL_free(rules->signers[i].der);
        free(rules->signers[i].name);
    }
    free(rules->signers);
    free(rules->command_lines.items);
    ratls_boot_lines_done(&rules->exact_lines);
    *rules = (struct ratls_boot_rules){.is_asked = false};
}
