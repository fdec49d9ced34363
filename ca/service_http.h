/* The service of a CA as the callbacks of libmicrohttpd. */
#ifndef RATLS_CA_SERVICE_HTTP_H
#define RATLS_CA_SERVICE_HTTP_H

#include <microhttpd.h>

#include "service_desk.h"

/* Starts to answer; the listener is the daemon's until it is quiesced. */
RATLS_MUST_CHECK enum ratls_status ratls_service_http_start(struct ratls_service_desk *desk,
                                                            int listener, unsigned threads,
                                                            struct MHD_Daemon **ret_daemon,
                                                            struct ratls_error *err);

/* What is sent to who is too slow to be answered. */
#define RATLS_HTTP_LATE                                                                            \
    "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

#endif
