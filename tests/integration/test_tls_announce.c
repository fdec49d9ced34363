/* Connections are announced to whoever watches, or not made. */
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "fake_policy.h"
#include "fake_tsa.h"
#include "must.h"
#include "tcp_server.h"
#include "tls_announce.h"
#include "tls_internal.h"
#include "tls_pair.h"
#include "tls_session.h"

#define LONG_MS 300

/* Takes one announcement, and says this to it. */
struct watcher {
    char folder[32];
    char path[64];
    int listener;
    uint8_t answer; /* 0: closes without one */
    pthread_t thread;
    struct ratls_announcement seen;
    size_t len;
};

static void *take_one(void *arg)
{
    struct watcher *w = arg;
    int fd = accept(w->listener, NULL, NULL);
    ssize_t len = fd < 0 ? 0 : recv(fd, &w->seen, sizeof w->seen, MSG_WAITALL);

    w->len = len < 0 ? 0 : (size_t)len;
    if (fd >= 0 && w->answer != 0)
        must(send(fd, &w->answer, 1, MSG_NOSIGNAL) == 1);
    if (fd >= 0)
        close(fd);
    return NULL;
}

static void begin_watcher(struct watcher *w, uint8_t answer)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    *w = (struct watcher){.folder = "/tmp/ratls-test-XXXXXX", .answer = answer};
    must(mkdtemp(w->folder) != NULL);
    snprintf(w->path, sizeof w->path, "%s/watch", w->folder);
    memcpy(address.sun_path, w->path, sizeof w->path);
    w->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    must(bind(w->listener, (struct sockaddr *)&address, sizeof address) == 0 &&
         listen(w->listener, 4) == 0 && pthread_create(&w->thread, NULL, take_one, w) == 0);
}

static void end_watcher(struct watcher *w)
{
    shutdown(w->listener, SHUT_RDWR);
    must(pthread_join(w->thread, NULL) == 0);
    close(w->listener);
    unlink(w->path);
    rmdir(w->folder);
}

struct scene {
    struct tls_world *world;
    struct tcp_server *server;
    SSL *ssl;
    int fd;
};

static void connect_scene(struct scene *s)
{
    s->fd = tcp_server_connect(s->server);
    s->ssl = SSL_new(s->world->client);
    must(SSL_set_fd(s->ssl, s->fd) == 1 && SSL_set1_host(s->ssl, TLS_NAME) == 1 &&
         tls_set_sni(s->ssl, TLS_NAME));
}

static void connect_again(struct scene *s)
{
    SSL_free(s->ssl);
    close(s->fd);
    connect_scene(s);
}

static void begin_scene(struct scene *s, const char *path)
{
    s->world = tls_world_new();
    s->server = tcp_server_new(s->world->server, AF_INET);
    ratls_tls_of_context(s->world->client)->watch = path;
    connect_scene(s);
}

static void end_scene(struct scene *s)
{
    SSL_free(s->ssl);
    close(s->fd);
    tcp_server_free(s->server);
    tls_world_free(s->world);
    ERR_clear_error();
}

Test(tls_announce, says_what_it_is)
{
    struct ratls_machine machine;
    struct watcher w;
    struct scene s;
    struct stat info;

    begin_watcher(&w, RATLS_ANNOUNCEMENT_TAKEN);
    begin_scene(&s, w.path);
    cr_assert_eq(SSL_connect(s.ssl), 1, "%s",
                 ratls_tls_error(s.ssl) == NULL ? "" : ratls_tls_error(s.ssl)->text);
    end_watcher(&w);
    cr_assert_eq(w.len, sizeof w.seen);
    cr_assert(ratls_announcement_valid(&w.seen));
    cr_assert_eq(w.seen.socket_count, 1);
    cr_assert_eq(w.seen.fds[0], s.fd);
    cr_assert_eq(fstat(s.fd, &info), 0);
    cr_assert_eq(w.seen.inodes[0], info.st_ino);
    cr_assert_eq(w.seen.peer.len, s.server->address_len);
    cr_assert_arr_eq(&w.seen.peer.address, &s.server->address, w.seen.peer.len);
    cr_assert_str_eq(w.seen.server_name, TLS_NAME);
    cr_assert_eq(w.seen.has_sni, 1);
    cr_assert_eq(w.seen.extension, TLS_EXTENSION);
    cr_assert_eq(ratls_machine_of(s.ssl, &machine, NULL), RATLS_OK);
    cr_assert(ratls_machine_equal(&machine, &w.seen.machine));
    cr_assert_eq(machine.reset_count, s.world->tpm->reset_count);
    end_scene(&s);
}

/* A server, or who is on the way, that takes its time with the evidence. */
static void take_long(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    const struct timespec pause = {.tv_nsec = LONG_MS * 1000000L};

    (void)draft, (void)arg;
    if (stage == FAKE_WIRE)
        nanosleep(&pause, NULL);
}

Test(tls_announce, says_how_old_the_verdict_is)
{
    struct fake_tsa *tsa = fake_tsa_new(NULL);
    struct watcher w;
    struct scene s;

    for (unsigned stamp_age_s = 0; stamp_age_s <= 20; stamp_age_s += 20) {
        begin_watcher(&w, RATLS_ANNOUNCEMENT_TAKEN);
        begin_scene(&s, w.path);
        s.world->tamper = take_long;
        if (stamp_age_s != 0) {
            s.world->tpm->tsa = tsa;
            s.world->tpm->stamp.time = time(NULL) - stamp_age_s;
            fake_policy_epoch(s.world->policy, tsa->certificate, 60);
        }
        cr_assert_eq(SSL_connect(s.ssl), 1);
        end_watcher(&w);
        cr_assert_geq(w.seen.age_ms, stamp_age_s * 1000 + LONG_MS);
        cr_assert_lt(w.seen.age_ms, stamp_age_s * 1000 + 10000);
        end_scene(&s);
    }
    fake_tsa_free(tsa);
}

