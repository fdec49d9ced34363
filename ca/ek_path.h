/* From the certificate of an endorsement key up to a pinned root. */
#ifndef RATLS_CA_EK_PATH_H
#define RATLS_CA_EK_PATH_H

#include "ek_check.h"

/* One more defect, and what to say of it. */
void ratls_ek_say(struct ratls_ek_answer *answer, enum ratls_ek_defect defect, const char *format,
                  ...) __attribute__((format(printf, 3, 4)));

/*
 * Looks for the issuer of answer->ek, verifies its signature, and has OpenSSL verify the issuer up
 * to a pinned root. Adds what is wrong to the answer, else how long the path is, and its root.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ek_path(const struct ratls_ek_question *question,
                                                 struct ratls_ek_answer *answer,
                                                 struct ratls_error *err);

#endif
