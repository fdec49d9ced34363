/* The report for programs (RFC 8259). The keys are stable. */
#include <stdio.h>
#include <stdlib.h>

#include "findings.h"

/*
 * RFC 8259, 7. Bytes above 0x7e, which only names from this side can have, are written as Latin-1:
 * the output is ASCII, whatever went in.
 */
static void print_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20 || c > 0x7e)
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void print_member(FILE *out, const char *before, const char *key, const char *value)
{
    fprintf(out, "%s\"%s\": ", before, key);
    print_string(out, value);
}

static void print_check(FILE *out, const struct ratls_finding *finding)
{
    print_member(out, "    {", "name", finding->check);
    print_member(out, ", ", "verdict", ratls_verdict_name(finding->verdict));
    print_member(out, ", ", "meaning", finding->meaning);
    print_member(out, ", ", "source", finding->source);
    print_member(out, ", ", "at", finding->at);
    print_member(out, ", ", "expected", finding->expected);
    print_member(out, ", ", "actual", finding->actual);
    fprintf(out, ", \"failures\": %zu}", finding->failures);
}

static void print_report(FILE *out, const struct ratls_report *report)
{
    struct ratls_finding finding;

    fprintf(out, "{\n  \"accepted\": %s", ratls_report_accepted(report) ? "true" : "false");
    print_member(out, ",\n  ", "server", ratls_report_string(report, report->server));
    print_member(out, ",\n  ", "policy", ratls_report_string(report, report->policy));
    print_member(out, ",\n  ", "note", ratls_report_string(report, report->note));
    fputs(",\n  \"checks\": [\n", out);
    for (size_t i = 0; ratls_report_finding(report, i, &finding); i++) {
        fputs(i == 0 ? "" : ",\n", out);
        print_check(out, &finding);
    }
    fputs("\n  ]\n}\n", out);
}

enum ratls_status ratls_report_json(const struct ratls_report *report, char **ret_json)
{
    char *json = NULL;
    size_t len = 0;
    FILE *out;
    bool failed;

    if (report == NULL || ret_json == NULL)
        return RATLS_USAGE;
    out = open_memstream(&json, &len);
    if (out == NULL)
        return RATLS_MEMORY;
    print_report(out, report);
    failed = ferror(out) != 0;
    failed = fclose(out) != 0 || failed;
    if (failed) {
        free(json);
        return RATLS_MEMORY;
    }
    *ret_json = json;
    return RATLS_OK;
}
