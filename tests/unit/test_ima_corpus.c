/*
 * IMA lists of real machines. The corpus lies beside the source tree and is no part of it; its
 * cases.json says what another program made of each list, and every word of that must come out
 * here too: entries, digests, violations, the prefix that gives PCR 10 in each bank and how it was
 * extended, and the boot aggregate. The lists that are refused here are named, with the reason.
 */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "corpus.h"
#include "ima_boot.h"
#include "ima_replay.h"
#include "tpm_wire.h"

#define LINE_MAX_LEN 512
#define CASES 29

static const uint16_t BANKS[] = {RATLS_ALG_SHA1, RATLS_ALG_SHA256, RATLS_ALG_SHA384,
                                 RATLS_ALG_SHA512};

/* What the walk says at its end, for lists that are read only in part or not at all. */
static const struct refused {
    const char *id;
    uint64_t entries; /* read before */
    const char *error;
} REFUSED[] = {
    /* A newline behind the last entry; the record says "header truncated" too. */
    {"tss-sml-ima-ng-sha1", 6, "entry 7 at byte 558: the list ends within the header"},
    {"tss-sml-ima-sha1", 12, "entry 13 at byte 916: the list ends within the header"},
    /* Six bytes behind the last entry. */
    {"tss-sml-ima-sig-sha256", 9, "entry 10 at byte 987: the list ends within the header"},
    /* Cut one byte short. The record shows a guess: digests of 48 bytes, a name without bytes. */
    {"tss-sml-ima-ng-sha1-invalidated", 0, "of 49 bytes, but the list ends after 48"},
    /* A text that is no list at all; the record says so too. */
    {"rustkeylime-invalid", 0, "entry 1 at byte 0: the "},
    /* Lists in ASCII: blanks in names make them ambiguous; only the binary form is read. */
    {"guard-h12ssl-ascii", 0, "the index of the PCR is "},
    {"kraemr-ascii-sha256", 0, "the index of the PCR is "},
    {"rustkeylime-ascii", 0, "the index of the PCR is "},
    {"rustkeylime-one", 0, "the index of the PCR is "},
    {"keylime-ima-log-sha1", 0, "the index of the PCR is "},
    {"keylime-ima-log-sha256", 0, "the index of the PCR is "},
    {"keylime-ima-log-sha384", 0, "the index of the PCR is "},
    {"keylime-ima-log-sha512", 0, "the index of the PCR is "},
    {"keylime-ima-log-unknown", 0, "the index of the PCR is "},
    {"keylimetests-ima_log", 0, "the index of the PCR is "},
    {"keylimetests-imasig", 0, "the index of the PCR is "},
    {"torsec-cgpath-ascii-sha256", 0, "the index of the PCR is "},
};

/* The text of a member in one case of cases.json; empty if it has none. */
static void get_member(const char *from, const char *to, const char *key,
                       char out[static LINE_MAX_LEN])
{
    char quoted[64];
    const char *at;
    const char *end;

    snprintf(quoted, sizeof quoted, "\n  \"%s\": \"", key);
    at = strstr(from, quoted);
    out[0] = '\0';
    if (at == NULL || at >= to)
        return;
    at += strlen(quoted);
    end = strchr(at, '"');
    cr_assert(end != NULL && end - at < LINE_MAX_LEN);
    memcpy(out, at, (size_t)(end - at));
    out[end - at] = '\0';
}

struct ima_case {
    char id[LINE_MAX_LEN];
    char file[LINE_MAX_LEN];
    char pcrs[LINE_MAX_LEN];
    char expect[LINE_MAX_LEN];
};

/* Calls check for each IMA list in cases.json; returns how many there are. */
static size_t for_each_case(void (*check)(const struct ima_case *c))
{
    struct octets cases = corpus_read("cases.json");
    const char *text = (const char *)cases.p;
    const char *at = strstr(text, "\n {\n");
    size_t count = 0;

    while (at != NULL) {
        const char *next = strstr(at + 1, "\n {\n");
        const char *to = next != NULL ? next : text + cases.len;
        char kind[LINE_MAX_LEN];
        struct ima_case c;

        get_member(at, to, "kind", kind);
        get_member(at, to, "id", c.id);
        get_member(at, to, "file", c.file);
        get_member(at, to, "pcrs", c.pcrs);
        get_member(at, to, "expect", c.expect);
        if (strcmp(kind, "ima") == 0) {
            cr_assert(c.id[0] != '\0' && c.file[0] != '\0' && c.expect[0] != '\0');
            check(&c);
            count++;
        }
        at = next;
    }
    free(cases.p);
    return count;
}

