/* The token of a machine that enrols: in a file that only its owner may read. */
#ifndef RATLS_TOOL_ENROLL_TOKEN_FILE_H
#define RATLS_TOOL_ENROLL_TOKEN_FILE_H

#include "enroll_message.h"

struct ratls_enroll_token {
    uint8_t id[RATLS_ENROLL_TOKEN_ID_LEN];
    uint8_t sha256[32]; /* of its text: the key of MACs, so a secret */
};

/*
 * One line with a token, as `ratls ca token` prints it. RATLS_USAGE if the file has anything else,
 * or others may read or write it. The caller wipes ret_token->sha256.
 */
RATLS_MUST_CHECK enum ratls_status ratls_enroll_token_load(const char *path,
                                                           struct ratls_enroll_token *ret_token,
                                                           struct ratls_error *err);

#endif
