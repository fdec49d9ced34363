/* Facts of machines and policies: how they differ, and the lines that they become. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "changes_text.h"
#include "facts.h"
#include "lists.h"

static struct ratls_error err;

struct row {
    enum ratls_topic topic;
    unsigned pcr;
    const char *name;
    const char *value; /* of a digest its first byte, 32 times */
};

static void fill(struct ratls_facts *facts, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t digest[32];
        struct ratls_fact fact = {.topic = rows[i].topic,
                                  .form = rows[i].topic == RATLS_TOPIC_COMMAND_LINES
                                              ? RATLS_FACT_TEXT
                                              : RATLS_FACT_DIGEST,
                                  .pcr = rows[i].pcr,
                                  .place = i + 1,
                                  .name = ratls_slice(rows[i].name, strlen(rows[i].name))};

        memset(digest, rows[i].value[0], sizeof digest);
        fact.value = fact.form == RATLS_FACT_TEXT
                         ? ratls_slice(rows[i].value, strlen(rows[i].value))
                         : ratls_slice(digest, sizeof digest);
        cr_assert(eq(int, ratls_facts_add(facts, &fact, &err), RATLS_OK));
    }
}

#define FILL(facts, rows) fill(&(facts), rows, sizeof(rows) / sizeof *(rows))

/* What is printed of the changes. The caller frees it. */
static char *differ(const struct ratls_facts *a, const struct ratls_facts *b, size_t count)
{
    struct ratls_changes changes;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    cr_assert(eq(int, ratls_changes_find(a, b, &changes, &err), RATLS_OK));
    ratls_changes_print(out, &changes);
    cr_expect(eq(sz, changes.count, count));
    ratls_changes_done(&changes);
    fclose(out);
    return text;
}

static const struct row BEFORE[] = {
    {RATLS_TOPIC_IMAGES, 4, "/EFI/shim", "1"},
    {RATLS_TOPIC_IMAGES, 4, "/EFI/grub", "2"},
    {RATLS_TOPIC_COMMAND_LINES, 8, "grub_cmd", "set a=1"},
    {RATLS_TOPIC_COMMAND_LINES, 8, "grub_cmd", "linux /vmlinuz"},
    {RATLS_TOPIC_COMMAND_LINES, 8, "kernel_cmdline", "/vmlinuz quiet"},
    {RATLS_TOPIC_IMA_ALLOW, 10, "/bin/ls", "5"},
    {RATLS_TOPIC_IMA_ALLOW, 10, "/bin/cat", "5"},
};

Test(tool_facts, the_same_in_any_place_of_memory)
{
    struct ratls_facts a = {0}, b = {0};
    char *text;

    FILL(a, BEFORE);
    FILL(b, BEFORE);
    text = differ(&a, &b, 0);
    cr_expect(eq(str, text, (char *)""));
    free(text);
    ratls_facts_done(&a);
    ratls_facts_done(&b);
}

Test(tool_facts, changed_added_removed)
{
    static const struct row after[] = {
        {RATLS_TOPIC_IMAGES, 4, "/EFI/shim", "1"},
        {RATLS_TOPIC_IMAGES, 4, "/EFI/grub", "3"},
        {RATLS_TOPIC_COMMAND_LINES, 8, "grub_cmd", "set a=1"},
        {RATLS_TOPIC_COMMAND_LINES, 8, "grub_cmd", "linux /vmlinuz init=/bin/sh"},
        {RATLS_TOPIC_COMMAND_LINES, 8, "kernel_cmdline", "/other quiet"},
        {RATLS_TOPIC_IMA_ALLOW, 10, "/bin/cat", "5"},
        {RATLS_TOPIC_IMA_ALLOW, 10, "/bin/new", "5"},
    };
    struct ratls_facts a = {0}, b = {0};
    char *text;

    FILL(a, BEFORE);
    FILL(b, after);
    text = differ(&a, &b, 5);
    cr_expect(ne(ptr,
                 strstr(text, "image that was started /EFI/grub (PCR 4, event 2): other digest\n"
                              "    was 3232"),
                 NULL),
              "%s", text);
    cr_expect(ne(ptr,
                 strstr(text, "command of GRUB (PCR 8, event 4): 'linux /vmlinuz' -> "
                              "'linux /vmlinuz init=/bin/sh'\n"),
                 NULL));
    cr_expect(ne(ptr,
                 strstr(text, "kernel command line (PCR 8, event 5): '/vmlinuz quiet' -> "
                              "'/other quiet'\n"),
                 NULL));
    cr_expect(ne(ptr, strstr(text, "no longer: file that ran or was read /bin/ls"), NULL));
    cr_expect(ne(ptr, strstr(text, "new: file that ran or was read /bin/new"), NULL));
    free(text);
    ratls_facts_done(&a);
    ratls_facts_done(&b);
}

