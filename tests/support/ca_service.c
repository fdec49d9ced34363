#include "ca_service.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "must.h"
#include "patience.h"

#define TYPE "application/vnd.ratls.enroll+cbor"
#define ROOM (RATLS_ENROLL_RESULT_MAX + 8192)
#define TRIES_MAX 2000
#define PAUSE_MS 20
#define PATIENCE_S 30

/* ---- processes ---- */

static void write_rules(const char *path, const struct ca_machine *machines, size_t count)
{
    FILE *out = fopen(path, "w");
    char ek[65];

    must(out != NULL);
    for (size_t i = 0; i < count; i++) {
        ca_machine_ek_text(&machines[i], ek);
        fprintf(out, "%s,m%zu.bank.example\n", ek, i);
    }
    must(fclose(out) == 0);
}

void ca_services_configure(struct ca_services *services, struct ca_world *world,
                           const struct ca_machine *machines, size_t count)
{
    char rules[160];
    FILE *out;

    snprintf(rules, sizeof rules, "%s/eks.csv", world->folder);
    write_rules(rules, machines, count);
    snprintf(services->config, sizeof services->config, "%s/ca.yaml", world->folder);
    out = fopen(services->config, "w");
    must(out != NULL);
    fprintf(out,
            "ca: 1\nstore: '%s'\nroots: %s/roots\n"
            "issuers:\n  - {certificate: ca.crt, key: ca.key}\n"
            "names: [\"*.bank.example\"]\n"
            "approval: {rules-file: eks.csv}\n"
            "limits: {requests-per-minute: 1000000, per-ek-per-hour: 1000000}\n",
            world->place.where, world->folder);
    must(fclose(out) == 0);
    for (size_t i = 0; i < CA_SERVICES_MAX; i++)
        snprintf(services->sockets[i], sizeof services->sockets[i], "%s/ca%zu.sock", world->folder,
                 i);
}

