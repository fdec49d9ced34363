#include "facts_boot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot_text.h"
#include "boot_words.h"
#include "fail.h"

#define PCR_IMAGES 4
#define PCR_EXIT 5
#define PCR_SECURE_BOOT 7
#define PCR_GRUB 8
#define PCR_FILES 9
#define PCR_STUB 12

static const enum ratls_topic TOPIC_OF_PCR[RATLS_PCR_COUNT] = {
    [0] = RATLS_TOPIC_FIRMWARE,       [1] = RATLS_TOPIC_SETTINGS,  [2] = RATLS_TOPIC_FIRMWARE,
    [3] = RATLS_TOPIC_SETTINGS,       [4] = RATLS_TOPIC_IMAGES,    [5] = RATLS_TOPIC_PARTITIONS,
    [6] = RATLS_TOPIC_OTHER,          [7] = RATLS_TOPIC_VARIABLES, [8] = RATLS_TOPIC_COMMAND_LINES,
    [9] = RATLS_TOPIC_FILES,          [10] = RATLS_TOPIC_OTHER,    [11] = RATLS_TOPIC_FILES,
    [12] = RATLS_TOPIC_COMMAND_LINES, [13] = RATLS_TOPIC_FILES,    [14] = RATLS_TOPIC_OWNER_KEYS,
    [15] = RATLS_TOPIC_OTHER,         [16] = RATLS_TOPIC_OTHER,    [17] = RATLS_TOPIC_OTHER,
    [18] = RATLS_TOPIC_OTHER,         [19] = RATLS_TOPIC_OTHER,    [20] = RATLS_TOPIC_OTHER,
    [21] = RATLS_TOPIC_OTHER,         [22] = RATLS_TOPIC_OTHER,    [23] = RATLS_TOPIC_OTHER,
};

/* In this order the firmware measures them before the separator of PCR 7 (PFP, 3.3.4.8). */
static const char *const VARIABLE_NAMES[] = {"SecureBoot", "PK", "KEK", "db", "dbx"};

struct walk {
    const struct ratls_boot *boot;
    struct ratls_facts *facts;
    struct ratls_hasher hasher;
    struct ratls_boot_known known;
    unsigned seen[RATLS_PCR_COUNT]; /* events so far, but for those that need no line */
    size_t variables;               /* of PCR 7, so far */
    bool is_separated;              /* PCR 7: authorities follow */
    bool is_of_peer;
    char command[RATLS_BOOT_COMMAND_MAX]; /* of GRUB, the last one, if it names a file */
    struct ratls_error *err;
};

uint16_t ratls_boot_choose_bank(struct ratls_slice log)
{
    static const uint16_t banks[] = {RATLS_ALG_SHA256, RATLS_ALG_SHA384, RATLS_ALG_SHA512,
                                     RATLS_ALG_SHA1};
    struct ratls_eventlog opened;

    if (!ratls_eventlog_open(log, RATLS_EVENTLOG_SHOW, &opened))
        return 0;
    for (size_t i = 0; i < sizeof banks / sizeof banks[0]; i++)
        if (ratls_eventlog_find_alg(&opened, banks[i]) < opened.alg_count)
            return banks[i];
    return 0;
}

enum ratls_topic ratls_boot_topic(unsigned pcr)
{
    return pcr < RATLS_PCR_COUNT ? TOPIC_OF_PCR[pcr] : RATLS_TOPIC_OTHER;
}

/* Longer ones are there as they were measured: for people only, since no line is like them. */
static enum ratls_status add_line(struct walk *w, struct ratls_fact *fact,
                                  const struct ratls_boot_text *text)
{
    char *plain = malloc(2 * text->text.len + 1);
    enum ratls_status status;
    size_t len = 0;

    if (plain == NULL)
        return ratls_fail(w->err, RATLS_MEMORY, "out of memory");
    fact->form = RATLS_FACT_TEXT;
    fact->value = text->text;
    fact->name =
        text->label.len > 0 ? text->label : ratls_slice("command line", strlen("command line"));
    if (ratls_boot_text_utf8(text, plain, 2 * text->text.len + 1, &len))
        fact->value = ratls_slice(plain, len);
    status = ratls_facts_add(w->facts, fact, w->err);
    free(plain);
    return status;
}

static enum ratls_status add_text(struct walk *w, const struct ratls_event *event,
                                  struct ratls_fact *fact)
{
    struct ratls_boot_text text = {.is_measured = false};
    enum ratls_status status = ratls_boot_text(&w->hasher, event, fact->value, &text, w->err);

    if (status != RATLS_OK)
        return status;
    if (text.is_measured && event->pcr == PCR_GRUB && !text.is_utf16)
        ratls_boot_command(text.text, w->command);
    return text.is_measured ? add_line(w, fact, &text) : ratls_facts_add(w->facts, fact, w->err);
}

/* Who signed is a certificate where the log has one; SecureBoot is a state, and no fact of this. */
static enum ratls_status add_secure_boot(struct walk *w, const struct ratls_event *event,
                                         struct ratls_fact *fact)
{
    const size_t names = sizeof VARIABLE_NAMES / sizeof VARIABLE_NAMES[0];
    const size_t n = w->variables++;

    if (!w->is_separated) {
        if (n < names && event->data.len == 0)
            fact->name = ratls_slice(VARIABLE_NAMES[n], strlen(VARIABLE_NAMES[n]));
        return ratls_facts_add(w->facts, fact, w->err);
    }
    for (size_t i = 0; i < w->boot->authority_count; i++) {
        const struct ratls_boot_authority *authority = &w->boot->authorities[i];

        if (authority->event != event->number || authority->certificate.len == 0)
            continue;
        fact->topic = RATLS_TOPIC_SIGNERS;
        fact->form = RATLS_FACT_CERTIFICATE;
        fact->value = authority->certificate;
    }
    return ratls_facts_add(w->facts, fact, w->err);
}

