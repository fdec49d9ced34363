/* What `show` says about an attestation in a file of its own: a quote, mostly. */
#ifndef RATLS_TOOL_DESCRIBE_QUOTE_H
#define RATLS_TOOL_DESCRIBE_QUOTE_H

#include "pcr_values.h"
#include "tpm_wire.h"
#include "view.h"

struct ratls_quote_files {
    struct ratls_slice attest;    /* TPMS_ATTEST */
    struct ratls_slice signature; /* p == NULL: there is none to check */
    struct ratls_slice ak;
    const struct ratls_pcr_values *expected; /* or NULL */
};

/*
 * RATLS_EXIT_OK; RATLS_EXIT_REFUSED if the signature is bad, or the quote is not over the expected
 * values; RATLS_EXIT_FAILED if a file cannot be read.
 */
int ratls_describe_quote(struct ratls_view *v, const struct ratls_quote_files *files);

/* What the attestation says. */
void ratls_describe_attest(struct ratls_view *v, const struct ratls_tpm_attest *attest);

#endif
