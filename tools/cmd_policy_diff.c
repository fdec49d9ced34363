/* ratls policy diff: in what two machines, two boots, two policies, or a machine and a policy
 * differ. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "changes_text.h"
#include "command.h"
#include "facts_policy.h"
#include "fail.h"
#include "file.h"
#include "observe_file.h"
#include "options.h"
#include "output.h"
#include "policy_load.h"
#include "view.h"

#define PCR_SECURE_BOOT 7
#define PCR_IMA 10
#define COMMON_MIN 8 /* bytes in which texts must agree to be two of the same */

struct side {
    const char *path;
    struct ratls_policy *policy; /* NULL: a machine */
    struct ratls_observation machine;
    struct ratls_facts facts; /* of the policy */
    size_t unshared;          /* facts of this machine of which the other does not speak */
};

static enum ratls_status load_policy(struct side *side, struct ratls_error *err)
{
    enum ratls_status status = ratls_policy_load(side->path, &side->policy, err);

    if (status == RATLS_OK && side->policy->count != 1)
        return ratls_fail(err, RATLS_USAGE, "%s: a folder of policies; name one of its files",
                          side->path);
    if (status == RATLS_OK)
        status = ratls_facts_of_policy(&side->policy->rules[0], &side->facts, err);
    return status;
}

static enum ratls_status load_machine(struct side *side, struct ratls_error *err)
{
    enum ratls_status status = ratls_observe_file(side->path, &side->machine, err);

    if (status == RATLS_OK)
        status = ratls_observation_read(&side->machine, RATLS_EVENTLOG_SHOW, err);
    if (status == RATLS_OK && side->machine.boot_why[0] != '\0')
        return ratls_fail(err, RATLS_MALFORMED, "%s: %s", side->path, side->machine.boot_why);
    if (status == RATLS_OK && side->machine.ima_why[0] != '\0' && !side->machine.has_quote)
        return ratls_fail(err, RATLS_MALFORMED, "%s: %s", side->path, side->machine.ima_why);
    return status;
}

static enum ratls_status load(struct side *side, struct ratls_error *err)
{
    if (ratls_path_ends_with(side->path, ".yaml"))
        return load_policy(side, err);
    return load_machine(side, err);
}

static void unload(struct side *side)
{
    ratls_facts_done(&side->facts);
    ratls_policy_free(side->policy);
    ratls_observation_done(&side->machine);
}

/* What the policy has besides is no difference: it allows more than one state. */
static void drop_removed(struct ratls_changes *changes)
{
    size_t kept = 0;

    for (size_t i = 0; i < changes->count; i++) {
        const struct ratls_change c = changes->items[i];

        if (c.kind == RATLS_CHANGE_OTHER || c.kind == RATLS_CHANGE_ADDED)
            changes->items[kept++] = c;
    }
    changes->count = kept;
}

static size_t common_len(struct ratls_slice a, struct ratls_slice b)
{
    size_t len = 0;

    while (len < a.len && len < b.len && a.p[len] == b.p[len])
        len++;
    return len;
}

/* The one of the same name; of two, nobody knows which it replaces. */
static const struct ratls_fact *find_name(const struct ratls_facts *facts,
                                          const struct ratls_fact *fact)
{
    const struct ratls_fact *found = NULL;

    for (size_t i = 0; i < facts->count; i++) {
        const struct ratls_fact *other = &facts->items[i];

        if (other->topic != fact->topic || other->name.len != fact->name.len ||
            common_len(other->name, fact->name) != fact->name.len)
            continue;
        if (found != NULL)
            return NULL;
        found = other;
    }
    return found;
}

/* The text that begins most like it. */
static const struct ratls_fact *find_text(const struct ratls_facts *facts,
                                          const struct ratls_fact *fact)
{
    const struct ratls_fact *found = NULL;
    size_t best = COMMON_MIN;

    for (size_t i = 0; i < facts->count; i++) {
        const struct ratls_fact *other = &facts->items[i];
        size_t len;

        if (other->topic != fact->topic || other->form != RATLS_FACT_TEXT)
            continue;
        len = common_len(other->value, fact->value);
        if (len < best)
            continue;
        best = len;
        found = other;
    }
    return found;
}

