/* Writing a report: the other half of <ratls/report.h>. Every comparison goes through here. */
#ifndef RATLS_FINDINGS_H
#define RATLS_FINDINGS_H

#include <ratls/report.h>

#include "bytes.h"
#include "checks.h"

#define RATLS_AT_MAX 64
#define RATLS_VALUE_MAX 160
#define RATLS_REPORT_NAME_MAX 256

struct ratls_finding_slot {
    enum ratls_verdict verdict;
    size_t comparisons;
    size_t failures; /* of these comparisons */
    char at[RATLS_AT_MAX];
    char expected[RATLS_VALUE_MAX];
    char actual[RATLS_VALUE_MAX];
};

struct ratls_report {
    struct ratls_finding_slot slots[RATLS_CHECK_COUNT];
    char server[RATLS_REPORT_NAME_MAX]; /* the name that was meant; "" if there was none */
    char policy[RATLS_REPORT_NAME_MAX]; /* the policy file */
    char note[128]; /* said after "accepted", for example how old a certificate's evidence is */
};

/* A report in which nothing was run. NULL if memory is short. */
struct ratls_report *ratls_report_new(void);

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
/* Only where the policy, or the mode, does not ask. Does nothing to a slot that failed. */
void ratls_check_not_asked(struct ratls_report *r, enum ratls_check check);
bool ratls_check_passed(const struct ratls_report *r, enum ratls_check check);

#endif
