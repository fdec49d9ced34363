/*
 * The states in which a sealed attestation key may be used, as the files of a folder seal/ say:
 * NAME.cbor (seal.h), one for each state. What the TPM has to believe is signed; so what the folder
 * has too much does no harm, and is passed over. Used by one thread at a time.
 */
#ifndef RATLS_ATTESTER_SEALS_H
#define RATLS_ATTESTER_SEALS_H

#include <time.h>
#include <tss2/tss2_tpm2_types.h>

#include "seal_authority.h"

#define RATLS_SEALS_MAX 64 /* states at a time; ratls seal install adds no more */
#define RATLS_SEAL_FOLDER "seal"
#define RATLS_SEAL_ENDING ".cbor"

struct ratls_sealed_state {
    uint8_t *bytes; /* of the file; owned */
    size_t len;
    struct ratls_seal seal; /* borrows from them */
    uint8_t pcr_digest[RATLS_SEAL_DIGEST_LEN];
    uint8_t policy[RATLS_SEAL_DIGEST_LEN];
    /* Of TPM2_VerifySignature: good for this TPM until it is cleared, or for less. */
    bool has_ticket;
    TPMT_TK_VERIFIED ticket;
};

struct ratls_seals {
    char *folder; /* seal/ */
    struct ratls_seal_authority authority;
    struct ratls_pcr_selection selection; /* of the key: a state of other PCRs is none of it */
    struct timespec changed;              /* the folder, as it was read */
    size_t count;
    struct ratls_sealed_state states[RATLS_SEALS_MAX];
    size_t fits;                          /* the state that fitted last; count: none */
    size_t passed_over;                   /* files that are no states of this key */
    struct ratls_error fault;             /* of the first of them */
    bool has_unreadable;                  /* one of them could not even be read */
    uint8_t values[RATLS_PCR_VALUES_MAX]; /* of the PCRs, as they were read last */
};

/*
 * Reads state_dir/seal; a folder that is missing is empty. The caller frees *ret_seals. RATLS_USAGE
 * if everyone may write to the folder.
 */
RATLS_MUST_CHECK enum ratls_status ratls_seals_read(const char *state_dir,
                                                    const struct ratls_seal_authority *authority,
                                                    const struct ratls_pcr_selection *selection,
                                                    struct ratls_seals **ret_seals,
                                                    struct ratls_error *err);
/* Another that shares nothing with it. */
RATLS_MUST_CHECK enum ratls_status ratls_seals_copy(const struct ratls_seals *seals,
                                                    struct ratls_seals **ret_copy,
                                                    struct ratls_error *err);
void ratls_seals_free(struct ratls_seals *seals); /* accepts NULL */

/* Of no files yet; NULL if memory is short. */
struct ratls_seals *ratls_seals_new(const char *folder,
                                    const struct ratls_seal_authority *authority,
                                    const struct ratls_pcr_selection *selection);

/* One file, taken as ratls_seals_read() does, or refused with the reason. */
RATLS_MUST_CHECK enum ratls_status ratls_seals_take(struct ratls_seals *seals, const char *path,
                                                    struct ratls_error *err);

/*
 * Reads the folder again if it was changed. If that cannot be done any more, the states stay as
 * they are: servers read them with the rights that they start with, and give these up.
 */
void ratls_seals_refresh(struct ratls_seals *seals);

/* Whether there is a state of these values (of seals->selection, in its order); then it fits. */
RATLS_MUST_CHECK enum ratls_status ratls_seals_find(struct ratls_seals *seals,
                                                    struct ratls_slice values, bool *ret_found,
                                                    struct ratls_error *err);

/* seals_explain.c: RATLS_TPM: these values are of no state; which PCRs differ, and what to do. */
enum ratls_status ratls_seals_refuse(const struct ratls_seals *seals, struct ratls_slice values,
                                     struct ratls_error *err);

/* How many PCRs of the selection have another value; which, in a bitmap for each bank. */
unsigned ratls_seals_compare(const struct ratls_seals *seals, const struct ratls_seal *seal,
                             struct ratls_slice values,
                             uint32_t ret_differ[static RATLS_BANKS_MAX]);

#endif
