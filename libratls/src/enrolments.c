#include "enrolments.h"

#include <stdlib.h>
#include <string.h>

static struct ratls_slice slice_of(const struct ratls_enrolment_name *name)
{
    return ratls_slice(name, sizeof *name);
}

static struct ratls_enrolled_server *server_of(struct ratls_recent_item *item)
{
    return item == NULL ? NULL : RATLS_RING_MEMBER(item, struct ratls_enrolled_server, item);
}

bool ratls_enrolled_init(struct ratls_enrolled *all)
{
    return ratls_recent_init(&all->servers, all->server_places, RATLS_ENROLMENT_SERVERS_MAX) &&
           ratls_index_init(&all->names, all->name_places, RATLS_ENROLMENT_PLACES);
}

void ratls_enrolled_clear(struct ratls_enrolled *all)
{
    struct ratls_recent_item *item;

    while ((item = ratls_recent_take(&all->servers)) != NULL)
        free(server_of(item));
}

struct ratls_enrolment *ratls_enrolments_find(struct ratls_enrolments *of_key,
                                              const uint8_t server[static 32])
{
    for (size_t i = 0; i < RATLS_ENROLMENTS_MAX; i++)
        if (of_key->list[i].is_used && memcmp(of_key->list[i].name.server, server, 32) == 0)
            return &of_key->list[i];
    return NULL;
}

void ratls_enrolment_use(struct ratls_enrolment *enrolment)
{
    if (enrolment->server == NULL)
        return;
    ratls_ring_remove(&enrolment->of_server);
    ratls_ring_append(&enrolment->server->enrolments, &enrolment->of_server);
}

bool ratls_enrolments_renew(struct ratls_enrolments *of_key,
                            const struct ratls_enrolment *enrolment)
{
    struct ratls_enrolment *place = ratls_enrolments_find(of_key, enrolment->name.server);

    if (place == NULL || place->server == NULL)
        return false;
    memcpy(place->chain, enrolment->chain, sizeof place->chain);
    place->until = enrolment->until;
    ratls_enrolment_use(place);
    return true;
}

static void begin_naming(struct ratls_enrolled *all, struct ratls_enrolment *enrolment,
                         struct ratls_enrolled_server *server)
{
    enrolment->server = server;
    ratls_ring_append(&server->enrolments, &enrolment->of_server);
    enrolment->by_name.key = slice_of(&enrolment->name);
    ratls_index_add(&all->names, &enrolment->by_name);
}

static void end_naming(struct ratls_enrolled *all, struct ratls_enrolment *enrolment)
{
    if (enrolment->server == NULL)
        return;
    ratls_index_remove(&all->names, &enrolment->by_name);
    ratls_ring_remove(&enrolment->of_server);
    enrolment->server = NULL;
}

/* Returns the one that had to go for it, or NULL. */
static struct ratls_enrolled_server *add_server(struct ratls_enrolled *all,
                                                struct ratls_enrolled_server *server)
{
    struct ratls_enrolled_server *leaving = server_of(ratls_recent_make_room(&all->servers));

    while (leaving != NULL && !ratls_ring_is_empty(&leaving->enrolments))
        end_naming(all,
                   RATLS_RING_MEMBER(leaving->enrolments.next, struct ratls_enrolment, of_server));
    server->item.by_key.key = ratls_slice(server->sha256, sizeof server->sha256);
    ratls_ring_init(&server->enrolments);
    ratls_recent_add(&all->servers, &server->item);
    return leaving;
}

static struct ratls_enrolled_server *find_server(struct ratls_enrolled *all,
                                                 const uint8_t sha256[static 32])
{
    return server_of(ratls_recent_find(&all->servers, ratls_slice(sha256, 32)));
}

struct ratls_enrolled_server *ratls_enrolments_put(struct ratls_enrolled *all,
                                                   struct ratls_enrolments *of_key,
                                                   const struct ratls_enrolment *enrolment,
                                                   struct ratls_enrolled_server *spare)
{
    struct ratls_enrolment *place = ratls_enrolments_find(of_key, enrolment->name.server);
    struct ratls_enrolled_server *leaving = spare;
    struct ratls_enrolled_server *server;

    if (place == NULL) {
        place = &of_key->list[of_key->next];
        of_key->next = (of_key->next + 1) % RATLS_ENROLMENTS_MAX;
    }
    end_naming(all, place);
    *place = *enrolment;
    if (enrolment->area.len == 0)
        return spare;
    server = find_server(all, enrolment->name.server);
    if (server == NULL && spare != NULL) {
        leaving = add_server(all, spare);
        server = spare;
    }
    if (server != NULL)
        begin_naming(all, place, server);
    return leaving;
}

void ratls_enrolments_leave(struct ratls_enrolled *all, struct ratls_enrolments *of_key)
{
    for (size_t i = 0; i < RATLS_ENROLMENTS_MAX; i++)
        end_naming(all, &of_key->list[i]);
}

/* Those that are over are not named any more: nobody passes them again. */
size_t ratls_enrolled_ids(struct ratls_enrolled *all, const uint8_t server[static 32], int64_t now,
                          uint8_t (*out)[RATLS_KEY_ID_LEN], size_t max)
{
    struct ratls_enrolled_server *found = find_server(all, server);
    struct ratls_ring *link = found == NULL ? NULL : found->enrolments.before;
    size_t count = 0;

    while (found != NULL && link != &found->enrolments && count < max) {
        struct ratls_enrolment *enrolment =
            RATLS_RING_MEMBER(link, struct ratls_enrolment, of_server);

        link = link->before;
        if (now < enrolment->until)
            memcpy(out[count++], enrolment->name.id, RATLS_KEY_ID_LEN);
        else
            end_naming(all, enrolment);
    }
    return count;
}

const struct ratls_enrolment *ratls_enrolled_named(struct ratls_enrolled *all,
                                                   const struct ratls_enrolment_name *name)
{
    struct ratls_index_item *item = ratls_index_find(&all->names, slice_of(name));
    struct ratls_enrolment *enrolment;

    if (item == NULL)
        return NULL;
    enrolment = RATLS_RING_MEMBER(item, struct ratls_enrolment, by_name);
    ratls_enrolment_use(enrolment);
    return enrolment;
}
