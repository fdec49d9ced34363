/* Built twice: with LEAK it loses an allocation. leak.sh proves that this fails a test run. */
#include <criterion/criterion.h>
#include <stdlib.h>

/* Volatile, so that the compiler cannot leave the allocation out. */
static void *volatile allocation;

Test(canary, allocates)
{
    allocation = malloc(64);
    cr_assert_not_null(allocation);
#ifndef LEAK
    free(allocation);
#endif
    allocation = NULL;
}
