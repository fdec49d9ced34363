/* Lists of words in a text of fixed size, for reports: a separator stands between them. */
#ifndef RATLS_WORD_LIST_H
#define RATLS_WORD_LIST_H

#include <stddef.h>

/* Puts a word behind those that are there; cuts what does not fit. */
void ratls_word_add(char *out, size_t cap, const char *separator, const char *word);

#endif
