/* For tests that become other users: who is not root skips them, and says so. */
#ifndef RATLS_TEST_NEEDS_ROOT_H
#define RATLS_TEST_NEEDS_ROOT_H

#include <stdio.h>
#include <unistd.h>

#define SKIPPED 77

/* Before Criterion begins, which knows no skipped program. */
static void __attribute__((constructor)) need_root(void)
{
    if (geteuid() == 0)
        return;
    fputs("skipped: only root can become other users\n", stderr);
    _exit(SKIPPED);
}

#endif
