#include "peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "fail.h"

/* The kernel says how many there are (unix(7), SO_PEERGROUPS: ERANGE sets the length). */
static enum ratls_status read_groups(int fd, struct ratls_agentd_peer *peer,
                                     struct ratls_error *err)
{
    socklen_t len = 0;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) == 0)
        return RATLS_OK; /* none */
    if (errno != ERANGE)
        return ratls_fail(err, RATLS_IO, "groups of a caller: %s", strerror(errno));
    peer->groups = malloc(len);
    if (peer->groups == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer->groups, &len) != 0)
        return ratls_fail(err, RATLS_IO, "groups of a caller: %s", strerror(errno));
    peer->group_count = len / sizeof *peer->groups;
    return RATLS_OK;
}

enum ratls_status ratls_agentd_peer_read(int fd, struct ratls_agentd_peer *ret_peer,
                                         struct ratls_error *err)
{
    struct ratls_agentd_peer peer = {.group_count = 0};
    struct ucred credentials;
    socklen_t len = sizeof credentials;
    enum ratls_status status;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) != 0 ||
        len != sizeof credentials)
        return ratls_fail(err, RATLS_IO, "who calls: %s", strerror(errno));
    peer.uid = credentials.uid;
    peer.gid = credentials.gid;
    status = read_groups(fd, &peer, err);
    if (status == RATLS_OK)
        *ret_peer = peer;
    else
        free(peer.groups);
    return status;
}

void ratls_agentd_peer_clear(struct ratls_agentd_peer *peer)
{
    free(peer->groups);
    *peer = (struct ratls_agentd_peer){.group_count = 0};
}

bool ratls_agentd_peer_in_group(const struct ratls_agentd_peer *peer, gid_t gid)
{
    if (peer->gid == gid)
        return true;
    for (size_t i = 0; i < peer->group_count; i++)
        if (peer->groups[i] == gid)
            return true;
    return false;
}
