/*
 * More of a server's logs, beside the handshake in which it was asked for them: each piece over a
 * TCP connection of our own to the same address, with a TLS handshake that asks for logs alone and
 * ends once they are in. Nothing of the program goes over it, and nothing that comes over it is
 * believed for how it came: what counts is what leads to a PCR that was quoted elsewhere.
 */
#ifndef RATLS_TLS_SYNC_H
#define RATLS_TLS_SYNC_H

#include <openssl/types.h>

#include "appraise.h"
#include "channel.h"
#include "request.h"
#include "tls_peer.h"

#define RATLS_SYNC_REQUEST_MAX 160 /* without PCRs and key ids it needs half of that */
#define RATLS_SYNC_ALL_S 30  /* a program waits in its handshake: longer ones are for ratls sync */
#define RATLS_SYNC_EACH_S 10 /* one further request */

struct ratls_sync_settings {
    unsigned all_s;  /* for all requests together; 0: as long as each is answered */
    unsigned each_s; /* for one request */
    void (*seen)(void *arg, struct ratls_slice evidence); /* of every answer; NULL: nobody looks */
    void *arg;
};

struct ratls_sync {
    struct ratls_more more; /* the first member: what an appraisal asks */
    struct ratls_sync_settings settings;
    const SSL *beside; /* the connection whose server is meant, and its address if not known */
    uint64_t tls_read; /* see ratls_peer_find() */
    struct ratls_peer peer;
    char sni[RATLS_SERVER_NAME_MAX]; /* "": none */
    unsigned extension;
    SSL_CTX *ctx; /* from the first request on, as is: */
    int64_t deadline_ms;
    uint8_t request[RATLS_SYNC_REQUEST_MAX];
    size_t request_len;
    uint8_t *evidence; /* the last answer */
    size_t evidence_len;
    bool is_unanswered; /* the server's Certificate message came without logs */
};

/*
 * For further requests of the handshake that this SSL is in, or was in; the SSL must stay. Costs
 * nothing before the first request. Who knows the address sets `peer`. Freed by ratls_sync_end().
 */
void ratls_sync_begin(const SSL *ssl, struct ratls_sync *ret_sync);
void ratls_sync_end(struct ratls_sync *sync);

/* This thread makes an SSL_CTX for further requests: it is none of the program. */
bool ratls_sync_makes_context(void);

#endif
