#include "changes_text.h"

#include <inttypes.h>
#include <string.h>

#define NAME_MAX_LEN 512
#define VALUE_MAX_LEN 2600 /* the longest text of a log, escaped, as a rule */

static const char *kind_word(enum ratls_change_kind kind)
{
    switch (kind) {
    case RATLS_CHANGE_OTHER:
        return "changed";
    case RATLS_CHANGE_REMOVED:
        return "removed";
    case RATLS_CHANGE_ADDED:
        return "added";
    case RATLS_CHANGE_MOVED:
        return "moved";
    }
    return "";
}

/* Where it is in the log: "PCR 4, event 23"; nothing for what is in no log. */
static void print_where(FILE *out, const struct ratls_fact *fact)
{
    if (fact->topic < RATLS_TOPIC_OTHER || fact->place == 0)
        return;
    if (fact->topic == RATLS_TOPIC_IMA_ALLOW)
        fprintf(out, " (IMA list, entry %" PRIu64 ")", fact->place);
    else
        fprintf(out, " (PCR %u, event %" PRIu64 ")", fact->pcr, fact->place);
}

/* False of a name that is only what kind of thing it is: "image 2" of "image that was started". */
static bool says_more(const char *name, const char *noun)
{
    size_t len = strlen(name);

    while (len > 0 && strchr(" 0123456789", name[len - 1]) != NULL)
        len--;
    return strncmp(noun, name, len) != 0;
}

/* "command line", "image that was started \EFI\debian\shimx64.efi". */
static void print_what(FILE *out, const struct ratls_fact *fact)
{
    const char *noun = ratls_topic_noun(fact->topic);
    char name[NAME_MAX_LEN];

    ratls_escape(fact->name, name, sizeof name);
    if (fact->topic < RATLS_TOPIC_OTHER)
        fputs(name, out);
    else if (fact->topic == RATLS_TOPIC_COMMAND_LINES && strcmp(name, "grub_cmd") == 0)
        fputs("command of GRUB", out);
    else if (fact->topic == RATLS_TOPIC_COMMAND_LINES && strstr(name, "kernel_cmdline") != NULL)
        fputs("kernel command line", out);
    else if (fact->topic == RATLS_TOPIC_COMMAND_LINES || fact->form == RATLS_FACT_CERTIFICATE ||
             !says_more(name, noun))
        fputs(noun, out);
    else
        fprintf(out, "%s %s", noun, name);
}

static void print_value(FILE *out, const struct ratls_fact *fact)
{
    const char *quote = fact->form == RATLS_FACT_DIGEST ? "" : "'";
    char value[VALUE_MAX_LEN];

    ratls_fact_value_text(fact, value, sizeof value);
    fprintf(out, "%s%s%s", quote, value, quote);
}

static void print_other(FILE *out, const struct ratls_change *c)
{
    print_what(out, c->b);
    print_where(out, c->b);
    if (c->b->form == RATLS_FACT_DIGEST) {
        fputs(": other digest\n    was ", out);
        print_value(out, c->a);
        fputs("\n    is  ", out);
    } else {
        fputs(": ", out);
        print_value(out, c->a);
        fputs(" -> ", out);
    }
    print_value(out, c->b);
    fputc('\n', out);
}

static void print_one(FILE *out, const char *word, const struct ratls_fact *fact)
{
    fprintf(out, "%s: ", word);
    print_what(out, fact);
    print_where(out, fact);
    fputs(": ", out);
    print_value(out, fact);
    fputc('\n', out);
}

void ratls_changes_print(FILE *out, const struct ratls_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct ratls_change *c = &changes->items[i];

        switch (c->kind) {
        case RATLS_CHANGE_OTHER:
            print_other(out, c);
            break;
        case RATLS_CHANGE_REMOVED:
            print_one(out, "no longer", c->a);
            break;
        case RATLS_CHANGE_ADDED:
            print_one(out, "new", c->b);
            break;
        case RATLS_CHANGE_MOVED:
            fprintf(out, "PCR %u: the same events in another order, from event %" PRIu64 " on\n",
                    c->a->pcr, c->a->place);
            break;
        }
    }
}

static void view_fact(struct ratls_view *v, const char *key, const struct ratls_fact *fact)
{
    char value[VALUE_MAX_LEN];

    if (fact == NULL)
        return;
    ratls_fact_value_text(fact, value, sizeof value);
    ratls_view_text(v, key, NULL, value);
}

void ratls_changes_view(struct ratls_view *v, const struct ratls_changes *changes)
{
    ratls_view_list(v, "changes");
    for (size_t i = 0; i < changes->count; i++) {
        const struct ratls_change *c = &changes->items[i];
        const struct ratls_fact *fact = c->b != NULL ? c->b : c->a;

        ratls_view_section(v, NULL, NULL);
        ratls_view_text(v, "change", NULL, kind_word(c->kind));
        ratls_view_text(v, "what", NULL, ratls_topic_noun(fact->topic));
        ratls_view_slice(v, "name", NULL, fact->name);
        if (fact->topic >= RATLS_TOPIC_OTHER)
            ratls_view_uint(v, "pcr", NULL, fact->pcr, NULL);
        if (fact->topic >= RATLS_TOPIC_OTHER)
            ratls_view_uint(v, fact->topic == RATLS_TOPIC_IMA_ALLOW ? "entry" : "event", NULL,
                            fact->place, NULL);
        view_fact(v, "before", c->a);
        view_fact(v, "after", c->b);
        ratls_view_section_end(v);
    }
    ratls_view_list_end(v);
}
