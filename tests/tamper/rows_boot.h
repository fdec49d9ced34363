/* Rows whose machine boots otherwise than the policy allows. */
#ifndef RATLS_TEST_ROWS_BOOT_H
#define RATLS_TEST_ROWS_BOOT_H

#include "rows.h"

#define ROW(title, id, change)                                                                     \
    {                                                                                              \
        .name = title, .check = RATLS_CHECK_##id, .boot = change                                   \
    }
#define ROW_ALSO(title, id, others, change)                                                        \
    {                                                                                              \
        .name = title, .check = RATLS_CHECK_##id, .also = others, .boot = change                   \
    }
#define ROW_SAYS(title, id, change, place, words)                                                  \
    {                                                                                              \
        .name = title, .check = RATLS_CHECK_##id, .boot = change, .at = place, .actual = words     \
    }

#endif