/* A session that could be resumed brings no evidence: there would be nothing to watch by. */
Test(tls_announce, nothing_is_resumed)
{
    SSL_SESSION *session;
    struct watcher w;
    struct scene s;

    begin_watcher(&w, RATLS_ANNOUNCEMENT_TAKEN);
    begin_scene(&s, NULL);
    fake_policy_rules(s.world->policy)->max_age_s = 60;
    session = first_session(s.world->client, s.world->server);
    for (size_t is_watched = 0; is_watched < 2; is_watched++) {
        cr_assert(SSL_set_session(s.ssl, session));
        ratls_tls_of_context(s.world->client)->watch = is_watched == 1 ? w.path : NULL;
        cr_assert_eq(SSL_connect(s.ssl), 1);
        cr_assert_eq(SSL_session_reused(s.ssl), is_watched == 0, "this tests nothing");
        cr_assert(ratls_report_accepted(ratls_tls_report(s.ssl)));
        cr_assert_eq(s.world->attested, 1 + is_watched);
        if (is_watched == 0)
            connect_again(&s);
    }
    end_watcher(&w);
    cr_assert(ratls_announcement_valid(&w.seen));
    SSL_SESSION_free(session);
    end_scene(&s);
}

static void expect_not_made(const char *path, const char *why)
{
    struct scene s;

    begin_scene(&s, path);
    cr_assert_leq(SSL_connect(s.ssl), 0);
    cr_assert_not_null(ratls_tls_error(s.ssl));
    cr_assert_not_null(strstr(ratls_tls_error(s.ssl)->text, "cannot be watched: "));
    cr_assert_not_null(strstr(ratls_tls_error(s.ssl)->text, why), "%s",
                       ratls_tls_error(s.ssl)->text);
    cr_assert_leq(SSL_write(s.ssl, "secret", 6), 0);
    cr_assert_eq(s.server->connections[0].received, 0);
    end_scene(&s);
}

Test(tls_announce, nobody_watches)
{
    struct watcher w;

    expect_not_made("/nonexistent/watch", "cannot connect");
    begin_watcher(&w, 0);
    expect_not_made(w.path, "closed the connection");
    end_watcher(&w);
    begin_watcher(&w, RATLS_ANNOUNCEMENT_TAKEN + 1);
    expect_not_made(w.path, "it cannot be watched");
    end_watcher(&w);
}

/* Nothing below that a handshake beside it could go to. */
Test(tls_announce, a_connection_without_a_socket)
{
    struct tls_world *world = tls_world_new();
    struct tls_pair *pair = tls_pair_new(world->client, world->server, TLS_NAME);
    struct watcher w;

    begin_watcher(&w, RATLS_ANNOUNCEMENT_TAKEN);
    ratls_tls_of_context(world->client)->watch = w.path;
    cr_assert_not(tls_pair_handshake(pair));
    cr_assert_not_null(ratls_tls_error(pair->client.ssl));
    cr_assert_not_null(strstr(ratls_tls_error(pair->client.ssl)->text, "cannot be watched: "));
    cr_assert_eq(pair->client.done, -1);
    cr_assert_leq(tls_pair_write(pair, "secret"), 0);
    cr_assert_eq(pair->server.received.len, 0);
    tls_pair_free(pair);
    end_watcher(&w);
    tls_world_free(world);
}

/* A refused server is nobody's to watch. */
Test(tls_announce, only_what_was_accepted)
{
    struct watcher w;
    struct scene s;

    begin_watcher(&w, RATLS_ANNOUNCEMENT_TAKEN);
    begin_scene(&s, w.path);
    fake_tpm_pcr(s.world->tpm, RATLS_ALG_SHA256, 7)[0] ^= 1;
    cr_assert_leq(SSL_connect(s.ssl), 0);
    end_watcher(&w);
    cr_assert_eq(w.len, 0);
    end_scene(&s);
}

static struct ratls_announcement valid(void)
{
    struct ratls_announcement a = {.magic = RATLS_ANNOUNCEMENT_MAGIC,
                                   .len = sizeof a,
                                   .extension = TLS_EXTENSION,
                                   .socket_count = 1,
                                   .peer = {.len = sizeof(struct sockaddr_in)},
                                   .machine = {.ak_name_len = 34}};

    return a;
}

Test(tls_announce, only_a_whole_one)
{
    struct ratls_announcement a = valid();

    cr_assert(ratls_announcement_valid(&a));
#define REFUSED(change)                                                                            \
    do {                                                                                           \
        a = valid();                                                                               \
        change;                                                                                    \
        cr_expect_not(ratls_announcement_valid(&a), #change);                                      \
    } while (0)
    REFUSED(a.magic++);
    REFUSED(a.len--);
    REFUSED(a.extension = 0x10000);
    REFUSED(a.socket_count = 0);
    REFUSED(a.socket_count = RATLS_SOCKETS_MAX + 1);
    REFUSED(a.peer.len = 0);
    REFUSED(a.peer.len = sizeof a.peer.address + 1);
    REFUSED(a.peer.own_len = sizeof a.peer.own + 1);
    REFUSED(memset(a.peer.device, 'x', sizeof a.peer.device));
    REFUSED(memset(a.server_name, 'x', sizeof a.server_name));
    REFUSED(a.machine.ak_name_len = 0);
    REFUSED(a.machine.ak_name_len = sizeof a.machine.ak_name + 1);
}
