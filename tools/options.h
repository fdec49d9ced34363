/* Options of a command: one table that both parses them and prints their help. */
#ifndef RATLS_TOOL_OPTIONS_H
#define RATLS_TOOL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define RATLS_LIST_MAX 16

enum ratls_option_kind {
    RATLS_OPTION_FLAG,     /* ret is a bool * */
    RATLS_OPTION_TEXT,     /* ret is a const char ** */
    RATLS_OPTION_UINT,     /* ret is an unsigned *; at least 1 */
    RATLS_OPTION_DURATION, /* ret is an unsigned *, in seconds: "90", "30s", "5m", "2h", "1d" */
    RATLS_OPTION_OPTIONAL, /* ret is a struct ratls_optional *: a time that may be left out */
    RATLS_OPTION_LIST,     /* ret is a struct ratls_list *: may be repeated */
};

struct ratls_optional {
    bool is_given;
    unsigned seconds; /* 0: without a time */
};

struct ratls_list {
    size_t count;
    const char *items[RATLS_LIST_MAX];
};

struct ratls_option {
    const char *name;
    enum ratls_option_kind kind;
    void *ret;
    const char *argument; /* its name in the help; NULL for a flag */
    const char *help;
};

struct ratls_options {
    const char *synopsis; /* what follows the command in "Usage:" */
    const char *about;
    const char *example;
    bool ends_at_operand; /* what follows the first operand belongs to another program */
    const struct ratls_option *rows;
    size_t count;
};

/*
 * Fills what the rows point to. False if the command is over, with *ret_code as its exit code: help
 * was printed, or the command line is wrong. Else the operands are argv[*ret_first] and onwards.
 */
bool ratls_options_parse(const struct ratls_options *options, int argc, char **argv, int *ret_first,
                         int *ret_code);

/* The same for a command without operands. */
bool ratls_options_parse_alone(const struct ratls_options *options, int argc, char **argv,
                               int *ret_code);

/* The same for a command with one operand; `wanted` tells whoever leaves it out, or gives more. */
bool ratls_options_parse_one(const struct ratls_options *options, int argc, char **argv,
                             const char *wanted, const char **ret_operand, int *ret_code);

#endif
