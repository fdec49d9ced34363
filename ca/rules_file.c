#include "rules_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"
#include "policy_names.h"
#include "trusted_file.h"

#define HASH_LEN 32
#define HASH_DIGITS (2 * HASH_LEN)

struct rule {
    uint8_t ek_sha256[HASH_LEN];
    size_t names; /* where in the names: each ends with a NUL, the last one with two */
};

struct rules {
    struct rule *items; /* ascending */
    size_t count;
    char *names;
};

struct ratls_rules_file {
    char *path;
    struct stat seen; /* all zero: it could not be read */
    struct rules rules;
};

static void rules_done(struct rules *rules)
{
    free(rules->items);
    free(rules->names);
    *rules = (struct rules){0};
}

static int compare_rules(const void *a, const void *b)
{
    const struct rule *first = a, *second = b;

    return memcmp(first->ek_sha256, second->ek_sha256, HASH_LEN);
}

/* ---- reading ---- */

/* The names of a line, cut into words. Returns NULL, or what is wrong. */
static const char *read_names(char *text, struct ratls_writer *out)
{
    char name[RATLS_NAME_SIZE];
    const char *why = "no name behind the comma";
    char *rest = NULL;

    for (char *word = strtok_r(text, " \t", &rest); word != NULL;
         word = strtok_r(NULL, " \t", &rest)) {
        why = ratls_name_normalise(word, name);
        if (why != NULL)
            return why;
        if (name[0] == '*')
            return "a rule names one machine: no *, which stands for many";
        ratls_write_bytes(out, ratls_slice(name, strlen(name) + 1));
    }
    ratls_write_u8(out, 0);
    return why;
}

/* One line: rule, or nothing if *ret_empty. Returns NULL, or what is wrong. */
static const char *read_line(struct ratls_slice line, struct rule *rule, bool *ret_empty,
                             struct ratls_writer *out)
{
    char text[RATLS_RULES_FILE_LINE_MAX + 1];

    if (line.len > 0 && line.p[line.len - 1] == '\r')
        line.len--;
    *ret_empty = line.len == 0 || line.p[0] == '#';
    if (*ret_empty)
        return NULL;
    if (line.len > RATLS_RULES_FILE_LINE_MAX)
        return "a line that is too long: a key may have several lines";
    memcpy(text, line.p, line.len);
    text[line.len] = '\0';
    if (line.len <= HASH_DIGITS || text[HASH_DIGITS] != ',' || strlen(text) != line.len)
        return "must be the SHA-256 of an endorsement key, 64 hex digits, a comma, and names";
    text[HASH_DIGITS] = '\0';
    if (!ratls_unhex(text, rule->ek_sha256, HASH_LEN))
        return "does not begin with 64 hex digits, the SHA-256 of an endorsement key";
    rule->names = out->len;
    return read_names(text + HASH_DIGITS + 1, out);
}

static size_t count_lines(struct ratls_slice text)
{
    size_t count = 1;

    for (size_t i = 0; i < text.len; i++)
        count += text.p[i] == '\n';
    return count;
}

static struct ratls_slice take_line(struct ratls_slice *rest)
{
    const uint8_t *end = memchr(rest->p, '\n', rest->len);
    const size_t len = end == NULL ? rest->len : (size_t)(end - rest->p);
    const struct ratls_slice line = {rest->p, len};

    rest->p += end == NULL ? len : len + 1;
    rest->len -= end == NULL ? len : len + 1;
    return line;
}

static enum ratls_status read_lines(const char *path, struct ratls_slice text, struct rules *rules,
                                    struct ratls_writer *out, struct ratls_error *err)
{
    for (size_t line = 1; text.len > 0; line++) {
        bool is_empty = false;
        const char *why = read_line(take_line(&text), &rules->items[rules->count], &is_empty, out);

        if (why != NULL)
            return ratls_fail(err, RATLS_USAGE, "%s:%zu: %s", path, line, why);
        rules->count += !is_empty;
    }
    if (rules->count > 0)
        qsort(rules->items, rules->count, sizeof *rules->items, compare_rules);
    return RATLS_OK;
}

static enum ratls_status read_rules(const char *path, struct ratls_slice text,
                                    struct rules *ret_rules, struct ratls_error *err)
{
    struct rules rules = {0};
    enum ratls_status status;
    struct ratls_writer out;
    const size_t lines = count_lines(text);
    const size_t room = 2 * text.len + 2; /* an address may get longer by one digit */

