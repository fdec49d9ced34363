/* The sealed attestation key of this machine, and the states in which it may be used. */
#ifndef RATLS_TOOL_LOCAL_SEALS_H
#define RATLS_TOOL_LOCAL_SEALS_H

#include "seal.h"

#define RATLS_LOCAL_SEALS_MAX 64
#define RATLS_LOCAL_SEAL_FILE_MAX 256

struct ratls_local_seal {
    char file[RATLS_LOCAL_SEAL_FILE_MAX]; /* without its folder */
    struct ratls_error fault;             /* why it is no state of the key, if status is not OK */
    uint8_t policy[RATLS_SEAL_DIGEST_LEN];
    struct ratls_seal seal; /* borrows from memory of the list */
    unsigned differs;       /* PCRs that have another value now; 0: it fits */
    uint32_t differing[RATLS_BANKS_MAX];
};

struct ratls_local_seals {
    struct ratls_pcr_selection selection; /* that the key is sealed to */
    uint8_t authority[RATLS_SEAL_NAME_LEN];
    uint8_t values[RATLS_PCR_VALUES_MAX]; /* now */
    size_t values_len;
    size_t count;
    struct ratls_local_seal items[RATLS_LOCAL_SEALS_MAX];
    void *memory;
};

/*
 * All files, by name, and the PCRs; tcti NULL: what the state folder says. The caller frees with
 * ratls_local_seals_free(). RATLS_USAGE if the key is not sealed.
 */
RATLS_MUST_CHECK enum ratls_status ratls_local_seals_read(const char *state_dir, const char *tcti,
                                                          struct ratls_local_seals **ret,
                                                          struct ratls_error *err);
void ratls_local_seals_free(struct ratls_local_seals *seals); /* accepts NULL */

/* The PCRs of a selection (NULL: that which the key is sealed to), as they are now. */
RATLS_MUST_CHECK enum ratls_status ratls_local_pcrs(const char *state_dir, const char *tcti,
                                                    const struct ratls_pcr_selection *selection,
                                                    struct ratls_pcr_selection *ret_selection,
                                                    uint8_t out[static RATLS_PCR_VALUES_MAX],
                                                    size_t *ret_len, struct ratls_error *err);

/*
 * Checks a file, and writes it to the state folder, for whoever may read the key there. *ret has no
 * seal: its bytes are gone.
 */
RATLS_MUST_CHECK enum ratls_status ratls_local_seal_install(const char *state_dir, const char *path,
                                                            struct ratls_local_seal *ret,
                                                            struct ratls_error *err);
/* The file whose name begins with these digits, at least 8; or is exactly this. */
RATLS_MUST_CHECK enum ratls_status
ratls_local_seal_remove(const char *state_dir, const char *digits,
                        char ret_file[static RATLS_LOCAL_SEAL_FILE_MAX], struct ratls_error *err);

#endif
