/* Writing a report: the other half of <ratls/report.h>. Every comparison goes through here. */
#ifndef RATLS_FINDINGS_H
#define RATLS_FINDINGS_H

#include <ratls/attester.h>
#include <ratls/report.h>
#include <ratls/verifier.h>
#include <stdint.h>

#include "bytes.h"
#include "checks.h"
#include "tpm_wire.h"

#define RATLS_AT_MAX 64
#define RATLS_VALUE_MAX 160
#define RATLS_REPORT_NAME_MAX 256
#define RATLS_PCR_DIGEST_MAX 64

/* What a result (<ratls/result.h>) says beside the verdict: of this side, and of the quote. */
struct ratls_report_facts {
    int64_t evidence_time; /* when it was made at the earliest; if it was refused, appraised */
    enum ratls_mode mode;
    uint8_t binder[RATLS_BINDER_LEN];
    uint8_t spki_sha256[RATLS_SPKI_HASH_LEN];
    char service[RATLS_SERVICE_MAX + 1];
    uint8_t policy_sha256[32];
    uint32_t judged;   /* bit i: by the policy PCR i has values, or what the log says of it */
    bool judges_files; /* all that IMA measured, without exception */
    bool has_state;    /* the quote is authentic; what follows is of it */
    uint8_t ak_name[RATLS_TPM_NAME_MAX];
    size_t ak_name_len;
    struct ratls_pcr_selection selection;
    uint8_t pcr_digest[RATLS_PCR_DIGEST_MAX];
    size_t pcr_digest_len;
    uint32_t reset_count, restart_count;
};

/* Strings are places in the report's text; 0 is the empty string. */
struct ratls_finding_slot {
    enum ratls_verdict verdict;
    uint16_t at, expected, actual;
    uint32_t comparisons;
    uint32_t failures; /* of these comparisons */
};

/* One lives as long as a connection: its text is as long as its strings, not as they might be. */
struct ratls_report {
    struct ratls_finding_slot slots[RATLS_CHECK_COUNT];
    char *text; /* strings, one behind the other; NULL as long as there is none */
    size_t text_len, text_cap;
    bool is_brief; /* only failures have words: nobody will read the others */
    struct ratls_report_facts *facts; /* NULL if it is brief */
    uint16_t server; /* the name that was meant; "" if there was none */
    uint16_t policy; /* the policy file */
    struct ratls_accepted accepted; /* zeros unless it was */
    uint16_t note;   /* said after "accepted", for example how old a certificate's evidence is */
};

/* A report in which nothing was run. NULL if memory is short. */
struct ratls_report *ratls_report_new(void);
/* Without its facts, which are of one connection, to be gone on with. NULL if memory is short. */
struct ratls_report *ratls_report_copy(const struct ratls_report *report);

/* Never NULL. Alive until something is added to the report. */
const char *ratls_report_string(const struct ratls_report *report, uint16_t place);

/* Copies a string of this side as it is, cut at cap - 1 characters; who prints it escapes it. */
void ratls_report_put(struct ratls_report *report, const char *string, size_t cap,
                      uint16_t *ret_place);

/*
 * Once: the name that was meant, or NULL, and the policy file. A brief report needs them only if it
 * refuses: one that accepts has no text, and nothing allocated for it.
 */
void ratls_report_name(struct ratls_report *report, const char *server, const char *policy);

/*
 * Each records one comparison and returns whether it held. A slot that failed stays failed: the
 * first failure keeps the strings, later ones are counted.
 */
bool ratls_check_bytes(struct ratls_report *r, enum ratls_check check, const char *at,
                       struct ratls_slice expected, struct ratls_slice actual); /* constant time */
bool ratls_check_uint(struct ratls_report *r, enum ratls_check check, const char *at,
                      uint64_t expected, uint64_t actual); /* shown in hexadecimal */
bool ratls_check_text(struct ratls_report *r, enum ratls_check check, const char *at,
                      const char *expected, struct ratls_slice actual);
/* For comparisons of another kind; expected and actual say in words what they are. */
bool ratls_check_holds(struct ratls_report *r, enum ratls_check check, bool holds, const char *at,
                       const char *expected, const char *actual);
/*
 * The same in two steps, where words are costly to make: decide returns whether they are wanted;
 * say is called only then, before the next comparison of the check.
 */
bool ratls_check_decide(struct ratls_report *r, enum ratls_check check, bool holds);
void ratls_check_say(struct ratls_report *r, enum ratls_check check, const char *at,
                     const char *expected, const char *actual);
/* Only where the policy, or the mode, does not ask. Does nothing to a slot that failed. */
void ratls_check_not_asked(struct ratls_report *r, enum ratls_check check);
bool ratls_check_passed(const struct ratls_report *r, enum ratls_check check);
/* All of them. */
bool ratls_checks_passed(const struct ratls_report *r, const enum ratls_check *needed,
                         size_t count);

#endif
