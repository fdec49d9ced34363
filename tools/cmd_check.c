/* ratls check: what programs do with an openssl.cnf. */
#include <openssl/conf.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "conf_check.h"
#include "options.h"
#include "output.h"
#include "view.h"

static const char *const result_names[] = {
    [RATLS_CONF_GOOD] = "good", [RATLS_CONF_WARNING] = "warning", [RATLS_CONF_WRONG] = "wrong"};

static void print(const char *path, bool json, const struct ratls_conf_report *report)
{
    char line[RATLS_CONF_TEXT + 16];
    struct ratls_view v;

    ratls_view_begin(&v, stdout, json, path);
    ratls_view_text(&v, "file", NULL, path);
    ratls_view_list(&v, "checks");
    for (size_t i = 0; i < report->count; i++) {
        const struct ratls_conf_finding *finding = &report->findings[i];

        ratls_view_section(&v, NULL, NULL);
        ratls_view_text(&v, "subject", NULL, finding->subject);
        ratls_view_text(&v, "result", NULL, result_names[finding->result]);
        ratls_view_text(&v, "text", NULL, finding->text);
        if (!json) {
            snprintf(line, sizeof line, "%s%s%s",
                     finding->result == RATLS_CONF_GOOD ? "" : result_names[finding->result],
                     finding->result == RATLS_CONF_GOOD ? "" : ": ", finding->text);
            ratls_view_text(&v, NULL, finding->subject, line);
        }
        ratls_view_section_end(&v);
    }
    ratls_view_list_end(&v);
    ratls_view_text(&v, "result", NULL, result_names[report->result]);
    ratls_view_text(&v, "summary", NULL, report->summary);
    ratls_view_end(&v);
    ratls_view_note(&v, report->summary);
}

static int check(const char *path, bool json)
{
    struct ratls_conf_report *report = calloc(1, sizeof *report);
    int code;

    if (report == NULL) {
        ratls_complain("out of memory");
        return RATLS_EXIT_FAILED;
    }
    ratls_progress("asking the provider");
    ratls_conf_check(path, report);
    ratls_progress_done();
    print(path, json, report);
    code = report->result == RATLS_CONF_WRONG ? RATLS_EXIT_REFUSED : RATLS_EXIT_OK;
    free(report);
    return code;
}

int ratls_cmd_check(int argc, char **argv)
{
    bool json = false;
    const struct ratls_option rows[] = {
        {"json", RATLS_OPTION_FLAG, &json, NULL, "print one JSON object"},
    };
    const struct ratls_options options = {
        .synopsis = "[--json] [FILE]",
        .about =
            "Says whether programs that are run with this openssl.cnf load ratls, and whether\n"
            "what its section names can be used: policies, attestation key, TPM or agent.\n"
            "OpenSSL passes over many mistakes there without a word. FILE is by default what\n"
            "OpenSSL reads here: $OPENSSL_CONF, else the system's. Run it as the user of the\n"
            "server: rights count.",
        .example = "  runuser -u www-data -- ratls check /etc/ratls/server.cnf",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    char *file;
    int first;
    int code;

    if (!ratls_options_parse(&options, argc, argv, &first, &code))
        return code;
    if (argc - first > 1)
        return ratls_usage("name one FILE");
    if (argc > first)
        return check(argv[first], json);
    file = CONF_get1_default_config_file();
    if (file == NULL || file[0] == '\0') {
        OPENSSL_free(file);
        return ratls_usage("OPENSSL_CONF is empty: OpenSSL reads no file, and programs go on "
                           "UNATTESTED; name one");
    }
    code = check(file, json);
    OPENSSL_free(file);
    return code;
}
