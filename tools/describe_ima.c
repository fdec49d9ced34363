#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "describe_logs.h"
#include "ima_tally.h"
#include "output.h"
#include "tpm_wire.h"

#define ROW_MAX 128
#define PATH_TEXT_MAX 1536
#define DIGEST_HEAD 6 /* bytes of a file's digest in the table */
#define TEXT_MAX 128

static void describe_file(struct ratls_view *v, const struct ratls_ima_line *line)
{
    const char *name = ratls_ima_hash_name(line->file.hash);

    if (line->file.value.len == 0 || name == NULL)
        return;
    ratls_view_text(v, "file-hash", NULL, name);
    ratls_view_hex(v, "file-digest", NULL, line->file.value);
    if (line->file.is_verity)
        ratls_view_bool(v, "fs-verity", NULL, true);
}

static void put_json_line(struct ratls_view *v, const struct ratls_ima_line *line, bool is_wrong)
{
    ratls_view_section(v, NULL, NULL);
    ratls_view_uint(v, "number", NULL, line->number, NULL);
    ratls_view_uint(v, "pcr", NULL, line->pcr, NULL);
    ratls_view_hex(v, "digest", NULL, line->digest);
    ratls_view_slice(v, "template", NULL, line->template_name);
    if (line->path.len > 0)
        ratls_view_slice(v, "path", NULL, line->path);
    else if (line->text.len > 0)
        ratls_view_slice(v, "text", NULL, line->text);
    describe_file(v, line);
    if (line->has_signature)
        ratls_view_bool(v, "has-signature", NULL, true);
    if (line->is_violation)
        ratls_view_bool(v, "violation", NULL, true);
    if (is_wrong)
        ratls_view_bool(v, "template-error", NULL, true);
    ratls_view_section_end(v);
}

static void put_row(struct ratls_view *v, const struct ratls_ima_line *line, bool is_wrong)
{
    const char *name = line->file.value.len == 0 ? NULL : ratls_ima_hash_name(line->file.hash);
    struct ratls_slice head = line->file.value;
    char digest[2 * DIGEST_HEAD + 1] = "";
    char path[PATH_TEXT_MAX];
    char file[TEXT_MAX / 4] = "-";
    char row[ROW_MAX + PATH_TEXT_MAX];

    head.len = head.len < DIGEST_HEAD ? head.len : DIGEST_HEAD;
    ratls_hex(head, digest, sizeof digest);
    if (name != NULL)
        snprintf(file, sizeof file, "%s:%s", name, digest);
    ratls_escape(line->path.len > 0 ? line->path : line->text, path, sizeof path);
    snprintf(row, sizeof row, "%6" PRIu64 "  %-19s  %s%s%s%s", line->number, file, path,
             line->has_signature ? "  (signed)" : "", line->is_violation ? "  VIOLATION" : "",
             is_wrong ? "  WRONG DIGEST" : "");
    ratls_view_note(v, row);
}

static enum ratls_status walk(struct ratls_view *v, struct ratls_ima_file *file,
                              struct ratls_ima_tally *tally, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;
    struct ratls_ima_line line;

    if (!v->json) {
        ratls_view_section(v, NULL, "Entries");
        ratls_view_note(v, "    No  file's digest        path");
    }
    ratls_view_list(v, "list");
    while (status == RATLS_OK && ratls_ima_file_next(file, &line)) {
        bool is_wrong = false;

        status = ratls_ima_tally_add(tally, &line, &is_wrong, err);
        if (v->json)
            put_json_line(v, &line, is_wrong);
        else
            put_row(v, &line, is_wrong);
    }
    ratls_view_list_end(v);
    if (!v->json)
        ratls_view_section_end(v);
    return status;
}

static void describe_counts(struct ratls_view *v, const struct ratls_ima_file *file,
                            const struct ratls_ima_tally *tally)
{
    char text[TEXT_MAX] = "";

    if (tally->template_errors > 0)
        snprintf(text, sizeof text, "the first is entry %" PRIu64, tally->first_template_error);
    ratls_view_text(v, "format", "format", file->is_ascii ? "ascii" : "binary");
    if (tally->list_alg != 0)
        ratls_view_text(v, "bank", "digests", ratls_bank_name(tally->list_alg));
    ratls_view_uint(v, "entries", "entries", tally->entries, NULL);
    ratls_view_uint(v, "violations", "violations", tally->violations, NULL);
    ratls_view_uint(v, "template-errors", "wrong digests", tally->template_errors,
                    text[0] == '\0' ? NULL : text);
    ratls_view_uint(v, "template-unchecked", tally->unchecked == 0 ? NULL : "unchecked",
                    tally->unchecked, "their data is not in the file");
    ratls_view_uint(v, "signatures", "signatures", tally->signatures, NULL);
    ratls_view_bool(v, "authenticated", NULL, false);
    if (file->why[0] != '\0')
        ratls_view_text(v, "error", "DAMAGED", file->why);
}

/* Those of one way of extending. `key`: {bank: {"10": hex}}. */
static void describe_ways(struct ratls_view *v, const char *key, const char *words,
                          const struct ratls_ima_way ways[static RATLS_IMA_BANKS])
{
    struct ratls_pcr_values *values = calloc(1, sizeof *values);

    if (values == NULL)
        return;
    for (size_t i = 0; i < RATLS_IMA_BANKS; i++)
        if (ways[i].is_known)
            values->banks[values->count++] = ways[i].pcrs;
    ratls_describe_pcr_values(v, key, values, words);
    free(values);
}

