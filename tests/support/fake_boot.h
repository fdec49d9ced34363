/*
 * The boot of a machine that is none: firmware, Secure Boot, shim, GRUB, a kernel. Its log, the PCR
 * values that it leads to, and a policy that allows exactly this. A test changes an event, and then
 * extends the PCRs again, as who owns the machine can, or does not.
 *
 * Nothing here returns an error: what fails prints why and aborts the test.
 */
#ifndef RATLS_TEST_FAKE_BOOT_H
#define RATLS_TEST_FAKE_BOOT_H

#include "fake_tpm.h"
#include "rules.h"

#define FAKE_EVENT_MAX 1024
#define FAKE_EVENTS_MAX 128
#define FAKE_BOOT_PCRS 0x6bbfu /* 0 to 5, 7 to 9, 11, 13, 14 */

struct fake_event {
    char name[32]; /* for tests: not in the log */
    uint32_t pcr;
    uint32_t type;
    size_t data_len;
    uint8_t data[FAKE_EVENT_MAX];
    size_t measured_len; /* what the digest is over */
    uint8_t measured[FAKE_EVENT_MAX];
};

struct fake_boot {
    size_t count;
    struct fake_event events[FAKE_EVENTS_MAX];
    size_t phases;  /* of systemd, which extends PCR 11 and writes no log: 0 to 4 */
    X509 *platform; /* signed shim; in db */
    X509 *vendor;   /* signed GRUB and kernel; in shim */
    void (*edit)(struct fake_boot *boot); /* changes the bytes of the log, once they are made */
    size_t log_len;
    uint8_t log[FAKE_EVENTS_MAX * FAKE_EVENT_MAX];
};

struct fake_boot *fake_boot_new(void);
void fake_boot_free(struct fake_boot *boot);

/* The event of this name; there must be one. */
struct fake_event *fake_boot_event(struct fake_boot *boot, const char *name);
/* A new event whose digest is over its data; before == NULL: at the end. */
struct fake_event *fake_boot_insert(struct fake_boot *boot, const char *before, const char *name,
                                    uint32_t pcr, uint32_t type, struct ratls_slice data);
void fake_boot_remove(struct fake_boot *boot, const char *name);
void fake_event_data(struct fake_event *event, const void *p, size_t len);
void fake_event_measured(struct fake_event *event, const void *p, size_t len);
/* UEFI_VARIABLE_DATA of 8be4df61-93ca-11d2-aa0d-00e098032b8c. Returns its length. */
size_t fake_variable(const char *name, struct ratls_slice content, uint8_t *out);

/* The PCRs of SHA-256, from their initial values on. */
void fake_boot_extend(const struct fake_boot *boot, struct fake_tpm *tpm);
/* The log, crypto-agile with SHA-256; alive until the next call. */
struct ratls_slice fake_boot_log(struct fake_boot *boot);

/*
 * Rules that every event of the boot as it is now is allowed by, for FAKE_BOOT_PCRS; no other rules
 * of PCRs. They are freed with fake_boot_forget(), before the policy is.
 */
void fake_boot_allow(struct fake_boot *boot, struct ratls_policy *policy);
void fake_boot_forget(struct ratls_policy *policy);

#endif
