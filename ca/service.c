#include "service.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"
#include "service_http.h"
#include "thread.h"

#define TICK_MS 250
#define DRAIN_TICK_MS 20
#define NS_PER_MS 1000000
#define MS_PER_S 1000
#define LOOPBACK_NET 127 /* 127.0.0.0/8: RFC 1122, 3.2.1.3 */

struct ratls_service {
    struct ratls_ca_seats *seats;
    struct ratls_connections connections;
    struct ratls_service_desk desk;
    struct MHD_Daemon *daemon;
    pthread_t keeper; /* of times, and of the audit log */
    pthread_mutex_t lock;
    pthread_cond_t is_over_changed;
    bool is_over;
};

/* ---- where it listens ---- */

static bool is_loopback(const struct sockaddr_storage *address)
{
    const struct sockaddr_in *in = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

    if (address->ss_family == AF_INET)
        return ntohl(in->sin_addr.s_addr) >> 24 == LOOPBACK_NET;
    return address->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

enum ratls_status ratls_service_check_listener(int fd, struct ratls_error *err)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof address;
    int type = 0;
    socklen_t type_len = sizeof type;

    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) != 0)
        return ratls_fail(err, RATLS_USAGE, "the socket to listen on: %s", strerror(errno));
    if (type != SOCK_STREAM)
        return ratls_fail(err, RATLS_USAGE,
                          "a socket of another kind was passed: ratls-ca.socket must have "
                          "ListenStream=");
    if (address.ss_family != AF_UNIX && !is_loopback(&address))
        return ratls_fail(err, RATLS_USAGE,
                          "listens on a UNIX socket or a loopback address only: over a network "
                          "comes TLS, which is the work of a web server in front");
    return RATLS_OK;
}

/* ---- time ---- */

static void *keep(void *arg)
{
    struct ratls_service *service = arg;
    struct timespec until;

    pthread_mutex_lock(&service->lock);
    while (!service->is_over) {
        const struct ratls_service_time time = ratls_service_time();
        size_t late;

        pthread_mutex_unlock(&service->lock);
        late = ratls_connections_cut_late(&service->connections, time.now_ms, RATLS_HTTP_LATE);
        while (late-- > 0)
            ratls_service_desk_note(&service->desk, 408, "slow", "no request came in time", time);
        ratls_service_desk_write_records(&service->desk, time);
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += TICK_MS * NS_PER_MS;
        until.tv_sec += until.tv_nsec / (MS_PER_S * NS_PER_MS);
        until.tv_nsec %= MS_PER_S * NS_PER_MS;
        pthread_mutex_lock(&service->lock);
        if (!service->is_over)
            (void)pthread_cond_timedwait(&service->is_over_changed, &service->lock, &until);
    }
    pthread_mutex_unlock(&service->lock);
    return NULL;
}

static void end_keeper(struct ratls_service *service)
{
    pthread_mutex_lock(&service->lock);
    service->is_over = true;
    pthread_cond_signal(&service->is_over_changed);
    pthread_mutex_unlock(&service->lock);
    pthread_join(service->keeper, NULL);
}

/* ---- life ---- */

static void init_lock(struct ratls_service *service)
{
    pthread_condattr_t attributes;

    pthread_mutex_init(&service->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&service->is_over_changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

static void clear(struct ratls_service *service)
{
    ratls_service_desk_clear(&service->desk);
    ratls_connections_clear(&service->connections);
    pthread_cond_destroy(&service->is_over_changed);
    pthread_mutex_destroy(&service->lock);
}

/* Stops to listen, and returns the socket, which is no longer the daemon's. */
static int stop_listening(struct ratls_service *service)
{
    return MHD_quiesce_daemon(service->daemon);
}

static enum ratls_status start_threads(struct ratls_service *service, int listener,
                                       struct ratls_error *err)
{
    enum ratls_status status;
    int cause;

    status = ratls_service_http_start(&service->desk, listener, RATLS_SERVICE_THREADS,
                                      &service->daemon, err);
    if (status != RATLS_OK)
        return status;
    cause = ratls_thread_start(&service->keeper, keep, service);
    if (cause == 0)
        return RATLS_OK;
    MHD_stop_daemon(service->daemon);
    return ratls_fail(err, RATLS_IO, "a thread: %s", strerror(cause));
}

enum ratls_status ratls_service_start(struct ratls_ca_config *config,
                                      const struct ratls_service_options *options,
                                      struct ratls_service **ret_service, struct ratls_error *err)
{
    struct ratls_service *service = NULL;
    const struct ratls_service_time time = ratls_service_time();
    /* Each thread has its share, and one without any would answer nobody. */
    const size_t connections = config->limits.connections < RATLS_SERVICE_THREADS
                                   ? RATLS_SERVICE_THREADS
                                   : config->limits.connections;
    enum ratls_status status = ratls_service_check_listener(options->listener, err);

    if (status == RATLS_OK) {
        service = calloc(1, sizeof *service);
        if (service == NULL)
            status = ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    if (status != RATLS_OK) {
        ratls_ca_config_free(config);
        return status;
    }
    /* One more, for the audit log. */
    status = ratls_ca_seats_open(config, RATLS_SERVICE_THREADS + 1, time.now, &service->seats, err);
    if (status != RATLS_OK) {
        free(service);
        return status;
    }
    init_lock(service);
    ratls_connections_init(&service->connections);
    service->desk.seats = service->seats;
    service->desk.connections = &service->connections;
    service->desk.connections_max = connections;
    service->desk.log = options->log;
    ratls_service_desk_init(&service->desk, time);
    status = start_threads(service, options->listener, err);
    if (status == RATLS_OK) {
        *ret_service = service;
        return RATLS_OK;
    }
    clear(service);
    ratls_ca_seats_close(service->seats);
    free(service);
    return status;
}

enum ratls_status ratls_service_reload(struct ratls_service *service,
                                       struct ratls_ca_config *config, struct ratls_error *err)
{
    const struct ratls_service_time time = ratls_service_time();
    enum ratls_status status = ratls_ca_seats_reload(service->seats, config, time.now, err);

    if (status == RATLS_OK)
        ratls_service_desk_reload(&service->desk, time);
    else
        ratls_service_count_reload_failed(&service->desk.counts);
    return status;
}

void ratls_service_count_failed_reload(struct ratls_service *service)
{
    ratls_service_count_reload_failed(&service->desk.counts);
}

static void drain(struct ratls_service *service)
{
    const struct timespec tick = {.tv_nsec = DRAIN_TICK_MS * NS_PER_MS};

    for (int ms = 0; ms < RATLS_SERVICE_DRAIN_MS; ms += DRAIN_TICK_MS) {
        if (ratls_connections_cut_idle(&service->connections) == 0)
            return;
        (void)nanosleep(&tick, NULL);
    }
}

void ratls_service_stop(struct ratls_service *service)
{
    int listener;

    if (service == NULL)
        return;
    listener = stop_listening(service);
    drain(service);
    MHD_stop_daemon(service->daemon);
    end_keeper(service);
    ratls_service_desk_write_records(&service->desk, ratls_service_time());
    if (listener >= 0)
        close(listener);
    clear(service);
    ratls_ca_seats_close(service->seats);
    free(service);
}
