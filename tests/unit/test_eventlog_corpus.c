/*
 * Logs of real machines: each case of the corpus gives the verdict that is recorded there, and the
 * values of every PCR in every bank that the corpus' own replay gives. The corpus lies beside the
 * source tree and is no part of it.
 */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "corpus.h"
#include "crypto.h"
#include "eventlog_corpus_values.h"
#include "octets.h"
#include "replay.h"

#define FIELD_MAX 512
#define CASES_MIN 100

static const uint16_t BANKS[] = {RATLS_ALG_SHA1, RATLS_ALG_SHA256, RATLS_ALG_SHA384,
                                 RATLS_ALG_SHA512};
#define BANK_COUNT (sizeof BANKS / sizeof *BANKS)

/* What the strict reader refuses although the corpus' reader reads it, and why it is right to. */
static const struct {
    const char *id;
    const char *why;
} REFUSED[] = {
#define CCEL "the header is not an EV_NO_ACTION of PCR 0 with a digest of zeros"
#define ONE_BANK " lists 1 digests, the header 2 algorithms"
    /* Windows extends one bank: in the other, its events would be shown and not authenticated. */
    {"galmasi-thinkpad", "event 43 at offset 20783" ONE_BANK},
    {"guard-supermicro-WBCL-OSLOAD", "event 27 at offset 8632" ONE_BANK},
    {"guard-IMN-SUPERMICRO-EPP-MSDefender", "event 27 at offset 8632" ONE_BANK},
    {"guard-x1carbon", "event 48 at offset 22006" ONE_BANK},
    /* Written by hand: four banks in the header, two in the event. */
    {"tpm2tools-event-uefiaction", "event 1 at offset 77 lists 2 digests, the header 4 algorithms"},
    {"tpm2tools-event-uefivar", "event 1 at offset 77 lists 2 digests, the header 4 algorithms"},
    /* Logs of confidential VMs: their header is of register 1, and no TPM has these values. */
    {"ccel-cos-113-intel-tdx", CCEL},
    {"ccel-cos-113-dupe-separator-unpadded", CCEL},
    {"ccel-intel-unpadded", CCEL},
    {"ccel-intel-event_log", CCEL},
    {"ccel-trustee-data-ovmf", CCEL},
    {"ccel-trustee-data-grub", CCEL},
    {"ccel-trustee-data-gcp", CCEL},
    {"ccel-trustee-alibaba", CCEL},
    /* An area in which zeros follow the log, and one without a log. */
    {"ccel-trustee-data", "1038754 bytes without meaning follow at offset 9822"},
    {"cmc-qemu-etc-tpm-log-allzero", "65536 bytes without meaning follow at offset 0"},
    /* Text, which the corpus' reader refuses as well. */
    {"keylime-bogus", "event 0 at offset 0 has 1919248394 bytes of data, 2 are left"},
};

/* A case as cases.json has it: one field in each line. */
struct corpus_case {
    char id[FIELD_MAX], kind[FIELD_MAX], file[FIELD_MAX], pcrs[FIELD_MAX], expect[FIELD_MAX];
};

/* Takes  "name": "value"  from a line; false if the line is about something else. */
static bool read_field(const char *line, const char *name, char value[static FIELD_MAX])
{
    char begin[64];
    const char *at;

    snprintf(begin, sizeof begin, "  \"%s\": \"", name);
    if (strncmp(line, begin, strlen(begin)) != 0)
        return false;
    at = line + strlen(begin);
    snprintf(value, FIELD_MAX, "%.*s", (int)strcspn(at, "\""), at);
    return true;
}

/* The next case of a list of cases; false at its end. */
static bool next_case(FILE *list, struct corpus_case *ret_case)
{
    char line[4096];

    memset(ret_case, 0, sizeof *ret_case);
    while (fgets(line, sizeof line, list) != NULL) {
        if (strncmp(line, " }", 2) == 0)
            return true;
        (void)(read_field(line, "id", ret_case->id) || read_field(line, "kind", ret_case->kind) ||
               read_field(line, "file", ret_case->file) ||
               read_field(line, "pcrs", ret_case->pcrs) ||
               read_field(line, "expect", ret_case->expect));
    }
    return false;
}

/* All PCRs of a log; a bank that it does not have keeps bank 0. */
struct values {
    struct ratls_eventlog log;
    struct ratls_replay banks[BANK_COUNT];
};

