/* An agent that is none, and an attester that asks it: each test has its own, in its own folder. */
#ifndef RATLS_TEST_AGENT_SCENE_H
#define RATLS_TEST_AGENT_SCENE_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ratls/attester_agent.h>

#include "asker.h"
#include "evidence.h"
#include "fake_agent.h"
#include "fake_tpm.h"

#define AGENT_RETRY_MS 150 /* after that one who went away is asked again */

struct agent_scene {
    char folder[64];
    char path[96];
    struct fake_tpm *tpm;
    struct ratls_attester *local; /* what the agent asks */
    struct fake_attester_knobs knobs;
    struct fake_agent agent;
    struct ratls_attester *attester; /* asks the agent */
};

static inline struct ratls_attester *agent_scene_attester(const struct agent_scene *s,
                                                          unsigned deadline_ms)
{
    struct ratls_agent_options options = {
        .socket = s->path, .service = "web", .deadline_ms = deadline_ms};
    struct ratls_attester *attester = NULL;
    struct ratls_error err = {0};

    cr_assert_eq(ratls_agent_attester_new(&options, &attester, &err), RATLS_OK, "%s", err.text);
    return attester;
}

/* deadline_ms 0: the default. */
static inline struct agent_scene *agent_scene_new(unsigned deadline_ms)
{
    struct agent_scene *s = calloc(1, sizeof *s);

    cr_assert_not_null(s);
    memcpy(s->folder, "/tmp/ratls-agent-XXXXXX", sizeof "/tmp/ratls-agent-XXXXXX");
    cr_assert_not_null(mkdtemp(s->folder));
    snprintf(s->path, sizeof s->path, "%s/agent.sock", s->folder);
    s->tpm = fake_tpm_new(FAKE_ECDSA_P256);
    s->local = fake_attester_new(s->tpm, NULL, NULL);
    fake_attester_set_knobs(s->local, &s->knobs);
    fake_agent_start(&s->agent, s->path, s->local);
    s->attester = agent_scene_attester(s, deadline_ms);
    return s;
}

static inline void agent_scene_free(struct agent_scene *s)
{
    s->attester->free(s->attester);
    fake_agent_stop(&s->agent);
    s->local->free(s->local);
    fake_tpm_free(s->tpm);
    cr_assert_eq(rmdir(s->folder), 0);
    free(s);
}

static inline struct ratls_attest_request agent_request(uint8_t seed)
{
    struct ratls_attest_request request = {
        .mode = RATLS_MODE_HANDSHAKE,
        .role = RATLS_ROLE_SERVER,
        .tls_version = 0x0304,
        .cipher_suite = 0x1301,
        .selection = {.count = 1, .banks = {{.hash_alg = 0x000b, .pcrs = 0x83}}},
    };

    memset(request.nonce, seed, sizeof request.nonce);
    memset(request.binder, seed + 1, sizeof request.binder);
    memset(request.spki_sha256, seed + 2, sizeof request.spki_sha256);
    return request;
}

/* Whether it is evidence for this request. */
static inline bool agent_is_for(const uint8_t *bytes, size_t len,
                                const struct ratls_attest_request *request)
{
    struct ratls_evidence evidence;
    struct ratls_statement statement;

    return ratls_evidence_read(ratls_slice(bytes, len), &evidence) &&
           ratls_statement_read(evidence.statement, &statement) &&
           ratls_slice_equal(statement.nonce, ratls_slice(request->nonce, sizeof request->nonce)) &&
           ratls_slice_equal(statement.binder,
                             ratls_slice(request->binder, sizeof request->binder)) &&
           ratls_slice_equal(statement.spki_sha256,
                             ratls_slice(request->spki_sha256, sizeof request->spki_sha256));
}

static inline enum ratls_status agent_attest(struct ratls_attester *attester, uint8_t seed,
                                             struct ratls_error *err)
{
    const struct ratls_attest_request request = agent_request(seed);
    uint8_t *evidence = NULL;
    size_t len = 0;
    enum ratls_status status = attester->attest(attester, &request, &evidence, &len, err);

    if (status == RATLS_OK)
        cr_assert(agent_is_for(evidence, len, &request), "evidence of something else");
    else
        cr_assert(evidence == NULL && len == 0, "written to in spite of %s", err->text);
    free(evidence);
    return status;
}

static inline void assert_attests(struct ratls_attester *attester, uint8_t seed)
{
    struct ratls_error err = {0};
    enum ratls_status status = agent_attest(attester, seed, &err);

    cr_assert_eq(status, RATLS_OK, "%s: %s", ratls_status_name(status), err.text);
}

static inline bool agent_attests(struct ratls_attester *attester, uint8_t seed)
{
    struct ratls_error err = {0};

    return agent_attest(attester, seed, &err) == RATLS_OK;
}

/* One that hung answers again: that is noticed by itself. */
static inline void assert_attests_soon(struct ratls_attester *attester, uint8_t seed)
{
    assert_soon(agent_attests(attester, seed));
}

static inline void assert_no_evidence(struct ratls_attester *attester, enum ratls_status expected,
                                      const char *text)
{
    struct ratls_error err = {0};
    enum ratls_status status = agent_attest(attester, 1, &err);

    cr_assert_eq(status, expected, "%s: %s", ratls_status_name(status), err.text);
    cr_assert_not_null(strstr(err.text, text), "%s", err.text);
}

static inline void agent_begin(struct asker *asker, struct ratls_attester *attester, uint8_t seed)
{
    asker->request = agent_request(seed);
    asker_begin(asker, attester);
}

/* Whether it got evidence, and that for its request. */
static inline bool agent_has_evidence(const struct asker *asker)
{
    return asker->status == RATLS_OK && agent_is_for(asker->evidence, asker->len, &asker->request);
}

/* Which it then forgets. */
static inline void assert_asker_has_evidence(struct asker *asker)
{
    cr_assert_eq(asker->status, RATLS_OK, "%s: %s", ratls_status_name(asker->status),
                 asker->err.text);
    cr_assert(agent_has_evidence(asker));
    asker_forget(asker);
}

#endif
