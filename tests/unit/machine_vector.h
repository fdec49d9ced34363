/*
 * tests/vectors/machine, as the build unpacks it: what machines sent, and the verdicts of a client
 * on it. NAME.verdict has lines `key = text`: what, policy, after, verdict, and check, expected,
 * seen, at for each check that failed; words that are in the report.
 */
#ifndef RATLS_TEST_MACHINE_VECTOR_H
#define RATLS_TEST_MACHINE_VECTOR_H

#include <dirent.h>

#include "appraise.h"
#include "capture.h"
#include "values.h"

#define MACHINE_VECTORS_MAX 128
#define MACHINE_NAME_MAX 96
#define MACHINE_LINES_MAX 8
#define MACHINE_TEXT_MAX 4096

struct machine_lines {
    size_t count;
    char items[MACHINE_LINES_MAX][VALUE_LINE_MAX];
};

/* Zeros, then machine_vector_open(); must not be copied. */
struct machine_vector {
    char policy[VALUE_LINE_MAX];
    struct machine_lines after; /* what the client had accepted before, and kept of it */
    struct machine_lines words;
    char verdict[MACHINE_TEXT_MAX]; /* the lines from verdict to the last at */
    bool is_accepted;
    struct ratls_slice bytes;
    struct ratls_capture capture;
};

static inline const char *machine_folder(void)
{
    static char path[VECTOR_PATH_MAX / 2];

    snprintf(path, sizeof path, "%s/tests/vectors/machine", getenv("RATLS_BINARY_DIR"));
    return path;
}

static inline void machine_lines_add(struct machine_lines *lines, const char *text)
{
    if (lines->count == MACHINE_LINES_MAX)
        values_fail("too many lines", text);
    snprintf(lines->items[lines->count++], VALUE_LINE_MAX, "%s", text);
}

static inline void machine_verdict_line(struct machine_vector *v, const char *line)
{
    char *text = strstr(line, " = ");
    const size_t len = strlen(v->verdict);

    if (text == NULL)
        values_fail("not a line of a verdict", line);
    text += 3;
    if (strncmp(line, "what = ", 7) == 0)
        return;
    if (strncmp(line, "policy = ", 9) == 0)
        snprintf(v->policy, sizeof v->policy, "%s/policies/%s/policy.yaml", machine_folder(), text);
    else if (strncmp(line, "after = ", 8) == 0)
        machine_lines_add(&v->after, text);
    else if (strncmp(line, "words = ", 8) == 0)
        machine_lines_add(&v->words, text);
    else if (len + strlen(line) + 2 > sizeof v->verdict)
        values_fail("too long a verdict", line);
    else
        snprintf(v->verdict + len, sizeof v->verdict - len, "%s\n", line);
}

static inline void machine_vector_open(const char *name, struct machine_vector *v)
{
    char file[MACHINE_NAME_MAX + 16], *text, *rest;
    struct ratls_slice verdict;

    snprintf(file, sizeof file, "%s.verdict", name);
    verdict = vector_load(machine_folder(), file);
    text = strndup((const char *)verdict.p, verdict.len);
    rest = text;
    for (char *line = strtok_r(rest, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        machine_verdict_line(v, line);
    free(text);
    vector_free(verdict);
    v->is_accepted = strcmp(v->verdict, "verdict = accepted\n") == 0;
    snprintf(file, sizeof file, "%s.capture", name);
    v->bytes = vector_load(machine_folder(), file);
    if (!ratls_capture_read(v->bytes, &v->capture))
        values_fail("not a capture", name);
}

static inline void machine_vector_close(struct machine_vector *v)
{
    vector_free(v->bytes);
}

/* Their names, in the order of the alphabet; at least one. */
static inline size_t machine_vector_names(char names[static MACHINE_VECTORS_MAX][MACHINE_NAME_MAX])
{
    struct dirent **entries = NULL;
    const int found = scandir(machine_folder(), &entries, NULL, alphasort);
    size_t count = 0;

    for (int i = 0; i < found; i++) {
        const char *dot = strrchr(entries[i]->d_name, '.');

        if (dot != NULL && strcmp(dot, ".verdict") == 0 && count < MACHINE_VECTORS_MAX)
            snprintf(names[count++], MACHINE_NAME_MAX, "%.*s", (int)(dot - entries[i]->d_name),
                     entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    if (count == 0 || count == MACHINE_VECTORS_MAX)
        values_fail("no vectors of machines, or too many", machine_folder());
    return count;
}

#endif
