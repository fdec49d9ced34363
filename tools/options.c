#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"

#define ROWS_MAX 24
#define ROW_BASE 256 /* above every character, so that the only short option is ... */
#define OUT "out"    /* ... that of this one, as so many programs have it */
#define OUT_LETTER 'o'
#define HELP_COLUMN 24
#define HELP_WIDTH 80
#define DURATION_DIGITS_MAX 9

/* Words behind the column of the options, broken before the edge of a small terminal. */
static void print_wrapped(const char *words)
{
    size_t column = HELP_COLUMN;

    while (*words != '\0') {
        const size_t len = strcspn(words, " ");

        if (column + 1 + len > HELP_WIDTH) {
            printf("\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        }
        printf(" %.*s", (int)len, words);
        column += 1 + len;
        words += len + strspn(words + len, " ");
    }
    putchar('\n');
}

static void print_row(const char *name, const char *argument, const char *help)
{
    const char *gap = argument == NULL || argument[0] == '[' ? "" : " ";
    const int len = printf("  %s--%s%s%s", strcmp(name, OUT) == 0 ? "-o, " : "", name, gap,
                           argument == NULL ? "" : argument);

    printf("%*s", len < HELP_COLUMN ? HELP_COLUMN - len : 0, "");
    print_wrapped(help);
}

static void print_help(const struct ratls_options *options)
{
    printf("Usage: %s %s\n\n%s\n\nOptions:\n", ratls_out_command_name(), options->synopsis,
           options->about);
    for (size_t i = 0; i < options->count; i++)
        print_row(options->rows[i].name, options->rows[i].argument, options->rows[i].help);
    print_row("help", NULL, "show this help");
    printf("\nExample:\n%s\n", options->example);
}

static bool read_uint(const char *text, unsigned *ret)
{
    char *end = NULL;
    unsigned long value;

    errno = 0;
    value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0)
        return false;
    if (value == 0 || value > UINT_MAX)
        return false;
    *ret = (unsigned)value;
    return true;
}

/* A number of seconds, or of the unit behind it, as policies write it. */
static bool read_duration(const char *text, unsigned *ret_s)
{
    static const struct {
        const char *name;
        unsigned seconds;
    } units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
    const size_t digits = strspn(text, "0123456789");
    char number[DURATION_DIGITS_MAX + 1] = "";
    unsigned value;

    if (digits > DURATION_DIGITS_MAX)
        return false;
    memcpy(number, text, digits);
    if (!read_uint(number, &value))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(text + digits, units[i].name) != 0 || value > UINT_MAX / units[i].seconds)
            continue;
        *ret_s = value * units[i].seconds;
        return true;
    }
    return false;
}

static bool add_to_list(const struct ratls_option *row, const char *text)
{
    struct ratls_list *list = row->ret;

    if (list->count == RATLS_LIST_MAX) {
        ratls_usage("--%s: at most %d of them", row->name, RATLS_LIST_MAX);
        return false;
    }
    list->items[list->count++] = text;
    return true;
}

static bool take_duration(const struct ratls_option *row, const char *text, unsigned *ret_s)
{
    if (read_duration(text, ret_s))
        return true;
    ratls_usage("--%s: '%s' is no time, such as 30s, 5m, 2h or 1d", row->name, text);
    return false;
}

static bool take_value(const struct ratls_option *row, const char *text)
{
    struct ratls_optional *optional;

    switch (row->kind) {
    case RATLS_OPTION_FLAG:
        *(bool *)row->ret = true;
        return true;
    case RATLS_OPTION_TEXT:
        *(const char **)row->ret = text;
        return true;
    case RATLS_OPTION_UINT:
        if (read_uint(text, row->ret))
            return true;
        ratls_usage("--%s: '%s' is not a number of 1 or more", row->name, text);
        return false;
    case RATLS_OPTION_DURATION:
        return take_duration(row, text, row->ret);
    case RATLS_OPTION_OPTIONAL:
        optional = row->ret;
        optional->is_given = true;
        return text == NULL || take_duration(row, text, &optional->seconds);
    case RATLS_OPTION_LIST:
        return add_to_list(row, text);
    }
    return false;
}

static int argument_of(const struct ratls_option *row)
{
    if (row->kind == RATLS_OPTION_OPTIONAL)
        return optional_argument;
    return row->argument == NULL ? no_argument : required_argument;
}

/* The number of the row that getopt found; more than any, if it found none. */
static size_t find_row(const struct ratls_options *options, int option)
{
    size_t i = 0;

    if (option >= ROW_BASE)
        return (size_t)(option - ROW_BASE);
    if (option != OUT_LETTER)
        return SIZE_MAX;
    while (i < options->count && strcmp(options->rows[i].name, OUT) != 0)
        i++;
    return i < options->count ? i : SIZE_MAX;
}

/* What getopt knows of short options. */
static const char *short_options(const struct ratls_options *options)
{
    const bool has_out = find_row(options, OUT_LETTER) != SIZE_MAX;

    if (options->ends_at_operand)
        return has_out ? "+o:" : "+";
    return has_out ? "o:" : "";
}

bool ratls_options_parse(const struct ratls_options *options, int argc, char **argv, int *ret_first,
                         int *ret_code)
{
    struct option longs[ROWS_MAX + 2] = {{0}};
    const int help = ROW_BASE + (int)options->count;
    int option;

    for (size_t i = 0; i < options->count && i < ROWS_MAX; i++) {
        longs[i].name = options->rows[i].name;
        longs[i].has_arg = argument_of(&options->rows[i]);
        longs[i].val = ROW_BASE + (int)i;
    }
    longs[options->count] = (struct option){"help", no_argument, NULL, help};
    *ret_code = RATLS_EXIT_USAGE;
    optind = 0; /* glibc: begin anew */
    while ((option = getopt_long(argc, argv, short_options(options), longs, NULL)) != -1) {
        const size_t row = find_row(options, option);

        if (option == help) {
            print_help(options);
            *ret_code = RATLS_EXIT_OK;
            return false;
        }
        if (row == SIZE_MAX) { /* getopt has complained already */
            ratls_hint("'%s --help' lists what there is", ratls_out_command_name());
            return false;
        }
        if (!take_value(&options->rows[row], optarg))
            return false;
    }
    *ret_first = optind;
    return true;
}

bool ratls_options_parse_alone(const struct ratls_options *options, int argc, char **argv,
                               int *ret_code)
{
    int first = 0;

    if (!ratls_options_parse(options, argc, argv, &first, ret_code))
        return false;
    if (argc != first)
        *ret_code = ratls_usage("'%s' is too much", argv[first]);
    return argc == first;
}

bool ratls_options_parse_one(const struct ratls_options *options, int argc, char **argv,
                             const char *wanted, const char **ret_operand, int *ret_code)
{
    int first = 0;

    if (!ratls_options_parse(options, argc, argv, &first, ret_code))
        return false;
    if (argc - first != 1) {
        *ret_code = ratls_usage("%s", wanted);
        return false;
    }
    *ret_operand = argv[first];
    return true;
}
