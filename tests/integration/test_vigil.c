/* A vigil over a server on a socket: what each thing that may happen to it is called. */
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tcp_server.h"
#include "tls_pair.h"
#include "vigil.h"

#define SECOND_MS 1000

struct scene {
    struct tls_world *world;
    struct tls_world *other; /* another machine, with another TLS key */
    SSL_CTX *other_key;      /* this machine, with that key */
    struct tcp_server *server;
    struct ratls_peer peer;
    struct ratls_vigil_options options;
};

static void begin_scene(struct scene *s)
{
    struct ratls_error error = {0};

    signal(SIGPIPE, SIG_IGN); /* as the tool does */
    *s = (struct scene){.world = tls_world_new(), .other = tls_world_new()};
    s->other_key = tls_plain_server(s->other);
    cr_assert_eq(ratls_tls_attest(s->other_key, s->world->attester, &error), RATLS_OK);
    fake_policy_pin(s->world->policy, s->other->tpm, NULL);
    s->server = tcp_server_new(s->world->server, AF_INET);
    s->peer = (struct ratls_peer){
        .address = s->server->address, .len = s->server->address_len, .protocol = IPPROTO_TCP};
    s->options = (struct ratls_vigil_options){.session = {.peer = &s->peer,
                                                          .server_name = TLS_NAME,
                                                          .policy = s->world->policy,
                                                          .pki_ignored = true,
                                                          .timeout_s = 10},
                                              .interval_s = 1,
                                              .max_age_s = 100};
}

static void end_scene(struct scene *s)
{
    tcp_server_free(s->server);
    SSL_CTX_free(s->other_key);
    tls_world_free(s->other);
    tls_world_free(s->world);
}

static struct ratls_vigil begin_vigil(const struct scene *s)
{
    struct ratls_error error = {0};
    struct ratls_vigil vigil;

    cr_assert_eq(ratls_vigil_begin(&s->options, NULL, ratls_vigil_now_ms(), &vigil, &error),
                 RATLS_OK, "%s", error.text);
    return vigil;
}

static void expect_look(struct ratls_vigil *vigil, enum ratls_vigil_end end, const char *check)
{
    struct ratls_vigil_verdict verdict;

    ratls_vigil_look(vigil, &verdict);
    cr_assert_str_eq(ratls_vigil_end_name(verdict.end), ratls_vigil_end_name(end), "%s: %s",
                     verdict.check, verdict.reason);
    cr_assert_str_eq(verdict.check, check, "%s", verdict.reason);
    cr_assert_eq(verdict.reason[0] == '\0', end == RATLS_VIGIL_ACCEPTED);
    cr_assert_eq(ratls_vigil_fallen(end),
                 end != RATLS_VIGIL_ACCEPTED && end != RATLS_VIGIL_UNREACHED);
    ratls_vigil_verdict_clear(&verdict);
}

static void change_pcr(struct scene *s)
{
    fake_tpm_pcr(s->world->tpm, RATLS_ALG_SHA256, 7)[0] ^= 1;
}

static void reset(struct scene *s)
{
    s->world->tpm->reset_count++;
}

static void resume(struct scene *s)
{
    s->world->tpm->restart_count++;
}

static void replace_machine(struct scene *s)
{
    s->server->later_ctx = s->other->server;
}

static void replace_key(struct scene *s)
{
    s->server->later_ctx = s->other_key;
}

static void close_server(struct scene *s)
{
    s->server->later = TCP_CLOSE;
}

static void do_nothing(struct scene *s)
{
    (void)s;
}

