#include "pieces.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "ima.h"

void ratls_pieces_keep(struct ratls_pieces *pieces, struct ratls_slice evidence)
{
    struct ratls_piece *items = NULL;
    uint8_t *copy = malloc(evidence.len + 1);

    if (copy != NULL && pieces->count < RATLS_PIECES_MAX &&
        evidence.len <= RATLS_PIECES_BYTES_MAX - pieces->len)
        items = realloc(pieces->items, (pieces->count + 1) * sizeof *items);
    if (items == NULL) {
        pieces->failed = true;
        free(copy);
        return;
    }
    if (evidence.len != 0)
        memcpy(copy, evidence.p, evidence.len);
    items[pieces->count++] = (struct ratls_piece){.p = copy, .len = evidence.len};
    pieces->items = items;
    pieces->len += evidence.len;
}

void ratls_pieces_clear(struct ratls_pieces *pieces)
{
    for (size_t i = 0; i < pieces->count; i++)
        free(pieces->items[i].p);
    free(pieces->items);
    *pieces = (struct ratls_pieces){.count = 0};
}

/* Grows by what a slice adds; RATLS_LIMIT if it does not belong there. */
static enum ratls_status append(const struct ratls_ima_slice *slice, uint8_t **list, size_t *len,
                                struct ratls_error *err)
{
    uint8_t *longer;

    if (slice->offset != *len)
        return ratls_fail(err, RATLS_MALFORMED,
                          "the server sent its list from byte %" PRIu64 " on, not from %zu",
                          slice->offset, *len);
    if (slice->entries.len > RATLS_IMA_LIST_MAX - *len)
        return ratls_fail(err, RATLS_LIMIT, "the server's list is longer than %u bytes",
                          RATLS_IMA_LIST_MAX);
    longer = realloc(*list, *len + slice->entries.len + 1);
    if (longer == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (slice->entries.len != 0)
        memcpy(longer + *len, slice->entries.p, slice->entries.len);
    *list = longer;
    *len += slice->entries.len;
    return RATLS_OK;
}

/* The total grows: with the list, and as the server learns how long it is. */
static enum ratls_status fetch_next(struct ratls_more *more, uint16_t list_alg, uint16_t bank,
                                    uint64_t *total, uint8_t **list, size_t *len,
                                    struct ratls_error *err)
{
    const struct ratls_log_request request = {.ima_bank = bank, .ima_offset = *len};
    const size_t before = *len;
    struct ratls_evidence evidence;
    struct ratls_slice bytes;
    enum ratls_status status = more->fetch(more, &request, &bytes, err);

    if (status != RATLS_OK)
        return status;
    if (!ratls_evidence_read(bytes, &evidence) || !evidence.has_ima ||
        evidence.ima.list_alg != list_alg)
        return ratls_fail(err, RATLS_MALFORMED, "the server sent no such list");
    status = append(&evidence.ima, list, len, err);
    if (status == RATLS_OK && *len == before)
        return ratls_fail(err, RATLS_IO,
                          "the server sent %zu bytes of its list and then no more, of %" PRIu64,
                          before, *total);
    *total = evidence.ima.total;
    return status;
}

enum ratls_status ratls_fetch_list(struct ratls_more *more, const struct ratls_ima_slice *first,
                                   uint16_t bank, uint8_t **ret_list, size_t *ret_len,
                                   struct ratls_error *err)
{
    uint64_t total = first->total;
    uint8_t *list = NULL;
    size_t len = 0;
    unsigned asked = 0;
    enum ratls_status status = append(first, &list, &len, err);

    while (status == RATLS_OK && len < total) {
        if (asked++ == RATLS_PIECES_MAX)
            status =
                ratls_fail(err, RATLS_LIMIT, "the server sends its list in more than %d pieces",
                           RATLS_PIECES_MAX);
        else
            status = fetch_next(more, first->list_alg, bank, &total, &list, &len, err);
    }
    if (status != RATLS_OK) {
        free(list);
        return status;
    }
    *ret_list = list;
    *ret_len = len;
    return RATLS_OK;
}
