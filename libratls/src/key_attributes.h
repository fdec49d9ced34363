/* Which attributes (TPM 2.0 Part 2, 8.3) a key of a TPM must have, and which it must not have. */
#ifndef RATLS_KEY_ATTRIBUTES_H
#define RATLS_KEY_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What no rule names is of no concern. */
struct ratls_key_attribute {
    uint32_t bit; /* RATLS_TPMA_... */
    bool required;
    const char *name;
};

bool ratls_key_has_attributes(const struct ratls_key_attribute *rules, size_t count, uint32_t bits);

/* For a report, in words of the rules: what is required, and what there is. */
void ratls_key_say_attributes(const struct ratls_key_attribute *rules, size_t count, uint32_t bits,
                              size_t cap, char *ret_expected, char *ret_actual);

#endif
