#include "boot_lines.h"

#include <stdlib.h>
#include <string.h>

#include "fail.h"

#define UTF16_UNIT 2
#define FORMS 4 /* UTF-8, and with a NUL; UTF-16, and with a NUL */

/* What is no ASCII has no form in UTF-16: such lines are compared as texts. Returns its length. */
static size_t widen(struct ratls_slice text, uint8_t *out)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.p[i] >= 0x80)
            return 0;
        out[UTF16_UNIT * i] = text.p[i];
        out[UTF16_UNIT * i + 1] = 0;
    }
    return UTF16_UNIT * text.len;
}

static enum ratls_status add_forms(struct ratls_boot_lines *lines, struct ratls_hasher *hasher,
                                   struct ratls_slice text, size_t nul_len, struct ratls_error *err)
{
    struct ratls_slice parts[2] = {text, ratls_slice("\0", 0)};
    enum ratls_status status = RATLS_OK;

    for (int form = 0; status == RATLS_OK && form < 2; form++) {
        parts[1].len = form == 0 ? 0 : nul_len;
        status = ratls_hasher_digest(hasher, parts, 2, lines->digests[lines->count], err);
        lines->count++;
    }
    return status;
}

static enum ratls_status add_lines(struct ratls_boot_lines *lines, struct ratls_hasher *hasher,
                                   const struct ratls_pattern *patterns, size_t count,
                                   uint8_t *wide, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    for (size_t i = 0; status == RATLS_OK && i < count; i++) {
        size_t wide_len = patterns[i].is_exact ? widen(patterns[i].text, wide) : 0;

        if (patterns[i].is_exact)
            status = add_forms(lines, hasher, patterns[i].text, 1, err);
        if (status == RATLS_OK && wide_len > 0)
            status = add_forms(lines, hasher, ratls_slice(wide, wide_len), UTF16_UNIT, err);
    }
    return status;
}

/* In the order of memcmp(), and enough to tell one digest from nearly every other. */
static uint64_t read_head(const uint8_t *digest)
{
    uint64_t head = 0;

    for (size_t i = 0; i < sizeof head; i++)
        head = head << 8 | digest[i];
    return head;
}

static int compare_digests(const void *a, const void *b)
{
    return memcmp(a, b, RATLS_DIGEST_MAX);
}

enum ratls_status ratls_boot_lines(const struct ratls_pattern *patterns, size_t count,
                                   uint16_t bank, struct ratls_boot_lines *ret_lines,
                                   struct ratls_error *err)
{
    struct ratls_boot_lines lines = {.count = 0};
    struct ratls_hasher hasher;
    size_t longest = 0;
    uint8_t *wide;
    enum ratls_status status = ratls_hasher_begin(bank, &hasher, err);

    for (size_t i = 0; i < count; i++)
        if (patterns[i].text.len > longest)
            longest = patterns[i].text.len;
    wide = malloc(UTF16_UNIT * longest + 1);
    lines.digests = calloc(FORMS * count + 1, sizeof *lines.digests);
    lines.heads = calloc(FORMS * count + 1, sizeof *lines.heads);
    if (status == RATLS_OK && (wide == NULL || lines.digests == NULL || lines.heads == NULL))
        status = ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (status == RATLS_OK)
        status = add_lines(&lines, &hasher, patterns, count, wide, err);
    ratls_hasher_end(&hasher);
    free(wide);
    if (status != RATLS_OK) {
        ratls_boot_lines_done(&lines);
        return status;
    }
    qsort(lines.digests, lines.count, sizeof *lines.digests, compare_digests);
    for (size_t i = 0; i < lines.count; i++)
        lines.heads[i] = read_head(lines.digests[i]);
    *ret_lines = lines;
    return RATLS_OK;
}

void ratls_boot_lines_done(struct ratls_boot_lines *lines)
{
    free(lines->digests);
    free(lines->heads);
    *lines = (struct ratls_boot_lines){.count = 0};
}

/* Steps without branches: which way they go is as good as random, and a wrong guess costs more. */
bool ratls_boot_lines_has(const struct ratls_boot_lines *lines, struct ratls_slice digest)
{
    size_t first = 0, count = lines->count;
    uint64_t head;

    if (digest.len > RATLS_DIGEST_MAX || digest.len < sizeof head)
        return false;
    head = read_head(digest.p);
    while (count > 1) {
        size_t half = count / 2;

        first += lines->heads[first + half - 1] < head ? half : 0;
        count -= half;
    }
    for (; first < lines->count && lines->heads[first] <= head; first++)
        if (memcmp(lines->digests[first], digest.p, digest.len) == 0)
            return true;
    return false;
}
