/* When a certificate is new enough. */
#include <criterion/criterion.h>

#include "enrolled.h"

static bool is_fresh(bool is_there, int64_t now)
{
    static struct ratls_enrolled enrolled;

    enrolled.is_there = is_there;
    enrolled.not_before = 1000;
    enrolled.not_after = 4000;
    return ratls_enrolled_is_fresh(&enrolled, now);
}

/* Up to the last third of its life; and never if it is not valid, or not there. */
Test(enrolled, is_fresh)
{
    cr_expect(is_fresh(true, 1000));
    cr_expect(is_fresh(true, 2999));
    cr_expect_not(is_fresh(true, 3000));
    cr_expect_not(is_fresh(true, 4000));
    cr_expect_not(is_fresh(true, 999));
    cr_expect_not(is_fresh(true, 5000));
    cr_expect_not(is_fresh(false, 2000));
}