static int connect_to(const char *path)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    must(fd >= 0 && strlen(path) < sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    must(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

void ca_service_start(struct ca_services *services, size_t i)
{
    const uint64_t limit_ms = now_ms() + WAIT_MS;
    char listen_at[192];
    pid_t pid;
    int fd = -1;

    snprintf(listen_at, sizeof listen_at, "unix:%s", services->sockets[i]);
    pid = fork();
    must(pid >= 0);
    if (pid == 0) {
        execl(RATLS_TOOL, "ratls", "ca", "serve", "--config", services->config, "--listen",
              listen_at, (char *)NULL);
        _exit(127);
    }
    services->pids[i] = pid;
    while ((fd = connect_to(services->sockets[i])) < 0 && now_ms() < limit_ms)
        sleep_ms(2);
    must(fd >= 0);
    close(fd);
}

void ca_service_kill(struct ca_services *services, size_t i)
{
    int status = 0;

    must(kill(services->pids[i], SIGKILL) == 0);
    must(waitpid(services->pids[i], &status, 0) == services->pids[i]);
    must(WIFSIGNALED(status));
    services->pids[i] = 0;
}

void ca_service_stop(struct ca_services *services, size_t i)
{
    int status = 0;

    must(kill(services->pids[i], SIGTERM) == 0);
    must(waitpid(services->pids[i], &status, 0) == services->pids[i]);
    must(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    services->pids[i] = 0;
}

/* ---- HTTP ---- */

/* What one machine holds while it enrols. */
struct talk {
    struct ca_enrolment *enrolment;
    uint8_t *request;
    size_t request_len;
    char answer[ROOM]; /* of HTTP */
    size_t answer_len;
    struct ratls_slice body; /* in it */
};

static bool send_all(int fd, const void *bytes, size_t len)
{
    return send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool receive_all(int fd, struct talk *talk)
{
    ssize_t n;

    talk->answer_len = 0;
    while ((n = recv(fd, talk->answer + talk->answer_len, ROOM - 1 - talk->answer_len, 0)) > 0)
        talk->answer_len += (size_t)n;
    talk->answer[talk->answer_len] = '\0';
    return n == 0;
}

/* The whole of it, as long as its head says: a service that is killed leaves half an answer. */
static unsigned read_status(struct talk *talk)
{
    const char *end = strstr(talk->answer, "\r\n\r\n");
    const char *length = strstr(talk->answer, "Content-Length: ");
    unsigned status = 0;

    if (end == NULL || length == NULL || sscanf(talk->answer, "HTTP/1.1 %u ", &status) != 1)
        return 0;
    talk->body = ratls_slice(end + 4, talk->answer_len - (size_t)(end + 4 - talk->answer));
    return strtoul(length + 16, NULL, 10) == talk->body.len ? status : 0;
}

/* 0: nobody answered. */
static unsigned post(struct talk *talk, const char *path, const uint8_t *body, size_t len)
{
    const struct ca_enrolment *e = talk->enrolment;
    int fd = connect_to(e->services->sockets[(e->which + e->tries) % e->services->count]);
    char head[256];
    unsigned status = 0;

    if (fd < 0)
        return 0;
    snprintf(head, sizeof head,
             "POST %s HTTP/1.1\r\nHost: ca\r\nConnection: close\r\nContent-Type: " TYPE
             "\r\nContent-Length: %zu\r\n\r\n",
             path, len);
    if (send_all(fd, head, strlen(head)) && send_all(fd, body, len) && receive_all(fd, talk))
        status = read_status(talk);
    close(fd);
    return status;
}

/* ---- a machine ---- */

static bool take_result(struct talk *talk)
{
    struct ca_enrolment *e = talk->enrolment;
    struct ratls_enroll_result result;

    if (!ratls_enroll_result_read(talk->body, &result))
        return false;
    memcpy(e->id, result.id.p, sizeof e->id);
    memcpy(e->der, result.certificates[0].p, result.certificates[0].len);
    e->der_len = result.certificates[0].len;
    return true;
}

/* The status of its answer; the challenge is in the body. */
static unsigned answer_challenge(struct talk *talk)
{
    const struct ca_machine *machine = talk->enrolment->machine;
    uint8_t out[RATLS_ENROLL_ANSWER_MAX];
    struct ca_reply reply;
    size_t len;

    ca_machine_reply(machine, ratls_slice(talk->request, talk->request_len), talk->body, NULL,
                     &reply);
    len = ca_reply_write(&reply, out);
    ca_reply_done(&reply);
    return post(talk, "/v1/answers", out, len);
}

/* Whether it may go on: nobody answered, another was at work with it, or the store was busy. */
static bool is_for_now(struct talk *talk, unsigned status)
{
    if (status == 0 || status == 503 || status == 409)
        return true;
    snprintf(talk->enrolment->failed, sizeof talk->enrolment->failed, "%u: %.200s", status,
             (const char *)talk->body.p);
    return false;
}

/* False: once more. */
static bool try_once(struct talk *talk)
{
    struct ratls_enroll_challenge challenge;
    unsigned status = post(talk, "/v1/requests", talk->request, talk->request_len);

    if ((status == 200 || status == 201) && ratls_enroll_challenge_read(talk->body, &challenge))
        status = answer_challenge(talk);
    if (status == 200 && take_result(talk))
        return true;
    return !is_for_now(talk, status);
}

void *ca_enrolment_run(void *enrolment)
{
    struct ca_enrolment *e = enrolment;
    struct talk *talk = calloc(1, sizeof *talk);
    struct ca_wish *wish = malloc(sizeof *wish);
    const uint64_t begin_ms = now_ms();

    must(talk != NULL && wish != NULL);
    talk->enrolment = e;
    ca_machine_wish(e->machine, e->name, wish);
    talk->request = ca_wish_write(wish, NULL, &talk->request_len);
    for (e->tries = 0; !try_once(talk); e->tries++) {
        if (e->tries == TRIES_MAX) {
            snprintf(e->failed, sizeof e->failed, "nobody answers");
            break;
        }
        sleep_ms(PAUSE_MS);
    }
    e->ms = now_ms() - begin_ms;
    free(talk->request);
    free(talk);
    free(wish);
    return NULL;
}
