/* Changes as people and programs read them. */
#ifndef RATLS_TOOL_CHANGES_TEXT_H
#define RATLS_TOOL_CHANGES_TEXT_H

#include <stdio.h>

#include "changes.h"
#include "view.h"

/* One or three lines for each change. */
void ratls_changes_print(FILE *out, const struct ratls_changes *changes);
/* The list "changes" of an object. */
void ratls_changes_view(struct ratls_view *v, const struct ratls_changes *changes);

#endif
