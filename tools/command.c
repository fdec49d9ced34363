#include "command.h"

#include <stdio.h>
#include <string.h>

#include "output.h"

#define PROGRAM_MAX 64

static void print_commands(FILE *out, const char *program, const char *about,
                           const struct ratls_command *commands)
{
    fprintf(out, "Usage: %s COMMAND [OPTION...]\n\n%s\n\nCommands:\n", program, about);
    for (; commands->name != NULL; commands++)
        fprintf(out, "  %-9s %s\n", commands->name, commands->summary);
    fprintf(out, "\n'%s COMMAND --help' explains a command, with an example.\n", program);
}

static const struct ratls_command *find_command(const struct ratls_command *commands,
                                                const char *name)
{
    for (; commands->name != NULL; commands++) {
        if (strcmp(commands->name, name) == 0)
            return commands;
    }
    return NULL;
}

static int run_command(const char *program, const struct ratls_command *command, int argc,
                       char **argv)
{
    char whole[PROGRAM_MAX];

    snprintf(whole, sizeof whole, "%s %s", program, command->name);
    argv[0] = whole;
    ratls_out_command(whole);
    return command->run(argc, argv);
}

/* "help X Y" is "X Y --help". */
static int run_help(const char *program, const char *about, const struct ratls_command *commands,
                    int argc, char **argv)
{
    char option[] = "--help";
    char *help[4] = {NULL, NULL, NULL, NULL};
    const struct ratls_command *command;
    int count = 1;

    if (argc < 3) {
        print_commands(stdout, program, about, commands);
        return RATLS_EXIT_OK;
    }
    command = find_command(commands, argv[2]);
    if (command == NULL)
        return ratls_usage("there is no command '%s'", argv[2]);
    if (argc > 3)
        help[count++] = argv[3];
    help[count++] = option;
    return run_command(program, command, count, help);
}

int ratls_command_run(const char *program, const char *about, const struct ratls_command *commands,
                      int argc, char **argv)
{
    const struct ratls_command *command;

    ratls_out_command(program);
    if (argc < 2) {
        print_commands(stderr, program, about, commands);
        return RATLS_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0) {
        print_commands(stdout, program, about, commands);
        return RATLS_EXIT_OK;
    }
    if (strcmp(argv[1], "help") == 0)
        return run_help(program, about, commands, argc, argv);
    command = find_command(commands, argv[1]);
    if (command == NULL)
        return ratls_usage("there is no %s '%s'", argv[1][0] == '-' ? "option" : "command",
                           argv[1]);
    return run_command(program, command, argc - 1, argv + 1);
}
