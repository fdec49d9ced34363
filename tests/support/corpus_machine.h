/*
 * A machine of the corpus: the log of its boot, whole and in compact form, and a policy made of the
 * log that allows its events and nothing else.
 */
#ifndef RATLS_TEST_CORPUS_MACHINE_H
#define RATLS_TEST_CORPUS_MACHINE_H

#include <dirent.h>
#include <stdio.h>

#include "boot.h"
#include "boot_compact.h"
#include "boot_text.h"
#include "corpus.h"
#include "rules.h"

#define MACHINE_BANK RATLS_ALG_SHA256
#define MACHINE_FILES (1u << 9 | 1u << 11 | 1u << 13)
#define MACHINE_TEXTS (1u << 8 | 1u << 12)
#define MACHINE_TEXT_MAX (512u * 1024)

/* A log, and the rules that were made of it. */
struct machine {
    char id[NAME_MAX];
    struct octets log;
    struct octets compact;
    struct ratls_boot boot;
    struct ratls_rules rules;
    struct ratls_hasher hasher;
    char *text; /* of the rules: lists and command lines */
    size_t text_len;
};

static inline char *machine_add_text(struct machine *machine, const void *p, size_t len)
{
    char *at = machine->text + machine->text_len;

    cr_assert_lt(machine->text_len + len, MACHINE_TEXT_MAX);
    memcpy(at, p, len);
    machine->text_len += len;
    return at;
}

static inline void machine_add_digest(struct machine *machine, struct ratls_slice digest)
{
    char line[2 * 32 + 4];

    ratls_hex(digest, line, sizeof line);
    memcpy(line + 64, "  x\n", 4);
    machine_add_text(machine, line, sizeof line);
}

static inline bool machine_is_authority(const struct machine *machine, size_t number)
{
    const struct ratls_boot *boot = &machine->boot;

    for (size_t i = 0; i < boot->authority_count; i++)
        if (boot->authorities[i].event == number && boot->authorities[i].certificate.len > 0)
            return true;
    return false;
}

static inline void machine_walk(struct octets log, struct ratls_eventlog *ret_log)
{
    cr_assert(ratls_eventlog_open(octets_slice(log), RATLS_EVENTLOG_STRICT, ret_log));
}

/* The digests of all events of some PCRs, but signers'. None if there are none. */
static inline void machine_set_references(struct machine *machine, uint32_t pcrs,
                                          struct ratls_references *ret_references)
{
    size_t begin = machine->text_len;
    struct ratls_eventlog log;
    struct ratls_event event;
    size_t index;

    machine_walk(machine->log, &log);
    index = ratls_eventlog_find_alg(&log, MACHINE_BANK);
    while (ratls_eventlog_next(&log, &event))
        if (event.type != RATLS_EV_NO_ACTION && (pcrs >> event.pcr & 1) != 0 &&
            !machine_is_authority(machine, event.number))
            machine_add_digest(machine, event.digests[index]);
    if (machine->text_len == begin)
        return;
    ret_references->sets = calloc(1, sizeof *ret_references->sets);
    ret_references->count = 1;
    cr_assert_eq(ratls_refvals_parse("corpus",
                                     ratls_slice(machine->text + begin, machine->text_len - begin),
                                     &ret_references->sets[0], NULL),
                 RATLS_OK);
}

static inline void machine_set_signers(struct machine *machine)
{
    const struct ratls_boot *boot = &machine->boot;
    struct ratls_boot_rules *rules = &machine->rules.boot;

    rules->signers = calloc(RATLS_BOOT_AUTHORITIES_MAX, sizeof *rules->signers);
    cr_assert_not_null(rules->signers);
    for (size_t i = 0; i < boot->authority_count; i++) {
        struct ratls_slice der = boot->authorities[i].certificate;
        struct octets copy;

        if (der.len == 0)
            continue;
        copy = octets_copy(der.p, der.len);
        rules->signers[rules->signer_count].der = copy.p;
        rules->signers[rules->signer_count++].len = copy.len;
    }
}

/* Every text, exactly. */
static inline void machine_set_command_lines(struct machine *machine)
{
    struct ratls_patterns *patterns = &machine->rules.boot.command_lines;
    struct ratls_eventlog log;
    struct ratls_event event;
    size_t index;

    patterns->items = calloc(RATLS_EVENTLOG_EVENTS_MAX, sizeof *patterns->items);
    cr_assert_not_null(patterns->items);
    machine_walk(machine->log, &log);
    index = ratls_eventlog_find_alg(&log, MACHINE_BANK);
    while (ratls_eventlog_next(&log, &event)) {
        struct ratls_boot_text text;
        char utf8[16384];
        size_t len;

        cr_assert_eq(ratls_boot_text(&machine->hasher, &event, event.digests[index], &text, NULL),
                     RATLS_OK);
        if (text.is_measured && ratls_boot_text_utf8(&text, utf8, sizeof utf8, &len))
            patterns->items[patterns->count++] = ratls_pattern_exact(
                RATLS_PATTERN_TEXT, ratls_slice(machine_add_text(machine, utf8, len), len));
    }
    cr_assert_eq(ratls_boot_lines(patterns->items, patterns->count, MACHINE_BANK,
                                  &machine->rules.boot.exact_lines, NULL),
                 RATLS_OK);
}

