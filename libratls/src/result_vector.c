#include "result_vector.h"

#include <string.h>

/* draft-ietf-rats-ar4si, 2.3.4: values of claims. */
#define CRYPTO_FAILED 99 /* of all claims */
#define APPROVED 2
#define APPROVED_AT_BOOT 3    /* executables */
#define UNRECOGNISED_FILES 32 /* file-system */
#define UNRECOGNISED_CODE 33  /* executables */
#define UNAVAILABLE 36        /* configuration */
#define CONTRAINDICATED 96
#define UNRECOGNISED 97 /* instance-identity, although it should be recognised */

#define PCR(index) (UINT32_C(1) << (index))
/* TCG PFP, 3.3.4: what the firmware starts; its settings, and those of Secure Boot. */
#define PCRS_OF_EXECUTABLES PCR(4)
#define PCRS_OF_CONFIGURATION (PCR(1) | PCR(3) | PCR(7))

/*
 * Without these nothing that the evidence says is authentic, of this session, or what the PCRs
 * stand for.
 */
static const enum ratls_check cryptographic[] = {
    RATLS_CHECK_STATEMENT_NONCE,    RATLS_CHECK_STATEMENT_BINDER,   RATLS_CHECK_STATEMENT_SPKI,
    RATLS_CHECK_STATEMENT_TLS,      RATLS_CHECK_STATEMENT_MANIFEST, RATLS_CHECK_STATEMENT_MODE,
    RATLS_CHECK_STATEMENT_ROLE,     RATLS_CHECK_STATEMENT_LABEL,    RATLS_CHECK_QUOTE_SIGNATURE,
    RATLS_CHECK_QUOTE_MAGIC,        RATLS_CHECK_QUOTE_TYPE,         RATLS_CHECK_QUOTE_SIGNER,
    RATLS_CHECK_QUOTE_EXTRA_DATA,   RATLS_CHECK_PCR_DIGEST,         RATLS_CHECK_BOOT_REPLAY,
    RATLS_CHECK_BOOT_LABELS,        RATLS_CHECK_IMA_ENTRY,          RATLS_CHECK_IMA_REPLAY,
    RATLS_CHECK_IMA_BOOT_AGGREGATE,
};

