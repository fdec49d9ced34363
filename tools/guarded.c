#include "guarded.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "output.h"

#define KILL_AFTER_MS 2000 /* a program may say farewell when it is asked to end */

static bool is_same_way(const struct ratls_peer *a, const struct ratls_peer *b)
{
    return a->len == b->len && memcmp(&a->address, &b->address, a->len) == 0 &&
           a->own_len == b->own_len && memcmp(&a->own, &b->own, a->own_len) == 0 &&
           strcmp(a->device, b->device) == 0 && a->mark == b->mark;
}

static bool is_same_server(const struct ratls_announcement *a, const struct ratls_announcement *b)
{
    return is_same_way(&a->peer, &b->peer) && a->extension == b->extension &&
           a->has_sni == b->has_sni && strcmp(a->server_name, b->server_name) == 0 &&
           ratls_machine_equal(&a->machine, &b->machine);
}

/* What the person reads once the connections are ended. */
static int tell_why(FILE *why, const struct ratls_vigil_verdict *verdict)
{
    if (verdict->text != NULL)
        fputs(verdict->text, why);
    else
        fprintf(why, "%s: %s: %s\n", ratls_vigil_end_name(verdict->end), verdict->check,
                verdict->reason);
    return fflush(why) == 0 ? RATLS_EXIT_REFUSED : RATLS_EXIT_FAILED;
}

/* Since when the verdict holds that the program had: older than any vigil lasts, if it must be. */
static int64_t find_since_ms(const struct ratls_announcement *first)
{
    const int64_t now_ms = ratls_vigil_now_ms();

    return first->age_ms < (uint64_t)now_ms ? now_ms - (int64_t)first->age_ms : 0;
}

/* The process of a vigil: ends when the server falls, and only then. */
static int keep_vigil(const struct ratls_guard_options *guard,
                      const struct ratls_announcement *first, FILE *why)
{
    struct ratls_vigil_options options = {
        .session = {.peer = &first->peer,
                    .server_name = first->server_name[0] == '\0' ? NULL : first->server_name,
                    .sni_left_out = first->has_sni == 0,
                    .extension = first->extension,
                    .pki_ignored = true, /* the program asked it, for the key that must stay */
                    .timeout_s = RATLS_TIMEOUT_DEFAULT_S},
        .interval_s = guard->interval_s,
        .max_age_s = guard->max_age_s,
    };
    struct ratls_vigil_verdict verdict = {.end = RATLS_VIGIL_ACCEPTED};
    struct ratls_error err = {0};
    struct ratls_vigil vigil;
    enum ratls_status status;

    status = ratls_policy_load(guard->policy, &options.session.policy, &err);
    if (status == RATLS_OK && guard->state != NULL)
        status = ratls_policy_use_state(options.session.policy, guard->state, &err);
    if (status == RATLS_OK)
        status = ratls_vigil_begin(&options, &first->machine, find_since_ms(first), &vigil, &err);
    while (status == RATLS_OK && !ratls_vigil_fallen(verdict.end)) {
        ratls_vigil_wait(&vigil, verdict.end);
        ratls_vigil_verdict_clear(&verdict);
        ratls_vigil_look(&vigil, &verdict);
        if (verdict.status == RATLS_USAGE)
            break;
    }
    if (status == RATLS_OK)
        return tell_why(why, &verdict);
    fprintf(why, "%s\n", err.text);
    return fflush(why) == 0 ? RATLS_EXIT_USAGE : RATLS_EXIT_FAILED;
}

static bool begin_vigil(const struct ratls_guard *guard, struct ratls_guarded *server)
{
    const pid_t parent = getpid();
    sigset_t none;

    server->why = tmpfile();
    if (server->why == NULL)
        return false;
    fflush(NULL);
    server->vigil = fork();
    if (server->vigil != 0)
        return server->vigil > 0;
    sigemptyset(&none);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGINT, SIG_IGN); /* of a terminal: for the program */
    signal(SIGQUIT, SIG_IGN);
    sigprocmask(SIG_SETMASK, &none, NULL);
    close(guard->listener);
    close(guard->signals);
    if (getppid() != parent)
        _exit(RATLS_EXIT_FAILED);
    _exit(keep_vigil(guard->options, &server->first, server->why));
}

static void free_server(struct ratls_guarded *server)
{
    if (server->vigil > 0)
        kill(server->vigil, SIGKILL); /* reaped by the guard, which does not know it any more */
    if (server->why != NULL)
        fclose(server->why);
    free(server);
}

