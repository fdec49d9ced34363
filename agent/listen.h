/* The socket on which ratlsd listens: of systemd, or its own. */
#ifndef RATLS_AGENTD_LISTEN_H
#define RATLS_AGENTD_LISTEN_H

#include "config.h"

/*
 * A listening SOCK_SEQPACKET socket: that which systemd passed, if it passed one, else one with the
 * path, group and mode of the configuration. The socket of an agent that is gone is replaced, that
 * of one which lives is not. The caller closes *ret_fd. It refuses what callers pass along, as far
 * as the kernel can (disposal.h).
 */
RATLS_MUST_CHECK enum ratls_status ratls_agentd_listen(const struct ratls_agentd_config *config,
                                                       int *ret_fd, struct ratls_error *err);

/* Connects to an agent; RATLS_IO says whether there is one. */
RATLS_MUST_CHECK enum ratls_status ratls_agentd_connect(const char *path, int *ret_fd,
                                                        struct ratls_error *err);

#endif
