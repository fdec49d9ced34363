/* For which servers keys are enrolled: which may be named, and how they come to be no more. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "enrolments.h"

static struct ratls_enrolled *all;

static void begin(void)
{
    all = calloc(1, sizeof *all);
    cr_assert(all != NULL && ratls_enrolled_init(all));
}

static void end(void)
{
    ratls_enrolled_clear(all);
    free(all);
}

TestSuite(enrolments, .init = begin, .fini = end);

static void hash_server(unsigned number, uint8_t out[static 32])
{
    memset(out, 0x22, 32);
    memcpy(out, &number, sizeof number);
}

static struct ratls_enrolment enrol(unsigned key, unsigned server, int64_t until)
{
    struct ratls_enrolment enrolment = {
        .is_used = true, .until = until, .area = ratls_slice("area", 4)};

    hash_server(server, enrolment.name.server);
    memcpy(enrolment.name.id, &key, sizeof key);
    return enrolment;
}

/* Whether the spare server was not needed, or another one had to go for it. */
static bool put(struct ratls_enrolments *of_key, const struct ratls_enrolment *enrolment)
{
    struct ratls_enrolled_server *spare = calloc(1, sizeof *spare);
    struct ratls_enrolled_server *leaving;

    cr_assert(spare != NULL);
    memcpy(spare->sha256, enrolment->name.server, 32);
    leaving = ratls_enrolments_put(all, of_key, enrolment, spare);
    free(leaving);
    return leaving != NULL;
}

static void put_new(struct ratls_enrolments *of_key, unsigned key, unsigned server, int64_t until)
{
    const struct ratls_enrolment enrolment = enrol(key, server, until);

    put(of_key, &enrolment);
}

static bool is_named(unsigned key, unsigned server)
{
    const struct ratls_enrolment enrolment = enrol(key, server, 0);

    return ratls_enrolled_named(all, &enrolment.name) != NULL;
}

/* The numbers of the keys of a server at this time, the one that was used last first. */
static size_t list(unsigned server, int64_t now, unsigned out[static 4])
{
    uint8_t ids[4][RATLS_KEY_ID_LEN], sha256[32];
    size_t count;

    hash_server(server, sha256);
    count = ratls_enrolled_ids(all, sha256, now, ids, 4);
    for (size_t i = 0; i < count; i++)
        memcpy(&out[i], ids[i], sizeof out[i]);
    return count;
}

Test(enrolments, the_last_used_of_a_server)
{
    static struct ratls_enrolments keys[8];
    const unsigned expected[] = {2, 7, 6, 5};
    unsigned ids[4];

    for (unsigned i = 0; i < 8; i++)
        put_new(&keys[i], i, 1, 100);
    ratls_enrolment_use(&keys[2].list[0]);
    cr_expect_eq(list(1, 50, ids), 4);
    cr_expect_arr_eq(ids, expected, sizeof ids);
    cr_expect(is_named(5, 1), "to be found is a use");
    cr_expect_eq(list(1, 50, ids), 4);
    cr_expect_eq(ids[0], 5);
    cr_expect_eq(list(2, 50, ids), 0);
    cr_expect_not(is_named(5, 2));
    cr_expect_not(is_named(9, 1));
}

Test(enrolments, what_is_over_is_passed_once)
{
    static struct ratls_enrolments keys[6];
    unsigned ids[4];

    for (unsigned i = 0; i < 6; i++)
        put_new(&keys[i], i, 1, i < 2 ? 100 : 10);
    cr_expect_eq(list(1, 9, ids), 4, "none is over");
    cr_expect_eq(list(1, 10, ids), 2);
    cr_expect_eq(ids[0], 1);
    cr_expect_not(is_named(5, 1));
    cr_expect(keys[5].list[0].is_used, "it is still known");
    put_new(&keys[5], 5, 1, 200);
    cr_expect_eq(list(1, 10, ids), 3);
    cr_expect_eq(ids[0], 5);
}

