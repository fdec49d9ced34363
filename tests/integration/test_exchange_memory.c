/* The N-th allocation of each call fails, for every N: nothing is lost, and nobody is accepted. */
#include <criterion/criterion.h>
#include <openssl/err.h>

#include "connection_pair.h"
#include "exchange_scene.h"
#include "failmalloc.h"
#include "keys.h"

#define ALLOCATIONS_MAX 5000
#define SECOND_MS 1000 /* in which only so many answers are given */

/* So that the key is made each time anew. */
static void forget_keys(struct tls_world *world)
{
    struct ratls_rules *rules = fake_policy_rules(world->policy);

    ratls_key_cache_free(rules->keys);
    rules->keys = ratls_key_cache_new();
    cr_assert_not_null(rules->keys);
}

static bool is_clean(enum ratls_status status)
{
    return status == RATLS_MEMORY || status == RATLS_CRYPTO;
}

/* Returns whether an allocation failed; every call of the three in turn. */
static bool try_new(struct scene *s, size_t n)
{
    struct ratls_exchange *exchange = NULL;
    enum ratls_status status;
    bool failed;

    failmalloc_arm(n);
    status = ratls_exchange_new(s->pair->asks, s->world->policy, TLS_NAME, RATLS_ROLE_SERVER,
                                &exchange, NULL);
    failed = failmalloc_disarm();
    cr_assert(failed ? is_clean(status) && exchange == NULL : status == RATLS_OK);
    ratls_exchange_free(exchange);
    return failed;
}

static bool try_challenge(struct scene *s, size_t n)
{
    struct exchange_message challenge = {0};
    enum ratls_status status;
    bool failed;

    failmalloc_arm(n);
    status = ratls_exchange_challenge(s->pair->exchange, &challenge.p, &challenge.len, NULL);
    failed = failmalloc_disarm();
    cr_assert(status == RATLS_OK || (failed && is_clean(status)), "allocation %zu: %s", n,
              ratls_status_name(status));
    cr_assert_eq(challenge.p != NULL, status == RATLS_OK);
    free(challenge.p);
    return failed;
}

/* The fake TPM cannot be short of memory: what it once said is said again. */
static struct exchange_message first_piece, second_piece;

static enum ratls_status say_again(struct ratls_attester *self,
                                   const struct ratls_attest_request *request,
                                   uint8_t **ret_evidence, size_t *ret_len,
                                   struct ratls_error *ret_error)
{
    const struct exchange_message *said =
        request->selection.count > 0 ? &first_piece : &second_piece;
    uint8_t *copy = malloc(said->len);

    (void)self, (void)ret_error;
    if (copy == NULL)
        return RATLS_MEMORY;
    memcpy(copy, said->p, said->len);
    *ret_evidence = copy;
    *ret_len = said->len;
    return RATLS_OK;
}

/* A good answer of two pieces, for say_again(). */
static void keep_answer(struct scene *s)
{
    struct exchange_message challenge = exchange_pair_challenge(s->pair);
    struct exchange_message answer;
    struct ratls_slice rest;
    struct ratls_piece piece;

    clock_move(SECOND_MS);
    cr_assert_eq(exchange_pair_answer(s->pair, challenge, &answer), RATLS_OK);
    rest = ratls_slice(answer.p, answer.len);
    for (unsigned i = 0; i < 2; i++) {
        struct exchange_message *kept = i == 0 ? &first_piece : &second_piece;

        cr_assert(ratls_piece_take(&rest, &piece));
        *kept = (struct exchange_message){malloc(piece.evidence.len), piece.evidence.len};
        memcpy(kept->p, piece.evidence.p, piece.evidence.len);
    }
    cr_assert_eq(rest.len, 0);
    free(challenge.p);
    free(answer.p);
}

static bool try_answer(struct scene *s, size_t n)
{
    struct exchange_message challenge = exchange_pair_challenge(s->pair);
    struct ratls_attester attester = {.attest = say_again};
    struct exchange_message answer = {0};
    enum ratls_status status;
    bool failed;

    clock_move(SECOND_MS);
    failmalloc_arm(n);
    status = ratls_exchange_answer(s->pair->attests, RATLS_ROLE_SERVER, &attester, challenge.p,
                                   challenge.len, &answer.p, &answer.len, NULL);
    failed = failmalloc_disarm();
    cr_assert(status == RATLS_OK || (failed && is_clean(status)), "allocation %zu: %s", n,
              ratls_status_name(status));
    cr_assert_eq(answer.p != NULL, status == RATLS_OK);
    free(challenge.p);
    free(answer.p);
    return failed;
}

static bool try_check(struct scene *s, size_t n)
{
    struct exchange_message challenge, answer;
    enum ratls_status status;
    bool failed;

    forget_keys(s->world); /* before the challenge, which names those that are known */
    challenge = exchange_pair_challenge(s->pair);
    clock_move(SECOND_MS);
    cr_assert_eq(exchange_pair_answer(s->pair, challenge, &answer), RATLS_OK);
    failmalloc_arm(n);
    status = exchange_pair_check(s->pair, answer);
    failed = failmalloc_disarm();
    ERR_clear_error();
    cr_assert(status == RATLS_OK || failed, "allocation %zu: %s", n, ratls_status_name(status));
    cr_assert_eq(status == RATLS_OK, ratls_report_accepted(s->pair->report));
    free(challenge.p);
    free(answer.p);
    return failed;
}

Test(exchange_memory, every_allocation_of_every_call)
{
    static bool (*const calls[])(struct scene *, size_t) = {try_new, try_challenge, try_answer,
                                                            try_check};
    struct scene s;

    open_scene(&s, 20, 2);
    keep_answer(&s);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        size_t n = 1;

        while (calls[i](&s, n)) {
            ERR_clear_error();
            cr_assert_lt(n++, ALLOCATIONS_MAX);
            s.log->asked_count = 0;
        }
        cr_assert_gt(n, 1, "call %zu: nothing was tested", i);
    }
    cr_assert_eq(exchange_pair_attest(s.pair), RATLS_OK);
    free(first_piece.p);
    free(second_piece.p);
    close_scene(&s);
}
