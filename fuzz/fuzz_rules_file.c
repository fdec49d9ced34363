/* Target: ratls_rules_file_read. What is accepted covers what its first line says. */
#include <string.h>

#include "fuzz.h"
#include "rules_file.h"

#define DIGITS 64

/* A name that nobody may have is covered for no key. */
static void check_lookup(const struct ratls_rules_file *file, const uint8_t *data, size_t size)
{
    const struct ratls_slice none = ratls_slice("*.example", strlen("*.example"));
    char digits[DIGITS + 1];
    uint8_t hash[DIGITS / 2];

    if (size < DIGITS)
        return;
    memcpy(digits, data, DIGITS);
    digits[DIGITS] = '\0';
    if (!ratls_unhex(digits, hash, sizeof hash))
        return;
    FUZZ_CHECK(!ratls_rules_file_covers(file, hash, &none, 1));
    FUZZ_CHECK(!ratls_rules_file_covers(file, hash, NULL, 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ratls_rules_file *file = NULL;
    struct ratls_error error = {.status = RATLS_OK};
    enum ratls_status status =
        ratls_rules_file_read("eks.csv", ratls_slice(data, size), &file, &error);

    FUZZ_CHECK((status == RATLS_OK) == (file != NULL));
    FUZZ_CHECK(status == RATLS_OK || error.text[0] != '\0');
    if (file != NULL)
        check_lookup(file, data, size);
    ratls_rules_file_free(file);
    return 0;
}
