/* Why no TPM answers where a TCTI says that one is. */
#ifndef RATLS_ATTESTER_ABSENCE_H
#define RATLS_ATTESTER_ABSENCE_H

#include "tpm.h"

/*
 * RATLS_TPM, with what the file system says of the place, and what to do next. tcti: what was to be
 * opened, NULL: the default. tpm->last_rc: the code of tss2-tctildr, which says for every reason
 * the same; a device that is only busy is put there, too. Looks, and changes nothing.
 */
enum ratls_status ratls_tpm_explain_absence(const char *tcti, struct ratls_tpm *tpm,
                                            struct ratls_error *err);

#endif
