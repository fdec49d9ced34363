/*
 * An IMA list behind a fake TPM, served in pieces as a long one is: it explains PCR 10 of SHA-256.
 * What fails prints why and aborts.
 */
#ifndef RATLS_TEST_LOG_LIST_H
#define RATLS_TEST_LOG_LIST_H

#include "fake_tpm.h"

#define LOG_ASKED_MAX 400

struct log_list;

/* Changes a piece before it is sent; number 0 is the one beside the first quote. */
typedef void log_bend(struct log_list *log, struct ratls_ima_slice *piece, unsigned number);

struct log_list {
    struct fake_tpm *tpm;
    uint8_t *p;
    size_t len;
    size_t entries;   /* the first is a right boot_aggregate */
    size_t piece_max; /* bytes that are sent at a time, 32 KiB; whole entries only */
    bool grows;       /* by an entry before each piece is cut, which is after the quote */
    log_bend *bend;   /* NULL: honest */
    int bend_fd;      /* of the test */
    struct ratls_log_request asked[LOG_ASKED_MAX]; /* each request, in their order */
    unsigned asked_count;
    unsigned quotes;
};

/* PCR 10 of the TPM is from then on that of the list. */
struct log_list *log_list_new(struct fake_tpm *tpm);
void log_list_free(struct log_list *log);

/* A file that was run: the list grows, and PCR 10 with it. Its digest is the SHA-256 of the path.
 */
void log_measure(struct log_list *log, const char *path);
/* "/usr/bin/program-0001" and so on, until there are `entries`. */
void log_measure_many(struct log_list *log, size_t entries);
/* The list of another boot, which the counters of the TPM tell. */
void log_reboot(struct log_list *log);

/* For fake_attester_new() and tls_world.tamper, with the list as arg: sends one piece. */
void log_tamper(enum fake_stage stage, struct fake_draft *draft, void *arg);

#endif
