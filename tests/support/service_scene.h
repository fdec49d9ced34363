/* The service of a CA in this process, on a UNIX socket, with fake_ca.h behind it. */
#ifndef RATLS_TEST_SERVICE_SCENE_H
#define RATLS_TEST_SERVICE_SCENE_H

#include <criterion/criterion.h>
#include <stdbool.h>

#include "fake_ca.h"
#include "service.h"
#include "store_place.h"

#define SERVICE_TEXT_MAX 65536

struct service_scene {
    struct store_place place;
    char path[96];
    struct ratls_service *service;
};

/* limits: a line of ca.yaml, "" for none. */
struct ratls_ca_config *service_config(const struct service_scene *scene, const char *limits);
void service_begin(struct service_scene *scene, const char *limits);
void service_end(struct service_scene *scene);

int service_connect(const struct service_scene *scene);
/* Sends bytes; false if the other side is gone. */
bool service_send(int fd, const void *bytes, size_t len);
/* All that comes until the other side ends it; the length. */
size_t service_receive(int fd, char out[static SERVICE_TEXT_MAX]);
/* Sends a text on a connection of its own, and returns what comes, in a static buffer. */
const char *service_say(const struct service_scene *scene, const char *text);
/* The same of bytes, which may have NULs. */
const char *service_say_bytes(const struct service_scene *scene, const char *bytes, size_t len);
/* The status of an answer; 0 if it is none. */
unsigned service_status(const char *answer);
/* How many records of refusals by HTTP have a text in them. */
size_t service_records(const struct service_scene *scene, const char *text);

#endif
