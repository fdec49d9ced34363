/*
 * A guard beside a program: it takes the announcements of the program's connections, keeps a vigil
 * over each server in use, and ends the connections to a server that has fallen.
 */
#ifndef RATLS_TOOL_GUARD_H
#define RATLS_TOOL_GUARD_H

#include "vigil.h"

#define RATLS_GUARD_PATH_MAX 108 /* sun_path, unix(7) */

struct ratls_guard_options {
    const char *policy; /* path */
    const char *state;  /* folder, or NULL */
    unsigned interval_s;
    unsigned max_age_s;
};

struct ratls_guard {
    const struct ratls_guard_options *options;
    char folder[RATLS_GUARD_PATH_MAX];
    char path[RATLS_GUARD_PATH_MAX]; /* of the socket: RATLS_WATCH */
    int listener;
    int signals;
    struct ratls_guarded *servers;
    pid_t program;
    int program_code; /* of its end; -1: it runs */
    bool has_ended_connections;
    int64_t swept_ms; /* when gone connections were looked for */
};

/* Borrows the options. Listens at a socket in a folder of this user alone. */
RATLS_MUST_CHECK enum ratls_status ratls_guard_new(const struct ratls_guard_options *options,
                                                   struct ratls_guard **ret_guard,
                                                   struct ratls_error *err);
void ratls_guard_free(struct ratls_guard *guard);

/*
 * Runs the program, until it and all announced connections are gone. Returns its exit code (128
 * more than the number of a signal that killed it), RATLS_EXIT_REFUSED if connections were ended.
 */
int ratls_guard_run(struct ratls_guard *guard, const char *path, char **program);

#endif