static void compute(struct ratls_slice in, const char *id, struct values *ret_values)
{
    memset(ret_values, 0, sizeof *ret_values);
    for (size_t i = 0; i < BANK_COUNT; i++) {
        struct ratls_eventlog *log = &ret_values->log;
        struct ratls_replay *replay = &ret_values->banks[i];

        ratls_eventlog_open(in, RATLS_EVENTLOG_SHOW, log);
        if (log->why[0] != '\0' || ratls_eventlog_find_alg(log, BANKS[i]) == log->alg_count)
            continue;
        cr_assert_eq(ratls_replay_log(log, BANKS[i], replay, NULL), RATLS_OK);
        cr_expect_str_empty(replay->why, "%s: %s", id, replay->why);
    }
    /* The walk itself, also where there is no bank that can be computed. */
    if (ratls_eventlog_open(in, RATLS_EVENTLOG_SHOW, &ret_values->log)) {
        struct ratls_event event;

        while (ratls_eventlog_next(&ret_values->log, &event))
            continue;
    }
}

/* Text that grows in a buffer of its own. */
struct text {
    char p[2048];
    size_t len;
};

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    text->len +=
        (size_t)vsnprintf(text->p + text->len, sizeof text->p - text->len, format, arguments);
    va_end(arguments);
    cr_assert_lt(text->len, sizeof text->p);
}

/* The PCRs that a source recorded for one bank. */
struct recorded {
    char bank[16];
    size_t len;
    bool has[RATLS_PCR_COUNT];
    uint8_t values[RATLS_PCR_COUNT][RATLS_DIGEST_MAX];
};

static bool is_uniform(const uint8_t *p, size_t len, uint8_t byte)
{
    while (len > 0 && p[len - 1] == byte)
        len--;
    return len == 0;
}

static void add_pcrs(struct text *text, const char *begin, const bool *pcrs, const char *none)
{
    const char *separator = begin;

    for (unsigned i = 0; i < RATLS_PCR_COUNT; i++) {
        if (!pcrs[i])
            continue;
        add(text, "%s%u", separator, i);
        separator = ",";
    }
    if (separator == begin && none != NULL)
        add(text, "%s%s", begin, none);
}

static void add_bank(struct text *text, const struct recorded *recorded,
                     const struct values *values)
{
    bool match[RATLS_PCR_COUNT] = {false};
    bool mismatch[RATLS_PCR_COUNT] = {false};
    bool outside[RATLS_PCR_COUNT] = {false};
    const struct ratls_replay *replay = NULL;

    for (size_t i = 0; i < BANK_COUNT; i++)
        if (strcmp(ratls_tpm_hash_name(BANKS[i]), recorded->bank) == 0)
            replay = &values->banks[i];
    cr_assert_not_null(replay, "bank %s", recorded->bank);
    if (replay->bank == 0) {
        add(text, "; %s: bank not in log", recorded->bank);
        return;
    }
    for (size_t i = 0; i < RATLS_PCR_COUNT; i++) {
        const uint8_t *value = recorded->values[i];
        bool is_same = memcmp(value, replay->pcrs[i].value, recorded->len) == 0;
        bool is_extended = replay->pcrs[i].events > 0;

        match[i] = recorded->has[i] && is_extended && is_same;
        mismatch[i] = recorded->has[i] && is_extended && !is_same;
        outside[i] = recorded->has[i] && !is_extended && !is_uniform(value, recorded->len, 0) &&
                     !is_uniform(value, recorded->len, 0xff);
    }
    add(text, "; %s:", recorded->bank);
    add_pcrs(text, " match ", match, "-");
    add_pcrs(text, " MISMATCH ", mismatch, NULL);
    add_pcrs(text, " (extended outside log: ", outside, NULL);
    if (memchr(outside, true, sizeof outside) != NULL)
        add(text, ")");
}

/* One entry  "0": "hex"  of a bank. */
static void read_pcr(const char *line, struct recorded *recorded)
{
    unsigned pcr;
    char hex[2 * RATLS_DIGEST_MAX + 1];

    if (sscanf(line, " \"%u\": \"%128[0-9a-f]\"", &pcr, hex) != 2)
        return;
    cr_assert_lt(pcr, RATLS_PCR_COUNT);
    recorded->len = strlen(hex) / 2;
    recorded->has[pcr] = true;
    cr_assert(ratls_unhex(hex, recorded->values[pcr], recorded->len));
}

static void add_banks(struct text *text, const char *name, const struct values *values)
{
    struct octets content = corpus_read(name);
    struct recorded recorded = {.len = 0};

    for (char *line = (char *)content.p; line != NULL; line = strchr(line + 1, '\n')) {
        char bank[sizeof recorded.bank];

        if (sscanf(line, " \"%15[a-z0-9_]\": {", bank) == 1 && bank[0] == 's') {
            recorded = (struct recorded){.len = 0};
            memcpy(recorded.bank, bank, sizeof bank);
        }
        read_pcr(line, &recorded);
        if (line[strspn(line, "\n ")] == '}' && recorded.len > 0) {
            add_bank(text, &recorded, values);
            recorded.len = 0;
        }
    }
    free(content.p);
}