    if (text.len > RATLS_RULES_FILE_MAX || lines > RATLS_RULES_FILE_LINES_MAX + 1)
        return ratls_fail(err, RATLS_USAGE, "%s: more than %d bytes or %d lines", path,
                          RATLS_RULES_FILE_MAX, RATLS_RULES_FILE_LINES_MAX);
    rules.items = calloc(lines, sizeof *rules.items);
    rules.names = malloc(room);
    if (rules.items == NULL || rules.names == NULL) {
        rules_done(&rules);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    out = ratls_writer((uint8_t *)rules.names, room);
    status = read_lines(path, text, &rules, &out, err);
    if (status == RATLS_OK && out.failed)
        status = ratls_fail(err, RATLS_USAGE, "%s: too many names", path);
    if (status == RATLS_OK)
        *ret_rules = rules;
    else
        rules_done(&rules);
    return status;
}

/* ---- the file ---- */

static enum ratls_status load(const char *path, struct stat *ret_seen, struct rules *ret_rules,
                              struct ratls_error *err)
{
    uint8_t *bytes = NULL;
    struct stat seen = {0};
    size_t size, len = 0;
    int fd = -1;
    enum ratls_status status = ratls_trusted_file_open(path, RATLS_RULES_FILE_MAX, &fd, &size, err);

    if (status != RATLS_OK)
        return status;
    if (fstat(fd, &seen) != 0)
        status = ratls_fail(err, RATLS_IO, "%s: cannot look at it", path);
    else
        status = ratls_trusted_file_read(fd, path, size, &bytes, &len, err);
    close(fd);
    if (status == RATLS_OK)
        status = read_rules(path, ratls_slice(bytes, len), ret_rules, err);
    free(bytes);
    if (status == RATLS_OK)
        *ret_seen = seen;
    return status;
}

static enum ratls_status make_file(const char *path, struct ratls_rules_file **ret,
                                   struct ratls_error *err)
{
    struct ratls_rules_file *file = calloc(1, sizeof *file);

    if (file != NULL)
        file->path = strdup(path);
    if (file == NULL || file->path == NULL) {
        free(file);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    *ret = file;
    return RATLS_OK;
}

enum ratls_status ratls_rules_file_read(const char *path, struct ratls_slice text,
                                        struct ratls_rules_file **ret, struct ratls_error *err)
{
    struct ratls_rules_file *file = NULL;
    enum ratls_status status = make_file(path, &file, err);

    if (status == RATLS_OK)
        status = read_rules(path, text, &file->rules, err);
    if (status == RATLS_OK)
        *ret = file;
    else
        ratls_rules_file_free(file);
    return status;
}

enum ratls_status ratls_rules_file_open(const char *path, struct ratls_rules_file **ret,
                                        struct ratls_error *err)
{
    struct ratls_rules_file *file = NULL;
    enum ratls_status status = make_file(path, &file, err);

    if (status == RATLS_OK)
        status = load(path, &file->seen, &file->rules, err);
    if (status == RATLS_OK)
        *ret = file;
    else
        ratls_rules_file_free(file);
    return status;
}

void ratls_rules_file_free(struct ratls_rules_file *file)
{
    if (file == NULL)
        return;
    rules_done(&file->rules);
    free(file->path);
    free(file);
}

/* Also after a change of rights, and of a file that was moved there. */
static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mode == b->st_mode && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

enum ratls_status ratls_rules_file_refresh(struct ratls_rules_file *file, struct ratls_error *err)
{
    struct stat now;

    if (stat(file->path, &now) == 0 && is_same(&now, &file->seen))
        return RATLS_OK;
    rules_done(&file->rules);
    memset(&file->seen, 0, sizeof file->seen);
    return load(file->path, &file->seen, &file->rules, err);
}

/* ---- looking up ---- */

/* The first rule that is not before this key. */
static size_t find_first(const struct rules *rules, const uint8_t ek_sha256[static HASH_LEN])
{
    size_t low = 0, high = rules->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (memcmp(rules->items[middle].ek_sha256, ek_sha256, HASH_LEN) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool has_name(const char *names, struct ratls_slice name)
{
    for (; *names != '\0'; names += strlen(names) + 1)
        if (strlen(names) == name.len && memcmp(names, name.p, name.len) == 0)
            return true;
    return false;
}

bool ratls_rules_file_covers(const struct ratls_rules_file *file,
                             const uint8_t ek_sha256[static HASH_LEN],
                             const struct ratls_slice *names, size_t count)
{
    const struct rules *rules = &file->rules;
    const size_t first = find_first(rules, ek_sha256);
    size_t end = first;

    while (end < rules->count && memcmp(rules->items[end].ek_sha256, ek_sha256, HASH_LEN) == 0)
        end++;
    for (size_t i = 0; i < count; i++) {
        size_t k = first;

        while (k < end && !has_name(rules->names + rules->items[k].names, names[i]))
            k++;
        if (k == end)
            return false;
    }
    return count > 0;
}