Test(tool_facts, another_order)
{
    static const struct row after[] = {
        {RATLS_TOPIC_IMAGES, 4, "/EFI/grub", "2"},
        {RATLS_TOPIC_IMAGES, 4, "/EFI/shim", "1"},
    };
    struct ratls_facts a = {0}, b = {0};
    char *text;

    fill(&a, BEFORE, 2);
    FILL(b, after);
    text = differ(&a, &b, 1);
    cr_expect(eq(str, text, (char *)"PCR 4: the same events in another order, from event 2 on\n"));
    free(text);
    ratls_facts_done(&a);
    ratls_facts_done(&b);
}

Test(tool_facts, a_value_is_news_only_if_nothing_explains_it)
{
    static const struct row before[] = {
        {RATLS_TOPIC_PCR, 4, "sha256 PCR 4", "x"},
        {RATLS_TOPIC_PCR, 5, "sha256 PCR 5", "x"},
        {RATLS_TOPIC_IMAGES, 4, "/EFI/grub", "2"},
    };
    static const struct row after[] = {
        {RATLS_TOPIC_PCR, 4, "sha256 PCR 4", "y"},
        {RATLS_TOPIC_PCR, 5, "sha256 PCR 5", "y"},
        {RATLS_TOPIC_IMAGES, 4, "/EFI/grub", "3"},
    };
    struct ratls_facts a = {0}, b = {0};
    char *text;

    FILL(a, before);
    FILL(b, after);
    text = differ(&a, &b, 2);
    cr_expect(ne(ptr, strstr(text, "sha256 PCR 5: other digest"), NULL));
    cr_expect(eq(ptr, strstr(text, "sha256 PCR 4"), NULL));
    free(text);
    ratls_facts_done(&a);
    ratls_facts_done(&b);
}

/* The lines of a topic. The caller frees them. */
static char *write_list(const struct ratls_facts *facts, enum ratls_topic topic, size_t count)
{
    char *text = NULL;
    size_t lines = 99;

    cr_assert(eq(int, ratls_list_write(facts, topic, "why", &text, &lines, &err), RATLS_OK));
    cr_expect(eq(sz, lines, count));
    return text;
}

#define HEX_A "6161616161616161616161616161616161616161616161616161616161616161"
#define HEX_B "6262626262626262626262626262626262626262626262626262626262626262"

Test(tool_facts, lines)
{
    static const struct row rows[] = {
        {RATLS_TOPIC_IMAGES, 4, "z", "b"},
        {RATLS_TOPIC_IMAGES, 4, "y", "a"},
        {RATLS_TOPIC_IMAGES, 4, "again", "b"},
        {RATLS_TOPIC_IMA_ALLOW, 10, "/b\n\\", "a"},
        {RATLS_TOPIC_IMA_ALLOW, 10, "/a", "b"},
        {RATLS_TOPIC_IMA_ALLOW, 10, "/a", "b"},
        {RATLS_TOPIC_IMA_ALLOW, 10, "/a", "a"},
        {RATLS_TOPIC_COMMAND_LINES, 8, "x", "if [ * ]; then\n"},
    };
    struct ratls_facts facts = {0};
    char *text;

    FILL(facts, rows);
    text = write_list(&facts, RATLS_TOPIC_IMAGES, 2);
    cr_expect(eq(str, text, (char *)"# why\n" HEX_B "  z\n" HEX_A "  y\n"));
    free(text);
    text = write_list(&facts, RATLS_TOPIC_IMA_ALLOW, 3);
    cr_expect(
        eq(str, text, (char *)"# why\n" HEX_A "  /a\n" HEX_B "  /a\n\\" HEX_A "  /b\\n\\\\\n"));
    free(text);
    text = write_list(&facts, RATLS_TOPIC_COMMAND_LINES, 1);
    cr_expect(eq(str, text, (char *)"# why\nif [ \\* ]; then\\n\n"));
    free(text);
    text = write_list(&facts, RATLS_TOPIC_FILES, 0);
    cr_expect(eq(ptr, text, NULL));
    ratls_facts_done(&facts);
}

Test(tool_facts, what_has_no_line)
{
    static const uint8_t digest[32] = {1};
    struct ratls_fact fact = {.topic = RATLS_TOPIC_IMA_ALLOW,
                              .form = RATLS_FACT_DIGEST,
                              .name = ratls_slice("/bin/ls", 7),
                              .value = ratls_slice(digest, sizeof digest)};

    cr_expect(ratls_fact_has_line(&fact));
    fact.is_verity = true;
    cr_expect(not(ratls_fact_has_line(&fact)));
    fact.is_verity = false;
    fact.value.len = 20;
    cr_expect(not(ratls_fact_has_line(&fact)));
    fact.value.len = 32;
    fact.topic = RATLS_TOPIC_COMMAND_LINES;
    cr_expect(not(ratls_fact_has_line(&fact)), "a digest is no text");
    fact.form = RATLS_FACT_TEXT;
    cr_expect(not(ratls_fact_has_line(&fact)), "with a NUL");
    fact.value = ratls_slice("quiet", 5);
    cr_expect(ratls_fact_has_line(&fact));
    fact.value.len = 0;
    cr_expect(not(ratls_fact_has_line(&fact)), "empty");
}
