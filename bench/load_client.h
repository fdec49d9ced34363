/* One client of a load: from its connection to the end that the server makes of it. */
#ifndef RATLS_BENCH_LOAD_CLIENT_H
#define RATLS_BENCH_LOAD_CLIENT_H

#include <openssl/ssl.h>
#include <sys/socket.h>

#include "load.h"

/* Where all clients go. */
struct load_target {
    struct sockaddr_storage address;
    socklen_t address_len;
    SSL_CTX *ctx;
    const char *name;
    enum load_manner manner;
    int epoll;
};

enum load_state { LOAD_FREE, LOAD_CONNECTS, LOAD_SENDS, LOAD_WAITS, LOAD_SHAKES, LOAD_LEAVES };

struct load_client {
    enum load_state state;
    int fd;
    SSL *ssl;
    double begin_s; /* its arrival */
    double wake_s;  /* slow and vanishing ones: when they do the next thing; 0: never */
    struct load_client *previous, *next; /* in the order of their arrivals; or of free ones */
};

enum load_step {
    LOAD_GOES_ON,
    LOAD_ACCEPTED, /* the handshake; it leaves now, and is to be moved until LOAD_OVER */
    LOAD_OVER,
    LOAD_VANISHED,
    LOAD_REFUSED,
    LOAD_BROKEN,
    LOAD_CROWDED, /* the server's backlog is full: later */
};

/* Ends the program if it cannot work. */
void load_target_init(struct load_target *target, const struct load_plan *plan);

enum load_step load_client_start(struct load_client *client, const struct load_target *target,
                                 double now_s);

/* As far as it goes without waiting. The reasons of failures are on OpenSSL's error stack. */
enum load_step load_client_move(struct load_client *client, const struct load_target *target,
                                double now_s);

void load_client_stop(struct load_client *client);

#endif
