/*
 * A firmware's log as it lies in files: for people who look at it, never for a verdict. Where the
 * library's walk (eventlog.h) refuses a log, this one goes on as long as it can tell where the next
 * event begins: unknown hashes, digests that the header does not announce, padding, a cut end.
 */
#ifndef RATLS_TOOL_EVENTLOG_FILE_H
#define RATLS_TOOL_EVENTLOG_FILE_H

#include "bytes.h"

#define RATLS_LOG_ALGS_MAX 16
#define RATLS_LOG_WHY_MAX 160

enum ratls_log_form {
    RATLS_LOG_EMPTY, /* an area that firmware wrote nothing to: zeros or ones */
    RATLS_LOG_SHA1,
    RATLS_LOG_CRYPTO_AGILE,
};

struct ratls_log_alg {
    uint16_t id;
    uint16_t digest_len;
};

struct ratls_log_digest {
    uint16_t alg;
    struct ratls_slice value;
};

struct ratls_log_event {
    size_t number; /* from 0, the header included */
    size_t offset;
    uint32_t pcr; /* any number */
    uint32_t type;
    size_t digest_count;
    struct ratls_log_digest digests[RATLS_LOG_ALGS_MAX]; /* as listed */
    struct ratls_slice data;
};

struct ratls_log_file {
    enum ratls_log_form form;
    size_t alg_count;
    struct ratls_log_alg algs[RATLS_LOG_ALGS_MAX]; /* as the header announces them */
    uint32_t header_pcr; /* 0, but 1 in logs of confidential VMs ("CCEL") */
    size_t len;
    size_t events; /* read so far */
    size_t padding;
    size_t padding_max;
    struct ratls_reader reader;
    char why[RATLS_LOG_WHY_MAX]; /* where and why it cannot be read further; or empty */
};

/* False if the bytes are no log at all. why may be set already: then there is no event to read. */
bool ratls_log_file_open(struct ratls_slice in, struct ratls_log_file *ret_log);
/* The next event, the header first. False at the end, and where why says that it is none. */
bool ratls_log_file_next(struct ratls_log_file *log, struct ratls_log_event *ret_event);

/* The digest of an event in a bank (TPM_ALG_ID), the last if it lists several; or an empty one. */
struct ratls_slice ratls_log_digest(const struct ratls_log_event *event, uint16_t alg);

#endif
