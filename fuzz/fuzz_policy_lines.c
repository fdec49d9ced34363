/*
 * Lines of files of command-lines: a line is refused, or is a pattern; and whatever a boot loader
 * measured can be written as a line that stands for it alone.
 */
#include <stdlib.h>
#include <string.h>

#include "policy_lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void read_line(struct ratls_slice line)
{
    char *text = malloc(line.len + 1);
    struct ratls_pattern pattern = {0};
    size_t offset = 0;

    require(text != NULL);
    if (ratls_line_read(line, text, &pattern, &offset) == NULL) {
        require(pattern.kind == RATLS_PATTERN_TEXT && pattern.text.len <= line.len);
        require(memchr(pattern.text.p, '\0', pattern.text.len) == NULL);
        require(text[pattern.text.len] == '\0');
        require(!pattern.is_exact || ratls_pattern_match(&pattern, pattern.text));
    } else {
        require(offset < line.len);
    }
    free(text);
}

static void write_line(struct ratls_slice text)
{
    char *line = ratls_line_write(text);
    struct ratls_pattern pattern = {0};
    char *again;
    size_t offset;

    require(line != NULL);
    again = malloc(strlen(line) + 1);
    require(again != NULL && line[0] != '#' && strchr(line, '\n') == NULL);
    require(ratls_line_read(ratls_slice(line, strlen(line)), again, &pattern, &offset) == NULL);
    require(pattern.is_exact && ratls_slice_equal(pattern.text, text));
    free(line);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) /* an empty line means nothing */
        return 0;
    read_line(ratls_slice(data, size));
    if (memchr(data, '\0', size) == NULL)
        write_line(ratls_slice(data, size));
    return 0;
}
