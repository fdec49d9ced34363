/*
 * What the tests of libratls-attester share: a software TPM for each test, a key in a state folder
 * beside it, and a verifier that has none of the attester's code.
 */
#ifndef RATLS_TEST_ATTESTER_FIXTURE_H
#define RATLS_TEST_ATTESTER_FIXTURE_H

#include <criterion/criterion.h>

#include <ratls/attester_tpm.h>

#include "asker.h"
#include "crypto.h"
#include "evidence.h"
#include "own_process.h"
#include "statement.h"
#include "swtpm.h"

#define PATH_LEN 256

struct fixture {
    struct swtpm tpm;
    char state[PATH_LEN];
};

extern struct fixture f; /* of the test that runs: each has a process of its own */

void set_up(void);
void tear_down(void);

/* Evidence and what was read from it. */
struct sample {
    uint8_t bytes[RATLS_EVIDENCE_MAX];
    size_t len;
    struct ratls_evidence evidence;
    struct ratls_statement statement;
    struct ratls_tpm_attest attest;
    uint8_t ak_public[RATLS_TPM_STRUCTURE_MAX]; /* that of f.state, if the request named the key */
    struct ratls_tpm_public ak;
    struct ratls_tpm_signature signature;
};

void assert_ok(enum ratls_status status, const struct ratls_error *err);
void assert_fails(enum ratls_status status, enum ratls_status expected,
                  const struct ratls_error *err, const char *text);
/* Makes a key in f.state. */
void init_key(const char *tcti, enum ratls_ak_algorithm algorithm, bool transient);
/* The same, past the mux, which then stands before the TPM: tpm_mux_start(). */
void begin_over_mux(struct tpm_mux *mux, const char *const *options);
/* tcti NULL: that of the state folder; deadline 0: the default. */
struct ratls_attester *new_attester(const char *tcti, unsigned deadline_ms);
struct ratls_tpm_counts counts_of(const struct ratls_attester *attester);
struct ratls_attest_request new_request(uint8_t seed);
/* What a verifier asks of every quote. Says on stderr what is wrong. */
bool is_sound(struct sample *s, const struct ratls_attest_request *request);
enum ratls_status try_attest(struct ratls_attester *attester,
                             const struct ratls_attest_request *request, struct sample *s,
                             struct ratls_error *err);
void sample_keep(struct sample *s, const uint8_t *evidence, size_t len);
/* Sound evidence; the caller frees it. */
struct sample *attest(struct ratls_attester *attester, const struct ratls_attest_request *request);
/* Until this is what it says of the TPM; until there is evidence (again), which is sound. */
void await_failure(struct ratls_attester *attester, const struct ratls_attest_request *request,
                   const char *text);
void await_evidence(struct ratls_attester *attester, const struct ratls_attest_request *request);
/* One who has no request yet gets new_request(seed). */
void attester_ask(struct asker *asker, struct ratls_attester *attester, uint8_t seed);
/* Waits for it, and takes it if that was not done; sound; the caller frees it. */
struct sample *sample_of(struct asker *asker);
void assert_attest_fails(struct ratls_attester *attester,
                         const struct ratls_attest_request *request, enum ratls_status status,
                         const char *text);

#endif