/* What a claim becomes if a check fails; the worst of them counts. */
static const struct {
    enum ratls_check check;
    enum ratls_trust claim;
    int8_t value;
} failures[] = {
    {RATLS_CHECK_EVIDENCE_PRESENT, RATLS_TRUST_INSTANCE_IDENTITY, UNRECOGNISED},
    {RATLS_CHECK_EVIDENCE_FORMAT, RATLS_TRUST_INSTANCE_IDENTITY, UNRECOGNISED},
    {RATLS_CHECK_AK_FORMAT, RATLS_TRUST_INSTANCE_IDENTITY, UNRECOGNISED},
    {RATLS_CHECK_AK_ATTRIBUTES, RATLS_TRUST_INSTANCE_IDENTITY, CONTRAINDICATED},
    {RATLS_CHECK_AK_ALGORITHM, RATLS_TRUST_INSTANCE_IDENTITY, CONTRAINDICATED},
    {RATLS_CHECK_AK_DENIED, RATLS_TRUST_INSTANCE_IDENTITY, CONTRAINDICATED},
    {RATLS_CHECK_AK_REVOKED, RATLS_TRUST_INSTANCE_IDENTITY, CONTRAINDICATED},
    {RATLS_CHECK_AK_SOFTWARE, RATLS_TRUST_HARDWARE, CONTRAINDICATED},
    {RATLS_CHECK_AK_TRUST, RATLS_TRUST_INSTANCE_IDENTITY, UNRECOGNISED},
    {RATLS_CHECK_AK_SERVER, RATLS_TRUST_INSTANCE_IDENTITY, CONTRAINDICATED},
    {RATLS_CHECK_TLS_KEY_PRESENT, RATLS_TRUST_INSTANCE_IDENTITY, CONTRAINDICATED},
    {RATLS_CHECK_TLS_KEY_FORMAT, RATLS_TRUST_INSTANCE_IDENTITY, CONTRAINDICATED},
    {RATLS_CHECK_TLS_KEY_SIGNATURE, RATLS_TRUST_INSTANCE_IDENTITY, CONTRAINDICATED},
    {RATLS_CHECK_TLS_KEY_TYPE, RATLS_TRUST_INSTANCE_IDENTITY, CONTRAINDICATED},
    {RATLS_CHECK_TLS_KEY_NAME, RATLS_TRUST_INSTANCE_IDENTITY, CONTRAINDICATED},
    {RATLS_CHECK_TLS_KEY_SPKI, RATLS_TRUST_INSTANCE_IDENTITY, CONTRAINDICATED},
    {RATLS_CHECK_TLS_KEY_ATTRIBUTES, RATLS_TRUST_INSTANCE_IDENTITY, CONTRAINDICATED},
    {RATLS_CHECK_STATEMENT_SERVICE, RATLS_TRUST_INSTANCE_IDENTITY, CONTRAINDICATED},
    {RATLS_CHECK_QUOTE_COUNTERS, RATLS_TRUST_INSTANCE_IDENTITY, CONTRAINDICATED},
    {RATLS_CHECK_QUOTE_CLOCK, RATLS_TRUST_INSTANCE_IDENTITY, CONTRAINDICATED},
    {RATLS_CHECK_QUOTE_FIRMWARE, RATLS_TRUST_HARDWARE, CONTRAINDICATED},
    /* A value does not say what is other than it should be. */
    {RATLS_CHECK_PCR_SELECTION, RATLS_TRUST_CONFIGURATION, UNAVAILABLE},
    {RATLS_CHECK_PCR_VALUE, RATLS_TRUST_CONFIGURATION, UNAVAILABLE},
    {RATLS_CHECK_PCR_VALUE, RATLS_TRUST_EXECUTABLES, UNRECOGNISED_CODE},
    {RATLS_CHECK_BOOT_PRESENT, RATLS_TRUST_CONFIGURATION, UNAVAILABLE},
    {RATLS_CHECK_BOOT_FORMAT, RATLS_TRUST_CONFIGURATION, UNAVAILABLE},
    {RATLS_CHECK_BOOT_SEPARATORS, RATLS_TRUST_CONFIGURATION, CONTRAINDICATED},
    {RATLS_CHECK_BOOT_EXIT, RATLS_TRUST_CONFIGURATION, CONTRAINDICATED},
    {RATLS_CHECK_BOOT_SECURE_BOOT, RATLS_TRUST_CONFIGURATION, CONTRAINDICATED},
    {RATLS_CHECK_BOOT_DEBUG, RATLS_TRUST_CONFIGURATION, CONTRAINDICATED},
    {RATLS_CHECK_BOOT_VARIABLES, RATLS_TRUST_CONFIGURATION, CONTRAINDICATED},
    {RATLS_CHECK_BOOT_SETTINGS, RATLS_TRUST_CONFIGURATION, CONTRAINDICATED},
    {RATLS_CHECK_BOOT_PARTITIONS, RATLS_TRUST_CONFIGURATION, CONTRAINDICATED},
    {RATLS_CHECK_BOOT_COMMAND_LINE, RATLS_TRUST_CONFIGURATION, CONTRAINDICATED},
    {RATLS_CHECK_BOOT_OWNER_KEYS, RATLS_TRUST_CONFIGURATION, CONTRAINDICATED},
    {RATLS_CHECK_BOOT_SIGNERS, RATLS_TRUST_EXECUTABLES, UNRECOGNISED_CODE},
    {RATLS_CHECK_BOOT_IMAGES, RATLS_TRUST_EXECUTABLES, UNRECOGNISED_CODE},
    {RATLS_CHECK_BOOT_KERNEL, RATLS_TRUST_EXECUTABLES, UNRECOGNISED_CODE},
    {RATLS_CHECK_BOOT_FIRMWARE, RATLS_TRUST_EXECUTABLES, UNRECOGNISED_CODE},
    {RATLS_CHECK_BOOT_FILES, RATLS_TRUST_EXECUTABLES, UNRECOGNISED_CODE},
    {RATLS_CHECK_IMA_VIOLATIONS, RATLS_TRUST_EXECUTABLES, UNRECOGNISED_CODE},
    {RATLS_CHECK_IMA_DENY, RATLS_TRUST_EXECUTABLES, CONTRAINDICATED},
    {RATLS_CHECK_IMA_DENY, RATLS_TRUST_FILE_SYSTEM, CONTRAINDICATED},
    {RATLS_CHECK_IMA_SIGNATURE, RATLS_TRUST_EXECUTABLES, UNRECOGNISED_CODE},
    {RATLS_CHECK_IMA_SIGNATURE, RATLS_TRUST_FILE_SYSTEM, UNRECOGNISED_FILES},
    {RATLS_CHECK_IMA_ALLOW, RATLS_TRUST_EXECUTABLES, UNRECOGNISED_CODE},
    {RATLS_CHECK_IMA_ALLOW, RATLS_TRUST_FILE_SYSTEM, UNRECOGNISED_FILES},
};

