/*
 * What a service says to people: on stderr, with the level in front as sd-daemon(3) has it where
 * the journal listens, else with the name of the command. Callers can cause lines, so there are
 * only so many of them in a while.
 */
#ifndef RATLS_TOOL_LOG_H
#define RATLS_TOOL_LOG_H

#include <syslog.h> /* LOG_ERR and so on */

/* From any thread. One line, without a newline. */
void ratls_log(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
