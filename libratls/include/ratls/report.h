/*
 * Report: what did the verifier find about this peer?
 *
 * One slot per check, in the order in which they are made. A fresh report refuses; it accepts only
 * when every slot is RATLS_PASS or RATLS_NOT_ASKED. It never leaves this side: the peer gets a
 * generic TLS alert and nothing else.
 */
#ifndef RATLS_REPORT_H
#define RATLS_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include <ratls/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ratls_report;

enum ratls_verdict {
    RATLS_NOT_RUN = 0, /* something that this check needs failed before it */
    RATLS_NOT_ASKED,   /* the policy does not ask for it, or it does not apply to this mode */
    RATLS_PASS,
    RATLS_FAIL,
};

/* The name of a verdict, for example "pass". Never NULL. */
RATLS_API const char *ratls_verdict_name(enum ratls_verdict verdict);

/*
 * One slot of a report. All strings belong to the report and are never NULL; those that come from
 * the peer are hexadecimal or escaped printable ASCII, and cut at a fixed length.
 */
struct ratls_finding {
    const char *check;    /* stable name, for example "quote.signature" */
    const char *meaning;  /* the check in a sentence */
    const char *source;   /* of the requirement, for example "TPM 2.0 Part 2, 10.12.12" */
    enum ratls_verdict verdict;
    const char *at;       /* where it was seen, for example "pcrs.sha256[7]" */
    const char *expected; /* what this side expected */
    const char *actual;   /* what the peer sent */
    size_t failures;      /* how many values failed; the strings are those of the first */
};

RATLS_API void ratls_report_free(struct ratls_report *report);

/* True only if every slot passed or was not asked for. False for NULL. */
RATLS_API RATLS_MUST_CHECK bool ratls_report_accepted(const struct ratls_report *report);

/* Number of slots: the same for every report of one version of the library. */
RATLS_API size_t ratls_report_count(const struct ratls_report *report);

/* Slot i, i < ratls_report_count(). Returns false, and changes nothing, if there is no slot i. */
RATLS_API bool ratls_report_finding(const struct ratls_report *report, size_t i,
                                    struct ratls_finding *ret_finding);

/* The first slot that failed, for logs of one line. Returns false if none did. */
RATLS_API bool ratls_report_first_failure(const struct ratls_report *report,
                                          struct ratls_finding *ret_finding);

enum ratls_text_flags {
    RATLS_TEXT_COLOUR = 1,   /* ANSI colours */
    RATLS_TEXT_FAILURES = 2, /* only the verdict line and the checks that failed */
};

/*
 * The report for people: a verdict line first, then each check with what was expected and what was
 * seen. *ret_text is malloc'd, the caller frees it.
 */
RATLS_API RATLS_MUST_CHECK enum ratls_status
ratls_report_text(const struct ratls_report *report, unsigned flags, char **ret_text);

/*
 * The report for programs: one JSON object, the same content. *ret_json is malloc'd, the caller
 * frees it.
 */
RATLS_API RATLS_MUST_CHECK enum ratls_status ratls_report_json(const struct ratls_report *report,
                                                               char **ret_json);

#ifdef __cplusplus
}
#endif
#endif
