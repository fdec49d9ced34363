/*
 * Many machines enrol at once, also with two instances on one store, and while the service is
 * killed: afterwards the store has exactly what the machines have seen.
 *
 * RATLS_CA_KILLS: how often the service is killed, instead of KILLS times.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca_service.h"
#include "must.h"
#include "patience.h"

#define MACHINES 200
#define KILLS 12
#define AT_ONCE 24      /* machines in each round with kills */
#define KILL_MS_MAX 400 /* from a start to the kill: an enrolment takes less */

static struct ca_world world;
static struct ca_services services;
static struct ca_machine machines[MACHINES];
static struct ca_enrolment enrolments[MACHINES];
static size_t machine_count;

static void make_machines(size_t count)
{
    machine_count = count;
    for (size_t i = 0; i < count; i++)
        ca_machine_make(&machines[i], &world.maker, RATLS_EK_L2, FAKE_ECDSA_P256);
    ca_services_configure(&services, &world, machines, count);
}

static void begin(void)
{
    ca_world_make(&world, "");
}

static void end(void)
{
    for (size_t i = 0; i < machine_count; i++)
        ca_machine_done(&machines[i]);
    ca_world_done(&world);
}

TestSuite(ca_load, .init = begin, .fini = end, .timeout = 280);

/* ---- machines ---- */

static void start(size_t first, size_t count, pthread_t *threads)
{
    for (size_t i = first; i < first + count; i++) {
        struct ca_enrolment *e = &enrolments[i];

        e->services = &services;
        e->machine = &machines[i];
        e->which = i;
        snprintf(e->name, sizeof e->name, "m%zu.bank.example", i);
        must(pthread_create(&threads[i], NULL, ca_enrolment_run, e) == 0);
    }
}

static void join(size_t first, size_t count, const pthread_t *threads)
{
    for (size_t i = first; i < first + count; i++)
        must(pthread_join(threads[i], NULL) == 0);
}

/* ---- what must hold afterwards ---- */

/* Each machine has the certificate that the store has for its challenge. */
static void check_seen(size_t count)
{
    struct ratls_store *store = ratls_ca_store(world.ca);

    for (size_t i = 0; i < count; i++) {
        const struct ca_enrolment *e = &enrolments[i];
        struct ratls_store_certificate certificate = {.der = NULL};
        enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
        struct ratls_error err = {0};

        cr_assert_str_empty(e->failed, "machine %zu: %s", i, e->failed);
        cr_assert_eq(ratls_store_result(store, e->id, &certificate, &outcome, &err), RATLS_OK, "%s",
                     err.text);
        cr_assert_eq(outcome, RATLS_STORE_DONE, "machine %zu: the store has no certificate", i);
        cr_expect(ratls_slice_equal(ratls_slice(certificate.der, certificate.der_len),
                                    ratls_slice(e->der, e->der_len)),
                  "machine %zu saw another certificate", i);
        ratls_store_certificate_done(&certificate);
    }
}

static void check_count(const char *what, const char *sql, size_t count)
{
    cr_expect_eq(store_place_number(&world.place, sql), (int64_t)count, "%s: %lld, not %zu", what,
                 (long long)store_place_number(&world.place, sql), count);
}

static void check_store(size_t count)
{
    uint8_t head[32];
    int64_t records = 0;
    bool is_whole = false;

    check_seen(count);
    check_count("certificates", "SELECT count(*) FROM certificate", count);
    check_count("serials", "SELECT count(DISTINCT serial) FROM certificate", count);
    check_count("certified keys", "SELECT count(DISTINCT ak_name) FROM certificate", count);
    check_count("answered challenges", "SELECT count(DISTINCT challenge_id) FROM certificate",
                count);
    check_count("owners", "SELECT count(*) FROM owner WHERE ended = 0", count);
    check_count("owned names", "SELECT count(DISTINCT name) FROM owner", count);
    check_count("owning keys", "SELECT count(DISTINCT ek_sha256) FROM owner", count);
    check_count("enrolments", "SELECT count(*) FROM enrolment", count);
    check_count("requests that are not issued", "SELECT count(*) FROM request WHERE state <> 2", 0);
    check_count("records of issues", "SELECT count(*) FROM audit WHERE kind = 'issued'", count);
    cr_assert_eq(
        ratls_store_verify_audit(ratls_ca_store(world.ca), head, &records, &is_whole, NULL),
        RATLS_OK);
    cr_expect(is_whole, "the audit log is whole up to record %lld", (long long)records);
}

static int compare_ms(const void *a, const void *b)
{
    const struct ca_enrolment *x = a, *y = b;

    return (x->ms > y->ms) - (x->ms < y->ms);
}

static void print_figures(const char *what, size_t count, uint64_t ms)
{
    qsort(enrolments, count, sizeof *enrolments, compare_ms);
    printf("%s, %s: %zu enrolments, %.1f per second, p50 %llu ms, p99 %llu ms\n", what,
           world.place.is_postgresql ? "PostgreSQL" : "SQLite", count,
           1000.0 * (double)count / (double)(ms == 0 ? 1 : ms),
           (unsigned long long)enrolments[count / 2].ms,
           (unsigned long long)enrolments[count * 99 / 100].ms);
    fflush(stdout);
}

static void load(const char *what, size_t instances)
{
    pthread_t threads[MACHINES];
    uint64_t begin_ms;

    services.count = instances;
    make_machines(MACHINES);
    for (size_t i = 0; i < instances; i++)
        ca_service_start(&services, i);
    begin_ms = now_ms();
    start(0, MACHINES, threads);
    join(0, MACHINES, threads);
    begin_ms = now_ms() - begin_ms;
    for (size_t i = 0; i < instances; i++)
        ca_service_stop(&services, i);
    check_store(MACHINES);
    print_figures(what, MACHINES, begin_ms);
}

Test(ca_load, one_instance)
{
    load("one instance", 1);
}

/* Also with SQLite, where both are on one machine. */
Test(ca_load, two_instances)
{
    load("two instances", 2);
}

static unsigned kills_wanted(void)
{
    const char *text = getenv("RATLS_CA_KILLS");

    return text == NULL ? KILLS : (unsigned)strtoul(text, NULL, 10);
}

/* The machines enrol in rounds, so that there is work at each kill. */
Test(ca_load, killed)
{
    const unsigned wanted = kills_wanted();
    pthread_t threads[MACHINES];
    const uint64_t begin_ms = now_ms();
    size_t done = 0;
    unsigned kills = 0;

    services.count = 1;
    make_machines(MACHINES);
    srandom((unsigned)begin_ms);
    ca_service_start(&services, 0);
    while (kills < wanted && done + AT_ONCE <= MACHINES) {
        start(done, AT_ONCE, threads);
        for (unsigned i = 0; i < 1 + wanted * AT_ONCE / MACHINES && kills < wanted; i++, kills++) {
            sleep_ms((unsigned)random() % KILL_MS_MAX);
            ca_service_kill(&services, 0);
            ca_service_start(&services, 0);
        }
        join(done, AT_ONCE, threads);
        done += AT_ONCE;
    }
    ca_service_stop(&services, 0);
    cr_expect_eq(kills, wanted);
    check_store(done);
    printf("killed %u times: ", kills);
    print_figures("one instance", done, now_ms() - begin_ms);
}