/* Says where on the way the PCR was, and returns whether it ever was. */
static bool describe_match(struct ratls_view *v, const struct ratls_ima_tally *tally, size_t bank)
{
    const struct ratls_ima_way *native = &tally->native[bank];
    const struct ratls_ima_way *way = native->reached > 0 ? native : &tally->padded[bank];
    char text[TEXT_MAX] = "DIFFERS: no entry leads to it";

    if (way->reached > 0)
        snprintf(text, sizeof text, "agrees after entry %" PRIu64 " of %" PRIu64 "%s", way->reached,
                 tally->entries, way->is_padded ? ", padded SHA-1 digests" : "");
    ratls_view_section(v, ratls_bank_name(way->alg), NULL);
    ratls_view_list(v, way->reached > 0 ? "match" : "differ");
    ratls_view_uint(v, NULL, NULL, RATLS_IMA_PCR, NULL);
    ratls_view_list_end(v);
    if (way->reached > 0) {
        ratls_view_uint(v, "after", NULL, way->reached, NULL);
        ratls_view_bool(v, "padded", NULL, way->is_padded);
    }
    ratls_view_section_end(v);
    if (!v->json)
        ratls_view_text(v, NULL, ratls_bank_name(way->alg), text);
    return way->reached > 0;
}

static void describe_origin(struct ratls_view *v, const struct ratls_ima_tally *tally)
{
    switch (ratls_ima_origin(&tally->aggregate, tally->expected)) {
    case RATLS_IMA_ORIGIN_SAME:
        ratls_view_text(v, "boot-aggregate", "boot_aggregate", "agrees");
        break;
    case RATLS_IMA_ORIGIN_OTHER:
        ratls_view_text(v, "boot-aggregate", "boot_aggregate", "differs: of another boot");
        break;
    case RATLS_IMA_ORIGIN_UNKNOWN:
        break;
    }
}

static bool describe_comparison(struct ratls_view *v, const struct ratls_ima_tally *tally)
{
    size_t compared = 0;
    bool agrees = true;

    ratls_view_section(v, "comparison", "Comparison with the PCRs of --pcrs");
    for (size_t i = 0; i < RATLS_IMA_BANKS; i++) {
        const struct ratls_pcr_bank_values *bank =
            ratls_pcr_values_find(tally->expected, tally->native[i].alg);
        bool is_known = tally->native[i].is_known || tally->padded[i].is_known;

        if (bank == NULL || (bank->present >> RATLS_IMA_PCR & 1) == 0 || !is_known)
            continue;
        compared++;
        agrees = describe_match(v, tally, i) && agrees;
    }
    describe_origin(v, tally);
    ratls_view_bool(v, "agrees", NULL, compared > 0 && agrees);
    if (compared == 0)
        ratls_view_note(v, "No PCR 10 could be compared.");
    ratls_view_section_end(v);
    return compared > 0 && agrees;
}

/* Not in one frame with its caller, whose file and line take much of one already. */
static int __attribute__((noinline))
describe(struct ratls_view *v, struct ratls_ima_file *file, struct ratls_ima_tally *tally)
{
    struct ratls_error err = {0};
    enum ratls_status status = walk(v, file, tally, &err);
    bool agrees = true;

    if (status != RATLS_OK)
        return ratls_out_error(status, &err);
    if (!v->json)
        ratls_view_section(v, NULL, "The list");
    describe_counts(v, file, tally);
    ratls_view_note(v, "UNAUTHENTICATED: a file proves nothing; PCR 10 of a quote shows how much");
    ratls_view_note(v, "of a list holds.");
    if (!v->json)
        ratls_view_section_end(v);
    describe_ways(v, "pcrs", "", tally->native);
    if (tally->list_alg == RATLS_ALG_SHA1)
        describe_ways(v, "pcrs-padded", ", by kernels before 5.8", tally->padded);
    if (tally->expected != NULL)
        agrees = describe_comparison(v, tally);
    if (file->why[0] != '\0')
        return RATLS_EXIT_FAILED;
    return agrees ? RATLS_EXIT_OK : RATLS_EXIT_REFUSED;
}

bool ratls_is_ima_list(struct ratls_slice bytes)
{
    return ratls_ima_file_looks(bytes);
}

/* In ASCII the first line tells. */
static uint16_t find_list_alg(const struct ratls_ima_file *file)
{
    struct ratls_ima_file probe = *file;
    struct ratls_ima_line line;

    if (file->is_ascii && !ratls_ima_file_next(&probe, &line))
        return 0;
    return ratls_bank_by_len(probe.digest_len);
}

int ratls_describe_ima(struct ratls_view *v, struct ratls_slice bytes,
                       const struct ratls_pcr_values *expected)
{
    struct ratls_ima_tally *tally = NULL;
    struct ratls_error err = {0};
    struct ratls_ima_file file;
    enum ratls_status status = ratls_ima_file_open(bytes, &file, &err);
    int code;

    if (status != RATLS_OK)
        return ratls_out_error(status, &err);
    status = ratls_ima_tally_new(find_list_alg(&file), expected, &tally, &err);
    code = status == RATLS_OK ? describe(v, &file, tally) : ratls_out_error(status, &err);
    ratls_ima_tally_free(tally);
    ratls_ima_file_close(&file);
    return code;
}
