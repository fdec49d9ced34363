#include "log_machine.h"

#include <stdlib.h>
#include <string.h>

#include "appraise.h"
#include "boot_compact.h"
#include "boot_text.h"
#include "must.h"

#define TEXT_MAX (512u * 1024)
#define DIGEST_LEN 32

void machine_walk(struct ratls_slice log, struct ratls_eventlog *ret_log)
{
    must(ratls_eventlog_open(log, RATLS_EVENTLOG_STRICT, ret_log));
}

static void add_text(struct machine *machine, const void *p, size_t len)
{
    must(machine->text_len + len < TEXT_MAX);
    memcpy(machine->text + machine->text_len, p, len);
    machine->text_len += len;
}

static void add_digest(struct machine *machine, struct ratls_slice digest)
{
    char line[2 * DIGEST_LEN + 4];

    ratls_hex(digest, line, sizeof line);
    memcpy(line + 64, "  x\n", 4);
    add_text(machine, line, sizeof line);
}

static bool is_authority(const struct machine *machine, size_t number)
{
    const struct ratls_boot *boot = &machine->boot;

    for (size_t i = 0; i < boot->authority_count; i++)
        if (boot->authorities[i].event == number && boot->authorities[i].certificate.len > 0)
            return true;
    return false;
}

/* The digests of all events of some PCRs, but signers'. None if there are none. */
static void set_references(struct machine *machine, uint32_t pcrs,
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
            !is_authority(machine, event.number))
            add_digest(machine, event.digests[index]);
    if (machine->text_len == begin)
        return;
    ret_references->sets = calloc(1, sizeof *ret_references->sets);
    ret_references->count = 1;
    must(ret_references->sets != NULL);
    must(ratls_refvals_parse("machine",
                             ratls_slice(machine->text + begin, machine->text_len - begin),
                             &ret_references->sets[0], NULL) == RATLS_OK);
}

static void set_signers(struct machine *machine)
{
    const struct ratls_boot *boot = &machine->boot;
    struct ratls_boot_rules *rules = &machine->rules.boot;

    rules->signers = calloc(RATLS_BOOT_AUTHORITIES_MAX, sizeof *rules->signers);
    must(rules->signers != NULL);
    for (size_t i = 0; i < boot->authority_count; i++) {
        struct ratls_slice der = boot->authorities[i].certificate;
        struct ratls_boot_signer *signer = &rules->signers[rules->signer_count];

        if (der.len == 0)
            continue;
        signer->der = malloc(der.len);
        must(signer->der != NULL);
        memcpy(signer->der, der.p, der.len);
        signer->len = der.len;
        rules->signer_count++;
    }
}

/* Every text, exactly. */
static void set_command_lines(struct machine *machine)
{
    struct ratls_patterns *patterns = &machine->rules.boot.command_lines;
    struct ratls_eventlog log;
    struct ratls_event event;
    size_t index;

    patterns->items = calloc(RATLS_EVENTLOG_EVENTS_MAX, sizeof *patterns->items);
    must(patterns->items != NULL);
    machine_walk(machine->log, &log);
    index = ratls_eventlog_find_alg(&log, MACHINE_BANK);
    while (ratls_eventlog_next(&log, &event)) {
        struct ratls_boot_text text;
        char *utf8 = machine->text + machine->text_len;
        size_t len;

        must(ratls_boot_text(&machine->hasher, &event, event.digests[index], &text, NULL) ==
             RATLS_OK);
        if (!text.is_measured ||
            !ratls_boot_text_utf8(&text, utf8, TEXT_MAX - machine->text_len, &len))
            continue;
        machine->text_len += len;
        patterns->items[patterns->count++] =
            ratls_pattern_exact(RATLS_PATTERN_TEXT, ratls_slice(utf8, len));
    }
    must(ratls_boot_lines(patterns->items, patterns->count, MACHINE_BANK,
                          &machine->rules.boot.exact_lines, NULL) == RATLS_OK);
}

