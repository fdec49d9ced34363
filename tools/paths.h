/* Where the other parts of this installation are. */
#ifndef RATLS_TOOL_PATHS_H
#define RATLS_TOOL_PATHS_H

#include <stdbool.h>
#include <stddef.h>

#define RATLS_PATH_MAX 1024 /* of paths that this tool puts together */

/*
 * A configuration file of ours, and the provider: beside the folder of this program (a build tree,
 * or an installation that was moved), else where CMake said that they will be installed.
 */
void ratls_path_conf(const char *name, char out[static RATLS_PATH_MAX]);
void ratls_path_module(char out[static RATLS_PATH_MAX]);

#endif
