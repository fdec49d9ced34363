/*
 * A walk over the firmware's log of what it measured (TCG PC Client Platform Firmware Profile
 * Specification, version 1.05, "PFP" below), in both of its forms: crypto-agile (its first event
 * has the signature "Spec ID Event03") and with SHA-1 digests only. It borrows from the log and
 * allocates nothing.
 *
 * Nothing in a log is authenticated by being read. Digests are, once a replay (replay.h) has given
 * the quoted PCRs; the type of an event never is; its data only if the digest is over them.
 */
#ifndef RATLS_EVENTLOG_H
#define RATLS_EVENTLOG_H

#include "bytes.h"

#define RATLS_EVENTLOG_LEN_MAX (1024 * 1024)
#define RATLS_EVENTLOG_EVENTS_MAX 8192
#define RATLS_EVENTLOG_ALGS_MAX 16
#define RATLS_EVENTLOG_WHY_MAX 160
#define RATLS_EVENTLOG_NO_PCR UINT32_MAX /* Windows gives it to events that extend nothing */

enum ratls_event_type { /* PFP, 10.4.1 */
                        RATLS_EV_PREBOOT_CERT = 0x00000000,
                        RATLS_EV_POST_CODE = 0x00000001,
                        RATLS_EV_UNUSED = 0x00000002,
                        RATLS_EV_NO_ACTION = 0x00000003,
                        RATLS_EV_SEPARATOR = 0x00000004,
                        RATLS_EV_ACTION = 0x00000005,
                        RATLS_EV_EVENT_TAG = 0x00000006,
                        RATLS_EV_S_CRTM_CONTENTS = 0x00000007,
                        RATLS_EV_S_CRTM_VERSION = 0x00000008,
                        RATLS_EV_CPU_MICROCODE = 0x00000009,
                        RATLS_EV_PLATFORM_CONFIG_FLAGS = 0x0000000A,
                        RATLS_EV_TABLE_OF_DEVICES = 0x0000000B,
                        RATLS_EV_COMPACT_HASH = 0x0000000C,
                        RATLS_EV_IPL = 0x0000000D,
                        RATLS_EV_IPL_PARTITION_DATA = 0x0000000E,
                        RATLS_EV_NONHOST_CODE = 0x0000000F,
                        RATLS_EV_NONHOST_CONFIG = 0x00000010,
                        RATLS_EV_NONHOST_INFO = 0x00000011,
                        RATLS_EV_OMIT_BOOT_DEVICE_EVENTS = 0x00000012,
                        RATLS_EV_POST_CODE2 = 0x00000013,
};

/* Those of UEFI, all above INT_MAX. */
#define RATLS_EV_EFI_VARIABLE_DRIVER_CONFIG 0x80000001u
#define RATLS_EV_EFI_VARIABLE_BOOT 0x80000002u
#define RATLS_EV_EFI_BOOT_SERVICES_APPLICATION 0x80000003u
#define RATLS_EV_EFI_BOOT_SERVICES_DRIVER 0x80000004u
#define RATLS_EV_EFI_RUNTIME_SERVICES_DRIVER 0x80000005u
#define RATLS_EV_EFI_GPT_EVENT 0x80000006u
#define RATLS_EV_EFI_ACTION 0x80000007u
#define RATLS_EV_EFI_PLATFORM_FIRMWARE_BLOB 0x80000008u
#define RATLS_EV_EFI_HANDOFF_TABLES 0x80000009u
#define RATLS_EV_EFI_PLATFORM_FIRMWARE_BLOB2 0x8000000Au
#define RATLS_EV_EFI_HANDOFF_TABLES2 0x8000000Bu
#define RATLS_EV_EFI_VARIABLE_BOOT2 0x8000000Cu
#define RATLS_EV_EFI_GPT_EVENT2 0x8000000Du
#define RATLS_EV_EFI_HCRTM_EVENT 0x80000010u
#define RATLS_EV_EFI_VARIABLE_AUTHORITY 0x800000E0u
#define RATLS_EV_EFI_SPDM_FIRMWARE_BLOB 0x800000E1u
#define RATLS_EV_EFI_SPDM_FIRMWARE_CONFIG 0x800000E2u
#define RATLS_EV_EFI_SPDM_DEVICE_POLICY 0x800000E3u
#define RATLS_EV_EFI_SPDM_DEVICE_AUTHORITY 0x800000E4u

/* "EV_SEPARATOR" and so on; NULL for a type that the PFP does not name. */
const char *ratls_event_type_name(uint32_t type);

enum ratls_eventlog_rigor {
    /* For a verdict: every event lists exactly the algorithms of the header, nothing follows. */
    RATLS_EVENTLOG_STRICT,
    /*
     * For people who look at a log: an event may also list less than the header (Windows extends
     * one bank only), zeros or ones may fill the area behind the last event, and the header may be
     * of another register (logs of confidential VMs, "CCEL").
     */
    RATLS_EVENTLOG_SHOW,
};

struct ratls_eventlog_alg {
    uint16_t id; /* TPM_ALG_ID */
    uint16_t digest_len;
};

struct ratls_event {
    size_t number; /* from 0, the header included */
    size_t offset; /* of its first byte */
    uint32_t pcr;  /* below 24, or RATLS_EVENTLOG_NO_PCR for EV_NO_ACTION */
    uint32_t type;
    /* One for each algorithm of the log, in its order; empty if the event does not list it. */
    struct ratls_slice digests[RATLS_EVENTLOG_ALGS_MAX];
    struct ratls_slice data;
};

/* The first failure stays; what it was and where is in why. */
struct ratls_eventlog {
    enum ratls_eventlog_rigor rigor;
    bool is_crypto_agile;
    size_t alg_count;
    struct ratls_eventlog_alg algs[RATLS_EVENTLOG_ALGS_MAX];
    size_t len;         /* of the whole log */
    size_t events;      /* read so far */
    size_t padding;     /* bytes that fill the area behind the last event */
    size_t padding_max; /* how many equal bytes, 0x00 or 0xff, the log ends with */
    struct ratls_reader reader;
    char why[RATLS_EVENTLOG_WHY_MAX]; /* the empty string: nothing is wrong */
};

/* Reads the header. False if there is no log, and then why says what is wrong with it. */
bool ratls_eventlog_open(struct ratls_slice in, enum ratls_eventlog_rigor rigor,
                         struct ratls_eventlog *ret_log);
/* The next event, the header first. False at the end of the log and after a failure. */
bool ratls_eventlog_next(struct ratls_eventlog *log, struct ratls_event *ret_event);
/* Whether the whole log was read and nothing is wrong with it. */
bool ratls_eventlog_done(const struct ratls_eventlog *log);

/* Where the digests of an algorithm are in an event; log->alg_count if they are not. */
size_t ratls_eventlog_find_alg(const struct ratls_eventlog *log, uint16_t alg);

/* How many equal bytes, 0x00 or 0xff, a log ends with. */
size_t ratls_eventlog_count_padding(struct ratls_slice in);

#endif
