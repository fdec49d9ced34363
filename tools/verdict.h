/* What became of a session, shown to people or as JSON. */
#ifndef RATLS_TOOL_VERDICT_H
#define RATLS_TOOL_VERDICT_H

#include "session.h"

/* Report and connection of a session with a policy; returns the exit code. */
int ratls_verdict_show(const struct ratls_session *session, const char *kind, bool json, FILE *out);

/* What failed, on standard error. */
void ratls_verdict_show_refusal(const struct ratls_report *report);

#endif
