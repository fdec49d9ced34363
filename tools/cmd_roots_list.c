/* ratls roots list: what an administrator pinned, and the CAs between. */
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ek_certificate.h"
#include "fail.h"
#include "options.h"
#include "output.h"
#include "roots_command.h"

#define SHOWN_DIGITS 16
#define LINE_MAX_TEXT 512

static const char *kind_word(enum ratls_root_kind kind)
{
    return kind == RATLS_ROOT_PINNED ? "root" : "intermediate";
}

/* The CA of software TPMs that swtpm_localca makes: its root is one as any other to OpenSSL. */
static bool is_of_software(const char *subject)
{
    return strncmp(subject, "CN=swtpm-localca", strlen("CN=swtpm-localca")) == 0;
}

static const char *find_remark(const struct ratls_root *root, const char *subject)
{
    if (X509_cmp_current_time(X509_get0_notAfter(root->certificate)) < 0)
        return "expired";
    return is_of_software(subject) ? "software TPMs" : "";
}

static void show_line(const struct ratls_root *root, const char *subject, const char *until)
{
    const char *remark = find_remark(root, subject);
    char digits[SHOWN_DIGITS + 1], line[LINE_MAX_TEXT];

    ratls_hex(ratls_slice(root->sha256, SHOWN_DIGITS / 2), digits, sizeof digits);
    snprintf(line, sizeof line, "%s  %-12s  %-10s  %s%s%s%s", digits, kind_word(root->kind), until,
             subject, remark[0] == '\0' ? "" : " (", remark, remark[0] == '\0' ? "" : ")");
    printf("%s\n", line);
}

static void show_object(struct ratls_view *v, const struct ratls_root *root, const char *subject,
                        const char *until)
{
    char issuer[RATLS_EK_URL_MAX];

    ratls_ek_name_text(X509_get_issuer_name(root->certificate), issuer, sizeof issuer);
    ratls_view_section(v, NULL, subject);
    ratls_view_hex(v, "sha256", NULL, ratls_slice(root->sha256, sizeof root->sha256));
    ratls_view_text(v, "kind", NULL, kind_word(root->kind));
    ratls_view_text(v, "subject", NULL, subject);
    ratls_view_text(v, "issuer", NULL, issuer);
    ratls_view_text(v, "validUntil", NULL, until);
    ratls_view_text(v, "remark", NULL, find_remark(root, subject));
    ratls_view_section_end(v);
}

struct line {
    const struct ratls_root *root;
    char subject[RATLS_EK_URL_MAX];
};

/* Roots first, then by subject: two lists can be compared line by line. */
static int compare_lines(const void *a, const void *b)
{
    const struct line *first = a, *second = b;
    const int by_subject = strcmp(first->subject, second->subject);

    if (first->root->kind != second->root->kind)
        return first->root->kind < second->root->kind ? -1 : 1;
    return by_subject != 0
               ? by_subject
               : memcmp(first->root->sha256, second->root->sha256, sizeof first->root->sha256);
}

static enum ratls_status show_all(struct ratls_view *v, const struct ratls_roots *roots,
                                  struct ratls_error *err)
{
    const size_t count = ratls_roots_count(roots);
    struct line *lines = calloc(count + 1, sizeof *lines);

    if (lines == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++) {
        lines[i].root = ratls_roots_at(roots, i);
        ratls_ek_name_text(X509_get_subject_name(lines[i].root->certificate), lines[i].subject,
                           sizeof lines[i].subject);
    }
    qsort(lines, count, sizeof *lines, compare_lines);
    for (size_t i = 0; i < count; i++) {
        char until[RATLS_ROOT_ABOUT_MAX];

        ratls_day_text(X509_get0_notAfter(lines[i].root->certificate), until);
        if (v->json)
            show_object(v, lines[i].root, lines[i].subject, until);
        else
            show_line(lines[i].root, lines[i].subject, until);
    }
    free(lines);
    return RATLS_OK;
}

static enum ratls_status show(const struct ratls_roots *roots, bool json, struct ratls_error *err)
{
    struct ratls_view v = {.json = false};
    enum ratls_status status;

    if (json) {
        ratls_view_begin(&v, stdout, true, "Roots of makers of TPMs");
        ratls_view_list(&v, "certificates");
    }
    status = show_all(&v, roots, err);
    if (json) {
        ratls_view_list_end(&v);
        ratls_view_end(&v);
    }
    return status;
}

int ratls_cmd_roots_list(int argc, char **argv)
{
    const char *folder = RATLS_ROOTS_DEFAULT;
    bool json = false;
    const struct ratls_option rows[] = {
        {"roots", RATLS_OPTION_TEXT, &folder, "DIR",
         "folder of the roots (default " RATLS_ROOTS_DEFAULT ")"},
        {"json", RATLS_OPTION_FLAG, &json, NULL, "print one JSON object"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...]",
        .about = "Lists the certificates of makers of TPMs, one in a line: SHA-256, what it is,\n"
                 "until when it is valid, and its subject.",
        .example = "  ratls roots list | grep Infineon",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    struct ratls_roots *roots = NULL;
    struct ratls_error err = {0};
    enum ratls_status status;
    int code;

    if (!ratls_options_parse_alone(&options, argc, argv, &code))
        return code;
    status = ratls_roots_load(folder, &roots, &err);
    if (status != RATLS_OK)
        return ratls_out_error(status, &err);
    status = show(roots, json, &err);
    ratls_roots_free(roots);
    return status == RATLS_OK ? RATLS_EXIT_OK : ratls_out_error(status, &err);
}
