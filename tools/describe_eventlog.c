#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "describe_logs.h"
#include "eventlog_file.h"
#include "eventlog_replay.h"
#include "eventlog_words.h"
#include "output.h"
#include "pcr_compare.h"
#include "replay.h"

#define ALG_TEXT_MAX 8
#define PCR_TEXT_MAX 12
#define ROW_MAX 96 /* without the words */
#define TYPE_PREFIX "EV_"

static const char *form_word(enum ratls_log_form form)
{
    switch (form) {
    case RATLS_LOG_EMPTY:
        return "empty";
    case RATLS_LOG_SHA1:
        return "sha1";
    case RATLS_LOG_CRYPTO_AGILE:
        break;
    }
    return "crypto-agile";
}

static void alg_text(uint16_t alg, char out[static ALG_TEXT_MAX + 2])
{
    const char *name = ratls_bank_name(alg);

    if (name != NULL)
        snprintf(out, ALG_TEXT_MAX + 2, "%s", name);
    else
        snprintf(out, ALG_TEXT_MAX + 2, "0x%04x", (unsigned)alg);
}

static void describe_banks(struct ratls_view *v, const struct ratls_log_file *log)
{
    char text[RATLS_LOG_ALGS_MAX * (ALG_TEXT_MAX + 2)] = "";
    size_t len = 0;

    ratls_view_list(v, "banks");
    for (size_t i = 0; i < log->alg_count; i++) {
        char alg[ALG_TEXT_MAX + 2];

        alg_text(log->algs[i].id, alg);
        ratls_view_text(v, NULL, NULL, alg);
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", i == 0 ? "" : " ", alg);
    }
    ratls_view_list_end(v);
    if (!v->json && log->alg_count > 0)
        ratls_view_text(v, NULL, "banks", text);
}

/* One name once, also where an event lists a hash twice: the last is what counts. */
static void describe_digests(struct ratls_view *v, const struct ratls_log_event *event)
{
    ratls_view_section(v, "digests", NULL);
    for (size_t i = 0; i < event->digest_count; i++) {
        const struct ratls_log_digest *digest = &event->digests[i];
        char alg[ALG_TEXT_MAX + 2];

        if (ratls_log_digest(event, digest->alg).p != digest->value.p)
            continue;
        alg_text(digest->alg, alg);
        ratls_view_hex(v, alg, NULL, digest->value);
    }
    ratls_view_section_end(v);
}

static void describe_event(struct ratls_view *v, const struct ratls_log_event *event)
{
    char words[RATLS_EVENT_WORDS_MAX];
    char type[RATLS_EVENT_TYPE_MAX];
    char pcr[PCR_TEXT_MAX] = "-";
    char row[RATLS_EVENT_WORDS_MAX + ROW_MAX];
    const char *short_type;

    ratls_event_type_text(event->type, type);
    ratls_event_words(event, words);
    if (v->json) {
        ratls_view_section(v, NULL, NULL);
        ratls_view_uint(v, "number", NULL, event->number, NULL);
        ratls_view_uint(v, "offset", NULL, event->offset, NULL);
        ratls_view_uint(v, "pcr", NULL, event->pcr, NULL);
        ratls_view_text(v, "type", NULL, type);
        ratls_view_text(v, "description", NULL, words);
        describe_digests(v, event);
        ratls_view_hex(v, "data", NULL, event->data);
        ratls_view_section_end(v);
        return;
    }
    if (event->pcr < RATLS_PCR_COUNT)
        snprintf(pcr, sizeof pcr, "%" PRIu32, event->pcr);
    short_type =
        strncmp(type, TYPE_PREFIX, strlen(TYPE_PREFIX)) == 0 ? type + strlen(TYPE_PREFIX) : type;
    snprintf(row, sizeof row, "%4zu %3s  %-29s %s", event->number, pcr, short_type, words);
    ratls_view_row(v, row);
}

static void describe_events(struct ratls_view *v, struct ratls_slice bytes)
{
    struct ratls_log_file log;
    struct ratls_log_event event;

    if (!ratls_log_file_open(bytes, &log))
        return;
    if (!v->json) {
        ratls_view_section(v, NULL, "Events");
        ratls_view_note(v, "  No PCR  type (EV_...)                 what it says");
    }
    ratls_view_list(v, "log");
    while (ratls_log_file_next(&log, &event))
        describe_event(v, &event);
    ratls_view_list_end(v);
    if (!v->json)
        ratls_view_section_end(v);
}