static bool is_failed(const struct ratls_report *report, enum ratls_check check)
{
    return report->slots[check].verdict == RATLS_FAIL;
}

/*
 * What an accepted server is. Hardware: whether the TPM is a genuine one is known to who enrolled
 * its key, not to us. Storage, memory and the data of others: a quote says nothing of them.
 */
static void claim_accepted(const struct ratls_report_facts *facts, bool has_run_files,
                           int8_t trust[static RATLS_TRUST_COUNT])
{
    trust[RATLS_TRUST_INSTANCE_IDENTITY] = APPROVED;
    if ((facts->judged & PCRS_OF_CONFIGURATION) == PCRS_OF_CONFIGURATION)
        trust[RATLS_TRUST_CONFIGURATION] = APPROVED;
    if ((facts->judged & PCRS_OF_EXECUTABLES) == PCRS_OF_EXECUTABLES)
        trust[RATLS_TRUST_EXECUTABLES] = has_run_files ? APPROVED : APPROVED_AT_BOOT;
    if (has_run_files)
        trust[RATLS_TRUST_FILE_SYSTEM] = APPROVED;
}

/* A server that is refused may still be known. */
static void claim_failures(const struct ratls_report *report,
                           int8_t trust[static RATLS_TRUST_COUNT])
{
    if (report->facts->has_state && ratls_check_passed(report, RATLS_CHECK_AK_SERVER))
        trust[RATLS_TRUST_INSTANCE_IDENTITY] = APPROVED;
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        int8_t *claim = &trust[failures[i].claim];

        if (is_failed(report, failures[i].check) && *claim < failures[i].value)
            *claim = failures[i].value;
    }
}

/* Each claim that an accepted server might have had, and who it is. */
static void claim_nothing_authentic(const struct ratls_report_facts *facts,
                                    int8_t trust[static RATLS_TRUST_COUNT])
{
    trust[RATLS_TRUST_INSTANCE_IDENTITY] = CRYPTO_FAILED;
    trust[RATLS_TRUST_HARDWARE] = CRYPTO_FAILED;
    trust[RATLS_TRUST_CONFIGURATION] = CRYPTO_FAILED;
    trust[RATLS_TRUST_EXECUTABLES] = CRYPTO_FAILED;
    if (facts->judges_files)
        trust[RATLS_TRUST_FILE_SYSTEM] = CRYPTO_FAILED;
}

void ratls_result_vector(const struct ratls_report *report, int8_t ret_trust[RATLS_TRUST_COUNT],
                         enum ratls_tier *ret_status)
{
    const struct ratls_report_facts *facts = report->facts;
    bool is_forged = false;

    memset(ret_trust, 0, RATLS_TRUST_COUNT);
    for (size_t i = 0; i < sizeof cryptographic / sizeof *cryptographic; i++)
        is_forged = is_forged || is_failed(report, cryptographic[i]);
    if (ratls_report_accepted(report))
        claim_accepted(facts,
                       facts->judges_files && ratls_check_passed(report, RATLS_CHECK_IMA_REPLAY),
                       ret_trust);
    else if (is_forged)
        claim_nothing_authentic(facts, ret_trust);
    else
        claim_failures(report, ret_trust);
    *ret_status =
        ratls_report_accepted(report) ? ratls_result_worst(ret_trust) : RATLS_TIER_CONTRAINDICATED;
}
