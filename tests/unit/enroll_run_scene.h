/*
 * What the tests of enrolments share: a machine without a TPM, whose calls stand here instead of
 * enrolment.c, and may kill the process.
 */
#ifndef RATLS_TEST_ENROLL_RUN_SCENE_H
#define RATLS_TEST_ENROLL_RUN_SCENE_H

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto.h"
#include "enroll.h"
#include "enroll_state.h"
#include "fail.h"
#include "fake_service.h"

enum point { NOWHERE, AT_REQUEST, BEHIND_REQUEST, AT_ANSWER, BEHIND_ANSWER, AT_INSTALL, POINTS };

static enum point killed_at;
static const char *ak = "the key";
static unsigned nonce, installed;

static inline void pass(enum point point)
{
    if (killed_at == point)
        raise(SIGKILL);
}

/* ---- the part of the TPM, instead of enrolment.c ---- */

enum ratls_status ratls_tpm_ak_public(const char *state_dir, uint8_t *out, size_t cap,
                                      size_t *ret_len, struct ratls_error *err)
{
    (void)state_dir;
    (void)err;
    cr_assert_leq(strlen(ak), cap);
    memcpy(out, ak, strlen(ak));
    *ret_len = strlen(ak);
    return RATLS_OK;
}

enum ratls_status ratls_enrolment_request(const struct ratls_enrolment *enrolment,
                                          uint8_t out[static RATLS_ENROLL_REQUEST_MAX],
                                          size_t *ret_len, struct ratls_error *err)
{
    struct ratls_writer w = ratls_writer(out, RATLS_ENROLL_REQUEST_MAX);
    uint8_t random[RATLS_ENROLL_NONCE_LEN] = {0};
    struct ratls_enroll_request request = {
        .nonce = ratls_slice(random, sizeof random),
        .name_count = enrolment->name_count,
        .ek_template = 1,
        .ek_public = ratls_slice("area", 4),
        .ek_certificates = {ratls_slice("ek", 2)},
        .ek_certificate_count = 1,
        .ak_public = ratls_slice(ak, strlen(ak)),
    };
    enum ratls_status status;

    pass(AT_REQUEST);
    memcpy(random, &(unsigned[]){++nonce, (unsigned)getpid()}, 2 * sizeof nonce);
    for (size_t i = 0; i < enrolment->name_count; i++)
        request.names[i] = enrolment->names[i];
    if (enrolment->token_file != NULL) {
        request.token_id = ratls_slice("the id..", 8);
        request.token_mac = ratls_slice("0123456789abcdef0123456789abcdef", 32);
    }
    ratls_enroll_request_write(&request, &w);
    cr_assert_not(w.failed);
    *ret_len = w.len;
    status = ratls_enroll_keep(enrolment->state_dir, RATLS_ENROLL_KEPT_REQUEST,
                               ratls_writer_slice(&w), err);
    pass(BEHIND_REQUEST);
    return status;
}

enum ratls_status ratls_enrolment_answer(const struct ratls_enrolment *enrolment,
                                         struct ratls_slice request, struct ratls_slice challenge,
                                         uint8_t out[static RATLS_ENROLL_ANSWER_MAX],
                                         size_t *ret_len, struct ratls_error *err)
{
    struct ratls_writer w = ratls_writer(out, RATLS_ENROLL_ANSWER_MAX);
    struct ratls_enroll_challenge read;
    uint8_t sha256[32];

    (void)enrolment;
    pass(AT_ANSWER);
    cr_assert(ratls_enroll_challenge_read(challenge, &read));
    cr_assert_eq(ratls_sha256(request, sha256, err), RATLS_OK);
    cr_assert(ratls_slice_equal(read.request_sha256, ratls_slice(sha256, sizeof sha256)));
    ratls_enroll_answer_write(
        &(struct ratls_enroll_answer){
            .id = read.id,
            .mac = ratls_slice(sha256, sizeof sha256),
            .attest = ratls_slice("attest", 6),
            .signature = ratls_slice("signature", 9),
        },
        &w);
    cr_assert_not(w.failed);
    *ret_len = w.len;
    pass(BEHIND_ANSWER);
    return RATLS_OK;
}

