/*
 * What evidence of an epoch costs beside a quote for each session: on the client an appraisal of
 * each, in turn; on the server the signature of a session, beside one verification. Only one
 * handshake of an epoch costs a verification of the quote and of its time stamp.
 * Usage: bench_epoch [--rounds N] [--json]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "appraise.h"
#include "command.h"
#include "crypto_epoch.h"
#include "fake_policy.h"
#include "samples.h"

#define ROUNDS_DEFAULT 31
#define PER_ROUND 200
#define WITHIN_S 3600

struct scene {
    struct fake_tpm *tpm;
    struct ratls_policy *policy;
    struct ratls_expectation expectation;
    struct fake_draft *draft;
};

/* Evidence for a nonce; with a tsa, of an epoch. */
static void make_scene(struct fake_tsa *tsa, struct scene *scene)
{
    struct ratls_expectation *e = &scene->expectation;
    struct ratls_attest_request request;

    *e = (struct ratls_expectation){.mode = RATLS_MODE_HANDSHAKE,
                                    .role = RATLS_ROLE_SERVER,
                                    .tls_version = 0x0304,
                                    .cipher_suite = 0x1301,
                                    .nonce = {1},
                                    .binder = {2},
                                    .spki_sha256 = {3},
                                    .now = (int64_t)time(NULL)};
    scene->tpm = fake_tpm_new(FAKE_ECDSA_P256);
    scene->policy = fake_policy_new(scene->tpm);
    fake_policy_pin(scene->policy, scene->tpm, NULL);
    if (tsa != NULL)
        fake_policy_epoch(scene->policy, tsa->certificate, WITHIN_S);
    scene->tpm->tsa = tsa;
    scene->tpm->stamp.time = e->now;
    fake_request(e, &fake_policy_rules(scene->policy)->selection, &request);
    scene->draft = fake_tpm_attest(scene->tpm, &request, NULL, NULL);
}

static void free_scene(struct scene *scene)
{
    free(scene->draft);
    ratls_policy_free(scene->policy);
    fake_tpm_free(scene->tpm);
}

/* As the provider appraises: no words for what is good. */
static double appraise_us(struct scene *scene)
{
    const struct ratls_submission submission = {
        .expectation = &scene->expectation,
        .tls_version = scene->expectation.tls_version,
        .present = true,
        .evidence = ratls_slice(scene->draft->wire, scene->draft->wire_len)};
    double begin = cpu_us();

    for (int i = 0; i < PER_ROUND; i++) {
        struct ratls_report *report = ratls_report_new();

        bench_must(report != NULL, "no memory");
        report->is_brief = true;
        bench_must(ratls_appraise_submission(fake_policy_rules(scene->policy), &submission, report,
                                             NULL) == RATLS_OK,
                   "the evidence is refused");
        ratls_report_free(report);
    }
    return (cpu_us() - begin) / PER_ROUND;
}

static double sign_us(const struct ratls_epoch_key *key, struct ratls_slice statement)
{
    uint8_t signature[RATLS_EPOCH_SIGNATURE_MAX];
    size_t len = 0;
    double begin = cpu_us();

    for (int i = 0; i < PER_ROUND; i++)
        bench_must(ratls_epoch_key_sign(key, statement, signature, &len, NULL) == RATLS_OK,
                   "no signature");
    return (cpu_us() - begin) / PER_ROUND;
}

/* Of the session in the evidence. */
static double verify_us(const struct fake_draft *draft)
{
    const struct ratls_epoch_session *session = &draft->evidence.session;
    bool is_valid = false;
    double begin = cpu_us();

    for (int i = 0; i < PER_ROUND; i++)
        bench_must(ratls_epoch_verify(session->key, session->statement, session->signature,
                                      &is_valid, NULL) == RATLS_OK &&
                       is_valid,
                   "not valid");
    return (cpu_us() - begin) / PER_ROUND;
}

static void print_row(const char *what, const struct samples *samples, const char *unit)
{
    printf("%-46s %9.2f  %9.2f  %9.2f  %s\n", what, samples_median(samples), samples_min(samples),
           samples_max(samples), unit);
}

int main(int argc, char **argv)
{
    static struct samples nonce, epoch, sign, verify, ratio;
    const struct bench_command command = bench_command(argc, argv, ROUNDS_DEFAULT);
    struct fake_tsa *tsa = fake_tsa_new(NULL);
    struct ratls_epoch_key *key = NULL;
    struct scene of_nonce, of_epoch;

    make_scene(NULL, &of_nonce);
    make_scene(tsa, &of_epoch);
    bench_must(ratls_epoch_key_new(&key, NULL) == RATLS_OK, "no key");
    for (size_t i = 0; i < command.rounds; i++) {
        samples_add(&nonce, appraise_us(&of_nonce));
        samples_add(&epoch, appraise_us(&of_epoch));
        samples_add(&sign, sign_us(key, of_epoch.draft->evidence.session.statement));
        samples_add(&verify, verify_us(of_epoch.draft));
        samples_add(&ratio, epoch.values[i] / nonce.values[i]);
    }
    printf("%-46s %9s  %9s  %9s\n", "", "median", "least", "most");
    print_row("client: a quote for the nonce", &nonce, "us CPU");
    print_row("client: a session of an epoch", &epoch, "us CPU");
    print_row("client: session of an epoch / quote", &ratio, "");
    print_row("server: the signature of a session", &sign, "us CPU");
    print_row("one verification of such a signature", &verify, "us CPU");
    printf("%-46s %9zu\n", "bytes of a quote for the nonce", of_nonce.draft->wire_len);
    printf("%-46s %9zu\n", "bytes of a session of an epoch", of_epoch.draft->wire_len);
    if (command.is_json)
        printf("{\"client_ratio\":%.3f,\"server_us\":%.2f}\n", samples_median(&ratio),
               samples_median(&sign));
    ratls_epoch_key_free(key);
    free_scene(&of_nonce);
    free_scene(&of_epoch);
    fake_tsa_free(tsa);
    return 0;
}
