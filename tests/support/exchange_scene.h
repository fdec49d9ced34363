/*
 * For tests of answers with a long IMA list: a session whose peer has one, and a policy that wants
 * to see it.
 */
#ifndef RATLS_TEST_EXCHANGE_SCENE_H
#define RATLS_TEST_EXCHANGE_SCENE_H

#include <criterion/criterion.h>
#include <string.h>

#include "exchange.h"
#include "exchange_pair.h"
#include "fake_policy.h"
#include "log_list.h"
#include "refvals.h"

#define ENTRIES 200
#define PIECES 5

struct scene {
    struct tls_world *world;
    struct log_list *log;
    struct exchange_pair *pair;
    struct ratls_refvals *denied;
    struct ratls_refvals *denied_sets[1];
};

/* The policy looks at the list and denies one file; sync does not matter for what is sent. */
static inline void ask_for_list(struct scene *s)
{
    static const char text[] =
        "1111111111111111111111111111111111111111111111111111111111111111  /tmp/evil\n";
    struct ratls_rules *rules = fake_policy_rules(s->world->policy);

    cr_assert_eq(ratls_refvals_parse("denied", ratls_slice(text, strlen(text)), &s->denied, NULL),
                 RATLS_OK);
    s->denied_sets[0] = s->denied;
    rules->selection.banks[0].pcrs = 0x7ff;
    rules->ima.is_asked = true;
    rules->ima.bank = RATLS_ALG_SHA256;
    rules->ima.deny = (struct ratls_references){.sets = s->denied_sets, .count = 1};
}

static inline void open_scene(struct scene *s, size_t entries, size_t pieces)
{
    *s = (struct scene){.world = tls_world_new()};
    s->log = log_list_new(s->world->tpm);
    log_measure_many(s->log, entries);
    s->log->piece_max =
        (s->log->len + 7 + entries - 1) / entries * ((entries + pieces - 1) / pieces);
    s->world->tamper = log_tamper;
    s->world->tamper_arg = s->log;
    ask_for_list(s);
    s->pair = exchange_pair_new(s->world, RATLS_ROLE_SERVER);
}

static inline void close_scene(struct scene *s)
{
    fake_policy_rules(s->world->policy)->ima.deny = (struct ratls_references){.count = 0};
    exchange_pair_free(s->pair);
    ratls_refvals_free(s->denied);
    log_list_free(s->log);
    tls_world_free(s->world);
}

#endif
