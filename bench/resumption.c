/*
 * What attestation costs a handshake that resumes: plain ones and ones whose session was attested,
 * in turn, in one process, with the CPU time of each side. The server has its state at hand, as one
 * to whom clients come back. A figure of a round is the lower quartile of its handshakes. Usage:
 * bench_resumption [--rounds N] [--json]
 */
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "fake_policy.h"
#include "pair.h"
#include "samples.h"
#include "tls_pair.h"

#define ROUNDS_DEFAULT 15
#define PER_ROUND 100
#define MAX_AGE_S 3600

enum way { WAY_PLAIN, WAY_ATTESTED, WAYS };

static const char *const way_names[WAYS] = {"plain", "attested"};

struct side {
    SSL_CTX *client, *server;
    SSL_SESSION *session;
};

struct figures {
    struct samples client_us[WAYS], server_us[WAYS], ratio;
};

static uint8_t at_hand[32];

static enum ratls_status know_state(struct ratls_attester *self,
                                    const struct ratls_pcr_selection *selection,
                                    uint8_t ret_digest[32], struct ratls_error *err)
{
    (void)self, (void)selection, (void)err;
    memcpy(ret_digest, at_hand, sizeof at_hand);
    return RATLS_OK;
}

static void make_sides(struct tls_world *world, struct side sides[WAYS])
{
    struct ratls_rules *rules = fake_policy_rules(world->policy);

    rules->max_age_s = MAX_AGE_S;
    bench_must(world->attester->state(world->attester, &rules->selection, at_hand, NULL) ==
                   RATLS_OK,
               "no state");
    world->attester->known_state = know_state;
    sides[WAY_PLAIN] =
        (struct side){.client = tls_plain_client(world), .server = tls_plain_server(world)};
    sides[WAY_ATTESTED] = (struct side){.client = world->client, .server = world->server};
    for (enum way way = 0; way < WAYS; way++)
        sides[way].session = pair_session(sides[way].client, sides[way].server, TLS_NAME);
}

/* Forth and back: none always comes behind the other. */
static void run_round(const struct side sides[WAYS], struct figures *f)
{
    struct samples client_us[WAYS] = {0}, server_us[WAYS] = {0};
    double both_us[WAYS];

    for (size_t i = 0; i < PER_ROUND; i++)
        for (size_t k = 0; k < WAYS; k++) {
            const enum way way = (enum way)(i % 2 == 0 ? k : WAYS - 1 - k);
            const struct side *side = &sides[way];
            struct pair_cost cost = {0};

            pair_resume(side->client, side->server, TLS_NAME, side->session, &cost);
            samples_add(&client_us[way], cost.client_us);
            samples_add(&server_us[way], cost.server_us);
        }
    for (enum way way = 0; way < WAYS; way++) {
        const double client = samples_quartile(&client_us[way]);
        const double server = samples_quartile(&server_us[way]);

        samples_add(&f->client_us[way], client);
        samples_add(&f->server_us[way], server);
        both_us[way] = client + server;
    }
    samples_add(&f->ratio, both_us[WAY_PLAIN] / both_us[WAY_ATTESTED]);
}

static void print_row(const char *side, const char *way, const struct samples *samples,
                      const char *unit)
{
    printf("%s%-20s %9.2f  %9.2f  %9.2f  %s\n", side, way, samples_median(samples),
           samples_min(samples), samples_max(samples), unit);
}

int main(int argc, char **argv)
{
    const struct bench_command command = bench_command(argc, argv, ROUNDS_DEFAULT);
    static struct figures figures, warm_up; /* too large for the stack */
    struct tls_world *world = tls_world_new();
    struct side sides[WAYS];

    make_sides(world, sides);
    run_round(sides, &warm_up);
    for (size_t i = 0; i < command.rounds; i++)
        run_round(sides, &figures);
    printf("%s; %zu rounds of %d resumed handshakes each way, in turn: median, least, most\n",
           OpenSSL_version(OPENSSL_VERSION), figures.ratio.count, PER_ROUND);
    for (enum way way = 0; way < WAYS; way++) {
        print_row("client, ", way_names[way], &figures.client_us[way], "us CPU");
        print_row("server, ", way_names[way], &figures.server_us[way], "us CPU");
    }
    print_row("rate, ", "attested / plain", &figures.ratio, "");
    if (command.is_json) {
        printf("{");
        samples_print_json("resumption", &figures.ratio);
        printf("}\n");
    }
    for (enum way way = 0; way < WAYS; way++)
        SSL_SESSION_free(sides[way].session);
    SSL_CTX_free(sides[WAY_PLAIN].client);
    SSL_CTX_free(sides[WAY_PLAIN].server);
    tls_world_free(world);
    return 0;
}
