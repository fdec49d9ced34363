/* A time span as policies and options have it: 90s, 30m, 24h, 7d. */
#ifndef RATLS_POLICY_DURATION_H
#define RATLS_POLICY_DURATION_H

#include <stdint.h>

/* 0 if the text is not a whole number without leading zeros and one of the units s, m, h, d. */
uint64_t ratls_duration_s(const char *text);

#endif
