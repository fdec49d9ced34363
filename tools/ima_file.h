/*
 * IMA lists as they lie in files, binary or in ASCII: for people who look at them, never for a
 * verdict. Where the library's reader (ima.h) refuses a list, this one goes on as long as it can
 * tell where the next entry begins: unknown templates and hashes, wrong fields, any PCR.
 */
#ifndef RATLS_TOOL_IMA_FILE_H
#define RATLS_TOOL_IMA_FILE_H

#include <ratls/error.h>

#include "bank_hash.h"
#include "ima.h"

#define RATLS_IMA_WHY_MAX 160

struct ratls_ima_line {
    uint64_t number; /* from 1 */
    uint64_t offset;
    uint32_t pcr;
    struct ratls_slice digest; /* as listed */
    bool is_violation;
    struct ratls_slice template_name;
    /* What the digest is over; in ASCII it can be made anew for some templates only. */
    bool has_data;
    struct ratls_slice data;
    struct ratls_slice path; /* empty if it is not known */
    struct ratls_ima_digest file;
    bool has_signature;
    struct ratls_slice text; /* in ASCII: what follows the name of the template */
};

/* What a line points to is good until the next. */
struct ratls_ima_file {
    bool is_ascii;
    size_t digest_len; /* of the list; in ASCII that of the first line */
    struct ratls_reader reader;
    size_t len;
    uint64_t entries; /* read so far */
    uint8_t digest[RATLS_BANK_DIGEST_MAX];
    uint8_t *scratch;
    size_t scratch_cap;
    char why[RATLS_IMA_WHY_MAX]; /* where and why it cannot be read further; or empty */
};

/* Whether the first entry can be one. */
bool ratls_ima_file_looks(struct ratls_slice in);
/* The caller closes it. */
RATLS_MUST_CHECK enum ratls_status ratls_ima_file_open(struct ratls_slice in,
                                                       struct ratls_ima_file *ret_file,
                                                       struct ratls_error *err);
void ratls_ima_file_close(struct ratls_ima_file *file);
/* False at the end, and where why says that there is no entry. */
bool ratls_ima_file_next(struct ratls_ima_file *file, struct ratls_ima_line *ret_line);

/* For ima_file.c: the form in ASCII (ima_ascii.c). */
bool ratls_ima_looks_ascii(struct ratls_slice in);
size_t ratls_ima_ascii_scratch(struct ratls_slice in);
bool ratls_ima_ascii_next(struct ratls_ima_file *file, struct ratls_ima_line *ret_line);
/* For ima_ascii.c: stops the walk; path, file and has_signature of a line that has its data. */
bool ratls_ima_file_stop(struct ratls_ima_file *file, const char *what);
void ratls_ima_line_explain(struct ratls_ima_line *line);

#endif
