/* The metrics of ratlsd: the grammar of Prometheus' text format 0.0.4, line by line. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent_message.h"
#include "metrics.h"

#define NAME "[a-zA-Z_:][a-zA-Z0-9_:]*"
#define LABEL "[a-zA-Z_][a-zA-Z0-9_]*=\"([^\\\"]|\\\\[\\\"n])*\""

static struct ratls_agentd_service services[RATLS_AGENTD_NAMES_MAX];
static struct ratls_agentd_services all;
static struct ratls_agentd_metrics metrics;
static struct ratls_agentd_figures figures = {.metrics = &metrics, .services = &all};

static void add_service(const char *name, uint64_t evidence)
{
    struct ratls_agentd_service *service = &services[all.count];

    memcpy(service->name, name, strlen(name) + 1);
    service->evidence = evidence;
    all.items[all.count++] = service;
}

static char *write_text(size_t *ret_len)
{
    struct ratls_error err = {0};
    char *text = NULL;

    cr_assert_eq(ratls_agentd_metrics_text(&figures, &text, ret_len, &err), RATLS_OK);
    cr_assert_eq(strlen(text), *ret_len);
    return text;
}

static bool is_line(const char *line)
{
    static const char *const kinds[] = {
        "^# HELP " NAME " [ -~]+$",
        "^# TYPE " NAME " (counter|gauge|histogram)$",
        "^" NAME "(\\{" LABEL "(," LABEL ")*\\})? [0-9]+(\\.[0-9]+)?$",
    };

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        regex_t regex;
        int result;

        cr_assert_eq(regcomp(&regex, kinds[i], REG_EXTENDED | REG_NOSUB), 0);
        result = regexec(&regex, line, 0, NULL, 0);
        regfree(&regex);
        if (result == 0)
            return true;
    }
    return false;
}

/* Each line is one of the format, and each series follows its own TYPE. */
static void assert_grammar(const char *text)
{
    char type[128] = "";
    char *copy = strdup(text);
    char *rest = copy;
    char *line;

    cr_assert_eq(text[strlen(text) - 1], '\n');
    while ((line = strsep(&rest, "\n")) != NULL && rest != NULL) {
        cr_expect(is_line(line), "\"%s\"", line);
        if (sscanf(line, "# TYPE %127s", type) != 1 && line[0] != '#')
            cr_expect_eq(strncmp(line, type, strlen(type)), 0, "\"%s\" below %s", line, type);
    }
    free(copy);
}

Test(agentd_metrics, grammar)
{
    size_t len;
    char *text;

    add_service("shop", 3);
    add_service("a \"quoted\\\" name", UINT64_MAX);
    ratls_agentd_metrics_evidence(&metrics, 1234567);
    text = write_text(&len);
    assert_grammar(text);
    cr_expect_not_null(strstr(text, "ratls_evidence_total{service=\"shop\"} 3\n"));
    cr_expect_not_null(
        strstr(text, "{service=\"a \\\"quoted\\\\\\\" name\"} 18446744073709551615\n"));
    cr_expect_not(is_line("ratls_x{a=\"b\"c\"} 1"), "the search finds what is wrong");
    cr_expect_not(is_line("ratls-x 1"));
    cr_expect_not(is_line(""));
    free(text);
}

/* Classes add up, from below. */
Test(agentd_metrics, histograms)
{
    static const uint64_t times[] = {1, 1000, 1001, 70000, 9999999, 10000001, 60000000};
    size_t len;
    char *text;

    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        ratls_agentd_metrics_evidence(&metrics, times[i]);
    figures.tpm.quotes = 6;
    figures.tpm.states = 5;
    figures.tpm.leaves = 1 + 2 + 3 + 64 + 65 + 65536;
    figures.tpm.batches[0] = 1;
    figures.tpm.batches[1] = 1;
    figures.tpm.batches[2] = 1;
    figures.tpm.batches[6] = 1;
    figures.tpm.batches[7] = 1;
    figures.tpm.batches[16] = 1;
    text = write_text(&len);
    cr_expect_not_null(strstr(text, "ratls_evidence_seconds_bucket{le=\"0.001\"} 2\n"));
    cr_expect_not_null(strstr(text, "ratls_evidence_seconds_bucket{le=\"0.0025\"} 3\n"));
    cr_expect_not_null(strstr(text, "ratls_evidence_seconds_bucket{le=\"0.1\"} 4\n"));
    cr_expect_not_null(strstr(text, "ratls_evidence_seconds_bucket{le=\"10.0\"} 5\n"));
    cr_expect_not_null(strstr(text, "ratls_evidence_seconds_bucket{le=\"+Inf\"} 7\n"));
    cr_expect_not_null(strstr(text, "ratls_evidence_seconds_sum 80.072002\n"), "%s", text);
    cr_expect_not_null(strstr(text, "ratls_quote_batch_size_bucket{le=\"1.0\"} 1\n"));
    cr_expect_not_null(strstr(text, "ratls_quote_batch_size_bucket{le=\"64.0\"} 4\n"));
    cr_expect_not_null(strstr(text, "ratls_quote_batch_size_bucket{le=\"128.0\"} 5\n"));
    cr_expect_not_null(strstr(text, "ratls_quote_batch_size_bucket{le=\"65536.0\"} 6\n"));
    cr_expect_not_null(strstr(text, "ratls_quote_batch_size_count 6\n"));
    cr_expect_not_null(strstr(text, "ratls_states_total 5\n"));
    free(text);
}

/* However many services there are, one answer has them all. */
Test(agentd_metrics, fits_into_an_answer)
{
    char name[RATLS_SERVICE_MAX + 1];
    size_t len;

    memset(name, '"', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    while (all.count < RATLS_AGENTD_NAMES_MAX)
        add_service(name, UINT64_MAX);
    free(write_text(&len));
    cr_expect_leq(len, RATLS_AGENT_PAYLOAD_MAX);
}

/* At once or not at all, and for everybody to read. */
Test(agentd_metrics, file)
{
    char folder[] = "/tmp/ratls-metrics.XXXXXX", path[64], text[16];
    struct ratls_error err = {0};
    struct stat info;
    int fd;

    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/m.prom", folder);
    cr_assert_eq(ratls_agentd_metrics_write(path, "a 1\n", 4, &err), RATLS_OK, "%s", err.text);
    cr_assert_eq(ratls_agentd_metrics_write(path, "b 2\n", 4, &err), RATLS_OK, "%s", err.text);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert_eq(read(fd, text, sizeof text), 4);
    cr_expect_eq(memcmp(text, "b 2\n", 4), 0);
    cr_expect(fstat(fd, &info) == 0 && (info.st_mode & 0777) == 0644);
    close(fd);
    unlink(path);
    cr_assert_eq(rmdir(folder), 0, "nothing else is left there");
    cr_expect_eq(ratls_agentd_metrics_write(path, "a 1\n", 4, &err), RATLS_IO);
    cr_expect_not_null(strstr(err.text, path));
}
