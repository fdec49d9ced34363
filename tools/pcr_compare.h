/* Comparison of the values of --pcrs with what a log gives. */
#ifndef RATLS_TOOL_PCR_COMPARE_H
#define RATLS_TOOL_PCR_COMPARE_H

#include "pcr_values.h"

/*
 * Says which agree. PCRs that the log does not extend are named, but differ from nothing: something
 * else extended them. True if one was compared and none differs.
 */
bool ratls_describe_comparison(struct ratls_view *v, const struct ratls_pcr_values *replayed,
                               const struct ratls_pcr_values *expected);

#endif