enum ratls_status ratls_enrolment_install(const struct ratls_enrolment *enrolment,
                                          const char *ca_file,
                                          const struct ratls_slice *certificates, size_t count,
                                          struct ratls_error *err)
{
    (void)ca_file;
    pass(AT_INSTALL);
    cr_assert_eq(count, 1);
    cr_assert(ratls_slice_equal(certificates[0], ratls_slice("certificate", 11)));
    installed++;
    return ratls_enroll_forget(enrolment->state_dir, err);
}

/* ---- the scene ---- */

struct scene {
    struct fake_service *ca;
    struct ratls_enroll enroll;
    struct ratls_enroll_names names;
    struct ratls_enroll_ended ended;
    struct ratls_error err;
    char folder[32];
    unsigned waits;
};

static inline void count_wait(void *arg, const char *request_id)
{
    struct scene *s = arg;

    cr_expect_eq(strlen(request_id), 64);
    s->waits++;
}

static inline void name_machine(struct scene *s, size_t count)
{
    const struct ratls_slice names[] = {ratls_slice("B.example", 9), ratls_slice("a.example", 9),
                                        ratls_slice("c.example", 9)};

    cr_assert_eq(ratls_enroll_names_read(names, count, &s->names, NULL), RATLS_OK);
}

static inline struct scene *new_scene(void)
{
    struct scene *s = calloc(1, sizeof *s);

    cr_assert_not_null(s);
    s->ca = fake_service_new();
    snprintf(s->folder, sizeof s->folder, "/tmp/ratls.XXXXXX");
    cr_assert_not_null(mkdtemp(s->folder));
    name_machine(s, 2);
    s->enroll.client.url = s->ca->server->unix_url;
    s->enroll.enrolment.state_dir = s->folder;
    s->enroll.names = &s->names;
    s->enroll.waits = count_wait;
    s->enroll.waits_arg = s;
    return s;
}

static inline bool is_kept(const struct scene *s, const char *what)
{
    char path[64];

    snprintf(path, sizeof path, "%s/enroll/%s", s->folder, what);
    return access(path, F_OK) == 0;
}

static inline void free_scene(struct scene *s)
{
    char path[64];

    cr_assert_eq(ratls_enroll_forget(s->folder, NULL), RATLS_OK);
    snprintf(path, sizeof path, "%s/enroll", s->folder);
    rmdir(path);
    cr_assert_eq(rmdir(s->folder), 0);
    fake_service_free(s->ca);
    free(s);
}

static inline enum ratls_status run(struct scene *s, unsigned wait_s)
{
    s->err = (struct ratls_error){0};
    s->ended = (struct ratls_enroll_ended){.end = RATLS_ENROLL_REFUSED};
    s->enroll.client.has_answered = false;
    s->enroll.client.until_ms = ratls_ca_client_clock_ms() + (int64_t)wait_s * 1000;
    return ratls_enroll(&s->enroll, &s->ended, &s->err);
}

static inline void expect_installed(struct scene *s)
{
    const unsigned before = installed;

    cr_assert_eq(run(s, 20), RATLS_OK, "%s", s->err.text);
    cr_assert_eq(s->ended.end, RATLS_ENROLL_INSTALLED, "%s", s->ended.words);
    cr_assert_eq(installed, before + 1);
    cr_assert_not(is_kept(s, "request"));
    cr_assert_not(is_kept(s, "challenge"));
}

static inline void expect_fails(struct scene *s, enum ratls_status expected, const char *words)
{
    cr_assert_eq(run(s, 1), expected, "%s", s->err.text);
    cr_assert_not_null(strstr(s->err.text, words), "%s", s->err.text);
}

#endif
