/*
 * What a request of HTTP to the service of a CA is about. Routes are matched byte for byte, as they
 * came: nothing is decoded, no case is folded, and no slash may be left out or added.
 */
#ifndef RATLS_CA_HTTP_ROUTE_H
#define RATLS_CA_HTTP_ROUTE_H

#include "bytes.h"

enum ratls_http_action {
    RATLS_HTTP_NOWHERE,      /* no such path */
    RATLS_HTTP_OTHER_METHOD, /* the path is one, but not for this method */
    RATLS_HTTP_POST_REQUEST,
    RATLS_HTTP_GET_REQUEST,
    RATLS_HTTP_POST_ANSWER,
    RATLS_HTTP_GET_RESULT,
    RATLS_HTTP_GET_CRL,    /* of the issuer that issues */
    RATLS_HTTP_GET_CRL_OF, /* of one of them */
    RATLS_HTTP_GET_CA,
    RATLS_HTTP_GET_HEALTH,
    RATLS_HTTP_GET_METRICS,
    RATLS_HTTP_ACTIONS,
};

#define RATLS_HTTP_ID_MAX 32

struct ratls_http_route {
    enum ratls_http_action action;
    const char *allow;             /* with OTHER_METHOD: the method that the path is for */
    uint8_t id[RATLS_HTTP_ID_MAX]; /* what the path names: see http_route.c */
};

/* method and path are what stands in the request line, the path without "?" and what follows. */
struct ratls_http_route ratls_http_route(struct ratls_slice method, struct ratls_slice path);

/* For metrics; each has another. Never NULL. */
const char *ratls_http_action_name(enum ratls_http_action action);

#endif