static struct ratls_guarded *find_server(struct ratls_guard *guard,
                                         const struct ratls_announcement *a)
{
    struct ratls_guarded *server = guard->servers;

    while (server != NULL && (server->has_fallen || !is_same_server(&server->first, a)))
        server = server->next;
    if (server != NULL)
        return server;
    server = calloc(1, sizeof *server);
    if (server == NULL)
        return NULL;
    server->first = *a;
    if (!begin_vigil(guard, server)) {
        free_server(server);
        return NULL;
    }
    server->next = guard->servers;
    guard->servers = server;
    return server;
}

static bool add_socket(struct ratls_guarded *server, pid_t pid, int fd, uint64_t inode)
{
    struct ratls_guarded_socket *socket = server->sockets;

    while (socket != NULL && socket->held.inode != inode)
        socket = socket->next;
    if (socket != NULL)
        return true;
    socket = calloc(1, sizeof *socket);
    if (socket == NULL || !ratls_held_socket_begin(pid, fd, inode, &socket->held)) {
        free(socket);
        return false;
    }
    socket->next = server->sockets;
    server->sockets = socket;
    return true;
}

bool ratls_guarded_take(struct ratls_guard *guard, const struct ratls_announcement *a, pid_t pid)
{
    struct ratls_guarded *server = find_server(guard, a);
    bool done = server != NULL;

    for (uint32_t i = 0; done && i < a->socket_count; i++)
        done = add_socket(server, pid, a->fds[i], a->inodes[i]);
    return done;
}

/* How many connections were still there. */
static unsigned end_sockets(struct ratls_guarded *server, int64_t now_ms)
{
    unsigned count = 0;

    for (struct ratls_guarded_socket *s = server->sockets; s != NULL; s = s->next) {
        if (!ratls_held_socket_alive(&s->held))
            continue;
        count++;
        if (ratls_held_socket_end(&s->held))
            continue;
        ratls_held_socket_signal(&s->held, SIGTERM);
        server->killed_ms = now_ms + KILL_AFTER_MS;
    }
    return count;
}

static void explain(const struct ratls_guarded *server, unsigned count)
{
    struct ratls_endpoint endpoint;
    char address[RATLS_ENDPOINT_TEXT_MAX];
    char line[512];

    ratls_endpoint_of_peer(&server->first.peer, &endpoint);
    ratls_endpoint_text(&endpoint, address);
    ratls_complain("%s (%s) is not to be trusted any more; %u connection%s ended%s",
                   server->first.server_name[0] == '\0' ? "the server" : server->first.server_name,
                   address, count, count == 1 ? "" : "s",
                   server->killed_ms == 0 ? "" : ", with the program, whose sockets are its own");
    rewind(server->why);
    while (fgets(line, sizeof line, server->why) != NULL)
        fputs(line, stderr);
}

void ratls_guarded_fall(struct ratls_guard *guard, struct ratls_guarded *server)
{
    const unsigned count = end_sockets(server, ratls_vigil_now_ms());

    server->vigil = 0;
    server->has_fallen = true;
    if (count == 0)
        return;
    guard->has_ended_connections = true;
    explain(server, count);
}

static void sweep_sockets(struct ratls_guarded *server)
{
    struct ratls_guarded_socket **at = &server->sockets;

    while (*at != NULL) {
        struct ratls_guarded_socket *socket = *at;

        if (ratls_held_socket_alive(&socket->held) &&
            (!server->has_fallen || server->killed_ms != 0)) {
            at = &socket->next;
            continue;
        }
        *at = socket->next;
        ratls_held_socket_clear(&socket->held);
        free(socket);
    }
}

static void kill_holders(const struct ratls_guarded *server)
{
    for (struct ratls_guarded_socket *s = server->sockets; s != NULL; s = s->next)
        ratls_held_socket_signal(&s->held, SIGKILL);
}

void ratls_guarded_sweep(struct ratls_guard *guard)
{
    struct ratls_guarded **at = &guard->servers;

    while (*at != NULL) {
        struct ratls_guarded *server = *at;

        if (server->killed_ms != 0 && ratls_vigil_now_ms() >= server->killed_ms)
            kill_holders(server);
        sweep_sockets(server);
        if (server->sockets != NULL) {
            at = &server->next;
            continue;
        }
        *at = server->next;
        free_server(server);
    }
}
