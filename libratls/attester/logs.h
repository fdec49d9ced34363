/*
 * The logs of this machine, for whoever asks (WIRE.md, 3.1 and 3.2). The files are opened once,
 * with the rights that the process then has, and read by pread: a server that begins as root opens
 * them, and its workers, which share the descriptors, read them. Any number of threads and of
 * forked processes may use one struct ratls_logs.
 *
 * What cannot be opened or read is not sent, and is no error: whether a log is needed is the
 * verifier's business.
 */
#ifndef RATLS_ATTESTER_LOGS_H
#define RATLS_ATTESTER_LOGS_H

#include <ratls/attester_tpm.h>

#include "evidence.h"
#include "log_copy.h"

#define RATLS_LOGS_BANKS 3 /* SHA-256, SHA-384, SHA-512 */
#define RATLS_IMA_LISTS (RATLS_LOGS_BANKS + 1)

struct ratls_boot_form; /* the compact boot log in one bank, or that there is none */

struct ratls_logs {
    struct ratls_log_file boot;
    struct ratls_log_file ima[RATLS_IMA_LISTS]; /* of each bank, and last with SHA-1 digests */
    struct ratls_log_copy copies[RATLS_IMA_LISTS]; /* of the same */
    _Atomic uint64_t ima_end[RATLS_IMA_LISTS];     /* how long each is, as far as it was read */
    /* Made when they are first wanted; the log does not change while the machine is up. */
    _Atomic(struct ratls_boot_form *) boot_forms[RATLS_LOGS_BANKS];
    struct ratls_error boot_missing; /* RATLS_OK: nothing is known against it */
    struct ratls_error ima_missing;
};

/* Paths as in struct ratls_tpm_options. The caller closes *ret_logs. */
void ratls_logs_open(const char *boot_log, const char *ima_list, struct ratls_logs *ret_logs);
void ratls_logs_close(struct ratls_logs *logs); /* nobody else may be using it */

/* The boot log of a bank, in compact form; empty if there is none. It belongs to logs. */
RATLS_MUST_CHECK enum ratls_status ratls_logs_boot(struct ratls_logs *logs, uint16_t bank,
                                                   struct ratls_slice *ret_log,
                                                   struct ratls_error *err);

/*
 * As many whole entries from an offset on as fit into `room` bytes. No entries although total is
 * more than the offset: the next one does not fit, or no entry begins there. False if there is no
 * list. The entries are in `buffer`, which has room + 1 bytes. Behind RATLS_IMA_LIST_MAX, where no
 * verifier reads, it is not read either.
 */
bool ratls_logs_ima(struct ratls_logs *logs, uint16_t bank, uint64_t offset, uint8_t *buffer,
                    size_t room, struct ratls_ima_slice *ret_slice);

/* How long the list that explains a bank is now; 0: there is none. Reads what is new in it. */
uint64_t ratls_logs_ima_len(struct ratls_logs *logs, uint16_t bank);

#endif
