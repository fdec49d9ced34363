/*
 * Status: could the library do its work?
 *
 * A status never says anything about the peer except RATLS_REJECTED, and then a report (report.h)
 * says what was wrong with it. Everything else means that we could not work; both close the
 * channel, only one accuses the peer.
 */
#ifndef RATLS_ERROR_H
#define RATLS_ERROR_H

#if defined(__GNUC__)
#define RATLS_API __attribute__((visibility("default")))
#define RATLS_MUST_CHECK __attribute__((warn_unused_result))
#else
#define RATLS_API
#define RATLS_MUST_CHECK
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum ratls_status {
    RATLS_OK = 0,
    RATLS_REJECTED,  /* the peer was appraised and refused: see the report */
    RATLS_MALFORMED, /* bytes that do not follow their format */
    RATLS_LIMIT,     /* a limit of WIRE.md or of the configuration was reached */
    RATLS_USAGE,     /* a call, a policy or a configuration is wrong */
    RATLS_IO,        /* a file or a socket failed */
    RATLS_TPM,       /* the TPM is absent, busy, in lockout, or answered an error */
    RATLS_CRYPTO,    /* OpenSSL failed */
    RATLS_MEMORY,    /* an allocation failed */
};

#define RATLS_ERROR_TEXT 320

/*
 * Lives on the caller's stack; initialise with {0}. The deepest message wins: a function that
 * fails because another one did leaves the text of the other one alone. Every function that takes
 * one accepts NULL. The text is one line, without a final full stop or newline.
 */
struct ratls_error {
    enum ratls_status status;
    char text[RATLS_ERROR_TEXT];
};

/* The name of a status in words, for example "tpm". Never NULL. */
RATLS_API const char *ratls_status_name(enum ratls_status status);

#ifdef __cplusplus
}
#endif
#endif
