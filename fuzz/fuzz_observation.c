/*
 * Target: what 'ratls policy' learns of a file that a machine sent: ratls_observe_bytes,
 * ratls_observation_read, ratls_propose, ratls_changes_find. A list that was written is read again;
 * nothing differs from itself.
 */
#include <stdlib.h>
#include <string.h>

#include "changes_text.h"
#include "fuzz.h"
#include "observe_file.h"
#include "policy_lines.h"
#include "proposal.h"

static void check_lines(const char *text)
{
    while (*text != '\0') {
        const size_t len = strcspn(text, "\n");
        char *read = malloc(len + 1);
        struct ratls_pattern pattern;
        size_t offset;

        FUZZ_CHECK(read != NULL && text[len] == '\n');
        FUZZ_CHECK(*text == '#' ||
                   ratls_line_read(ratls_slice(text, len), read, &pattern, &offset) == NULL);
        free(read);
        text += len + 1;
    }
}

static void check_files(const struct ratls_proposal *p)
{
    for (size_t i = 0; i < RATLS_TOPIC_COUNT; i++) {
        const char *text = p->files[i].text;
        struct ratls_refvals *set = NULL;

        if (text == NULL || i == RATLS_TOPIC_SIGNERS)
            continue;
        if (i == RATLS_TOPIC_COMMAND_LINES) {
            check_lines(text);
            continue;
        }
        FUZZ_CHECK(ratls_refvals_parse("list", ratls_slice(text, strlen(text)), &set, NULL) ==
                   RATLS_OK);
        FUZZ_CHECK(ratls_refvals_count(set) == p->files[i].count);
        ratls_refvals_free(set);
    }
}

static void propose(const struct ratls_observation *o)
{
    const struct ratls_proposal_options options = {.stem = "fuzz", .settings = true};
    struct ratls_proposal *p = calloc(1, sizeof *p);

    FUZZ_CHECK(p != NULL);
    if (ratls_propose(o, &options, p, NULL) == RATLS_OK)
        check_files(p);
    ratls_proposal_done(p);
    free(p);
}

static void compare(const struct ratls_facts *facts)
{
    const struct ratls_facts none = {.count = 0};
    struct ratls_changes changes;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    FUZZ_CHECK(out != NULL);
    FUZZ_CHECK(ratls_changes_find(facts, facts, &changes, NULL) == RATLS_OK);
    FUZZ_CHECK(changes.count == 0);
    ratls_changes_done(&changes);
    FUZZ_CHECK(ratls_changes_find(&none, facts, &changes, NULL) == RATLS_OK);
    FUZZ_CHECK(changes.count == facts->count);
    ratls_changes_print(out, &changes);
    ratls_changes_done(&changes);
    FUZZ_CHECK(fclose(out) == 0);
    for (size_t i = 0; i < len; i++)
        FUZZ_CHECK(text[i] == '\n' || (text[i] >= ' ' && text[i] <= '~'));
    free(text);
}

static void observe(struct ratls_slice in, enum ratls_eventlog_rigor rigor)
{
    struct ratls_observation *o = calloc(1, sizeof *o);

    FUZZ_CHECK(o != NULL);
    if (ratls_observe_bytes("fuzz", in, o, NULL) == RATLS_OK &&
        ratls_observation_read(o, rigor, NULL) == RATLS_OK) {
        propose(o);
        compare(&o->facts);
    }
    ratls_observation_done(o);
    free(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    observe(ratls_slice(data, size), RATLS_EVENTLOG_STRICT);
    observe(ratls_slice(data, size), RATLS_EVENTLOG_SHOW);
    return 0;
}
