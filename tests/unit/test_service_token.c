/* Which requests carry a token that is good now: they are not a stranger's (rate.h). */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "ca_world.h"
#include "service_answer.h"

static struct ca_world world;
static struct ca_machine machine;
static struct ca_wish wish;
static char token[CA_TOKEN_SIZE];

static void begin(void)
{
    ca_world_make(&world, "");
    ca_machine_make(&machine, &world.maker, RATLS_EK_L2, FAKE_ECDSA_P256);
    ca_machine_wish(&machine, "www.bank.example", &wish);
}

static void end(void)
{
    ca_machine_done(&machine);
    ca_world_done(&world);
}

TestSuite(service_token, .init = begin, .fini = end);

static void make_token(int64_t uses, int64_t expires)
{
    struct ratls_store_token terms = {
        .names = (char[]){""}, .note = (char[]){""}, .uses_left = uses, .expires = expires};

    ca_world_token(&world, &terms, token);
}

/* With this text of a token in it; one byte of the MAC changed, if that is said. */
static bool has_token(const char *text, bool is_changed)
{
    size_t len = 0;
    uint8_t *body = ca_wish_write(&wish, text, &len);
    bool has;

    if (is_changed)
        body[len - 1] ^= 1;
    has = ratls_service_has_token(world.ca, ratls_slice(body, len), world.now);
    free(body);
    return has;
}

Test(service_token, good)
{
    make_token(1, world.now + 1);
    cr_expect(has_token(token, false));
}

Test(service_token, none)
{
    cr_expect_not(has_token(NULL, false));
    cr_expect_not(ratls_service_has_token(world.ca, ratls_slice("x", 1), world.now));
}

Test(service_token, of_nobody)
{
    struct ca_world other;
    char unknown[CA_TOKEN_SIZE];
    struct ratls_store_token terms = {.names = (char[]){""},
                                      .note = (char[]){""},
                                      .uses_left = 1,
                                      .expires = world.now + 100};

    ca_world_make(&other, "");
    ca_world_token(&other, &terms, unknown);
    ca_world_done(&other);
    cr_expect_not(has_token(unknown, false));
}

Test(service_token, for_another_request)
{
    make_token(1, world.now + 100);
    cr_expect_not(has_token(token, true));
}

Test(service_token, late)
{
    make_token(1, world.now + 1);
    world.now++;
    cr_expect_not(has_token(token, false));
}

Test(service_token, revoked)
{
    enum ratls_store_outcome outcome;
    struct ratls_store_token terms = {.names = (char[]){""},
                                      .note = (char[]){""},
                                      .uses_left = 1,
                                      .expires = world.now + 100};

    ca_world_token(&world, &terms, token);
    cr_assert(has_token(token, false));
    cr_assert_eq(ratls_store_revoke_token(ratls_ca_store(world.ca), terms.id, world.now, &outcome,
                                          NULL),
                 RATLS_OK);
    cr_expect_not(has_token(token, false));
}
