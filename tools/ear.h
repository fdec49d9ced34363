/* --ear and what belongs to it: the verdict as an attestation result in a file. */
#ifndef RATLS_TOOL_EAR_H
#define RATLS_TOOL_EAR_H

#include <openssl/x509.h>

#include <ratls/result.h>

#include "options.h"

struct ratls_ear {
    const char *path; /* NULL: none is wanted; "-": standard output */
    const char *format;
    const char *key_path;
    const char *lifetime;
    struct ratls_result_options options; /* of the first four, once they were checked */
};

/* The rows of a command that has them; ear is a struct ratls_ear. */
#define RATLS_EAR_ROWS(ear)                                                                        \
    {"ear", RATLS_OPTION_TEXT, &(ear).path, "FILE",                                                \
     "write the verdict as an attestation result (EAR), signed; -: to standard output"},           \
        {"ear-key", RATLS_OPTION_TEXT, &(ear).key_path, "FILE",                                    \
         "private key of this verifier (PEM): ECDSA on P-256 or P-384"},                           \
        {"ear-format", RATLS_OPTION_TEXT, &(ear).format, "FORMAT", "cwt (default) or jwt"},        \
    {                                                                                              \
        "ear-expires", RATLS_OPTION_TEXT, &(ear).lifetime, "TIME",                                 \
            "how long it holds from the time of the evidence, such as 30m (default 1h)"            \
    }

/* Before any work: RATLS_USAGE if the options do not fit. Reads the key. */
RATLS_MUST_CHECK enum ratls_status ratls_ear_begin(struct ratls_ear *ear, struct ratls_error *err);
void ratls_ear_end(struct ratls_ear *ear);

/* Where the report goes: to standard error if standard output has the result. */
FILE *ratls_ear_report_to(const struct ratls_ear *ear);

/*
 * Writes the result, if one is wanted. The certificate, which may be NULL, is that of the server
 * that was appraised.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ear_write(const struct ratls_ear *ear,
                                                   const struct ratls_report *report,
                                                   const X509 *certificate,
                                                   struct ratls_error *err);

#endif
