/* What a vigil sees, in one line. */
#ifndef RATLS_TOOL_VIGIL_LINE_H
#define RATLS_TOOL_VIGIL_LINE_H

#include "vigil.h"

/* On stdout, at once; as JSON one object. */
void ratls_vigil_line(const struct ratls_vigil *vigil, const struct ratls_vigil_verdict *verdict,
                      bool json);

#endif
