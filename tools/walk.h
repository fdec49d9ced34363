/* Files below a folder. */
#ifndef RATLS_TOOL_WALK_H
#define RATLS_TOOL_WALK_H

#include <ratls/error.h>

/* Is told the path of each file. Stops the walk with any status but RATLS_OK. */
typedef enum ratls_status ratls_walk_take(void *arg, const char *path, struct ratls_error *err);

/*
 * Every regular file below a folder, in the order of their names; or the file that path names.
 * Names that begin with a dot are passed over; RATLS_LIMIT below 16 folders.
 */
RATLS_MUST_CHECK enum ratls_status ratls_walk(const char *path, ratls_walk_take *take, void *arg,
                                              struct ratls_error *err);

#endif
