/* ima. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy_lint_parts.h"

#define NAMED_MAX 3 /* of many files that are denied and allowed */

struct probe {
    const char *path;
    const char *words;
};

/* The first that a pattern takes is named. */
static const struct probe probes[] = {
    {"/usr/bin/x", "/usr/bin, where programs are"},
    {"/usr/sbin/x", "/usr/sbin, where programs are"},
    {"/bin/x", "/bin, where programs are"},
    {"/sbin/x", "/sbin, where programs are"},
    {"/usr/local/bin/x", "/usr/local/bin, where programs are"},
    {"/usr/lib/x", "/usr/lib, where libraries are"},
    {"/usr/lib/x86_64-linux-gnu/x", "/usr/lib, where libraries are"},
    {"/usr/lib64/x", "/usr/lib64, where libraries are"},
    {"/lib/x", "/lib, where libraries are"},
    {"/lib/modules/6.1/x", "/lib/modules, where modules of the kernel are"},
    {"/opt/x", "/opt, where programs are"},
    {"/opt/x/bin/x", "/opt, where programs are"},
    {"/boot/x", "/boot, where kernels for kexec are"},
    {"/etc/x", "/etc, where scripts and settings are"},
    {"/tmp/x", "/tmp, where everyone may put programs"},
    {"/var/tmp/x", "/var/tmp, where everyone may put programs"},
    {"/dev/shm/x", "/dev/shm, where everyone may put programs"},
    {"/home/x/x", "/home, where users may put programs"},
    {"/root/x", "/root, where programs may be"},
    {"/run/x", "/run, where programs may be put"},
    {"/var/lib/x", "/var/lib, where packages keep programs and scripts"},
    {"memfd:x", "names without /, which programs have that run from memory"},
    {"x", "names without /, which programs have that run from what is no longer mounted"},
};

/* A path that the pattern takes: "a" for each "*", "a/b" for each "**". NULL: no memory. */
static char *make_witness(const char *pattern)
{
    char *path = malloc(2 * strlen(pattern) + 1);
    size_t len = 0;

    for (size_t i = 0; path != NULL && pattern[i] != '\0'; i++) {
        if (pattern[i] != '*') {
            path[len++] = pattern[i];
            continue;
        }
        path[len++] = 'a';
        if (pattern[i + 1] == '*') {
            path[len++] = '/';
            path[len++] = 'b';
            i++;
        }
    }
    if (path != NULL)
        path[len] = '\0';
    return path;
}

static void lint_path(const struct ratls_lint *lint, const char *at, const char *text)
{
    if (text[0] != '/' && text[0] != '*' && strchr(text, '/') != NULL)
        ratls_lint_warn(lint, at, "paths begin with /: this matches none");
}

static void lint_exclude(const struct ratls_lint *lint, size_t i)
{
    const struct ratls_patterns *exclude = &lint->rules->ima.exclude;
    const struct ratls_pattern *pattern = &exclude->items[i];
    char at[RATLS_POLICY_AT_MAX];
    size_t j = 0, count = sizeof probes / sizeof *probes;

    snprintf(at, sizeof at, "ima.exclude[%zu]", i);
    lint_path(lint, at, exclude->texts[i]);
    while (j < count &&
           !ratls_pattern_match(pattern, ratls_slice(probes[j].path, strlen(probes[j].path))))
        j++;
    if (j < count)
        ratls_lint_warn(lint, at, "takes in %s: what is run from there is not looked at",
                        probes[j].words);
}

/* Whether one of the patterns takes a path that the other certainly takes. */
static bool takes_witness(const struct ratls_pattern *pattern, const char *other)
{
    char *path = make_witness(other);
    bool takes = path != NULL && ratls_pattern_match(pattern, ratls_slice(path, strlen(path)));

    free(path);
    return takes;
}

static void lint_required(const struct ratls_lint *lint, size_t i)
{
    const struct ratls_patterns *required = &lint->rules->ima.signature_required;
    const struct ratls_patterns *exclude = &lint->rules->ima.exclude;
    char at[RATLS_POLICY_AT_MAX];

    snprintf(at, sizeof at, "ima.signature-required[%zu]", i);
    lint_path(lint, at, required->texts[i]);
    for (size_t j = 0; j < exclude->count; j++) {
        if (takes_witness(&required->items[i], exclude->texts[j]) ||
            takes_witness(&exclude->items[j], required->texts[i]))
            ratls_lint_warn(lint, at,
                            "ima.exclude[%zu] takes in some of these paths too: there the "
                            "signature is required all the same",
                            j);
    }
}

static bool is_allowed(const struct ratls_references *allow, struct ratls_slice digest)
{
    for (size_t i = 0; i < allow->count; i++) {
        if (ratls_refvals_has(allow->sets[i], digest))
            return true;
    }
    return false;
}

static void lint_denied(const struct ratls_lint *lint, size_t i)
{
    const struct ratls_ima_rules *ima = &lint->rules->ima;
    const struct ratls_refvals *deny = ima->deny.sets[i];
    char at[RATLS_POLICY_AT_MAX], shown[64];
    size_t count = 0;

    snprintf(at, sizeof at, "ima.deny[%zu]", i);
    for (size_t j = 0; j < ratls_refvals_count(deny); j++) {
        struct ratls_slice digest, name;

        ratls_refvals_get(deny, j, &digest, &name);
        if (!is_allowed(&ima->allow, digest) || ++count > NAMED_MAX)
            continue;
        ratls_escape(name, shown, sizeof shown);
        ratls_lint_warn(lint, at, "allow has this digest too, and can never match there: %s",
                        shown);
    }
    if (count > NAMED_MAX)
        ratls_lint_warn(lint, at, "allow has %zu more of these digests too", count - NAMED_MAX);
}

/* As `sha256sum *` in a folder writes them: such a file allows nothing. */
static void lint_allowed(const struct ratls_lint *lint, size_t i)
{
    const struct ratls_refvals *allow = lint->rules->ima.allow.sets[i];
    char at[RATLS_POLICY_AT_MAX];

    for (size_t j = 0; j < ratls_refvals_count(allow); j++) {
        struct ratls_slice digest, name;

        ratls_refvals_get(allow, j, &digest, &name);
        if (name.len > 0 && name.p[0] == '/')
            return;
    }
    snprintf(at, sizeof at, "ima.allow[%zu]", i);
    ratls_lint_warn(lint, at, "no name in it begins with /, as paths do: it allows no file");
}

void ratls_lint_ima(const struct ratls_lint *lint)
{
    const struct ratls_ima_rules *ima = &lint->rules->ima;

    if (!ima->is_asked)
        return;
    if (ima->violations_allowed)
        ratls_lint_warn(
            lint, "ima.violations",
            "allow: a file that was changed while it was measured is accepted, and what "
            "it was then is not known");
    for (size_t i = 0; i < ima->allow.count; i++)
        lint_allowed(lint, i);
    for (size_t i = 0; i < ima->exclude.count; i++)
        lint_exclude(lint, i);
    for (size_t i = 0; i < ima->signature_required.count; i++)
        lint_required(lint, i);
    for (size_t i = 0; i < ima->deny.count; i++)
        lint_denied(lint, i);
    ratls_lint_references(lint, "ima.allow", &ima->allow, 0);
    ratls_lint_references(lint, "ima.deny", &ima->deny, 0);
}
