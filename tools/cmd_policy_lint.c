/* ratls policy lint: mistakes and weak points of policies. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "options.h"
#include "output.h"
#include "policy_lint.h"

/* The length of "file:line:column: " at the beginning of a text; 0 if it begins otherwise. */
static size_t place_len(const char *text)
{
    const char *end = text;

    while ((end = strstr(end, ": ")) != NULL) {
        const char *p = end;
        int numbers = 0;

        while (p > text && isdigit((unsigned char)p[-1])) {
            while (p > text && isdigit((unsigned char)p[-1]))
                p--;
            numbers++;
            if (p > text && p[-1] == ':')
                p--;
        }
        end += 2;
        if (numbers == 2)
            return (size_t)(end - text);
    }
    return 0;
}

static void print_line(const char *kind, const char *text)
{
    const size_t place = place_len(text);

    printf("%.*s%s: %s\n", (int)place, text, kind, text + place);
}

static void print_warning(void *self, const char *text)
{
    unsigned *count = self;

    (*count)++;
    print_line("warning", text);
}

static int lint(const char *path)
{
    struct ratls_error err = {0};
    enum ratls_status status;
    unsigned warnings = 0;

    status = ratls_policy_lint(path, print_warning, &warnings, &err);
    if (status == RATLS_USAGE) {
        print_line("error", err.text);
        return RATLS_EXIT_USAGE;
    }
    if (status != RATLS_OK)
        return ratls_out_error(status, &err);
    return warnings == 0 ? RATLS_EXIT_OK : RATLS_EXIT_REFUSED;
}

int ratls_cmd_policy_lint(int argc, char **argv)
{
    const struct ratls_options options = {
        .synopsis = "FILE...",
        .about = "Loads policies, or folders of them, and prints a line for each mistake and\n"
                 "for each thing that is allowed but weak. Exits with 0 if there are none, with\n"
                 "1 if there are warnings, with 2 if a policy is wrong.",
        .example = "  ratls policy lint /etc/ratls/policies",
    };
    int worst = RATLS_EXIT_OK;
    int first;
    int code;

    if (!ratls_options_parse(&options, argc, argv, &first, &code))
        return code;
    if (argc == first)
        return ratls_usage("name a policy");
    for (int i = first; i < argc; i++) {
        code = lint(argv[i]);
        worst = code > worst ? code : worst;
    }
    return worst;
}