Test(vigil, what_may_happen)
{
    static const struct {
        void (*change)(struct scene *s);
        enum ratls_vigil_end end;
        const char *check;
    } cases[] = {
        {do_nothing, RATLS_VIGIL_ACCEPTED, ""},
        {change_pcr, RATLS_VIGIL_REFUSED, "pcr.value"},
        {reset, RATLS_VIGIL_REBOOTED, "boot"},
        {resume, RATLS_VIGIL_REBOOTED, "boot"},
        {replace_machine, RATLS_VIGIL_REPLACED, "machine"},
        {replace_key, RATLS_VIGIL_REPLACED, "tls-key"},
        {close_server, RATLS_VIGIL_UNREACHED, ""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct scene s;
        struct ratls_vigil vigil;

        begin_scene(&s);
        vigil = begin_vigil(&s);
        expect_look(&vigil, RATLS_VIGIL_ACCEPTED, "");
        cases[i].change(&s);
        expect_look(&vigil, cases[i].end, cases[i].check);
        end_scene(&s);
    }
}

/* It counts from the begin of the last accepted handshake, and does not wait for ever. */
Test(vigil, a_verdict_grows_old)
{
    struct ratls_vigil_verdict verdict;
    struct ratls_vigil vigil;
    struct scene s;
    int64_t begin_ms;

    begin_scene(&s);
    s.options.max_age_s = 2;
    vigil = begin_vigil(&s);
    expect_look(&vigil, RATLS_VIGIL_ACCEPTED, "");
    cr_assert_geq(vigil.accepted_ms, ratls_vigil_now_ms() - 5 * SECOND_MS);
    s.server->later = TCP_SILENT;
    begin_ms = vigil.accepted_ms;
    do {
        ratls_vigil_wait(&vigil, RATLS_VIGIL_UNREACHED);
        ratls_vigil_look(&vigil, &verdict);
        ratls_vigil_verdict_clear(&verdict);
    } while (verdict.end == RATLS_VIGIL_UNREACHED);
    cr_assert_eq(verdict.end, RATLS_VIGIL_SILENT);
    cr_assert_geq(ratls_vigil_now_ms() - begin_ms, 2 * SECOND_MS);
    cr_assert_lt(ratls_vigil_now_ms() - begin_ms, 10 * SECOND_MS);
    end_scene(&s);
}

/* A vigil beside a connection: the first handshake must show its machine already. */
Test(vigil, tied_from_the_begin)
{
    struct ratls_error error = {0};
    struct ratls_machine machine;
    struct ratls_vigil vigil;
    struct scene s;

    begin_scene(&s);
    vigil = begin_vigil(&s);
    expect_look(&vigil, RATLS_VIGIL_ACCEPTED, "");
    machine = vigil.machine;
    cr_assert(ratls_machine_equal(&machine, &vigil.machine));
    machine.reset_count--;
    cr_assert(ratls_machine_same_key(&machine, &vigil.machine));
    cr_assert_not(ratls_machine_equal(&machine, &vigil.machine));
    cr_assert_eq(ratls_vigil_begin(&s.options, &machine, ratls_vigil_now_ms(), &vigil, &error),
                 RATLS_OK);
    expect_look(&vigil, RATLS_VIGIL_REBOOTED, "boot");
    end_scene(&s);
}

static enum ratls_status begin_with(struct scene *s, unsigned interval_s, unsigned max_age_s,
                                    struct ratls_vigil *ret)
{
    s->options.interval_s = interval_s;
    s->options.max_age_s = max_age_s;
    return ratls_vigil_begin(&s->options, NULL, 0, ret, NULL);
}

/* The command line goes before the policy, the policy before what is usual. */
Test(vigil, times)
{
    struct ratls_rules *rules;
    struct ratls_vigil vigil;
    struct scene s;

    begin_scene(&s);
    rules = fake_policy_rules(s.world->policy);
    cr_assert_eq(begin_with(&s, 0, 0, &vigil), RATLS_OK);
    cr_expect_eq(vigil.options.interval_s, 60);
    cr_expect_eq(vigil.options.max_age_s, 120);
    cr_assert_eq(begin_with(&s, 5, 0, &vigil), RATLS_OK);
    cr_expect_eq(vigil.options.max_age_s, 10);
    rules->renew_s = 30;
    rules->max_age_s = 600;
    cr_assert_eq(begin_with(&s, 0, 0, &vigil), RATLS_OK);
    cr_expect_eq(vigil.options.interval_s, 30);
    cr_expect_eq(vigil.options.max_age_s, 600);
    cr_assert_eq(begin_with(&s, 7, 20, &vigil), RATLS_OK);
    cr_expect_eq(vigil.options.interval_s, 7);
    cr_expect_eq(vigil.options.max_age_s, 20);
    cr_expect_eq(begin_with(&s, 20, 20, &vigil), RATLS_USAGE);
    cr_expect_eq(begin_with(&s, 600, 0, &vigil), RATLS_USAGE);
    rules->freshness = RATLS_FRESHNESS_CERTIFICATE; /* there max-age is of the certificate */
    cr_assert_eq(begin_with(&s, 40, 0, &vigil), RATLS_OK);
    cr_expect_eq(vigil.options.max_age_s, 80);
    end_scene(&s);
}

/* Never later than the interval, never long before, and at once what is overdue. */
Test(vigil, waits)
{
    struct ratls_vigil vigil = {.options = {.interval_s = 1, .max_age_s = 100}};
    int64_t begin_ms = ratls_vigil_now_ms();
    int64_t took_ms;

    vigil.begun_ms = vigil.accepted_ms = begin_ms;
    ratls_vigil_wait(&vigil, RATLS_VIGIL_ACCEPTED);
    took_ms = ratls_vigil_now_ms() - begin_ms;
    cr_expect_geq(took_ms, 890);
    cr_expect_lt(took_ms, 3000);
    begin_ms = ratls_vigil_now_ms();
    ratls_vigil_wait(&vigil, RATLS_VIGIL_ACCEPTED);
    cr_expect_lt(ratls_vigil_now_ms() - begin_ms, 500);
}
