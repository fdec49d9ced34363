/*
 * Threads that share an attester which asks an agent: they wait, or begin, take and cancel at any
 * moment, while the agent goes away and comes back. A program of its own, since the workers of
 * Criterion do not start under ThreadSanitizer: built with -fsanitize=thread it fails on a race.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <ratls/attester_agent.h>

#include "fake_agent.h"
#include "fake_tpm.h"
#include "must.h"

#define THREADS 8
#define ROUNDS 150
#define RESTARTS 6

struct scene {
    struct ratls_attester *attester;
    atomic_bool is_over;
    atomic_uint good;
    atomic_uint lost; /* with the agent */
};

struct racer {
    struct scene *scene;
    unsigned seed;
};

/* What a job that has ended must not be told of any more. */
struct round {
    atomic_uint calls;
    atomic_bool is_over;
};

static void rest_us(unsigned us)
{
    const struct timespec pause = {0, (long)us * 1000};

    nanosleep(&pause, NULL);
}

static struct ratls_attest_request new_request(unsigned seed)
{
    struct ratls_attest_request request = {.mode = RATLS_MODE_HANDSHAKE,
                                           .role = RATLS_ROLE_SERVER,
                                           .tls_version = 0x0304,
                                           .cipher_suite = 0x1301,
                                           .selection = {1, {{0x000b, 1}}}};

    memset(request.nonce, (int)(seed % 251), sizeof request.nonce);
    return request;
}

static void count_call(void *arg)
{
    struct round *round = arg;

    must(!atomic_load(&round->is_over));
    must(atomic_fetch_add(&round->calls, 1) == 0);
}

static void count(struct scene *scene, enum ratls_status status)
{
    must(status == RATLS_OK || status == RATLS_IO);
    atomic_fetch_add(status == RATLS_OK ? &scene->good : &scene->lost, 1);
}

static void wait_for_evidence(struct racer *racer)
{
    struct ratls_attester *attester = racer->scene->attester;
    const struct ratls_attest_request request = new_request(racer->seed);
    uint8_t *evidence = NULL;
    size_t len = 0;

    count(racer->scene, attester->attest(attester, &request, &evidence, &len, NULL));
    free(evidence);
}

/* Ends the job at any moment: before it is sent, while it is answered or called, behind that. */
static void begin_and_end(struct racer *racer)
{
    struct ratls_attester *attester = racer->scene->attester;
    const struct ratls_attest_request request = new_request(racer->seed);
    struct round *round = calloc(1, sizeof *round);
    struct ratls_attest_job *job = NULL;
    uint8_t *evidence = NULL;
    size_t len = 0;

    must(round != NULL);
    if (attester->begin(attester, &request, count_call, round, &job, NULL) != RATLS_OK) {
        count(racer->scene, RATLS_IO);
        must(atomic_load(&round->calls) == 0);
        free(round);
        return;
    }
    rest_us((unsigned)rand_r(&racer->seed) % 2000);
    if (atomic_load(&round->calls) == 1 && rand_r(&racer->seed) % 2 == 0)
        count(racer->scene, attester->take(attester, job, &evidence, &len, NULL));
    else
        attester->cancel(attester, job);
    atomic_store(&round->is_over, true);
    free(evidence);
    rest_us((unsigned)rand_r(&racer->seed) % 200);
    must(atomic_load(&round->calls) <= 1);
    free(round); /* a call that comes yet is seen by the sanitizers */
}

static void *race(void *arg)
{
    struct racer *racer = arg;

    for (unsigned i = 0; i < ROUNDS || !atomic_load(&racer->scene->is_over); i++) {
        if (rand_r(&racer->seed) % 3 == 0)
            wait_for_evidence(racer);
        else
            begin_and_end(racer);
    }
    return NULL;
}

static void run(struct scene *scene, struct fake_agent *agent, const char *path,
                struct ratls_attester *local)
{
    struct racer racers[THREADS];
    pthread_t threads[THREADS];

    for (unsigned i = 0; i < THREADS; i++) {
        racers[i] = (struct racer){scene, i + 1};
        must(pthread_create(&threads[i], NULL, race, &racers[i]) == 0);
    }
    for (unsigned i = 0; i < RESTARTS; i++) {
        rest_us(400000);
        fake_agent_stop(agent);
        fake_agent_start(agent, path, local);
    }
    atomic_store(&scene->is_over, true);
    for (unsigned i = 0; i < THREADS; i++)
        must(pthread_join(threads[i], NULL) == 0);
}

int main(void)
{
    char folder[] = "/tmp/ratls-agent-XXXXXX";
    char path[96];
    struct fake_tpm *tpm = fake_tpm_new(FAKE_ECDSA_P256);
    struct ratls_attester *local = fake_attester_new(tpm, NULL, NULL);
    struct ratls_agent_options options = {.socket = path};
    struct scene scene = {.attester = NULL};
    struct fake_agent agent;

    must(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/agent.sock", folder);
    fake_agent_start(&agent, path, local);
    must(ratls_agent_attester_new(&options, &scene.attester, NULL) == RATLS_OK);
    run(&scene, &agent, path, local);
    printf("%u times evidence, %u times the agent was away\n", scene.good, scene.lost);
    must(scene.good > THREADS * 10 && scene.lost > 0);
    scene.attester->free(scene.attester);
    fake_agent_stop(&agent);
    local->free(local);
    fake_tpm_free(tpm);
    must(rmdir(folder) == 0);
    return 0;
}
