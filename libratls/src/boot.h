/*
 * What a firmware's log means: the phases of the boot, the images that were started, the state of
 * Secure Boot with its keys, and who signed what was loaded (TCG PC Client Platform Firmware
 * Profile, "PFP"). One walk gives this and the PCR values of one bank.
 *
 * What is found does not depend on data that a log may leave out (boot_compact.h), but for contents
 * that are there to be shown.
 *
 * All of it is worth nothing until the values of the PCR it comes from (in comments below) are the
 * quoted ones. Then digests and their order in one PCR hold. The type of an event is never covered:
 * what counts is found by its digest, or has data whose digest was computed again.
 */
#ifndef RATLS_BOOT_H
#define RATLS_BOOT_H

#include "boot_known.h"
#include "replay.h"

#define RATLS_BOOT_PHASES 8 /* PCR 0 to 7: firmware separates its part from what it starts */
#define RATLS_BOOT_IMAGES_MAX 64
#define RATLS_BOOT_AUTHORITIES_MAX 32

enum ratls_secure_boot {
    RATLS_SECURE_BOOT_UNKNOWN, /* and secure_boot_why says why */
    RATLS_SECURE_BOOT_OFF,
    RATLS_SECURE_BOOT_ON,
};

enum ratls_boot_variable_id {
    RATLS_BOOT_SECURE_BOOT,
    RATLS_BOOT_PK,
    RATLS_BOOT_KEK,
    RATLS_BOOT_DB,
    RATLS_BOOT_DBX,
    RATLS_BOOT_VARIABLES_REQUIRED,
    RATLS_BOOT_DBT = RATLS_BOOT_VARIABLES_REQUIRED,
    RATLS_BOOT_DBR,
    RATLS_BOOT_VARIABLES
};

/*
 * PCR 7, before the separator. SecureBoot is always found, by its digest; another only where the
 * log still has its data.
 */
struct ratls_boot_variable {
    bool is_measured;
    bool is_repeated; /* a second one was measured: which of them holds is not known */
    size_t event;
    struct ratls_slice digest;  /* over GUID, lengths, name and content */
    struct ratls_slice content; /* EFI_SIGNATURE_LISTs, and one byte of SecureBoot */
};

/*
 * PCR 7, behind the separator, of option ROMs also before it. Only the digest, if the log has not
 * the data that was measured.
 */
struct ratls_boot_authority {
    size_t event;
    struct ratls_slice digest;
    struct ratls_slice name; /* UTF-16LE: "db", "Shim", "MokList", "SbatLevel" ... */
    struct ratls_slice content;
    struct ratls_slice certificate; /* DER, of content; empty if that is another thing */
};

struct ratls_boot_image { /* PCR 4: whatever is extended there and is not a known text */
    size_t event;
    struct ratls_slice digest; /* of a PE file: its Authenticode digest */
};

struct ratls_boot_phase {
    size_t separators;  /* 1 in a good log */
    size_t errors;      /* of them: firmware reports an error (PFP, 3.3.2.2) */
    size_t after;       /* events behind the first separator */
    size_t first_after; /* number of the first of them */
};

/* Some 7 KB: not for the stack. */
struct ratls_boot {
    struct ratls_replay replay;
    struct ratls_boot_known known; /* in the bank of the replay */
    struct ratls_boot_phase phases[RATLS_BOOT_PHASES];

    enum ratls_secure_boot secure_boot;
    char secure_boot_why[RATLS_EVENTLOG_WHY_MAX];
    size_t variable_count; /* events of variables, also those that are not found below */
    struct ratls_boot_variable variables[RATLS_BOOT_VARIABLES];
    size_t authority_count;
    struct ratls_boot_authority authorities[RATLS_BOOT_AUTHORITIES_MAX];
    bool is_debug_mode;       /* PCR 7: "UEFI Debug Mode" */
    bool is_dma_unprotected;  /* PCR 7: "DMA Protection Disabled" */
    bool has_exit_invocation; /* PCR 5: "Exit Boot Services Invocation" */
    bool has_exit_success;    /* PCR 5: "Exit Boot Services Returned with Success" */
    bool has_exit_failure;    /* PCR 5: "Exit Boot Services Returned with Failure" */

    size_t image_count;
    struct ratls_boot_image images[RATLS_BOOT_IMAGES_MAX];
    /* Events with the digest of a separator or of a known text, and the type of another event. */
    size_t relabelled;
    size_t first_relabelled;
    uint32_t relabelled_pcrs; /* bit i: one of them is of PCR i */

    char why[RATLS_EVENTLOG_WHY_MAX]; /* the log as a whole is refused: nothing above holds */
};

/*
 * Walks a log that was just opened, from its begin to its end. What is found borrows from the log.
 * RATLS_OK whatever the log says.
 */
RATLS_MUST_CHECK enum ratls_status ratls_boot_read(struct ratls_eventlog *log, uint16_t bank,
                                                   struct ratls_boot *ret_boot,
                                                   struct ratls_error *err);

/* The same for who has the known digests already: those of another bank are made anew. */
RATLS_MUST_CHECK enum ratls_status ratls_boot_read_with(struct ratls_eventlog *log, uint16_t bank,
                                                        const struct ratls_boot_known *known,
                                                        struct ratls_boot *ret_boot,
                                                        struct ratls_error *err);

/* For boot.c: what an event of PCR 7 that is no known text says (boot_variables.c). */
RATLS_MUST_CHECK enum ratls_status ratls_boot_variable_event(struct ratls_boot *boot,
                                                             const struct ratls_event *event,
                                                             struct ratls_slice digest,
                                                             struct ratls_error *err);
/* For boot.c: SecureBoot or PK, found by its digest. */
void ratls_boot_known_variable(struct ratls_boot *boot, const struct ratls_event *event,
                               enum ratls_boot_known_id id, struct ratls_slice digest);
/* For boot.c: the state of Secure Boot, after the last event. */
void ratls_boot_judge_secure_boot(struct ratls_boot *boot);

#endif