/* A policy does not say where in a log something is. */
static void find_places(const struct ratls_facts *facts, struct ratls_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        struct ratls_change *c = &changes->items[i];

        if (c->kind != RATLS_CHANGE_ADDED || c->b->topic == RATLS_TOPIC_IMA_ALLOW)
            continue;
        c->a = c->b->form == RATLS_FACT_TEXT ? find_text(facts, c->b) : find_name(facts, c->b);
        c->kind = c->a != NULL ? RATLS_CHANGE_OTHER : RATLS_CHANGE_ADDED;
    }
}

static enum ratls_status compare_policy(const struct side *policy, struct side *machine,
                                        struct ratls_changes *ret_changes, struct ratls_error *err)
{
    enum ratls_status status =
        ratls_facts_missing(&policy->policy->rules[0], &machine->machine, &machine->facts, err);

    if (status == RATLS_OK)
        status = ratls_changes_find(&policy->facts, &machine->facts, ret_changes, err);
    if (status == RATLS_OK)
        drop_removed(ret_changes);
    if (status == RATLS_OK)
        find_places(&policy->facts, ret_changes);
    return status;
}

static bool has_pcr(const struct ratls_observation *o, const struct ratls_fact *fact)
{
    for (size_t i = 0; o->has_quote && i < o->attest.selection.count; i++) {
        const struct ratls_pcr_bank *bank = &o->attest.selection.banks[i];

        if (ratls_tpm_hash_len(bank->hash_alg) == fact->value.len &&
            (bank->pcrs & UINT32_C(1) << fact->pcr) != 0)
            return true;
    }
    return false;
}

/* Whether a machine could have shown such a fact, so that its absence says something. */
static bool speaks_of(const struct ratls_observation *o, const struct ratls_fact *fact)
{
    const unsigned pcr = fact->topic == RATLS_TOPIC_SECURE_BOOT ? PCR_SECURE_BOOT : fact->pcr;

    switch (fact->topic) {
    case RATLS_TOPIC_IDENTITY:
        return o->has_quote;
    case RATLS_TOPIC_PCR:
        return has_pcr(o, fact);
    case RATLS_TOPIC_IMA_ALLOW:
        return o->ima_list != NULL && o->ima_why[0] == '\0';
    default:
        return o->boot != NULL && (!o->has_quote || (o->boot_explained & UINT32_C(1) << pcr) != 0);
    }
}

/* What only one of two speaks of is no difference between them. Returns how much that is. */
static size_t drop_unshared(struct ratls_facts *facts, const struct ratls_observation *other,
                            bool without_list)
{
    size_t kept = 0, dropped = 0;

    for (size_t i = 0; i < facts->count; i++) {
        struct ratls_fact *fact = &facts->items[i];
        const bool follows = without_list && fact->topic == RATLS_TOPIC_PCR && fact->pcr == PCR_IMA;

        if (speaks_of(other, fact) && !follows) {
            facts->items[kept++] = *fact;
            continue;
        }
        dropped += !follows;
        free(fact->bytes);
    }
    facts->count = kept;
    return dropped;
}

static enum ratls_status compare_machines(struct side *a, struct side *b,
                                          struct ratls_changes *ret_changes,
                                          struct ratls_error *err)
{
    struct ratls_observation *one = &a->machine, *two = &b->machine;
    /* PCR 10 says no more than two lists that lead to it, and grows when a file runs again. */
    const bool listed = one->ima_explained && two->ima_explained;

    if (one->boot != NULL && two->boot != NULL && one->boot_bank != two->boot_bank)
        return ratls_fail(err, RATLS_MALFORMED,
                          "the logs of %s and %s have no bank in common: their digests cannot be "
                          "compared",
                          a->path, b->path);
    a->unshared = drop_unshared(&one->facts, two, listed);
    b->unshared = drop_unshared(&two->facts, one, listed);
    if (one->facts.count == 0 && two->facts.count == 0 && a->unshared + b->unshared > 0)
        return ratls_fail(err, RATLS_MALFORMED, "%s and %s are of different things", a->path,
                          b->path);
    return ratls_changes_find(&one->facts, &two->facts, ret_changes, err);
}

static enum ratls_status compare(struct side *a, struct side *b, struct ratls_changes *ret_changes,
                                 struct ratls_error *err)
{
    if (a->policy != NULL && b->policy != NULL)
        return ratls_changes_find(&a->facts, &b->facts, ret_changes, err);
    if (a->policy != NULL)
        return compare_policy(a, b, ret_changes, err);
    if (b->policy != NULL)
        return compare_policy(b, a, ret_changes, err);
    return compare_machines(a, b, ret_changes, err);
}