Test(enrolments, one_that_is_named_is_renewed_in_its_place)
{
    static struct ratls_enrolments keys[2];
    struct ratls_enrolment again = enrol(1, 1, 200);
    unsigned ids[4];

    memset(again.chain, 9, sizeof again.chain);
    cr_expect_not(ratls_enrolments_renew(&keys[1], &again), "it is not there");
    put_new(&keys[1], 1, 1, 100);
    put_new(&keys[0], 2, 1, 100);
    cr_expect(ratls_enrolments_renew(&keys[1], &again));
    cr_expect_arr_eq(keys[1].list[0].chain, again.chain, sizeof again.chain);
    cr_expect_eq(list(1, 150, ids), 1);
    cr_expect_eq(ids[0], 1, "and it is the one that was used last");
    cr_expect_eq(list(1, 200, ids), 0);
    cr_expect_not(ratls_enrolments_renew(&keys[1], &again), "it is named no more");
    put_new(&keys[1], 1, 1, 300);
    cr_expect(is_named(1, 1));
}

Test(enrolments, a_key_has_its_last_four_servers)
{
    static struct ratls_enrolments key;
    uint8_t sha256[32];

    for (unsigned i = 0; i < 5; i++)
        put_new(&key, 1, i, 100);
    for (unsigned i = 0; i < 5; i++) {
        hash_server(i, sha256);
        cr_expect_eq(ratls_enrolments_find(&key, sha256) != NULL, i > 0, "%u", i);
        cr_expect_eq(is_named(1, i), i > 0, "%u", i);
    }
    ratls_enrolments_leave(all, &key);
    for (unsigned i = 0; i < 5; i++)
        cr_expect_not(is_named(1, i), "%u", i);
}

/* 2^32 tries find such a pair: neither of them may take the other with it. */
Test(enrolments, two_keys_of_one_id)
{
    static struct ratls_enrolments keys[2];
    unsigned ids[4];

    put_new(&keys[0], 7, 1, 100);
    put_new(&keys[1], 7, 1, 100);
    cr_expect_eq(list(1, 50, ids), 2);
    ratls_enrolments_leave(all, &keys[1]);
    cr_expect(is_named(7, 1));
    cr_expect_eq(list(1, 50, ids), 1);
    ratls_enrolments_leave(all, &keys[0]);
    cr_expect_not(is_named(7, 1));
}

Test(enrolments, without_an_area_none_is_named)
{
    static struct ratls_enrolments key;
    struct ratls_enrolment enrolment = enrol(1, 1, 100);

    enrolment.area = ratls_slice(NULL, 0);
    cr_expect(put(&key, &enrolment), "the server is not needed");
    cr_expect(ratls_enrolments_find(&key, enrolment.name.server) != NULL);
    cr_expect_not(is_named(1, 1));
}

Test(enrolments, without_memory_for_a_server_none_is_named)
{
    static struct ratls_enrolments keys[2];
    struct ratls_enrolment enrolment = enrol(1, 1, 100);

    cr_expect_null(ratls_enrolments_put(all, &keys[0], &enrolment, NULL));
    cr_expect_not(is_named(1, 1));
    put_new(&keys[1], 2, 1, 100);
    cr_expect_null(ratls_enrolments_put(all, &keys[0], &enrolment, NULL));
    cr_expect(is_named(1, 1), "the server is there now");
}

Test(enrolments, of_too_many_servers_the_eldest_goes)
{
    static struct ratls_enrolments keys[RATLS_ENROLMENT_SERVERS_MAX / 4 + 1];
    struct ratls_enrolment enrolment;
    unsigned ids[4];

    for (unsigned i = 0; i < RATLS_ENROLMENT_SERVERS_MAX; i++)
        put_new(&keys[i / 4], i / 4, i, 100);
    cr_expect_eq(list(0, 50, ids), 1, "a use");
    enrolment = enrol(1000, 5000, 100);
    cr_expect(put(&keys[RATLS_ENROLMENT_SERVERS_MAX / 4], &enrolment));
    cr_expect(is_named(1000, 5000));
    cr_expect_not(is_named(0, 1));
    cr_expect_eq(list(1, 50, ids), 0);
    cr_expect(is_named(0, 0));
    cr_expect(is_named(0, 2));
    cr_expect(keys[0].list[1].is_used, "it is still known");
}
