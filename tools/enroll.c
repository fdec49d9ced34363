#include "enroll.h"

#include <errno.h>
#include <fcntl.h>
#include <ratls/attester_tpm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crypto.h"
#include "ek_template.h"
#include "enroll_state.h"
#include "fail.h"
#include "paths.h"

#define AK_PUBLIC_MAX 512
#define FOLDER_MODE 0700 /* as enroll_state.c makes it */
#define ROUNDS_MAX 3 /* requests, one after the other: the CA's clock may have ended the first */

struct run {
    struct ratls_enroll *enroll;
    struct ratls_enrolment enrolment;
    struct ratls_slice names[RATLS_ENROLL_NAMES_MAX];
    uint8_t *request, *challenge; /* owned; NULL: there is none yet */
    size_t request_len, challenge_len;
    bool is_over;    /* `ended` says how */
    bool is_resumed; /* the challenge was kept by another process: it has perhaps answered it */
    struct ratls_enroll_ended ended;
};

static struct ratls_slice request_of(const struct run *run)
{
    return ratls_slice(run->request, run->request_len);
}

static void drop_challenge(struct run *run)
{
    free(run->challenge);
    run->challenge = NULL;
    run->challenge_len = 0;
}

static void drop_all(struct run *run)
{
    drop_challenge(run);
    free(run->request);
    run->request = NULL;
    run->request_len = 0;
}

static enum ratls_status take_copy(struct ratls_slice bytes, uint8_t **ret, size_t *ret_len,
                                   struct ratls_error *err)
{
    uint8_t *copy = malloc(bytes.len > 0 ? bytes.len : 1);

    if (copy == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    memcpy(copy, bytes.p, bytes.len);
    *ret = copy;
    *ret_len = bytes.len;
    return RATLS_OK;
}

/* ---- what another process left ---- */

static bool has_names(const struct ratls_enroll_request *request, const struct run *run)
{
    if (request->name_count != run->enrolment.name_count)
        return false;
    for (size_t i = 0; i < request->name_count; i++)
        if (!ratls_slice_equal(request->names[i], run->names[i]))
            return false;
    return true;
}

static bool has_template(const struct ratls_enroll_request *request, const char *ek)
{
    const struct ratls_ek_profile *profile;

    if (ek == NULL || strcmp(ek, "auto") == 0)
        return true;
    profile = ratls_ek_profile_named(ek);
    return profile != NULL && profile->id == request->ek_template;
}

static enum ratls_status is_own_key(const struct ratls_enroll_request *request,
                                    const char *state_dir, bool *ret_is, struct ratls_error *err)
{
    uint8_t area[AK_PUBLIC_MAX];
    size_t len = 0;
    enum ratls_status status = ratls_tpm_ak_public(state_dir, area, sizeof area, &len, err);

    if (status == RATLS_OK)
        *ret_is = ratls_slice_equal(request->ak_public, ratls_slice(area, len));
    return status;
}

/* Whether the request that was kept is what this one is to be; a token makes it another. */
static enum ratls_status is_wanted(const struct run *run, bool *ret_is, struct ratls_error *err)
{
    struct ratls_enroll_request request;

    *ret_is = false;
    if (run->request == NULL || !ratls_enroll_request_read(request_of(run), &request))
        return RATLS_OK;
    if (!has_names(&request, run) || !has_template(&request, run->enrolment.ek) ||
        (run->enrolment.token_file != NULL && request.token_id.len == 0))
        return RATLS_OK;
    return is_own_key(&request, run->enrolment.state_dir, ret_is, err);
}

static enum ratls_status read_kept(struct run *run, struct ratls_error *err)
{
    const char *state_dir = run->enrolment.state_dir;
    bool is_good = false;
    enum ratls_status status = ratls_enroll_kept(state_dir, RATLS_ENROLL_KEPT_REQUEST,
                                                 &run->request, &run->request_len, err);

    if (status == RATLS_OK)
        status = ratls_enroll_kept(state_dir, RATLS_ENROLL_KEPT_CHALLENGE, &run->challenge,
                                   &run->challenge_len, err);
    if (status == RATLS_OK)
        status = is_wanted(run, &is_good, err);
    if (status == RATLS_OK && !is_good)
        drop_all(run);
    run->is_resumed = run->challenge != NULL;
    return status;
}

/* ---- the steps ---- */

static void end(struct run *run, enum ratls_enroll_end how, const char *words)
{
    run->is_over = true;
    run->ended.end = how;
    snprintf(run->ended.words, sizeof run->ended.words, "%s", words);
}

/* The CA has decided: the same request would get the same answer for ever. */
static enum ratls_status end_refused(struct run *run, const struct ratls_ca_reply *reply,
                                     struct ratls_error *err)
{
    end(run, RATLS_ENROLL_REFUSED, reply->words);
    return ratls_enroll_forget(run->enrolment.state_dir, err);
}

static enum ratls_status make_request(struct run *run, struct ratls_error *err)
{
    uint8_t *bytes = malloc(RATLS_ENROLL_REQUEST_MAX);
    size_t len = 0;
    enum ratls_status status = RATLS_OK;

