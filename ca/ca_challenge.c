/* A challenge: a secret that only the TPM of who asks can open, while it has that key. */
#include <openssl/crypto.h>
#include <stdlib.h>

#include "ca_state.h"
#include "credential.h"
#include "crypto.h"
#include "fail.h"

#define SECRET_LEN 32

static enum ratls_status seal(const struct ratls_enrollee *e, struct ratls_slice secret,
                              struct ratls_credential *ret, struct ratls_error *err)
{
    const struct ratls_credential_wish wish = {
        .profile = e->profile,
        .key = e->ek.ek.key,
        .area = e->request.ek_public,
        .name = ratls_slice(e->ak_name, e->ak_name_len),
        .value = secret,
    };

    return ratls_make_credential(&wish, ret, err);
}

static enum ratls_status write_message(const struct ratls_enrollee *e,
                                       const struct ratls_credential *credential,
                                       struct ratls_ca_challenge *ret, struct ratls_error *err)
{
    struct ratls_writer w = ratls_writer(ret->message, sizeof ret->message);
    const struct ratls_enroll_challenge challenge = {
        .id = ratls_slice(ret->stored.id, sizeof ret->stored.id),
        .request_sha256 = ratls_slice(e->sha256, sizeof e->sha256),
        .expires = (uint64_t)ret->stored.expires,
        .credential_blob = ratls_slice(credential->blob, credential->blob_len),
        .encrypted_secret = ratls_slice(credential->secret, credential->secret_len),
    };

    ratls_enroll_challenge_write(&challenge, &w);
    if (w.failed)
        return ratls_fail(err, RATLS_LIMIT, "a challenge that is too long");
    ret->stored.challenge = ratls_writer_slice(&w);
    return RATLS_OK;
}

static enum ratls_status fill(const struct ratls_enrollee *e, struct ratls_ca_challenge *challenge,
                              struct ratls_error *err)
{
    uint8_t bytes[SECRET_LEN] = {0};
    const struct ratls_slice secret = ratls_slice(bytes, sizeof bytes);
    struct ratls_credential credential;
    enum ratls_status status = ratls_random(bytes, sizeof bytes, err);

    if (status == RATLS_OK)
        status = ratls_random(challenge->stored.id, sizeof challenge->stored.id, err);
    if (status == RATLS_OK)
        status = ratls_enroll_answer_key(secret, challenge->stored.answer_key, err);
    if (status == RATLS_OK)
        status = seal(e, secret, &credential, err);
    if (status == RATLS_OK)
        status = write_message(e, &credential, challenge, err);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return status;
}

enum ratls_status ratls_ca_make_challenge(const struct ratls_enrollee *enrollee, int64_t expires,
                                          struct ratls_ca_challenge **ret, struct ratls_error *err)
{
    struct ratls_ca_challenge *challenge = calloc(1, sizeof *challenge);
    enum ratls_status status;

    if (challenge == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    challenge->stored.expires = expires;
    status = fill(enrollee, challenge, err);
    if (status == RATLS_OK)
        *ret = challenge;
    else
        ratls_ca_challenge_free(challenge);
    return status;
}

void ratls_ca_challenge_free(struct ratls_ca_challenge *challenge)
{
    if (challenge != NULL)
        OPENSSL_cleanse(challenge, sizeof *challenge);
    free(challenge);
}
