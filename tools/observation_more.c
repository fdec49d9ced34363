/* An observation is appraised once more, as in the handshake that it is from. */
#include <stdlib.h>

#include "fail.h"
#include "findings.h"
#include "observation.h"

#define PIECE_MAX 61440 /* of entries: leaves room for the rest of the evidence */

/* As many whole entries as there is room for, at least one. */
static size_t piece_len(const struct ratls_observation *o, size_t offset)
{
    struct ratls_ima_reader reader = ratls_ima_reader(
        ratls_slice(o->ima_list + offset, o->ima_list_len - offset), o->ima_alg, offset, 0);
    struct ratls_ima_entry entry;
    size_t len = 0;

    while (ratls_ima_next(&reader, &entry) && len + entry.len <= PIECE_MAX)
        len += entry.len;
    return len;
}

static enum ratls_status fetch(struct ratls_more *self, const struct ratls_log_request *request,
                               struct ratls_slice *ret_evidence, struct ratls_error *err)
{
    struct ratls_observation_more *more = (struct ratls_observation_more *)self;
    const struct ratls_observation *o = more->observation;
    struct ratls_evidence evidence = {.has_quote = false, .has_ima = true};
    struct ratls_writer w;
    size_t offset = 0;

    if (request->ima_offset <= o->ima_list_len)
        offset = (size_t)request->ima_offset;
    if (o->ima_list == NULL || request->ima_offset >= o->ima_list_len)
        return ratls_fail(err, RATLS_IO, "there is no more of the IMA list");
    if (more->bytes == NULL)
        more->bytes = malloc(RATLS_EVIDENCE_MAX);
    if (more->bytes == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    evidence.ima.list_alg = o->ima_alg;
    evidence.ima.offset = offset;
    evidence.ima.total = o->ima_list_len;
    evidence.ima.entries = ratls_slice(o->ima_list + offset, piece_len(o, offset));
    w = ratls_writer(more->bytes, RATLS_EVIDENCE_MAX);
    ratls_evidence_write(&evidence, &w);
    if (w.failed)
        return ratls_fail(err, RATLS_LIMIT, "an entry of the IMA list is too long");
    *ret_evidence = ratls_writer_slice(&w);
    return RATLS_OK;
}

struct ratls_observation_more ratls_observation_more(const struct ratls_observation *o)
{
    return (struct ratls_observation_more){.more = {.fetch = fetch}, .observation = o};
}

enum ratls_status ratls_observation_appraise(const struct ratls_observation *o,
                                             struct ratls_rules *rules,
                                             struct ratls_report **ret_report,
                                             struct ratls_error *err)
{
    struct ratls_observation_more more = ratls_observation_more(o);
    const struct ratls_submission submission = {
        .expectation = &o->expectation,
        .tls_version = o->expectation.tls_version,
        .present = true,
        .evidence = ratls_slice(o->bytes, o->bytes_len),
        .more = &more.more,
    };
    struct ratls_report *report = ratls_report_new();
    enum ratls_status status;

    if (report == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = ratls_appraise_submission(rules, &submission, report, err);
    free(more.bytes);
    if (status == RATLS_OK || status == RATLS_REJECTED)
        *ret_report = report;
    else
        ratls_report_free(report);
    return status;
}
