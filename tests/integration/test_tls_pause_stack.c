/*
 * The stack of an ASYNC job has 32 KiB, and nothing stands below it: who needs more writes into the
 * heap. What handshakes leave of it, where they need the most.
 */
#include <openssl/crypto.h>
#include <stdlib.h>

#include "list_scene.h"
#include "must.h"
#include "mutual_assert.h"
#include "mutual_world.h"
#include "pause_scene.h"
#include "policy_folder.h"

#define STACK_LEN 32768 /* STACKSIZE of OpenSSL's async_posix.c */
#define SPARE_LEN 8192  /* for callbacks of the program, and other versions of OpenSSL */
#define STACKS_MAX 16
#define PAINT 0xa5

#ifdef __SANITIZE_ADDRESS__
#define ROOM (8 * STACK_LEN) /* instrumented frames are larger: they may go on below the stack */
#else
#define ROOM 0
#endif

static uint8_t *stacks[STACKS_MAX]; /* as OpenSSL knows them */
static size_t stack_count;

static void *paint(size_t size, const char *file, int line)
{
    uint8_t *p = size == 0 ? NULL : malloc(size == STACK_LEN ? size + ROOM : size);

    (void)file, (void)line;
    if (size != STACK_LEN || p == NULL || stack_count == STACKS_MAX)
        return p;
    memset(p, PAINT, size + ROOM);
    return stacks[stack_count++] = p + ROOM;
}

static void *grow(void *p, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return realloc(p, size);
}

static void release(void *p, const char *file, int line)
{
    (void)file, (void)line;
    for (size_t i = 0; i < stack_count; i++)
        if (p == stacks[i])
            p = stacks[i] - ROOM;
    free(p);
}

/* Before main: OpenSSL takes other functions only as long as it has allocated nothing. */
__attribute__((constructor)) static void watch_allocations(void)
{
    must(CRYPTO_set_mem_functions(paint, grow, release) == 1);
}

/* Bytes of the fullest stack that nobody has touched. */
static size_t measure_rest(void)
{
    size_t least = STACK_LEN;

    cr_assert_gt(stack_count, 0, "there was no job");
    for (size_t i = 0; i < stack_count; i++) {
        size_t rest = 0;

        while (rest < STACK_LEN && stacks[i][rest] == PAINT)
            rest++;
        least = rest < least ? rest : least;
    }
    return least;
}

static void assert_room(const char *what)
{
    size_t rest = measure_rest();

    fprintf(stderr, "%s: %zu of %d bytes are used\n", what, STACK_LEN - rest, STACK_LEN);
    if (ROOM == 0)
        cr_assert_geq(rest, SPARE_LEN, "%s leaves %zu bytes of the stack", what, rest);
}

Test(tls_pause_stack, both_sides_attest)
{
    struct mutual_world *world = mutual_world_new();
    struct tls_pair *pair;

    SSL_CTX_set_mode(world->client, SSL_MODE_ASYNC);
    SSL_CTX_set_mode(world->server, SSL_MODE_ASYNC);
    pair = mutual_pair(world->client, world->server);
    cr_assert(pause_handshake(pair));
    assert_mutual(pair);
    tls_pair_free(pair);
    assert_room("a handshake in which both sides attest");
    mutual_world_free(world);
}

/* The most that a client does within a handshake: other handshakes, for a long list. */
Test(tls_pause_stack, client_that_fetches_a_list)
{
    struct scene *s;

    policy_folder_enter();
    s = new_scene(ENTRIES, ".");
    SSL_CTX_set_mode(s->world->client, SSL_MODE_ASYNC);
    cut(s, 8);
    assert_accepted_here(s);
    assert_accepted_here(s);
    cr_assert_gt(count_connections(s), 4);
    free_scene(s);
    assert_room("a client that fetches a list of IMA");
    policy_folder_leave();
}
