/*
 * The memory that the policy reader has. Wraps the allocations of the library (by the linker), and
 * takes the place of yaml_malloc() and its kin and of cyaml_mem(), through which libyaml and
 * libcyaml allocate. What OpenSSL allocates is not counted.
 */
#ifndef RATLS_TEST_COUNTED_MEMORY_H
#define RATLS_TEST_COUNTED_MEMORY_H

#include <stddef.h>

#include <ratls/error.h>

void counted_reset(void);
size_t counted_live(void); /* bytes, since the reset */
size_t counted_peak(void);

/*
 * Loads a policy again and again, with the first, the second ... allocation failing, until there
 * are more of them to fail than are made. text == NULL: the file at path.
 */
void counted_fail_each(const char *path, const char *text, enum ratls_status expected);

#endif
