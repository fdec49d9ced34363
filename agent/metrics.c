#include "metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "draft_file.h"
#include "fail.h"

#define US_PER_S 1000000u
#define PATH_LEN 1024
#define FILE_MODE 0644 /* other programs collect it, and it has no secret */

/* A TPM takes 20 ms to a second for a quote; nobody waits for more than ten. */
static const struct {
    uint64_t us;
    const char *le;
} classes[RATLS_AGENTD_SECONDS_CLASSES] = {
    {1000, "0.001"},  {2500, "0.0025"}, {5000, "0.005"},    {10000, "0.01"}, {25000, "0.025"},
    {50000, "0.05"},  {100000, "0.1"},  {250000, "0.25"},   {500000, "0.5"}, {1000000, "1.0"},
    {2500000, "2.5"}, {5000000, "5.0"}, {10000000, "10.0"},
};

static const char *const reasons[RATLS_AGENTD_REFUSALS] = {
    [RATLS_AGENTD_REFUSED_USER] = "user",           [RATLS_AGENTD_REFUSED_RATE] = "rate",
    [RATLS_AGENTD_REFUSED_QUEUE] = "queue",         [RATLS_AGENTD_REFUSED_DEADLINE] = "deadline",
    [RATLS_AGENTD_REFUSED_MALFORMED] = "malformed",
};

void ratls_agentd_metrics_evidence(struct ratls_agentd_metrics *metrics, uint64_t us)
{
    size_t i = 0;

    while (i < RATLS_AGENTD_SECONDS_CLASSES && classes[i].us < us)
        i++;
    if (i < RATLS_AGENTD_SECONDS_CLASSES)
        metrics->seconds[i]++;
    metrics->evidence++;
    metrics->evidence_us += us;
}

static void write_head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_number(FILE *out, const char *name, const char *type, const char *help,
                         uint64_t value)
{
    write_head(out, name, type, help);
    fprintf(out, "%s %" PRIu64 "\n", name, value);
}

static void write_batches(FILE *out, const struct ratls_tpm_counts *tpm)
{
    uint64_t below = 0;

    write_head(out, "ratls_quote_batch_size", "histogram", "Statements that a quote covers.");
    for (unsigned i = 0; i < RATLS_TPM_BATCH_CLASSES; i++) {
        below += tpm->batches[i];
        fprintf(out, "ratls_quote_batch_size_bucket{le=\"%lu.0\"} %" PRIu64 "\n", 1ul << i, below);
    }
    fprintf(out, "ratls_quote_batch_size_bucket{le=\"+Inf\"} %" PRIu64 "\n", tpm->quotes);
    fprintf(out, "ratls_quote_batch_size_sum %" PRIu64 "\n", tpm->leaves);
    fprintf(out, "ratls_quote_batch_size_count %" PRIu64 "\n", tpm->quotes);
}

static void write_seconds(FILE *out, const struct ratls_agentd_metrics *metrics)
{
    uint64_t below = 0;

    write_head(out, "ratls_evidence_seconds", "histogram", "Time from a question to its evidence.");
    for (size_t i = 0; i < RATLS_AGENTD_SECONDS_CLASSES; i++) {
        below += metrics->seconds[i];
        fprintf(out, "ratls_evidence_seconds_bucket{le=\"%s\"} %" PRIu64 "\n", classes[i].le,
                below);
    }
    fprintf(out, "ratls_evidence_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n", metrics->evidence);
    fprintf(out, "ratls_evidence_seconds_sum %" PRIu64 ".%06" PRIu64 "\n",
            metrics->evidence_us / US_PER_S, metrics->evidence_us % US_PER_S);
    fprintf(out, "ratls_evidence_seconds_count %" PRIu64 "\n", metrics->evidence);
}

/* A service is printable ASCII: of what labels escape it may have only these two. */
static void write_label(FILE *out, const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\')
            fputc('\\', out);
        fputc(*value, out);
    }
}

static void write_services(FILE *out, const struct ratls_agentd_services *services)
{
    write_head(out, "ratls_evidence_total", "counter", "Evidence given, by service.");
    for (size_t i = 0; i < services->count; i++) {
        fputs("ratls_evidence_total{service=\"", out);
        write_label(out, services->items[i]->name);
        fprintf(out, "\"} %" PRIu64 "\n", services->items[i]->evidence);
    }
}

static void write_figures(FILE *out, const struct ratls_agentd_figures *figures)
{
    const struct ratls_tpm_counts *tpm = &figures->tpm;

    write_number(out, "ratls_quotes_total", "counter", "Quotes that the TPM made.", tpm->quotes);
    write_batches(out, tpm);
    write_seconds(out, figures->metrics);
    write_services(out, figures->services);
    write_head(out, "ratls_refused_total", "counter", "Questions that were refused, by reason.");
    for (size_t i = 0; i < RATLS_AGENTD_REFUSALS; i++)
        fprintf(out, "ratls_refused_total{reason=\"%s\"} %" PRIu64 "\n", reasons[i],
                figures->metrics->refused[i]);
    write_number(out, "ratls_states_total", "counter", "Readings of the measured state.",
                 tpm->states);
    write_number(out, "ratls_tpm_errors_total", "counter", "Quotes and readings that failed.",
                 tpm->errors);
    write_number(out, "ratls_waiting", "gauge", "Questions that wait for their answers.",
                 figures->waiting);
    write_number(out, "ratls_connections", "gauge", "Open connections.", figures->connections);
}

enum ratls_status ratls_agentd_metrics_text(const struct ratls_agentd_figures *figures,
                                            char **ret_text, size_t *ret_len,
                                            struct ratls_error *err)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    bool is_written;

    if (out == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    write_figures(out, figures);
    is_written = ferror(out) == 0;
    if (fclose(out) != 0 || !is_written) {
        free(text);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    *ret_text = text;
    *ret_len = len;
    return RATLS_OK;
}

static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        text += n;
        len -= (size_t)n;
    }
    return true;
}

enum ratls_status ratls_agentd_metrics_write(const char *path, const char *text, size_t len,
                                             struct ratls_error *err)
{
    char draft[PATH_LEN];
    int fd = ratls_draft_open(path, draft, sizeof draft);
    bool is_written;

    if (fd < 0 && errno == ENAMETOOLONG)
        return ratls_fail(err, RATLS_USAGE, "%.64s...: the path is too long", path);
    if (fd < 0)
        return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    is_written = write_all(fd, text, len) && fchmod(fd, FILE_MODE) == 0;
    if (close(fd) != 0 || !is_written || rename(draft, path) != 0) {
        ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
        unlink(draft);
        return RATLS_IO;
    }
    return RATLS_OK;
}
