/* ratls roots: which makers of TPMs are believed. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "ek_certificate.h"
#include "fail.h"
#include "options.h"
#include "output.h"
#include "roots_command.h"

#define DIGITS_MIN 8
#define NO_END_YEAR (9999 - 1900)

static const struct ratls_command commands[] = {
    {"import", "take over certificates of makers", ratls_cmd_roots_import},
    {"list", "list what was taken over", ratls_cmd_roots_list},
    {"show", "explain one, or check the certificate of an endorsement key", ratls_cmd_roots_show},
    {"remove", "take one away", ratls_cmd_roots_remove},
    {"check", "check the endorsement keys of this machine's TPM", ratls_cmd_roots_check},
    {NULL, NULL, NULL},
};

int ratls_cmd_roots(int argc, char **argv)
{
    return ratls_command_run("ratls roots",
                             "Roots say which makers of TPMs are believed. They are pinned by an\n"
                             "administrator; those of the system do not count, and nothing is\n"
                             "fetched from anywhere.",
                             commands, argc, argv);
}

void ratls_day_text(const ASN1_TIME *time, char out[static RATLS_ROOT_ABOUT_MAX])
{
    struct tm tm;

    if (ASN1_TIME_to_tm(time, &tm) != 1)
        snprintf(out, RATLS_ROOT_ABOUT_MAX, "unreadable");
    else if (tm.tm_year >= NO_END_YEAR)
        snprintf(out, RATLS_ROOT_ABOUT_MAX, "no end");
    else
        strftime(out, RATLS_ROOT_ABOUT_MAX, "%Y-%m-%d", &tm);
}

/* Hexadecimal digits of either case, as people paste them. */
static bool is_begin(const char *digits, const uint8_t sha256[static 32])
{
    char whole[2 * 32 + 1];

    ratls_hex(ratls_slice(sha256, 32), whole, sizeof whole);
    return strncasecmp(whole, digits, strlen(digits)) == 0;
}

enum ratls_status ratls_roots_find(const struct ratls_roots *roots, const char *digits,
                                   const struct ratls_root **ret_root, struct ratls_error *err)
{
    const struct ratls_root *found = NULL;

    if (strlen(digits) < DIGITS_MIN)
        return ratls_fail(err, RATLS_USAGE, "%s: %d or more digits of a SHA-256 are wanted", digits,
                          DIGITS_MIN);
    for (size_t i = 0; i < ratls_roots_count(roots); i++) {
        const struct ratls_root *root = ratls_roots_at(roots, i);

        if (!is_begin(digits, root->sha256))
            continue;
        if (found != NULL)
            return ratls_fail(err, RATLS_USAGE, "%s: more than one begins so: write more digits",
                              digits);
        found = root;
    }
    if (found == NULL)
        return ratls_fail(err, RATLS_USAGE, "%s: there is none: 'ratls roots list' has them all",
                          digits);
    *ret_root = found;
    return RATLS_OK;
}

static enum ratls_status remove_root(const char *folder, const char *digits,
                                     struct ratls_error *err)
{
    const struct ratls_root *root = NULL;
    struct ratls_roots *roots = NULL;
    char path[RATLS_ROOTS_PATH_MAX], name[RATLS_EK_URL_MAX];
    enum ratls_status status = ratls_roots_load(folder, &roots, err);

    if (status == RATLS_OK)
        status = ratls_roots_find(roots, digits, &root, err);
    if (status == RATLS_OK)
        status = ratls_roots_path(folder, root->kind, root->sha256, path, err);
    if (status == RATLS_OK && unlink(path) != 0)
        status = ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    if (status == RATLS_OK) {
        ratls_ek_name_text(X509_get_subject_name(root->certificate), name, sizeof name);
        printf("removed %s\n", name);
    }
    ratls_roots_free(roots);
    return status;
}

int ratls_cmd_roots_remove(int argc, char **argv)
{
    const char *folder = RATLS_ROOTS_DEFAULT;
    const struct ratls_option rows[] = {
        {"roots", RATLS_OPTION_TEXT, &folder, "DIR",
         "folder of the roots (default " RATLS_ROOTS_DEFAULT ")"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...] SHA256",
        .about = "Takes a certificate away, by 8 or more digits of its SHA-256. What it certified\n"
                 "is not believed from then on; what was enrolled before stays.",
        .example = "  ratls roots remove cd8185ff",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    struct ratls_error err = {0};
    enum ratls_status status;
    const char *digits = NULL;
    int code;

    if (!ratls_options_parse_one(&options, argc, argv, "name one certificate, by its SHA-256",
                                 &digits, &code))
        return code;
    status = remove_root(folder, digits, &err);
    return status == RATLS_OK ? RATLS_EXIT_OK : ratls_out_error(status, &err);
}
