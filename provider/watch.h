/* Whether a file, or a file of a folder, has changed since it was read. */
#ifndef RATLS_PROVIDER_WATCH_H
#define RATLS_PROVIDER_WATCH_H

#include <stdbool.h>
#include <stdint.h>

/* Begins as {0}: then everything has changed. */
struct ratls_watch {
    bool is_known;
    uint64_t seen;
};

/*
 * True if what lies at path is not what it was at the last call; to be read again then. Not what
 * the files hold is compared, but what the file system says of them. False for what this process
 * may not look at any more: it has dropped its privileges since, and goes on with what it read.
 */
bool ratls_watch_changed(struct ratls_watch *watch, const char *path);
/* What was read was no good: the next call says that it changed, if this process may look. */
void ratls_watch_again(struct ratls_watch *watch);

#endif