/* Of a log without a quote nobody vouches for anything; of one with, only what the quote covers. */
static void note_trust(const struct side *side)
{
    const struct ratls_observation *o = &side->machine;

    if (side->policy != NULL)
        return;
    if (!o->has_quote) {
        printf("%s: not authenticated: a log without a quote\n", side->path);
        return;
    }
    if (o->boot_refuted != 0)
        printf("%s: its boot log does not lead to the quoted PCRs: those parts are left out\n",
               side->path);
    if (o->ima_why[0] != '\0')
        printf("%s: its IMA list is left out: %s\n", side->path, o->ima_why);
}

static void note_unshared(const struct side *side, const struct side *other)
{
    if (side->unshared > 0)
        printf("not compared: %zu things that %s says; %s has nothing beside them\n",
               side->unshared, side->path, other->path);
}

static int show(const struct side *a, const struct side *b, const struct ratls_changes *changes,
                bool json)
{
    const bool is_same = changes->count + a->unshared + b->unshared == 0;
    const int code = is_same ? RATLS_EXIT_OK : RATLS_EXIT_REFUSED;
    struct ratls_view v;

    if (json) {
        ratls_view_begin(&v, stdout, true, NULL);
        ratls_view_text(&v, "kind", NULL, "policy-diff");
        ratls_view_text(&v, "a", NULL, a->path);
        ratls_view_text(&v, "b", NULL, b->path);
        ratls_view_bool(&v, "same", NULL, is_same);
        ratls_view_bool(&v, "aQuoted", NULL, a->machine.has_quote);
        ratls_view_bool(&v, "bQuoted", NULL, b->machine.has_quote);
        ratls_view_uint(&v, "aNotCompared", NULL, a->unshared, NULL);
        ratls_view_uint(&v, "bNotCompared", NULL, b->unshared, NULL);
        ratls_changes_view(&v, changes);
        ratls_view_end(&v);
        return code;
    }
    note_trust(a);
    note_trust(b);
    note_unshared(a, b);
    note_unshared(b, a);
    ratls_changes_print(stdout, changes);
    if (changes->count > 0)
        printf("%zu %s\n", changes->count, changes->count == 1 ? "difference" : "differences");
    else
        puts(is_same ? "No difference." : "No difference in what both speak of.");
    return code;
}

static int diff(const char *path_a, const char *path_b, bool json)
{
    struct side *sides = calloc(2, sizeof *sides); /* too long for the stack */
    struct ratls_changes changes = {.count = 0};
    struct ratls_error err = {0};
    enum ratls_status status;
    int code;

    if (sides == NULL) {
        ratls_complain("out of memory");
        return RATLS_EXIT_FAILED;
    }
    sides[0].path = path_a;
    sides[1].path = path_b;
    status = load(&sides[0], &err);
    if (status == RATLS_OK)
        status = load(&sides[1], &err);
    if (status == RATLS_OK)
        status = compare(&sides[0], &sides[1], &changes, &err);
    code = status == RATLS_OK ? show(&sides[0], &sides[1], &changes, json)
                              : ratls_out_error(status, &err);
    ratls_changes_done(&changes);
    unload(&sides[0]);
    unload(&sides[1]);
    free(sides);
    return code;
}

int ratls_cmd_policy_diff(int argc, char **argv)
{
    bool json = false;
    const struct ratls_option rows[] = {
        {"json", RATLS_OPTION_FLAG, &json, NULL, "print one JSON object"},
    };
    const struct ratls_options options = {
        .synopsis = "A B [OPTION...]",
        .about = "Says in words in what two things differ. Each is a policy (.yaml), a capture of\n"
                 "'ratls probe --save', evidence, a log of the firmware\n"
                 "(binary_bios_measurements) or an IMA list (binary_runtime_measurements): two\n"
                 "machines, two boots, two policies, or a machine and a policy, of which it says\n"
                 "what the policy does not allow. Exits with 0 if they are the same, with 1 if\n"
                 "they differ.",
        .example = "  ratls policy diff before.capture after.capture\n"
                   "  ratls policy diff bank.yaml after.capture",
        .rows = rows,
        .count = sizeof rows / sizeof rows[0],
    };
    int first;
    int code;

    if (!ratls_options_parse(&options, argc, argv, &first, &code))
        return code;
    if (argc - first != 2)
        return ratls_usage("name two files");
    return diff(argv[first], argv[first + 1], json);
}
