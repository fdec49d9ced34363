#include "service_scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "must.h"
#include "patience.h"
#include "store.h"

static void print_line(int level, const char *text)
{
    if (level < 7)
        fprintf(stderr, "service: %s\n", text);
}

struct ratls_ca_config *service_config(const struct service_scene *scene, const char *limits)
{
    char text[512];
    struct ratls_ca_config *config = NULL;
    struct ratls_error err = {.status = RATLS_OK};

    snprintf(text, sizeof text,
             "ca: 1\nstore: %s\nissuers: [{certificate: ca.crt, key: ca.key}]\n"
             "names: [\"*.bank.example\"]\n%s\n",
             scene->place.folder, limits);
    cr_assert_eq(ratls_ca_config_read("/f/ca.yaml", ratls_slice(text, strlen(text)), &config, &err),
                 RATLS_OK, "%s", err.text);
    return config;
}

void service_begin(struct service_scene *scene, const char *limits)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ratls_service_options options = {.log = print_line};
    struct ratls_error err = {.status = RATLS_OK};

    memset(scene, 0, sizeof *scene);
    store_place_make(&scene->place);
    snprintf(scene->path, sizeof scene->path, "%s.sock", scene->place.folder);
    memcpy(address.sun_path, scene->path, strlen(scene->path) + 1);
    options.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    must(bind(options.listener, (struct sockaddr *)&address, sizeof address) == 0);
    must(listen(options.listener, SOMAXCONN) == 0);
    cr_assert_eq(
        ratls_service_start(service_config(scene, limits), &options, &scene->service, &err),
        RATLS_OK, "%s", err.text);
}

void service_end(struct service_scene *scene)
{
    ratls_service_stop(scene->service);
    unlink(scene->path);
    store_place_remove(&scene->place);
}

int service_connect(const struct service_scene *scene)
{
    const struct timeval patience = {.tv_sec = WAIT_MS / 1000};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(address.sun_path, scene->path, strlen(scene->path) + 1);
    must(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    must(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    return fd;
}

bool service_send(int fd, const void *bytes, size_t len)
{
    return send(fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
}

size_t service_receive(int fd, char out[static SERVICE_TEXT_MAX])
{
    size_t len = 0;
    ssize_t n;

    while (len < SERVICE_TEXT_MAX - 1 &&
           (n = recv(fd, out + len, SERVICE_TEXT_MAX - 1 - len, 0)) > 0)
        len += (size_t)n;
    out[len] = '\0';
    return len;
}

const char *service_say_bytes(const struct service_scene *scene, const char *bytes, size_t len)
{
    static char answer[SERVICE_TEXT_MAX];
    int fd = service_connect(scene);

    (void)service_send(fd, bytes, len);
    must(shutdown(fd, SHUT_WR) == 0);
    (void)service_receive(fd, answer);
    close(fd);
    return answer;
}

const char *service_say(const struct service_scene *scene, const char *text)
{
    return service_say_bytes(scene, text, strlen(text));
}

unsigned service_status(const char *answer)
{
    unsigned status = 0;

    return sscanf(answer, "HTTP/1.1 %u ", &status) == 1 ? status : 0;
}

struct search {
    const char *text;
    size_t count;
};

static bool look(void *arg, const struct ratls_store_record *record)
{
    struct search *search = arg;

    if (strcmp(record->kind, "http") == 0 && strstr(record->detail, search->text) != NULL)
        search->count++;
    return true;
}

size_t service_records(const struct service_scene *scene, const char *text)
{
    struct search search = {.text = text};
    struct ratls_store *store = NULL;
    struct ratls_error err = {.status = RATLS_OK};

    must(ratls_store_open(scene->place.where, &store, &err) == RATLS_OK);
    must(ratls_store_each_record(store, 1, look, &search, &err) == RATLS_OK);
    ratls_store_close(store);
    return search.count;
}
