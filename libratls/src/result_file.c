#include "result_file.h"

#include <stdlib.h>

#include "fail.h"

#define JWS_FIRST 'e' /* of base64url of "{\"" */

/* What a COSE_Sign1 begins with is no letter, so that one byte tells. */
static bool is_text(struct ratls_slice in)
{
    return in.len > 0 && in.p[0] == JWS_FIRST;
}

static enum ratls_status read_jwt(struct ratls_slice in, struct ratls_result_file *file,
                                  struct ratls_error *err)
{
    enum ratls_status status = ratls_jws_read(in, &file->jws, err);

    if (status != RATLS_OK)
        return status;
    status = ratls_result_json_read(ratls_slice(file->jws->payload, file->jws->payload_len),
                                    &file->json, err);
    if (status != RATLS_OK)
        return status;
    file->format = RATLS_RESULT_JWT;
    file->result = file->json.result;
    return RATLS_OK;
}

static enum ratls_status read_cwt(struct ratls_slice in, struct ratls_result_file *file,
                                  struct ratls_error *err)
{
    file->format = RATLS_RESULT_CWT;
    if (!ratls_cose_read(in, &file->cose) || !ratls_result_read(file->cose.payload, &file->result))
        return ratls_fail(err, RATLS_MALFORMED, "not a result (EAR) as a CWT");
    return RATLS_OK;
}

enum ratls_status ratls_result_file_read(struct ratls_slice in, struct ratls_result_file *ret,
                                         struct ratls_error *err)
{
    struct ratls_result_file file = {.jws = NULL};
    enum ratls_status status = is_text(in) ? read_jwt(in, &file, err) : read_cwt(in, &file, err);

    if (status != RATLS_OK)
        ratls_result_file_done(&file);
    else
        *ret = file;
    return status;
}

void ratls_result_file_done(struct ratls_result_file *file)
{
    ratls_result_json_done(&file->json);
    free(file->jws);
    *file = (struct ratls_result_file){.jws = NULL};
}

enum ratls_status ratls_result_file_verify(const struct ratls_result_file *file, EVP_PKEY *key,
                                           bool *ret_valid, struct ratls_error *err)
{
    return file->format == RATLS_RESULT_JWT ? ratls_jws_verify(file->jws, key, ret_valid, err)
                                            : ratls_cose_verify(&file->cose, key, ret_valid, err);
}
