#include "output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COMMAND_MAX 64
#define COLUMNS_DEFAULT 80

static char command_name[COMMAND_MAX] = "ratls";

void ratls_out_command(const char *command)
{
    snprintf(command_name, sizeof command_name, "%s", command);
}

const char *ratls_out_command_name(void)
{
    return command_name;
}

/* What was said on stdout comes first, also where both go to one file. */
static void __attribute__((format(printf, 2, 0)))
say(const char *before, const char *format, va_list args)
{
    fflush(stdout);
    fputs(before, stderr);
    fputs(": ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

void ratls_complain(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(command_name, format, args);
    va_end(args);
}

void ratls_hint(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say("  hint", format, args);
    va_end(args);
}

int ratls_usage(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(command_name, format, args);
    va_end(args);
    ratls_hint("'%s --help' lists what there is", command_name);
    return RATLS_EXIT_USAGE;
}

/* No default: the compiler reports a status without an exit code. */
static int exit_code(enum ratls_status status)
{
    switch (status) {
    case RATLS_OK:
        return RATLS_EXIT_OK;
    case RATLS_REJECTED:
        return RATLS_EXIT_REFUSED;
    case RATLS_USAGE:
        return RATLS_EXIT_USAGE;
    case RATLS_MALFORMED:
    case RATLS_LIMIT:
    case RATLS_IO:
    case RATLS_TPM:
    case RATLS_CRYPTO:
    case RATLS_MEMORY:
        break;
    }
    return RATLS_EXIT_FAILED;
}

int ratls_out_error(enum ratls_status status, const struct ratls_error *err)
{
    ratls_progress_done();
    if (err->text[0] != '\0')
        ratls_complain("%s", err->text);
    else
        ratls_complain("could not work (%s)", ratls_status_name(status));
    return exit_code(status);
}

size_t ratls_out_columns(FILE *out)
{
    struct winsize size = {.ws_col = 0};
    int fd = fileno(out);

    if (fd < 0 || isatty(fd) == 0)
        return 0;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : COLUMNS_DEFAULT;
}

bool ratls_out_colour(FILE *out)
{
    const char *no_color = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");

    if (no_color != NULL && no_color[0] != '\0')
        return false;
    if (terminal == NULL || strcmp(terminal, "dumb") == 0)
        return false;
    return fileno(out) >= 0 && isatty(fileno(out)) == 1;
}

void ratls_progress(const char *what)
{
    if (isatty(STDERR_FILENO) == 1)
        fprintf(stderr, "%s ...", what);
}

/* Back to the first column, and erase to the end of the line (ECMA-48, EL). */
void ratls_progress_done(void)
{
    if (isatty(STDERR_FILENO) == 1)
        fputs("\r\033[K", stderr);
}

int ratls_out_close(int code)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0)
        return code;
    ratls_complain("standard output: %s", strerror(errno));
    return RATLS_EXIT_FAILED;
}
