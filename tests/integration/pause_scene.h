/* What the tests of pauses share: a server with SSL_MODE_ASYNC whose evidence takes its time. */
#ifndef RATLS_TEST_PAUSE_SCENE_H
#define RATLS_TEST_PAUSE_SCENE_H

#include <openssl/async.h>
#include <poll.h>

#include "staged_attester.h"
#include "tls_assert.h"

struct pause_scene {
    struct tls_world *world;
    struct staged_attester *staged;
    SSL_CTX *server; /* attests by staged, in jobs */
};

static inline struct pause_scene pause_scene_new(void)
{
    struct pause_scene scene = {.world = tls_world_new()};
    struct ratls_error error = {0};

    scene.staged = staged_attester_new(scene.world->attester, true);
    scene.server = tls_plain_server(scene.world);
    cr_assert_eq(ratls_tls_attest(scene.server, &scene.staged->base, &error), RATLS_OK);
    SSL_CTX_set_mode(scene.server, SSL_MODE_ASYNC);
    return scene;
}

static inline void pause_scene_free(struct pause_scene *scene)
{
    SSL_CTX_free(scene->server);
    staged_attester_free(scene->staged);
    tls_world_free(scene->world);
}

/* tls_pair has an info callback of its own on each SSL: here there is none. */
static inline struct tls_pair *pause_pair(SSL_CTX *client, SSL_CTX *server)
{
    struct tls_pair *pair = tls_pair_new(client, server, TLS_NAME);

    SSL_set_info_callback(pair->client.ssl, NULL);
    SSL_set_info_callback(pair->server.ssl, NULL);
    return pair;
}

static inline bool can_be_read(int fd)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};

    return poll(&polled, 1, 0) == 1;
}

/* The descriptor of a side that pauses, which has one. */
static inline int wait_fd(const struct tls_side *side)
{
    OSSL_ASYNC_FD fd = -1;
    size_t count = 0;

    cr_assert_eq(SSL_get_all_async_fds(side->ssl, NULL, &count), 1);
    cr_assert_eq(count, 1, "%zu descriptors", count);
    cr_assert_eq(SSL_get_all_async_fds(side->ssl, &fd, &count), 1);
    return fd;
}

static inline void assert_pauses(struct tls_pair *pair, const struct tls_side *side)
{
    cr_assert_not(tls_pair_handshake(pair));
    cr_assert_eq(side->done, 0, "%s: %s", side->reason_text, side->data);
    cr_assert_eq(SSL_want(side->ssl), SSL_ASYNC_PAUSED);
    cr_assert(SSL_waiting_for_async(side->ssl));
    cr_assert_not(can_be_read(wait_fd(side)));
}

/* Waits for attesters that work by themselves, as long as a side pauses for one. */
static inline bool pause_handshake(struct tls_pair *pair)
{
    while (!tls_pair_handshake(pair)) {
        const struct tls_side *side =
            SSL_waiting_for_async(pair->client.ssl) ? &pair->client : &pair->server;
        struct pollfd polled = {.events = POLLIN};

        if (!SSL_waiting_for_async(side->ssl))
            return false;
        polled.fd = wait_fd(side);
        cr_assert_eq(poll(&polled, 1, 10000), 1, "the attester is not done");
    }
    return true;
}

#endif