/* Of what was not measured a policy cannot ask: that is so on many machines. */
static inline uint32_t machine_pcrs(const struct ratls_boot *boot)
{
    uint32_t pcrs = 1u << 0 | 1u << 1 | 1u << 2 | 1u << 3 | 1u << 7 | 1u << 14;
    uint32_t measured = 0;

    for (unsigned pcr = 0; pcr < RATLS_PCR_COUNT; pcr++)
        if (boot->replay.pcrs[pcr].events > 0)
            measured |= 1u << pcr;
    pcrs |= (measured & MACHINE_FILES) != 0 ? MACHINE_FILES : 0;
    pcrs |= (measured & MACHINE_TEXTS) != 0 ? MACHINE_TEXTS : 0;
    pcrs |= boot->image_count > 0 ? 1u << 4 : 0;
    pcrs |= boot->has_exit_success ? 1u << 5 : 0;
    return pcrs;
}

static inline void machine_set_rules(struct machine *machine)
{
    struct ratls_rules *rules = &machine->rules;
    struct ratls_boot_rules *boot = &rules->boot;

    boot->is_asked = true;
    boot->bank = MACHINE_BANK;
    boot->pcrs = machine_pcrs(&machine->boot);
    rules->selection.count = 1;
    rules->selection.banks[0] = (struct ratls_pcr_bank){MACHINE_BANK, boot->pcrs};
    boot->secure_boot_required = machine->boot.secure_boot == RATLS_SECURE_BOOT_ON;
    machine_set_signers(machine);
    machine_set_references(machine, 1u << 7, &boot->variables);
    machine_set_references(machine, 1u << 4, &boot->images);
    machine_set_references(machine, 1u << 0 | 1u << 2, &boot->firmware);
    machine_set_references(machine, 1u << 1 | 1u << 3, &boot->settings);
    machine_set_references(machine, 1u << 5, &boot->partitions);
    machine_set_references(machine, 1u << 9 | 1u << 11 | 1u << 13, &boot->files);
    machine_set_references(machine, 1u << 14, &boot->owner_keys);
    machine_set_command_lines(machine);
}

/* False if the strict walk does not take it, or it has not the bank. */
static inline bool machine_open(const char *file, struct machine *machine)
{
    char name[PATH_MAX / 2];
    struct ratls_eventlog log;

    memset(machine, 0, sizeof *machine);
    snprintf(machine->id, sizeof machine->id, "%.*s", (int)(strlen(file) - strlen(".bin")), file);
    snprintf(name, sizeof name, "eventlogs/%s", file);
    machine->log = corpus_read(name);
    if (ratls_boot_compact(octets_slice(machine->log), MACHINE_BANK, &machine->compact.p,
                           &machine->compact.len, NULL) != RATLS_OK) {
        free(machine->log.p);
        return false;
    }
    machine_walk(machine->log, &log);
    cr_assert_eq(ratls_boot_read(&log, MACHINE_BANK, &machine->boot, NULL), RATLS_OK);
    machine->text = malloc(MACHINE_TEXT_MAX);
    cr_assert_not_null(machine->text);
    cr_assert_eq(ratls_hasher_begin(MACHINE_BANK, &machine->hasher, NULL), RATLS_OK);
    machine_set_rules(machine);
    return true;
}

static inline void machine_close(struct machine *machine)
{
    struct ratls_boot_rules *rules = &machine->rules.boot;
    struct ratls_references *const all[] = {&rules->variables, &rules->images,     &rules->firmware,
                                            &rules->settings,  &rules->partitions, &rules->files,
                                            &rules->owner_keys};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i]->count > 0)
            ratls_refvals_free(all[i]->sets[0]);
        free(all[i]->sets);
    }
    for (size_t i = 0; i < rules->signer_count; i++)
        free(rules->signers[i].der);
    free(rules->signers);
    free(rules->command_lines.items);
    ratls_boot_lines_done(&rules->exact_lines);
    ratls_hasher_end(&machine->hasher);
    free(machine->text);
    free(machine->compact.p);
    free(machine->log.p);
}

#endif
