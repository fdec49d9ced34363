/* A set of checks of a report, a bit for each: there are more than a uint64_t has. */
#ifndef RATLS_TEST_CHECK_SET_H
#define RATLS_TEST_CHECK_SET_H

#include "checks.h"

__extension__ typedef unsigned __int128 check_set;

#define CHECK_BIT(check) ((check_set)1 << (check))

_Static_assert(RATLS_CHECK_COUNT < 8 * sizeof(check_set), "each check has a bit, and one is left");

#endif