/* Of what was not measured a policy cannot ask: that is so on many machines. */
static uint32_t find_pcrs(const struct ratls_boot *boot)
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

static void set_rules(struct machine *machine)
{
    struct ratls_rules *rules = &machine->rules;
    struct ratls_boot_rules *boot = &rules->boot;

    boot->is_asked = true;
    boot->bank = MACHINE_BANK;
    boot->pcrs = find_pcrs(&machine->boot);
    rules->selection.count = 1;
    rules->selection.banks[0] = (struct ratls_pcr_bank){MACHINE_BANK, boot->pcrs};
    boot->secure_boot_required = machine->boot.secure_boot == RATLS_SECURE_BOOT_ON;
    set_signers(machine);
    set_references(machine, 1u << 7, &boot->variables);
    set_references(machine, 1u << 4, &boot->images);
    set_references(machine, 1u << 0 | 1u << 2, &boot->firmware);
    set_references(machine, 1u << 1 | 1u << 3, &boot->settings);
    set_references(machine, 1u << 5, &boot->partitions);
    set_references(machine, MACHINE_FILES, &boot->files);
    set_references(machine, 1u << 14, &boot->owner_keys);
    set_command_lines(machine);
    must(ratls_boot_known(&machine->hasher, &boot->known, NULL) == RATLS_OK);
}

bool machine_open(struct ratls_slice in, struct machine *ret_machine)
{
    struct machine *machine = ret_machine;
    struct ratls_eventlog log;

    memset(machine, 0, sizeof *machine);
    machine->log = in;
    if (ratls_boot_compact(in, MACHINE_BANK, &machine->compact, &machine->compact_len, NULL) !=
        RATLS_OK)
        return false;
    machine_walk(in, &log);
    must(ratls_boot_read(&log, MACHINE_BANK, &machine->boot, NULL) == RATLS_OK);
    machine->text = malloc(TEXT_MAX);
    must(machine->text != NULL);
    must(ratls_hasher_begin(MACHINE_BANK, &machine->hasher, NULL) == RATLS_OK);
    set_rules(machine);
    return true;
}

void machine_close(struct machine *machine)
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
    free(machine->compact);
}

struct ratls_slice machine_quote(const struct machine *machine, struct ratls_slice in,
                                 uint8_t out[static MACHINE_QUOTED_MAX])
{
    struct ratls_eventlog log;
    struct ratls_replay replay;
    size_t len = 0;

    machine_walk(in, &log);
    must(ratls_replay_log(&log, MACHINE_BANK, &replay, NULL) == RATLS_OK);
    must(replay.why[0] == '\0');
    for (unsigned pcr = 0; pcr < RATLS_PCR_COUNT; pcr++)
        if ((machine->rules.boot.pcrs >> pcr & 1) != 0) {
            memcpy(out + len, replay.pcrs[pcr].value, DIGEST_LEN);
            len += DIGEST_LEN;
        }
    return ratls_slice(out, len);
}

struct ratls_report *machine_appraise(struct ratls_rules *rules, struct ratls_slice log,
                                      struct ratls_slice quoted, bool is_brief)
{
    static const enum ratls_check needed[] = {
        RATLS_CHECK_AK_TRUST,   RATLS_CHECK_QUOTE_SIGNATURE,  RATLS_CHECK_QUOTE_MAGIC,
        RATLS_CHECK_QUOTE_TYPE, RATLS_CHECK_QUOTE_EXTRA_DATA, RATLS_CHECK_PCR_SELECTION,
        RATLS_CHECK_PCR_DIGEST};
    const struct ratls_submission submission = {0};
    struct ratls_report *report = ratls_report_new();
    struct ratls_appraisal a = {.submission = &submission,
                                .rules = rules,
                                .report = report,
                                .evidence = {.boot_log = log, .pcr_values = quoted}};

    must(report != NULL);
    report->is_brief = is_brief;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        ratls_check_holds(report, needed[i], true, "", "", "");
    must(ratls_check_boot(&a) == RATLS_OK);
    return report;
}
