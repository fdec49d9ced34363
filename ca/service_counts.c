#include "service_counts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define US_PER_S 1000000u

/* 0: all others. */
static const unsigned codes[] = {200, 201, 202, 400, 403, 404, 405, 408, 409, 410,
                                 411, 413, 414, 415, 422, 429, 431, 500, 503, 0};
_Static_assert(COUNT(codes) <= RATLS_SERVICE_CODES, "a place for each code");

void ratls_service_counts_init(struct ratls_service_counts *counts)
{
    memset(counts, 0, sizeof *counts);
    pthread_mutex_init(&counts->lock, NULL);
}

void ratls_service_counts_clear(struct ratls_service_counts *counts)
{
    pthread_mutex_destroy(&counts->lock);
}

static size_t code_place(unsigned status)
{
    size_t i = 0;

    while (codes[i] != status && codes[i] != 0)
        i++;
    return i;
}

/* The last place is for those that have none. */
static void count_reason(struct ratls_service_counts *counts, const char *reason)
{
    size_t i = 0;

    while (i < RATLS_SERVICE_REASONS - 1 && counts->refused[i].reason != NULL &&
           strcmp(counts->refused[i].reason, reason) != 0)
        i++;
    counts->refused[i].reason = i < RATLS_SERVICE_REASONS - 1 ? reason : "other";
    counts->refused[i].count++;
}

void ratls_service_count(struct ratls_service_counts *counts, enum ratls_http_action action,
                         unsigned status, const char *reason, uint64_t us)
{
    pthread_mutex_lock(&counts->lock);
    counts->answers[action][code_place(status)]++;
    counts->us[action] += us;
    if (reason[0] != '\0')
        count_reason(counts, reason);
    pthread_mutex_unlock(&counts->lock);
}

void ratls_service_count_reload_failed(struct ratls_service_counts *counts)
{
    pthread_mutex_lock(&counts->lock);
    counts->reloads_failed++;
    pthread_mutex_unlock(&counts->lock);
}

void ratls_service_count_record_failed(struct ratls_service_counts *counts)
{
    pthread_mutex_lock(&counts->lock);
    counts->records_failed++;
    pthread_mutex_unlock(&counts->lock);
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

static void write_answers(FILE *out, const struct ratls_service_counts *counts)
{
    write_head(out, "ratls_ca_answers_total", "counter", "Answers, by path and status.");
    for (size_t i = 0; i < RATLS_HTTP_ACTIONS; i++)
        for (size_t k = 0; k < COUNT(codes); k++) {
            if (counts->answers[i][k] == 0)
                continue;
            fprintf(out, "ratls_ca_answers_total{path=\"%s\",code=\"", ratls_http_action_name(i));
            if (codes[k] == 0)
                fputs("other", out);
            else
                fprintf(out, "%u", codes[k]);
            fprintf(out, "\"} %" PRIu64 "\n", counts->answers[i][k]);
        }
}

static uint64_t count_action(const struct ratls_service_counts *counts, size_t action)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < COUNT(codes); i++)
        sum += counts->answers[action][i];
    return sum;
}

static void write_seconds(FILE *out, const struct ratls_service_counts *counts)
{
    write_head(out, "ratls_ca_seconds", "summary", "Time of work for an answer, by path.");
    for (size_t i = 0; i < RATLS_HTTP_ACTIONS; i++) {
        const char *name = ratls_http_action_name(i);

        if (count_action(counts, i) == 0)
            continue;
        fprintf(out, "ratls_ca_seconds_sum{path=\"%s\"} %" PRIu64 ".%06" PRIu64 "\n", name,
                counts->us[i] / US_PER_S, counts->us[i] % US_PER_S);
        fprintf(out, "ratls_ca_seconds_count{path=\"%s\"} %" PRIu64 "\n", name,
                count_action(counts, i));
    }
}

static void write_refused(FILE *out, const struct ratls_service_counts *counts)
{
    write_head(out, "ratls_ca_refused_total", "counter", "What was refused, by reason.");
    for (size_t i = 0; i < RATLS_SERVICE_REASONS && counts->refused[i].reason != NULL; i++)
        fprintf(out, "ratls_ca_refused_total{reason=\"%s\"} %" PRIu64 "\n",
                counts->refused[i].reason, counts->refused[i].count);
}

static void write_all(FILE *out, const struct ratls_service_counts *counts,
                      const struct ratls_service_now *now)
{
    write_answers(out, counts);
    write_seconds(out, counts);
    write_refused(out, counts);
    write_number(out, "ratls_ca_connections", "gauge", "Open connections.", now->connections);
    write_number(out, "ratls_ca_connections_max", "gauge", "As many may be open.",
                 now->connections_max);
    write_number(out, "ratls_ca_connections_cut_total", "counter",
                 "Connections that were ended because the peer was too slow.",
                 now->connections_cut);
    write_number(out, "ratls_ca_records_beyond_total", "counter",
                 "Refusals that are in the audit log as a number only.", now->records_beyond);
    write_number(out, "ratls_ca_records_failed_total", "counter",
                 "Refusals that the store did not take into the audit log.",
                 counts->records_failed);
    write_number(out, "ratls_ca_reloads_failed_total", "counter",
                 "Configurations that could not be read again.", counts->reloads_failed);
}

enum ratls_status ratls_service_counts_text(struct ratls_service_counts *counts,
                                            const struct ratls_service_now *now, char **ret_text,
                                            size_t *ret_len, struct ratls_error *err)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    bool is_written;

    if (out == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    pthread_mutex_lock(&counts->lock);
    write_all(out, counts, now);
    pthread_mutex_unlock(&counts->lock);
    is_written = ferror(out) == 0;
    if (fclose(out) != 0 || !is_written) {
        free(text);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    *ret_text = text;
    *ret_len = len;
    return RATLS_OK;
}