    if (bytes == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = ratls_enrolment_request(&run->enrolment, bytes, &len, err);
    if (status == RATLS_OK) {
        run->request = bytes;
        run->request_len = len;
    } else {
        free(bytes);
    }
    return status;
}

static enum ratls_status install(struct run *run, const struct ratls_ca_reply *reply,
                                 struct ratls_error *err)
{
    struct ratls_enroll_result result;
    enum ratls_status status;

    if (!ratls_enroll_result_read(ratls_slice(reply->http.body, reply->http.len), &result))
        return ratls_fail(err, RATLS_MALFORMED, "the CA's result cannot be read");
    status = ratls_enrolment_install(&run->enrolment, run->enroll->ca_file, result.certificates,
                                     result.certificate_count, err);
    if (status == RATLS_OK)
        end(run, RATLS_ENROLL_INSTALLED, "");
    return status;
}

/* Before it is used: whoever comes after us must ask for its result first. */
static enum ratls_status keep_challenge(struct run *run, const struct ratls_ca_reply *reply,
                                        struct ratls_error *err)
{
    const struct ratls_slice bytes = ratls_slice(reply->http.body, reply->http.len);
    struct ratls_enroll_challenge challenge;
    uint8_t sha256[32];
    enum ratls_status status = ratls_sha256(request_of(run), sha256, err);

    if (status != RATLS_OK)
        return status;
    if (!ratls_enroll_challenge_read(bytes, &challenge) ||
        !ratls_slice_equal(challenge.request_sha256, ratls_slice(sha256, sizeof sha256)))
        return ratls_fail(err, RATLS_MALFORMED, "the CA answers with the challenge of another");
    status = ratls_enroll_keep(run->enrolment.state_dir, RATLS_ENROLL_KEPT_CHALLENGE, bytes, err);
    if (status == RATLS_OK)
        status = take_copy(bytes, &run->challenge, &run->challenge_len, err);
    run->is_resumed = false;
    return status;
}

static enum ratls_status take_reply(struct run *run, const struct ratls_ca_reply *reply,
                                    struct ratls_error *err)
{
    switch (reply->kind) {
    case RATLS_CA_REPLY_CHALLENGE:
        return keep_challenge(run, reply, err);
    case RATLS_CA_REPLY_RESULT:
        return install(run, reply, err);
    case RATLS_CA_REPLY_WAITING:
        return RATLS_OK;
    case RATLS_CA_REPLY_UNKNOWN:
    case RATLS_CA_REPLY_LATE:
    case RATLS_CA_REPLY_ANSWERED:
        drop_all(run);
        return RATLS_OK;
    case RATLS_CA_REPLY_REFUSED:
        break;
    }
    return end_refused(run, reply, err);
}

/* False if there is no time left. */
static bool pause_for(const struct run *run, unsigned seconds)
{
    const int64_t left_ms = run->enroll->client.until_ms - ratls_ca_client_clock_ms();
    const int64_t ms = left_ms < (int64_t)seconds * 1000 ? left_ms : (int64_t)seconds * 1000;
    const struct timespec rest = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    if (run->enroll->waits != NULL)
        run->enroll->waits(run->enroll->waits_arg, run->ended.request_id);
    if (ms <= 0)
        return false;
    nanosleep(&rest, NULL);
    return true;
}

/* Until there is a challenge, or it is over, or another request is needed. */
static enum ratls_status get_challenge(struct run *run, struct ratls_error *err)
{
    struct ratls_ca_reply reply = {.kind = RATLS_CA_REPLY_REFUSED};
    bool is_waiting = true;
    uint8_t sha256[32];
    enum ratls_status status = ratls_sha256(request_of(run), sha256, err);

    if (status != RATLS_OK)
        return status;
    ratls_hex(ratls_slice(sha256, sizeof sha256), run->ended.request_id,
              sizeof run->ended.request_id);
    status = ratls_ca_client_request(&run->enroll->client, request_of(run), &reply, err);
    while (status == RATLS_OK && is_waiting) {
        is_waiting = reply.kind == RATLS_CA_REPLY_WAITING;
        status = take_reply(run, &reply, err);
        ratls_http_answer_done(&reply.http);
        if (status != RATLS_OK || !is_waiting)
            return status;
        if (!pause_for(run, reply.wait_s)) {
            end(run, RATLS_ENROLL_WAITING, "");
            return RATLS_OK;
        }
        status = ratls_ca_client_poll(&run->enroll->client, sha256, &reply, err);
    }
    return status;
}

/* Nothing is said of a challenge that nobody has answered: then it is answered now. */
static enum ratls_status look_for_result(struct run *run, struct ratls_error *err)
{
    struct ratls_ca_reply reply = {.kind = RATLS_CA_REPLY_REFUSED};
    struct ratls_enroll_challenge challenge;
    enum ratls_status status;