static const struct refused *find_refused(const char *id)
{
    for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++)
        if (strcmp(REFUSED[i].id, id) == 0)
            return &REFUSED[i];
    return NULL;
}

/* The digests of a list are those with which its first entry can be read; else SHA-1. */
static uint16_t find_list_alg(struct ratls_slice list)
{
    for (size_t i = 0; i < sizeof BANKS / sizeof *BANKS; i++) {
        struct ratls_ima_reader r = ratls_ima_reader(list, BANKS[i], 0, 0);
        struct ratls_ima_entry entry;

        if (ratls_ima_next(&r, &entry))
            return BANKS[i];
    }
    return RATLS_ALG_SHA1;
}

static void expect_beginning(const struct ima_case *c, const char *line)
{
    cr_expect_eq(strncmp(c->expect, line, strlen(line)), 0, "%s\nhere:     %s\nrecorded: %s", c->id,
                 line, c->expect);
}

static void expect_part(const struct ima_case *c, const char *part)
{
    cr_expect_not_null(strstr(c->expect, part), "%s\nhere:     %s\nrecorded: %s", c->id, part,
                       c->expect);
}

/* Entries, digests and violations, of the whole list. */
static void expect_walk(const struct ima_case *c, struct ratls_slice list, uint16_t alg)
{
    const struct refused *refused = find_refused(c->id);
    struct ratls_ima_replay replay;
    struct ratls_ima_state state;
    struct ratls_error err = {0};
    enum ratls_status status;
    char line[LINE_MAX_LEN];

    cr_assert_eq(ratls_ima_state_init(alg, alg, RATLS_IMA_EITHER, &state, NULL), RATLS_OK);
    cr_assert_eq(ratls_ima_replay_open(&state, &replay, NULL), RATLS_OK);
    status = ratls_ima_replay_all(&replay, list, &err);
    cr_expect_eq(status, refused == NULL ? RATLS_OK : RATLS_MALFORMED, "%s: %s", c->id, err.text);
    if (refused != NULL) {
        cr_expect_not_null(strstr(err.text, refused->error), "%s: %s", c->id, err.text);
        cr_expect_eq(replay.state.entries, refused->entries, "%s", c->id);
    }
    snprintf(line, sizeof line,
             "binary(digest %zu); %" PRIu64 " entries; template digests ok %" PRIu64
             " bad 0 unchecked 0 violations %" PRIu64,
             ratls_tpm_hash_len(alg), replay.state.entries,
             replay.state.entries - replay.state.violations, replay.state.violations);
    if (refused == NULL || refused->entries > 0)
        expect_beginning(c, line);
    ratls_ima_replay_close(&replay);
}

/* PCR `index` of a bank in a file of PCR values; false if there is none. */
static bool get_pcr(const char *json, uint16_t bank, unsigned index, uint8_t *out)
{
    char key[32];
    const char *at;
    const char *end;
    char hex[2 * RATLS_DIGEST_MAX + 1];
    size_t digits = 2 * ratls_tpm_hash_len(bank);

    snprintf(key, sizeof key, "\n \"%s\": {", ratls_tpm_hash_name(bank));
    at = strstr(json, key);
    if (at == NULL)
        return false;
    end = strchr(at, '}');
    snprintf(key, sizeof key, "\n  \"%u\": \"", index);
    at = strstr(at, key);
    if (at == NULL || at > end)
        return false;
    memcpy(hex, at + strlen(key), digits);
    hex[digits] = '\0';
    return ratls_unhex(hex, out, ratls_tpm_hash_len(bank));
}

