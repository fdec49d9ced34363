/*
 * The folder of an attestation key: ak.conf (what is needed to find, make and use the key), ak.pub
 * (its TPMT_PUBLIC) and, if there are any, ak.crt (its certificates, PEM) and, for a sealed key,
 * seal/ (the states in which it may be used). ak.conf is a secret: who can read it and open the TPM
 * can let the key quote what he likes.
 */
#ifndef RATLS_ATTESTER_AK_STATE_H
#define RATLS_ATTESTER_AK_STATE_H

#include <ratls/attester_tpm.h>

#include "bytes.h"
#include "evidence.h"

#define RATLS_AK_NAME_LEN 34   /* u16 algorithm and a SHA-256 digest */
#define RATLS_AK_UNIQUE_LEN 32 /* random bytes that make this key another one than the last */
#define RATLS_AK_AUTH_LEN 32   /* at most a digest of nameAlg: TPM 2.0 Part 1, 19.6.5 */
#define RATLS_AK_PUBLIC_MAX 512
#define RATLS_TCTI_MAX 256
#define RATLS_AK_PATH_LEN 4096
#define RATLS_AK_SEAL_LINES 1792 /* of ak.conf, about sealing */

struct ratls_seals; /* seals.h */

struct ratls_ak_state {
    enum ratls_ak_algorithm algorithm;
    uint32_t handle; /* persistent handle; 0: transient */
    uint8_t unique[RATLS_AK_UNIQUE_LEN];
    uint8_t auth[RATLS_AK_AUTH_LEN]; /* the key's authorization value, random */
    uint8_t name[RATLS_AK_NAME_LEN];
    uint8_t public_area[RATLS_AK_PUBLIC_MAX];
    size_t public_len;
    char tcti[RATLS_TCTI_MAX]; /* "": the default of tpm2-tss */
    struct ratls_seals *seals; /* to what the key is sealed; NULL: it is not; owned */
    size_t certificate_count;
    struct ratls_slice certificates[RATLS_CERTIFICATES_MAX]; /* DER, the AK's first; owned */
};

/* folder/file */
RATLS_MUST_CHECK enum ratls_status ratls_ak_state_path(const char *folder, const char *file,
                                                       char ret_path[static RATLS_AK_PATH_LEN],
                                                       struct ratls_error *err);

/*
 * RATLS_USAGE if everyone may replace what is in the folder. It says which TPM is used, and with it
 * which library is loaded into the server (tss2-tctildr).
 */
RATLS_MUST_CHECK enum ratls_status ratls_ak_state_check_folder(const char *folder,
                                                               struct ratls_error *err);

/* Whether the folder has a key, readable or not. */
bool ratls_ak_state_exists(const char *folder);

/*
 * ak_state_seal.c: the two lines of ak.conf that are about sealing, NULL where one is missing, with
 * the folder of states; and the lines again, ended by NUL.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_ak_state_read_seal(const char *folder, const char *sealed_to, const char *authority,
                         struct ratls_ak_state *state, struct ratls_error *err);
void ratls_ak_state_seal_lines(const struct ratls_ak_state *state,
                               char out[static RATLS_AK_SEAL_LINES]);
/* RATLS_USAGE unless the public area and these lines agree on whether, and for whom, it is sealed.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ak_state_check_seal(const char *path,
                                                             const struct ratls_ak_state *state,
                                                             struct ratls_error *err);

/* Fails unless the Name in ak.conf is that of ak.pub. The caller clears *ret_state. */
RATLS_MUST_CHECK enum ratls_status
ratls_ak_state_load(const char *folder, struct ratls_ak_state *ret_state, struct ratls_error *err);
/*
 * Creates the folder if needed and writes ak.pub and ak.conf, each at once or not at all. Removes
 * ak.crt: it was for another key.
 */
RATLS_MUST_CHECK enum ratls_status ratls_ak_state_store(const char *folder,
                                                        const struct ratls_ak_state *state,
                                                        struct ratls_error *err);
void ratls_ak_state_clear(struct ratls_ak_state *state);

/* RATLS_USAGE unless ak.conf gives a TCTI configuration back as it is. */
RATLS_MUST_CHECK enum ratls_status ratls_ak_state_check_tcti(const char *tcti,
                                                             struct ratls_error *err);

#endif