    if (!ratls_enroll_challenge_read(ratls_slice(run->challenge, run->challenge_len), &challenge)) {
        drop_challenge(run);
        return RATLS_OK;
    }
    status = ratls_ca_client_result(&run->enroll->client, challenge.id.p, &reply, err);
    if (status == RATLS_OK && reply.kind == RATLS_CA_REPLY_RESULT)
        status = install(run, &reply, err);
    ratls_http_answer_done(&reply.http);
    run->is_resumed = false;
    return status;
}

/* Else a CA could have the TPM answer for ever. */
static bool is_end(enum ratls_ca_reply_kind kind)
{
    return kind != RATLS_CA_REPLY_CHALLENGE && kind != RATLS_CA_REPLY_WAITING;
}

static enum ratls_status send_answer(struct run *run, struct ratls_slice bytes,
                                     struct ratls_error *err)
{
    struct ratls_ca_reply reply = {.kind = RATLS_CA_REPLY_REFUSED};
    enum ratls_status status = ratls_ca_client_answer(&run->enroll->client, bytes, &reply, err);

    /* Perhaps by us: a reply may have been lost. */
    if (status == RATLS_OK && reply.kind == RATLS_CA_REPLY_ANSWERED)
        status = look_for_result(run, err);
    if (status == RATLS_OK && !run->is_over)
        status = is_end(reply.kind)
                     ? take_reply(run, &reply, err)
                     : ratls_fail(err, RATLS_MALFORMED,
                                  "%s: neither a certificate nor a refusal came for the answer",
                                  run->enroll->client.url);
    ratls_http_answer_done(&reply.http);
    return status;
}

static enum ratls_status answer(struct run *run, struct ratls_error *err)
{
    const struct ratls_slice challenge = ratls_slice(run->challenge, run->challenge_len);
    uint8_t *bytes = malloc(RATLS_ENROLL_ANSWER_MAX);
    size_t len = 0;
    enum ratls_status status;

    if (bytes == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = ratls_enrolment_answer(&run->enrolment, request_of(run), challenge, bytes, &len, err);
    if (status == RATLS_OK)
        status = send_answer(run, ratls_slice(bytes, len), err);
    else if (status == RATLS_REJECTED) /* for this TPM it stays so: the next one asks anew */
        (void)!ratls_enroll_forget(run->enrolment.state_dir, NULL);
    free(bytes);
    return status;
}

static enum ratls_status go(struct run *run, struct ratls_error *err)
{
    enum ratls_status status = read_kept(run, err);

    for (unsigned requests = 0; status == RATLS_OK && !run->is_over;) {
        if (run->request == NULL && requests++ == ROUNDS_MAX)
            return ratls_fail(err, RATLS_IO,
                              "%s: the CA has ended %d requests before they came "
                              "to a certificate",
                              run->enroll->client.url, ROUNDS_MAX);
        if (run->request == NULL)
            status = make_request(run, err);
        else if (run->challenge == NULL)
            status = get_challenge(run, err);
        else if (run->is_resumed)
            status = look_for_result(run, err);
        else
            status = answer(run, err);
    }
    return status;
}

/* ---- one at a time ---- */

static enum ratls_status lock(const char *state_dir, int *ret_fd, struct ratls_error *err)
{
    char path[RATLS_PATH_MAX];
    int fd;

    if (snprintf(path, sizeof path, "%s/enroll", state_dir) >= (int)sizeof path)
        return ratls_fail(err, RATLS_USAGE, "%s: the name is too long", state_dir);
    if (mkdir(path, FOLDER_MODE) != 0 && errno != EEXIST)
        return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return ratls_fail(err, RATLS_USAGE, "%s: another process enrols with this key", state_dir);
    }
    *ret_fd = fd;
    return RATLS_OK;
}

enum ratls_status ratls_enroll(struct ratls_enroll *enroll, struct ratls_enroll_ended *ret_ended,
                               struct ratls_error *err)
{
    struct run run = {.enroll = enroll, .enrolment = enroll->enrolment};
    int fd = -1;
    enum ratls_status status;

    for (size_t i = 0; i < enroll->names->count; i++)
        run.names[i] = ratls_slice(enroll->names->texts[i], strlen(enroll->names->texts[i]));
    run.enrolment.names = run.names;
    run.enrolment.name_count = enroll->names->count;
    status = lock(enroll->enrolment.state_dir, &fd, err);
    if (status == RATLS_OK)
        status = go(&run, err);
    if (status == RATLS_OK)
        *ret_ended = run.ended;
    drop_all(&run);
    if (fd >= 0)
        close(fd);
    return status;
}
