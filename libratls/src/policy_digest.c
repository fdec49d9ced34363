/*
 * What decides, in 32 bytes: the policy's own text, and which content each file had that it names.
 * Two loaded policies with the same digest give the same verdicts.
 */
#include <stdlib.h>
#include <string.h>

#include "policy_build.h"

#define LABEL "ratls rules 1" /* with its NUL */
#define STAMP_LEN (32 + 6 * 8)

/* The text of a long path is one digest, so that no two lists of files look the same. */
static enum ratls_status put_stamp(struct ratls_writer *w, const struct ratls_stamp *stamp,
                                   struct ratls_error *err)
{
    uint8_t path[32];
    enum ratls_status status =
        ratls_sha256(ratls_slice(stamp->path, strlen(stamp->path)), path, err);

    ratls_write_bytes(w, ratls_slice(path, sizeof path));
    ratls_write_u64(w, (uint64_t)stamp->error << 32 | stamp->mode);
    ratls_write_u64(w, stamp->device);
    ratls_write_u64(w, stamp->inode);
    ratls_write_u64(w, (uint64_t)stamp->size);
    ratls_write_u64(w, (uint64_t)stamp->changed.tv_sec);
    ratls_write_u64(w, (uint64_t)stamp->changed.tv_nsec);
    return status;
}

enum ratls_status ratls_build_digest(struct ratls_build *b)
{
    struct ratls_rules *rules = b->rules;
    const size_t cap = sizeof LABEL + 32 + rules->stamp_count * STAMP_LEN;
    uint8_t *bytes = malloc(cap);
    struct ratls_writer w = ratls_writer(bytes, cap);
    enum ratls_status status;

    if (bytes == NULL)
        return ratls_build_no_memory(b);
    status = ratls_sha256(b->source->text, rules->sha256, b->err);
    ratls_write_bytes(&w, ratls_slice(LABEL, sizeof LABEL));
    ratls_write_bytes(&w, ratls_slice(rules->sha256, sizeof rules->sha256));
    for (size_t i = 0; status == RATLS_OK && i < rules->stamp_count; i++)
        status = put_stamp(&w, &rules->stamps[i], b->err);
    if (status == RATLS_OK)
        status = ratls_sha256(ratls_writer_slice(&w), rules->decides_sha256, b->err);
    free(bytes);
    return status;
}
