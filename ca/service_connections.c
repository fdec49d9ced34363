#include "service_connections.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

void ratls_connections_init(struct ratls_connections *connections)
{
    memset(connections, 0, sizeof *connections);
    LIST_INIT(&connections->all);
    pthread_mutex_init(&connections->lock, NULL);
}

void ratls_connections_clear(struct ratls_connections *connections)
{
    pthread_mutex_destroy(&connections->lock);
}

struct ratls_connection *ratls_connections_enter(struct ratls_connections *connections, int fd,
                                                 int64_t now_ms)
{
    struct ratls_connection *connection = calloc(1, sizeof *connection);

    if (connection == NULL)
        return NULL;
    connection->fd = fd;
    connection->since_ms = now_ms;
    pthread_mutex_lock(&connections->lock);
    LIST_INSERT_HEAD(&connections->all, connection, link);
    connections->count++;
    pthread_mutex_unlock(&connections->lock);
    return connection;
}

void ratls_connections_leave(struct ratls_connections *connections,
                             struct ratls_connection *connection)
{
    if (connection == NULL)
        return;
    pthread_mutex_lock(&connections->lock);
    LIST_REMOVE(connection, link);
    connections->count--;
    pthread_mutex_unlock(&connections->lock);
    free(connection);
}

void ratls_connections_set(struct ratls_connections *connections,
                           struct ratls_connection *connection, enum ratls_connection_state state,
                           int64_t now_ms)
{
    if (connection == NULL)
        return;
    pthread_mutex_lock(&connections->lock);
    connection->state = state;
    /* A request has the time that began with the connection, or with the end of the last one. */
    if (state == RATLS_CONNECTION_TAKING || state == RATLS_CONNECTION_IDLE)
        connection->since_ms = now_ms;
    pthread_mutex_unlock(&connections->lock);
}

/* What has come and was not read yet: then the peer waits for us, and not we for it. */
static bool has_unread(const struct ratls_connection *connection)
{
    int unread = 0;

    return ioctl(connection->fd, FIONREAD, &unread) == 0 && unread > 0;
}

static bool is_late(const struct ratls_connection *connection, int64_t now_ms)
{
    const int64_t age_ms = now_ms - connection->since_ms;

    if (connection->is_cut || connection->state == RATLS_CONNECTION_WORKING)
        return false;
    if (age_ms < RATLS_CONNECTION_MS)
        return false;
    return age_ms >= RATLS_CONNECTION_OURS_MS || !has_unread(connection);
}

/* The HTTP server's own thread sees the end of the stream, and closes it. */
static void cut(struct ratls_connection *connection)
{
    (void)shutdown(connection->fd, SHUT_RDWR);
    connection->is_cut = true;
}

size_t ratls_connections_cut_late(struct ratls_connections *connections, int64_t now_ms,
                                  const char *late)
{
    struct ratls_connection *connection;
    size_t count = 0;

    pthread_mutex_lock(&connections->lock);
    LIST_FOREACH(connection, &connections->all, link)
    {
        if (!is_late(connection, now_ms))
            continue;
        if (connection->state == RATLS_CONNECTION_NEW ||
            connection->state == RATLS_CONNECTION_ASKING) {
            (void)!send(connection->fd, late, strlen(late), MSG_DONTWAIT | MSG_NOSIGNAL);
            count++;
        }
        if (connection->state != RATLS_CONNECTION_IDLE)
            connections->cut++;
        cut(connection);
    }
    pthread_mutex_unlock(&connections->lock);
    return count;
}

size_t ratls_connections_cut_idle(struct ratls_connections *connections)
{
    struct ratls_connection *connection;
    size_t count;

    pthread_mutex_lock(&connections->lock);
    LIST_FOREACH(connection, &connections->all, link)
    {
        if ((connection->state == RATLS_CONNECTION_NEW ||
             connection->state == RATLS_CONNECTION_IDLE) &&
            !has_unread(connection) && !connection->is_cut)
            cut(connection);
    }
    count = connections->count;
    pthread_mutex_unlock(&connections->lock);
    return count;
}

size_t ratls_connections_count(struct ratls_connections *connections, uint64_t *ret_cut)
{
    size_t count;

    pthread_mutex_lock(&connections->lock);
    count = connections->count;
    *ret_cut = connections->cut;
    pthread_mutex_unlock(&connections->lock);
    return count;
}
