/* What an event of a firmware's log says it is, in a few words. Nothing of it is authenticated. */
#ifndef RATLS_TOOL_EVENTLOG_WORDS_H
#define RATLS_TOOL_EVENTLOG_WORDS_H

#include "eventlog_file.h"

#define RATLS_EVENT_WORDS_MAX 512

/* "EV_SEPARATOR", or the number of a type that has no name. */
#define RATLS_EVENT_TYPE_MAX 40
void ratls_event_type_text(uint32_t type, char out[static RATLS_EVENT_TYPE_MAX]);

/* Printable ASCII; empty if there is nothing to say. */
void ratls_event_words(const struct ratls_log_event *event, char out[static RATLS_EVENT_WORDS_MAX]);

#endif