/* What needs no line in a policy: other checks are there for it (check_boot_claims.c). */
static bool is_fixed(struct walk *w, const struct ratls_event *event, enum ratls_boot_known_id id)
{
    if (id <= RATLS_BOOT_SEPARATOR_ERROR && event->pcr < RATLS_BOOT_PHASES) {
        w->is_separated = w->is_separated || event->pcr == PCR_SECURE_BOOT;
        return id != RATLS_BOOT_SEPARATOR_ERROR;
    }
    switch (event->pcr) {
    case PCR_IMAGES:
        return id == RATLS_BOOT_CALLING || id == RATLS_BOOT_RETURNING;
    case PCR_EXIT:
        return id == RATLS_BOOT_EXIT_INVOCATION || id == RATLS_BOOT_EXIT_SUCCESS;
    case PCR_SECURE_BOOT:
        w->variables += id >= RATLS_BOOT_SECURE_BOOT_ABSENT && id <= RATLS_BOOT_SECURE_BOOT_ON;
        return id >= RATLS_BOOT_SECURE_BOOT_ABSENT && id <= RATLS_BOOT_SECURE_BOOT_ON;
    default:
        return false;
    }
}

/*
 * What the log says, else the command for which GRUB read it, else the number that it has in its
 * PCR: "image 2". That it came behind the command is the log's word alone; but any file may be
 * called so, for it is GRUB's owner who chooses the path. A backslash is special in lists of
 * reference values.
 */
static size_t write_name(const struct walk *w, unsigned pcr, const struct ratls_boot_words *words,
                         char out[static RATLS_BOOT_WORDS_MAX])
{
    const bool has_name = words->text[0] != '\0' && (words->is_covered || !w->is_of_peer);

    if (has_name)
        snprintf(out, RATLS_BOOT_WORDS_MAX, "%s", words->text);
    else if ((pcr == PCR_IMAGES || pcr == PCR_FILES) && w->command[0] != '\0')
        snprintf(out, RATLS_BOOT_WORDS_MAX, "%s", w->command);
    else
        snprintf(out, RATLS_BOOT_WORDS_MAX, "%s %u", words->kind, w->seen[pcr]);
    for (char *c = strchr(out, '\\'); c != NULL; c = strchr(c, '\\'))
        *c = '/';
    return strlen(out);
}

static enum ratls_status add_event(struct walk *w, const struct ratls_event *event,
                                   struct ratls_slice digest)
{
    char name[RATLS_BOOT_WORDS_MAX];
    struct ratls_boot_words words;
    struct ratls_fact fact = {.form = RATLS_FACT_DIGEST,
                              .topic = ratls_boot_topic(event->pcr),
                              .pcr = event->pcr,
                              .place = event->number,
                              .value = digest};
    enum ratls_boot_known_id id;
    enum ratls_status status;

    if (event->type == RATLS_EV_NO_ACTION || digest.len == 0)
        return RATLS_OK;
    id = ratls_boot_known_find(&w->known, event->pcr, digest);
    if (is_fixed(w, event, id))
        return RATLS_OK;
    status = ratls_boot_words(&w->hasher, event, digest, &words, w->err);
    if (status != RATLS_OK)
        return status;
    w->seen[event->pcr]++;
    fact.name = ratls_slice(name, write_name(w, event->pcr, &words, name));
    if (event->pcr == PCR_SECURE_BOOT)
        return add_secure_boot(w, event, &fact);
    if (event->pcr == PCR_GRUB || event->pcr == PCR_STUB)
        return add_text(w, event, &fact);
    return ratls_facts_add(w->facts, &fact, w->err);
}

static enum ratls_status walk_events(struct walk *w, struct ratls_slice bytes, uint16_t bank,
                                     enum ratls_eventlog_rigor rigor)
{
    enum ratls_status status = RATLS_OK;
    struct ratls_eventlog log;
    struct ratls_event event;
    size_t index;

    if (!ratls_eventlog_open(bytes, rigor, &log))
        return RATLS_OK;
    index = ratls_eventlog_find_alg(&log, bank);
    while (status == RATLS_OK && index < log.alg_count && ratls_eventlog_next(&log, &event))
        status = add_event(w, &event, event.digests[index]);
    return status;
}

enum ratls_status ratls_facts_of_boot(struct ratls_slice log, uint16_t bank,
                                      enum ratls_eventlog_rigor rigor, bool is_of_peer,
                                      struct ratls_facts *facts, struct ratls_boot *ret_boot,
                                      struct ratls_error *err)
{
    struct walk w = {.boot = ret_boot, .facts = facts, .is_of_peer = is_of_peer, .err = err};
    struct ratls_eventlog opened;
    enum ratls_status status;

    (void)ratls_eventlog_open(log, rigor, &opened); /* why it is none stays in it */
    status = ratls_boot_read(&opened, bank, ret_boot, err);
    if (status != RATLS_OK || ret_boot->why[0] != '\0')
        return status;
    status = ratls_hasher_begin(bank, &w.hasher, err);
    if (status == RATLS_OK)
        status = ratls_boot_known(&w.hasher, &w.known, err);
    if (status == RATLS_OK)
        status = walk_events(&w, log, bank, rigor);
    ratls_hasher_end(&w.hasher);
    return status;
}
