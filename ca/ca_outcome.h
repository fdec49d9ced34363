/* All that a CA may say to a request or an answer: one table. */
#ifndef RATLS_CA_CA_OUTCOME_H
#define RATLS_CA_CA_OUTCOME_H

#include "ca.h"

enum ratls_ca_outcome {
    RATLS_CA_REFUSED_UNSAID, /* nothing was decided yet: a mistake of ours, and never a yes */
    RATLS_CA_CHALLENGED,
    RATLS_CA_FOUND, /* what was there already */
    RATLS_CA_WAITING,
    RATLS_CA_ISSUED,
    RATLS_CA_DONE,
    /* The message. */
    RATLS_CA_TOO_LONG,
    RATLS_CA_MALFORMED,
    /* The endorsement key and its certificate; in the order of enum ratls_ek_defect. */
    RATLS_CA_EK_FORMAT,
    RATLS_CA_EK_CHAIN,
    RATLS_CA_EK_SIGNATURE,
    RATLS_CA_EK_TIME,
    RATLS_CA_EK_CRITICAL,
    RATLS_CA_EK_CA,
    RATLS_CA_EK_USAGE,
    RATLS_CA_EK_PURPOSE,
    RATLS_CA_EK_FAMILY,
    RATLS_CA_EK_KEY,
    RATLS_CA_EK_AREA,
    RATLS_CA_EK_SOFTWARE,
    RATLS_CA_EK_DENIED,
    /* The attestation key. */
    RATLS_CA_AK_FORMAT,
    RATLS_CA_AK_ATTRIBUTES,
    RATLS_CA_AK_ALGORITHM,
    RATLS_CA_AK_DENIED,
    RATLS_CA_AK_OTHER_EK,
    /* Who may have a name. */
    RATLS_CA_NAME,
    RATLS_CA_OTHER_EK,
    RATLS_CA_OVERLAP,
    RATLS_CA_TOKEN,
    RATLS_CA_NOT_ALLOWED,
    RATLS_CA_BY_HAND,
    RATLS_CA_FULL,
    /* Answers. */
    RATLS_CA_UNKNOWN,
    RATLS_CA_ANSWERED,
    RATLS_CA_LATE,
    RATLS_CA_MAC,
    RATLS_CA_QUOTE_FORMAT,
    RATLS_CA_QUOTE_MAGIC,
    RATLS_CA_QUOTE_TYPE,
    RATLS_CA_QUOTE_EXTRA_DATA,
    RATLS_CA_QUOTE_SIGNER,
    RATLS_CA_QUOTE_SIGNATURE,
    RATLS_CA_FIRMWARE,
    RATLS_CA_OUTCOMES,
};

/* Sets status, reason and detail; the first refusal stays. Bytes of a peer are escaped before. */
void ratls_ca_say(struct ratls_ca_answer *answer, enum ratls_ca_outcome outcome, const char *format,
                  ...) __attribute__((format(printf, 3, 4)));

bool ratls_ca_is_refused(const struct ratls_ca_answer *answer);

/*
 * Whether anybody can be refused so, without the certificate of a TPM's key: in the audit log these
 * are counted apart, and no more than some a minute are written of either.
 */
bool ratls_ca_is_noise(const struct ratls_ca_answer *answer);

#endif