/* In the words of the corpus. */
static void describe(const struct corpus_case *corpus_case, const struct values *values,
                     struct text *text)
{
    const struct ratls_eventlog *log = &values->log;

    text->len = 0;
    add(text, "%s; %zu events",
        log->events == 0       ? "all-zero"
        : log->is_crypto_agile ? "crypto-agile(Spec ID Event03)"
                               : "sha1-legacy(no Spec ID event)",
        log->events);
    if (corpus_case->pcrs[0] == '\0')
        add(text, "; no expected values");
    else
        add_banks(text, corpus_case->pcrs, values);
}

/* SHA-256 over bank, index and value of each PCR that was extended. */
static void expect_oracle_values(const char *id, const struct values *values)
{
    uint8_t all[BANK_COUNT * RATLS_PCR_COUNT * (2 + RATLS_DIGEST_MAX)];
    struct ratls_writer w = ratls_writer(all, sizeof all);
    const char *expected = "no values are recorded in this test";
    uint8_t digest[32];
    char hex[sizeof ORACLE[0].values];

    for (size_t i = 0; i < BANK_COUNT; i++)
        for (size_t pcr = 0; pcr < RATLS_PCR_COUNT; pcr++) {
            if (values->banks[i].pcrs[pcr].events == 0)
                continue;
            ratls_write_u8(&w, (uint8_t)i);
            ratls_write_u8(&w, (uint8_t)pcr);
            ratls_write_bytes(
                &w, ratls_slice(values->banks[i].pcrs[pcr].value, ratls_tpm_hash_len(BANKS[i])));
        }
    cr_assert_eq(ratls_sha256(ratls_writer_slice(&w), digest, NULL), RATLS_OK);
    ratls_hex(ratls_slice(digest, sizeof hex / 2), hex, sizeof hex);
    for (size_t i = 0; i < sizeof ORACLE / sizeof *ORACLE; i++)
        if (strcmp(ORACLE[i].id, id) == 0)
            expected = ORACLE[i].values;
    cr_expect_str_eq(hex, expected, "%s: %s", id, hex);
}

static void expect_strict(struct ratls_slice in, const char *id)
{
    struct ratls_eventlog log;
    struct ratls_event event;
    const char *expected = "";

    ratls_eventlog_open(in, RATLS_EVENTLOG_STRICT, &log);
    while (ratls_eventlog_next(&log, &event))
        continue;
    for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++)
        if (strcmp(REFUSED[i].id, id) == 0)
            expected = REFUSED[i].why;
    cr_expect_str_eq(log.why, expected, "%s: %s", id, log.why);
}

static void expect_case(const struct corpus_case *corpus_case)
{
    struct octets file = corpus_read(corpus_case->file);
    struct octets in = octets_copy(file.p, file.len);
    struct values values;
    struct text text;

    compute(octets_slice(in), corpus_case->id, &values);
    if (strstr(corpus_case->expect, "; ERROR ") != NULL) {
        cr_expect_str_not_empty(values.log.why, "%s", corpus_case->id);
    } else {
        cr_expect_str_empty(values.log.why, "%s: %s", corpus_case->id, values.log.why);
        describe(corpus_case, &values, &text);
        cr_expect_str_eq(text.p, corpus_case->expect, "%s:\n%s\n%s", corpus_case->id, text.p,
                         corpus_case->expect);
    }
    expect_oracle_values(corpus_case->id, &values);
    expect_strict(octets_slice(in), corpus_case->id);
    free(file.p);
    free(in.p);
}

Test(eventlog_corpus, each_case_gives_the_recorded_verdict)
{
    struct corpus_case corpus_case;
    char path[PATH_MAX];
    size_t count = 0;
    FILE *list;

    corpus_locate("cases.json", path);
    list = fopen(path, "r");
    cr_assert_not_null(list, "%s", path);
    while (next_case(list, &corpus_case)) {
        if (strcmp(corpus_case.kind, "eventlog") != 0)
            continue;
        expect_case(&corpus_case);
        count++;
    }
    fclose(list);
    cr_expect_geq(count, CASES_MIN, "%zu cases", count);
    cr_expect_eq(count, sizeof ORACLE / sizeof *ORACLE, "%zu cases", count);
}

CORPUS_MAIN
