#include "extend.h"

#include <stdio.h>
#include <string.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_tctildr.h>

#include "crypto_hasher.h"
#include "eventlog.h"

#define SHA1_LEN 20
#define PLAIN_PATH_LEN 256
#define STARTUP_LOCALITY "StartupLocality"

static const uint16_t BANKS[] = {RATLS_ALG_SHA1, RATLS_ALG_SHA256, RATLS_ALG_SHA384,
                                 RATLS_ALG_SHA512};
#define BANK_COUNT (sizeof BANKS / sizeof *BANKS)

static bool fail(const char *what, uint64_t number)
{
    fprintf(stderr, "extend: entry %llu: %s\n", (unsigned long long)number, what);
    return false;
}

static bool open_tpm(const char *tcti, ESYS_CONTEXT **ret_esys)
{
    TSS2_TCTI_CONTEXT *connection = NULL;

    if (Tss2_TctiLdr_Initialize(tcti, &connection) != TSS2_RC_SUCCESS)
        return fail("no connection to the TPM", 0);
    if (Esys_Initialize(ret_esys, connection, NULL) == TSS2_RC_SUCCESS)
        return true;
    Tss2_TctiLdr_Finalize(&connection);
    return fail("no connection to the TPM", 0);
}

static void close_tpm(ESYS_CONTEXT *esys)
{
    TSS2_TCTI_CONTEXT *connection = NULL;

    Esys_GetTcti(esys, &connection);
    Esys_Finalize(&esys);
    Tss2_TctiLdr_Finalize(&connection);
}

static void add_digest(TPML_DIGEST_VALUES *values, uint16_t alg, struct ratls_slice digest)
{
    TPMT_HA *value = &values->digests[values->count++];

    value->hashAlg = alg;
    memcpy(&value->digest, digest.p, digest.len);
}

static bool extend(ESYS_CONTEXT *esys, uint32_t pcr, const TPML_DIGEST_VALUES *values,
                   uint64_t number)
{
    TSS2_RC rc = Esys_PCR_Extend(esys, ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                 ESYS_TR_NONE, values);

    return rc == TSS2_RC_SUCCESS || fail("the TPM does not extend the PCR", number);
}

static bool extend_event(ESYS_CONTEXT *esys, const struct ratls_eventlog *log,
                         const struct ratls_event *event)
{
    TPML_DIGEST_VALUES values = {.count = 0};

    if (event->type == RATLS_EV_NO_ACTION) {
        bool is_locality = event->data.len > sizeof STARTUP_LOCALITY &&
                           memcmp(event->data.p, STARTUP_LOCALITY, sizeof STARTUP_LOCALITY) == 0;

        return !is_locality || event->data.p[sizeof STARTUP_LOCALITY] == 0 ||
               fail("a software TPM starts at locality 0", event->number);
    }
    if (event->type == RATLS_EV_EFI_HCRTM_EVENT)
        return fail("an H-CRTM is no command", event->number);
    for (size_t i = 0; i < BANK_COUNT; i++) {
        size_t index = ratls_eventlog_find_alg(log, BANKS[i]);

        if (index < log->alg_count)
            add_digest(&values, BANKS[i], event->digests[index]);
    }
    return extend(esys, event->pcr, &values, event->number);
}

bool extend_boot_log(const char *tcti, struct ratls_slice in)
{
    ESYS_CONTEXT *esys = NULL;
    struct ratls_eventlog log;
    struct ratls_event event;
    bool ok = true;

    if (!ratls_eventlog_open(in, RATLS_EVENTLOG_STRICT, &log))
        return fail(log.why, 0);
    if (!open_tpm(tcti, &esys))
        return false;
    while (ok && ratls_eventlog_next(&log, &event))
        ok = extend_event(esys, &log, &event);
    close_tpm(esys);
    return ok && (ratls_eventlog_done(&log) || fail(log.why, log.events));
}

/* The digest of the template data in a bank (Linux, ima_calc_field_array_hash()). */
static bool hash_entry(const struct ratls_ima_entry *entry, uint16_t bank, uint8_t *out)
{
    uint8_t path[PLAIN_PATH_LEN] = {0};
    struct ratls_slice parts[] = {entry->data, {NULL, 0}};
    struct ratls_hasher hasher = {0};
    bool ok;

    if (entry->is_plain) {
        memcpy(path, entry->path.p, entry->path.len);
        parts[0] = entry->file.value;
        parts[1] = ratls_slice(path, sizeof path);
    }
    ok = ratls_hasher_begin(bank, &hasher, NULL) == RATLS_OK &&
         ratls_hasher_digest(&hasher, parts, 2, out, NULL) == RATLS_OK;
    ratls_hasher_end(&hasher);
    return ok;
}

static bool extend_entry(ESYS_CONTEXT *esys, const struct ratls_ima_entry *entry,
                         enum ratls_ima_mode mode)
{
    TPML_DIGEST_VALUES values = {.count = 0};

    for (size_t i = 0; i < BANK_COUNT; i++) {
        size_t len = ratls_tpm_hash_len(BANKS[i]);
        uint8_t digest[RATLS_DIGEST_MAX] = {0};

        if (entry->is_violation)
            memset(digest, 0xff, len);
        else if (BANKS[i] == RATLS_ALG_SHA1 || mode == RATLS_IMA_PADDED)
            memcpy(digest, entry->digest.p, SHA1_LEN);
        else if (!hash_entry(entry, BANKS[i], digest))
            return fail("no digest", entry->number);
        add_digest(&values, BANKS[i], ratls_slice(digest, len));
    }
    return extend(esys, entry->pcr, &values, entry->number);
}

bool extend_ima_list(const char *tcti, struct ratls_slice list, uint64_t offset,
                     enum ratls_ima_mode mode)
{
    struct ratls_ima_reader reader = ratls_ima_reader(list, RATLS_ALG_SHA1, 0, 0);
    struct ratls_ima_entry entry;
    ESYS_CONTEXT *esys = NULL;
    bool ok = true;

    if (!open_tpm(tcti, &esys))
        return false;
    while (ok && ratls_ima_next(&reader, &entry))
        ok = entry.offset < offset || extend_entry(esys, &entry, mode);
    close_tpm(esys);
    return ok && (reader.error.status == RATLS_OK || fail(reader.error.text, reader.entries));
}
