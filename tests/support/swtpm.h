/*
 * A software TPM of one's own, for tests and benchmarks: swtpm on a UNIX socket in a fresh folder.
 * It ends with the process that started it, also when that one is killed.
 */
#ifndef RATLS_TEST_SWTPM_H
#define RATLS_TEST_SWTPM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SWTPM_FOLDER_MAX 64
#define SWTPM_TCTI_MAX 128

struct swtpm {
    pid_t pid;
    char folder[SWTPM_FOLDER_MAX];
    char tcti[SWTPM_TCTI_MAX]; /* for tss2-tctildr */
};

/* False, with the reason on stderr, if it does not come up. */
bool swtpm_start(struct swtpm *tpm);
/* Its two steps: the folder, which may be filled with a state in between, and the program. */
bool swtpm_folder(struct swtpm *tpm);
bool swtpm_run(struct swtpm *tpm);
void swtpm_stop(struct swtpm *tpm); /* removes the folder; accepts one that was never started */

/* Switches the TPM off and on: PCRs are reset, persistent keys stay. */
bool swtpm_restart(struct swtpm *tpm);

/* Extends a PCR of the SHA-256 bank with 32 bytes of this value. */
bool swtpm_extend(const char *tcti, unsigned pcr, uint8_t value);

/* From the next restart on there is only the SHA-256 bank. */
bool swtpm_allocate_sha256_only(const char *tcti);

/*
 * tpm_mux (tpm_mux.c) before a TPM, for many clients, delays and faults. It listens in the TPM's
 * folder; end it before the TPM. options: its command line after the sockets, ended by NULL.
 */
struct tpm_mux {
    pid_t pid;
    char path[SWTPM_FOLDER_MAX + 8];
    char tcti[SWTPM_TCTI_MAX];
};

bool tpm_mux_start(struct tpm_mux *mux, const struct swtpm *tpm, const char *const *options);
void tpm_mux_stop(struct tpm_mux *mux);
/* True at the start, unless that is with --disarmed. Counts when it returns. */
void tpm_mux_arm(const struct tpm_mux *mux, bool armed);
/* Until a command hangs. */
void tpm_mux_await_held(const struct tpm_mux *mux);

#endif
