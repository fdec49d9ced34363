/* What goes into the policy itself: another attestation key, values of PCRs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "additions.h"
#include "fail.h"
#include "policy_load.h"
#include "policy_text.h"

#define AT_MAX 64
#define INSERT_MAX 1024

/* A place in the text: of the value itself, and of its line. */
struct spot {
    size_t value;
    size_t line;     /* of its first byte */
    size_t line_end; /* of its newline, or the end */
};

static struct spot find_spot(const struct ratls_source *source, const char *at)
{
    const struct ratls_source_place place = ratls_source_find(source, at);
    struct spot spot = {.value = 0};
    size_t line = 1;

    while (line < place.line && spot.line < source->text.len)
        if (source->text.p[spot.line++] == '\n')
            line++;
    spot.value = spot.line + place.column - 1;
    if (spot.value > source->text.len)
        spot.value = source->text.len;
    spot.line_end = spot.value;
    while (spot.line_end < source->text.len && source->text.p[spot.line_end] != '\n')
        spot.line_end++;
    return spot;
}

/* An entry of a list that has a line of its own: blanks, a dash, and blanks before it. */
static bool is_block_entry(const struct ratls_source *source, const struct spot *spot)
{
    size_t dashes = 0;

    for (size_t i = spot->line; i < spot->value; i++) {
        dashes += source->text.p[i] == '-';
        if (source->text.p[i] != ' ' && source->text.p[i] != '-')
            return false;
    }
    return dashes == 1;
}

static enum ratls_status refuse(const struct ratls_additions *a, const char *what,
                                struct ratls_error *err)
{
    return ratls_fail(err, RATLS_USAGE,
                      "%s: cannot find where %s goes in: add it by hand, and try again", a->path,
                      what);
}

/* A line like the one that is there, before or behind it. */
static enum ratls_status insert_line(struct ratls_additions *a, const struct ratls_source *source,
                                     const struct spot *spot, bool is_before, const char *entry,
                                     struct ratls_error *err)
{
    const size_t end = spot->line_end < source->text.len ? spot->line_end + 1 : spot->line_end;
    const bool is_open = !is_before && spot->line_end == source->text.len;
    char text[INSERT_MAX];

    snprintf(text, sizeof text, "%s%.*s%s # %s%s", is_open ? "\n" : "",
             (int)(spot->value - spot->line), (const char *)source->text.p + spot->line, entry,
             a->comment, is_open ? "" : "\n");
    return ratls_edits_insert(&a->edits, a->path, is_before ? spot->line : end, text, err);
}

/* Before the first entry of the list at a place such as "servers[0]". */
static enum ratls_status add_first(struct ratls_additions *a, const struct ratls_source *source,
                                   const char *at, const char *entry, struct ratls_error *err)
{
    const struct spot spot = find_spot(source, at);

    if (!is_block_entry(source, &spot))
        return refuse(a, entry, err);
    return insert_line(a, source, &spot, true, entry, err);
}

static enum ratls_status add_identity(struct ratls_additions *a, const struct ratls_source *source,
                                      const struct ratls_fact *fact, struct ratls_error *err)
{
    const bool is_server = strcmp((const char *)fact->name.p, RATLS_SERVER_FACT) == 0;
    char entry[INSERT_MAX / 2 + RATLS_HOST_MAX];

    snprintf(entry, sizeof entry, is_server ? "'%s'" : "name: %s", (const char *)fact->value.p);
    return add_first(a, source, is_server ? "servers[0]" : "attestation-keys[0]", entry, err);
}

/* The last value of a PCR in a bank; false if the policy has none. */
static bool find_value(const struct ratls_document *document, const struct ratls_fact *fact,
                       char at[static AT_MAX], const char **ret_value)
{
    for (size_t i = 0; i < document->pcrs_count; i++) {
        const struct ratls_document_pcr *pcr = &document->pcrs[i];
        char *const *values = pcr->sha256;
        uint32_t count = pcr->sha256_count;

        if (strtoul(pcr->index, NULL, 10) != fact->pcr)
            continue;
        if (fact->value.len == 48) {
            values = pcr->sha384;
            count = pcr->sha384_count;
        } else if (fact->value.len == 64) {
            values = pcr->sha512;
            count = pcr->sha512_count;
        }
        if (count == 0)
            continue;
        snprintf(at, AT_MAX, "pcrs[%zu].sha%zu[%u]", i, 8 * fact->value.len, count - 1);
        *ret_value = values[count - 1];
        return true;
    }
    return false;
}

static enum ratls_status add_value(struct ratls_additions *a, const struct ratls_source *source,
                                   const struct ratls_document *document,
                                   const struct ratls_fact *fact, struct ratls_error *err)
{
    char hex[2 * RATLS_DIGEST_MAX + 1], inside[2 * RATLS_DIGEST_MAX + 3];
    const char *value = "";
    char at[AT_MAX] = "";
    struct spot spot;
    size_t end;

    ratls_hex(fact->value, hex, sizeof hex);
    if (!find_value(document, fact, at, &value))
        return refuse(a, hex, err);
    spot = find_spot(source, at);
    end = spot.value;
    if (end < source->text.len && strchr("'\"", source->text.p[end]) != NULL)
        end++;
    if (source->text.len - end < strlen(value) ||
        memcmp(source->text.p + end, value, strlen(value)) != 0)
        return refuse(a, hex, err);
    if (is_block_entry(source, &spot))
        return insert_line(a, source, &spot, false, hex, err);
    end += strlen(value) + (end > spot.value);
    snprintf(inside, sizeof inside, ", %s", hex);
    return ratls_edits_insert(&a->edits, a->path, end, inside, err);
}

enum ratls_status ratls_additions_edit_policy(struct ratls_additions *additions,
                                              struct ratls_error *err)
{
    struct ratls_additions *a = additions;
    struct ratls_document *document = NULL;
    struct ratls_source source = {.path = a->path};
    enum ratls_status status = ratls_edits_read(&a->edits, a->path, &source.text, err);

    if (status == RATLS_OK)
        status = ratls_document_load(&source, &document, err);
    for (size_t i = 0; status == RATLS_OK && i < a->missing.count; i++) {
        const struct ratls_fact *fact = &a->missing.items[i];

        if (fact->topic == RATLS_TOPIC_IDENTITY)
            status = add_identity(a, &source, fact, err);
        else if (fact->topic == RATLS_TOPIC_PCR)
            status = add_value(a, &source, document, fact, err);
    }
    ratls_document_free(document);
    return status;
}
