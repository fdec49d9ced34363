/* A result in either encoding, as a file has it. */
#ifndef RATLS_RESULT_FILE_H
#define RATLS_RESULT_FILE_H

#include "cose.h"
#include "jws.h"
#include "result_json.h"

/* Borrows from the bytes that it was read from. */
struct ratls_result_file {
    enum ratls_result_format format;
    struct ratls_result result;
    struct ratls_cose cose;
    struct ratls_jws *jws;
    struct ratls_result_json json;
};

/*
 * RATLS_MALFORMED if it is neither; the caller ends it with ratls_result_file_done(). Nothing is
 * verified yet.
 */
RATLS_MUST_CHECK enum ratls_status ratls_result_file_read(struct ratls_slice in,
                                                          struct ratls_result_file *ret,
                                                          struct ratls_error *err);
void ratls_result_file_done(struct ratls_result_file *file);

RATLS_MUST_CHECK enum ratls_status ratls_result_file_verify(const struct ratls_result_file *file,
                                                            EVP_PKEY *key, bool *ret_valid,
                                                            struct ratls_error *err);

#endif
