/* Whether the files that a policy names are still those that were read for it. */
#ifndef RATLS_POLICY_STAMP_H
#define RATLS_POLICY_STAMP_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include <ratls/policy.h>

/* What the file system said of a file before it was read. */
struct ratls_stamp {
    char *path;
    int error; /* of stat(); 0: the rest holds */
    dev_t device;
    ino_t inode;
    mode_t mode;
    off_t size;
    struct timespec changed; /* content or rights: also a file that was moved there */
};

/* Keeps the path, which the caller frees. */
void ratls_stamp_make(char *path, struct ratls_stamp *ret_stamp);

/*
 * Whether one of them is another file, or another content, than was read: the policy is to be
 * loaded again then. Not for what this process may not look at any more.
 */
bool ratls_policy_files_changed(const struct ratls_policy *policy);

#endif
