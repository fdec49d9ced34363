/* Who is at the other end of a UNIX socket, as the kernel says. */
#ifndef RATLS_AGENTD_PEER_H
#define RATLS_AGENTD_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <ratls/error.h>

/* As it was when the peer connected, whatever it became since. */
struct ratls_agentd_peer {
    uid_t uid;
    gid_t gid;
    size_t group_count;
    gid_t *groups; /* supplementary; NULL: none */
};

/* The caller clears *ret_peer. */
RATLS_MUST_CHECK enum ratls_status
ratls_agentd_peer_read(int fd, struct ratls_agentd_peer *ret_peer, struct ratls_error *err);
void ratls_agentd_peer_clear(struct ratls_agentd_peer *peer);

/* Whether it is in a group, as its own or as one of the others. */
bool ratls_agentd_peer_in_group(const struct ratls_agentd_peer *peer, gid_t gid);

#endif