/* "sha256 PCR10 match (calc, all 362 entries)" and so on, as the record has it. */
static void expect_bank(const struct ima_case *c, struct ratls_slice list, uint16_t alg,
                        uint16_t bank, const uint8_t *wanted)
{
    const char *name = ratls_tpm_hash_name(bank);
    const char *how = alg == bank ? "log" : "calc";
    struct ratls_ima_replay replay;
    struct ratls_ima_state state;
    bool is_found = false;
    char line[LINE_MAX_LEN];
    uint64_t entries;

    cr_assert_eq(ratls_ima_state_init(alg, bank, RATLS_IMA_EITHER, &state, NULL), RATLS_OK);
    cr_assert_eq(ratls_ima_replay_open(&state, &replay, NULL), RATLS_OK);
    cr_assert_eq(ratls_ima_replay_until(&replay, list, ratls_slice(wanted, replay.bank_hasher.len),
                                        &is_found, NULL),
                 RATLS_OK);
    entries = replay.state.entries;
    if (!is_found)
        snprintf(line, sizeof line, "; %s PCR10 NO MATCH", name);
    else if (replay.state.offset == list.len)
        snprintf(line, sizeof line, "; %s PCR10 match (%s, all %" PRIu64 " entries)", name,
                 replay.state.mode == RATLS_IMA_PADDED ? "pad" : how, entries);
    else
        snprintf(line, sizeof line, "; %s PCR10 match (%s) after entry %" PRIu64 " of ", name,
                 replay.state.mode == RATLS_IMA_PADDED ? "pad" : how, entries);
    expect_part(c, line);
    ratls_ima_replay_close(&replay);
}

static bool matches_boot(struct ratls_slice list, uint16_t alg, const char *json, uint16_t bank)
{
    uint8_t values[RATLS_IMA_BOOT_PCRS][RATLS_DIGEST_MAX];
    struct ratls_slice pcrs[RATLS_IMA_BOOT_PCRS];
    struct ratls_ima_reader r = ratls_ima_reader(list, alg, 0, 0);
    struct ratls_ima_entry entry;
    bool is_match = false;

    for (unsigned i = 0; i < RATLS_IMA_BOOT_PCRS; i++) {
        if (!get_pcr(json, bank, i, values[i]))
            return false;
        pcrs[i] = ratls_slice(values[i], ratls_tpm_hash_len(bank));
    }
    cr_assert(ratls_ima_next(&r, &entry));
    cr_assert_eq(ratls_ima_match_boot(&entry, bank, pcrs, &is_match, NULL), RATLS_OK);
    return is_match;
}

static void expect_boot(const struct ima_case *c, struct ratls_slice list, uint16_t alg,
                        const char *json)
{
    bool is_match = false;

    for (size_t i = 0; i < sizeof BANKS / sizeof *BANKS; i++) {
        const char *name = ratls_tpm_hash_name(BANKS[i]);
        char line[LINE_MAX_LEN];

        if (!matches_boot(list, alg, json, BANKS[i]))
            continue;
        is_match = true;
        snprintf(line, sizeof line, "boot_aggregate(%s over PCR0-%d of %s bank) match", name,
                 BANKS[i] == RATLS_ALG_SHA1 ? 7 : 9, name);
        expect_part(c, line);
    }
    cr_expect_eq(is_match, strstr(c->expect, "boot_aggregate(") != NULL, "%s", c->id);
}

static size_t count_text(const char *text, const char *part)
{
    size_t count = 0;

    for (text = strstr(text, part); text != NULL; text = strstr(text + 1, part))
        count++;
    return count;
}

/* Each bank with a PCR 10, and the boot aggregate. */
static void expect_pcrs(const struct ima_case *c, struct ratls_slice list, uint16_t alg)
{
    struct octets json = corpus_read(c->pcrs);
    size_t banks = 0;

    for (size_t i = 0; i < sizeof BANKS / sizeof *BANKS; i++) {
        uint8_t wanted[RATLS_DIGEST_MAX];

        if (!get_pcr((const char *)json.p, BANKS[i], RATLS_IMA_PCR, wanted))
            continue;
        expect_bank(c, list, alg, BANKS[i], wanted);
        banks++;
    }
    cr_expect_eq(banks, count_text(c->expect, " PCR10 "), "%s", c->id);
    expect_boot(c, list, alg, (const char *)json.p);
    free(json.p);
}

static void expect_case(const struct ima_case *c)
{
    struct octets file = corpus_read(c->file);
    struct octets list = octets_copy(file.p, file.len);
    uint16_t alg = find_list_alg(octets_slice(list));

    free(file.p);
    expect_walk(c, octets_slice(list), alg);
    if (c->pcrs[0] != '\0' && find_refused(c->id) == NULL)
        expect_pcrs(c, octets_slice(list), alg);
    free(list.p);
}

Test(ima_corpus, every_list_gives_what_is_recorded)
{
    cr_assert_geq(for_each_case(expect_case), CASES, "cases.json has lost lists");
}

CORPUS_MAIN
