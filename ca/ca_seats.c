#include "ca_seats.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>

#include "fail.h"
#include "issuer.h"

/* Of one configuration. */
struct room {
    struct room *next; /* an older one, in which somebody is still at work */
    struct ratls_ca_config *config;
    size_t count, taken;
    struct ratls_ca_seat seats[RATLS_CA_SEATS_MAX];
};

struct ratls_ca_seats {
    pthread_mutex_t lock;
    pthread_cond_t is_given;
    size_t count;
    struct room *room; /* the first is that of now */
};

static void free_room(struct room *room)
{
    for (size_t i = 0; i < room->count; i++)
        ratls_ca_close(room->seats[i].ca);
    ratls_ca_config_free(room->config);
    free(room);
}

static enum ratls_status make_room(struct ratls_ca_config *config, size_t count, int64_t now,
                                   struct room **ret_room, struct ratls_error *err)
{
    struct room *room = calloc(1, sizeof *room);
    enum ratls_status status = RATLS_OK;

    if (room == NULL) {
        ratls_ca_config_free(config);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    room->config = config;
    while (room->count < count && status == RATLS_OK) {
        struct ratls_ca_seat *seat = &room->seats[room->count];

        status = ratls_ca_open(config, now, &seat->ca, err);
        seat->config = config;
        if (status == RATLS_OK)
            room->count++;
    }
    if (status != RATLS_OK) {
        free_room(room);
        return status;
    }
    *ret_room = room;
    return RATLS_OK;
}

enum ratls_status ratls_ca_seats_open(struct ratls_ca_config *config, size_t count, int64_t now,
                                      struct ratls_ca_seats **ret, struct ratls_error *err)
{
    struct ratls_ca_seats *seats;
    enum ratls_status status;

    seats = count == 0 || count > RATLS_CA_SEATS_MAX ? NULL : calloc(1, sizeof *seats);
    if (seats == NULL) {
        ratls_ca_config_free(config);
        return ratls_fail(err, RATLS_MEMORY, "no memory for %zu threads", count);
    }
    status = make_room(config, count, now, &seats->room, err);
    if (status != RATLS_OK) {
        free(seats);
        return status;
    }
    seats->count = count;
    pthread_mutex_init(&seats->lock, NULL);
    pthread_cond_init(&seats->is_given, NULL);
    *ret = seats;
    return RATLS_OK;
}

void ratls_ca_seats_close(struct ratls_ca_seats *seats)
{
    if (seats == NULL)
        return;
    for (struct room *room = seats->room, *next; room != NULL; room = next) {
        next = room->next;
        free_room(room);
    }
    pthread_cond_destroy(&seats->is_given);
    pthread_mutex_destroy(&seats->lock);
    free(seats);
}

/* With the lock held. Takes the older rooms out in which nobody is. */
static struct room *take_empty(struct ratls_ca_seats *seats)
{
    struct room *empty = NULL;

    for (struct room **at = &seats->room->next; *at != NULL;) {
        struct room *room = *at;

        if (room->taken > 0) {
            at = &room->next;
            continue;
        }
        *at = room->next;
        room->next = empty;
        empty = room;
    }
    return empty;
}

static void free_rooms(struct room *room)
{
    while (room != NULL) {
        struct room *next = room->next;

        free_room(room);
        room = next;
    }
}

enum ratls_status ratls_ca_seats_reload(struct ratls_ca_seats *seats,
                                        struct ratls_ca_config *config, int64_t now,
                                        struct ratls_error *err)
{
    struct room *room = NULL;
    struct room *empty;
    enum ratls_status status = make_room(config, seats->count, now, &room, err);

    if (status != RATLS_OK)
        return status;
    pthread_mutex_lock(&seats->lock);
    room->next = seats->room;
    seats->room = room;
    empty = take_empty(seats);
    pthread_cond_broadcast(&seats->is_given);
    pthread_mutex_unlock(&seats->lock);
    free_rooms(empty);
    return RATLS_OK;
}

static struct ratls_ca_seat *find_free(struct room *room)
{
    for (size_t i = 0; i < room->count; i++)
        if (!room->seats[i].is_taken)
            return &room->seats[i];
    return NULL;
}

struct ratls_ca_seat *ratls_ca_seats_take(struct ratls_ca_seats *seats)
{
    struct ratls_ca_seat *seat;

    pthread_mutex_lock(&seats->lock);
    while ((seat = find_free(seats->room)) == NULL)
        pthread_cond_wait(&seats->is_given, &seats->lock);
    seat->is_taken = true;
    seats->room->taken++;
    pthread_mutex_unlock(&seats->lock);
    return seat;
}

static struct room *room_of(const struct ratls_ca_seats *seats, const struct ratls_ca_seat *seat)
{
    struct room *room = seats->room;

    while (seat < room->seats || seat >= room->seats + room->count)
        room = room->next;
    return room;
}

/*
 * What OpenSSL keeps for this thread in the context of the issuers goes now: it would find that
 * context gone when the thread ends behind a reload (OPENSSL_thread_stop_ex(3)).
 */
static void forget_thread(const struct ratls_ca_seat *seat)
{
    OPENSSL_thread_stop_ex(ratls_issuers_context(ratls_ca_issuers(seat->ca)));
}

void ratls_ca_seats_give(struct ratls_ca_seats *seats, struct ratls_ca_seat *seat)
{
    struct room *empty;

    forget_thread(seat);
    pthread_mutex_lock(&seats->lock);
    seat->is_taken = false;
    room_of(seats, seat)->taken--;
    empty = take_empty(seats);
    pthread_cond_signal(&seats->is_given);
    pthread_mutex_unlock(&seats->lock);
    free_rooms(empty);
}