/* The bank that a policy would ask for first; 0: there is none that it could ask for. */
static uint16_t find_bank(const struct ratls_log_file *log)
{
    static const uint16_t banks[] = {RATLS_ALG_SHA256, RATLS_ALG_SHA384, RATLS_ALG_SHA512};

    for (size_t i = 0; i < sizeof banks / sizeof *banks; i++)
        for (size_t k = 0; k < log->alg_count; k++)
            if (log->algs[k].id == banks[i])
                return banks[i];
    return 0;
}

static void describe_refusal(struct ratls_view *v, const char *why)
{
    char text[RATLS_EVENTLOG_WHY_MAX + ROW_MAX];

    snprintf(text, sizeof text, "refused: %s", why);
    if (v->json)
        ratls_view_text(v, "not-appraisable", NULL, why);
    else
        ratls_view_text(v, NULL, "as evidence", text);
}

/* What appraisal would say of its form: it takes less than this tool shows. */
static void describe_strictness(struct ratls_view *v, struct ratls_slice bytes, uint16_t bank)
{
    struct ratls_replay *replay = calloc(1, sizeof *replay);
    struct ratls_eventlog log;

    if (replay == NULL)
        return;
    ratls_eventlog_open(bytes, RATLS_EVENTLOG_STRICT, &log);
    if (bank == 0)
        describe_refusal(v, "it has none of the banks sha256, sha384, sha512");
    else if (ratls_replay_log(&log, bank, replay, NULL) == RATLS_OK && replay->why[0] != '\0')
        describe_refusal(v, replay->why);
    free(replay);
}

/* Claims are read in a bank that appraisal can use, or in SHA-1: people may look at both. */
static void describe_claims(struct ratls_view *v, struct ratls_slice bytes,
                            const struct ratls_log_file *log)
{
    uint16_t bank = find_bank(log);

    for (size_t i = 0; bank == 0 && i < log->alg_count; i++)
        if (log->algs[i].id == RATLS_ALG_SHA1)
            bank = RATLS_ALG_SHA1;
    /* Registers of a confidential VM have other numbers, and PCR 7 is none of them. */
    if (log->events > 0 && bank != 0 && log->header_pcr == 0)
        ratls_describe_boot(v, bytes, bank);
}

static void describe_form(struct ratls_view *v, const struct ratls_log_file *log)
{
    ratls_view_text(v, "format", "format", form_word(log->form));
    ratls_view_uint(v, "events", "events", log->events, NULL);
    describe_banks(v, log);
    if (log->padding > 0)
        ratls_view_uint(v, "padding", "padding", log->padding, "bytes behind the last event");
    if (log->header_pcr != 0 && log->form == RATLS_LOG_CRYPTO_AGILE)
        ratls_view_text(v, "note", "note",
                        "a log of a confidential VM: register 1 is its first, RTMR0");
    if (log->why[0] != '\0')
        ratls_view_text(v, "error", "DAMAGED", log->why);
}

bool ratls_is_eventlog(struct ratls_slice bytes)
{
    struct ratls_log_file log;

    return ratls_log_file_open(bytes, &log);
}

int ratls_describe_eventlog(struct ratls_view *v, struct ratls_slice bytes,
                            const struct ratls_pcr_values *expected)
{
    struct ratls_pcr_values *values = NULL;
    struct ratls_error err = {0};
    struct ratls_log_file log;
    enum ratls_status status;
    bool agrees = true;

    if (!ratls_log_file_open(bytes, &log))
        return RATLS_EXIT_FAILED;
    status = ratls_log_replay(&log, &values, &err);
    describe_form(v, &log);
    if (log.form != RATLS_LOG_EMPTY)
        describe_strictness(v, bytes, find_bank(&log));
    if (log.events > 0 || v->json)
        describe_events(v, bytes);
    describe_claims(v, bytes, &log);
    if (status != RATLS_OK)
        return ratls_out_error(status, &err);
    ratls_describe_pcr_values(v, "pcrs", values, "");
    if (expected != NULL)
        agrees = ratls_describe_comparison(v, values, expected);
    free(values);
    if (log.why[0] != '\0')
        return RATLS_EXIT_FAILED;
    return agrees ? RATLS_EXIT_OK : RATLS_EXIT_REFUSED;
}
