/*
 * Connections on which files may wait (SCM_RIGHTS): where the kernel cannot be told to take none,
 * and those that are older than what it was told, as systemd listens before ratlsd does. Who
 * receives such a message, or closes the connection, closes the files too; and that takes as long
 * as their owner wants: a TCP socket may linger, a file may be of a server that hangs.
 */
#ifndef RATLS_AGENTD_DISPOSAL_H
#define RATLS_AGENTD_DISPOSAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Of the connections that a socket listens for, from now on; as far as the kernel can. */
void ratls_agentd_refuse_files(int listener);
/* Whether files may come, or have come, on a connection; for one that listens, on those behind it.
 */
bool ratls_agentd_takes_files(int fd);

/*
 * recv() of the next message, without waiting. One with files in it stays where it is: -1, and
 * errno is EPERM.
 */
ssize_t ratls_agentd_receive_no_files(int fd, uint8_t *out, size_t cap);
/*
 * Closes a connection, and does not wait for what is in it. That takes a process for a moment,
 * which nobody waits for: SIGCHLD must be ignored.
 */
void ratls_agentd_dispose(int fd);

#endif
