/* ratls policy explain: what a policy asks for, in sentences. */
#include <stdio.h>

#include "command.h"
#include "explain.h"
#include "options.h"
#include "output.h"
#include "view.h"

/* The sentences of one section come out together, in whatever order they are said. */
struct printer {
    struct ratls_view *v;
    enum ratls_explain_section wanted;
    bool has_heading;
};

static void print_sentence(void *self, enum ratls_explain_section section, const char *sentence)
{
    struct printer *p = self;

    if (section != p->wanted)
        return;
    if (p->v->json) {
        ratls_view_text(p->v, NULL, NULL, sentence);
        return;
    }
    if (!p->has_heading)
        printf("\n%s:\n", ratls_explain_heading(section));
    p->has_heading = true;
    printf("  - %s\n", sentence);
}

static void explain(struct ratls_view *v, const struct ratls_rules *rules)
{
    static const char *const keys[RATLS_EXPLAIN_COUNT] = {
        [RATLS_EXPLAIN_SERVERS] = "servers",     [RATLS_EXPLAIN_TRUST] = "trust",
        [RATLS_EXPLAIN_FRESHNESS] = "freshness", [RATLS_EXPLAIN_BOOT] = "boot",
        [RATLS_EXPLAIN_RUNNING] = "running",     [RATLS_EXPLAIN_UNCHECKED] = "unchecked",
    };
    struct printer p = {.v = v};
    const struct ratls_explain x = {.say = print_sentence, .self = &p, .rules = rules};

    ratls_view_section(v, NULL, NULL);
    ratls_view_text(v, "file", NULL, rules->path);
    if (!v->json)
        printf("%s\n", rules->path);
    for (int i = 0; i < RATLS_EXPLAIN_COUNT; i++) {
        p.wanted = (enum ratls_explain_section)i;
        p.has_heading = false;
        ratls_view_list(v, keys[i]);
        ratls_explain(&x);
        ratls_view_list_end(v);
    }
    ratls_view_section_end(v);
}

static int explain_all(const char *path, bool json)
{
    struct ratls_policy *policy = NULL;
    struct ratls_error err = {0};
    enum ratls_status status = ratls_policy_load(path, &policy, &err);
    struct ratls_view v;

    if (status != RATLS_OK)
        return ratls_out_error(status, &err);
    ratls_view_begin(&v, stdout, json, NULL);
    ratls_view_text(&v, "kind", NULL, "policy-explanation");
    ratls_view_list(&v, "policies");
    for (size_t i = 0; i < policy->count; i++) {
        if (!json && i > 0)
            putchar('\n');
        explain(&v, &policy->rules[i]);
    }
    ratls_view_list_end(&v);
    ratls_view_end(&v);
    ratls_policy_free(policy);
    return RATLS_EXIT_OK;
}

int ratls_cmd_policy_explain(int argc, char **argv)
{
    bool json = false;
    const struct ratls_option rows[] = {
        {"json", RATLS_OPTION_FLAG, &json, NULL, "print one JSON object"},
    };
    const struct ratls_options options = {
        .synopsis = "POLICY [OPTION...]",
        .about = "Says in sentences what a policy, or each policy of a folder, asks for: who is\n"
                 "believed, for which servers, what must have booted, what may run, and what is\n"
                 "not checked.",
        .example = "  ratls policy explain bank.yaml",
        .rows = rows,
        .count = sizeof rows / sizeof rows[0],
    };
    const char *path = NULL;
    int code;

    if (!ratls_options_parse_one(&options, argc, argv, "name one policy", &path, &code))
        return code;
    return explain_all(path, json);
}
