#include "word_list.h"

#include <string.h>

static void append_text(char *out, size_t cap, const char *text)
{
    size_t used = strlen(out);
    size_t len = strlen(text);
    size_t room = cap - used - 1;

    memcpy(out + used, text, len < room ? len : room);
    out[used + (len < room ? len : room)] = '\0';
}

void ratls_word_add(char *out, size_t cap, const char *separator, const char *word)
{
    append_text(out, cap, out[0] == '\0' ? "" : separator);
    append_text(out, cap, word);
}
