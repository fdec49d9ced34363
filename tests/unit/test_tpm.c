/* What the codes of tpm2-tss mean for us: TPM 2.0 Part 2, 6.6; TSS 2.0 Overview, response codes. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tpm.h"

#define RESMGR TSS2_RESMGR_TPM_RC_LAYER /* codes of the TPM that a resource manager passed on */

static const struct {
    const char *name;
    TSS2_RC rc;
    bool is_busy;
    bool is_broken;
    bool is_no_object;
    const char *text;
} codes[] = {
    {"retry", TPM2_RC_RETRY, true, false, false, "busy"},
    {"yielded", TPM2_RC_YIELDED, true, false, false, "busy"},
    {"testing", TPM2_RC_TESTING, true, false, false, "testing itself"},
    {"retry, passed on", RESMGR | TPM2_RC_RETRY, true, false, false, "busy"},
    {"TCTI: try again", TSS2_TCTI_RC_TRY_AGAIN, true, false, false, "0xa0009"},
    {"no session slot", TPM2_RC_SESSION_MEMORY, true, false, false, "/dev/tpmrm0"},
    {"lockout", TPM2_RC_LOCKOUT, false, true, false, "--clear-lockout"},
    {"lockout, passed on", RESMGR | TPM2_RC_LOCKOUT, false, true, false, "--clear-lockout"},
    {"failure", TPM2_RC_FAILURE, false, true, false, "power-cycle"},
    {"not started", TPM2_RC_INITIALIZE, false, true, false, "tpm2_startup -c"},
    {"handle 1", TPM2_RC_HANDLE | TPM2_RC_1, false, true, true, "0x18b"},
    {"handle 1, passed on", RESMGR | TPM2_RC_HANDLE | TPM2_RC_1, false, true, true,
     "handle is not correct"},
    {"hash in parameter 3", TPM2_RC_HASH | TPM2_RC_P | TPM2_RC_3, false, false, false,
     "other PCR banks"},
    {"hash, passed on", RESMGR | TPM2_RC_HASH | TPM2_RC_P | TPM2_RC_3, false, false, false,
     "other PCR banks"},
    {"password", TPM2_RC_BAD_AUTH | TPM2_RC_S | TPM2_RC_1, false, true, false, "has a password"},
    {"no NV space", TPM2_RC_NV_SPACE, false, true, false, "tpm2_evictcontrol"},
    {"TCTI: transport", TSS2_TCTI_RC_IO_ERROR, false, true, false, "connection to the TPM broke"},
    {"ESYS: bad value", TSS2_ESYS_RC_BAD_VALUE, false, true, false, "0x7000b"},
};

Test(tpm, codes)
{
    size_t i;

    for (i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct ratls_tpm tpm = {0};
        struct ratls_error err = {0};

        cr_expect_eq(ratls_tpm_fail(&tpm, codes[i].rc, "quoting", &err), RATLS_TPM);
        cr_expect_eq(strncmp(err.text, "quoting: ", 9), 0, "%s", err.text);
        cr_expect_not_null(strstr(err.text, codes[i].text), "%s: %s", codes[i].name, err.text);
        cr_expect_lt(strlen(err.text), sizeof err.text - 1, "%s: cut", codes[i].name);
        cr_expect_eq(ratls_tpm_is_busy(&tpm), codes[i].is_busy, "%s", codes[i].name);
        cr_expect_eq(ratls_tpm_is_broken(&tpm), codes[i].is_broken, "%s", codes[i].name);
        cr_expect_eq(ratls_tpm_no_object(codes[i].rc), codes[i].is_no_object, "%s", codes[i].name);
    }
}

Test(tpm, success_is_neither)
{
    const struct ratls_tpm tpm = {0};

    cr_assert_not(ratls_tpm_is_busy(&tpm));
    cr_assert_not(ratls_tpm_is_broken(&tpm));
}

/* TPM 2.0 Part 2, 10.6.1: bit i of octet j is PCR 8j + i. */
Test(tpm, selection)
{
    const struct ratls_pcr_selection in = {2, {{TPM2_ALG_SHA256, 0x800281}, {TPM2_ALG_SHA384, 1}}};
    const BYTE first[3] = {0x81, 0x02, 0x80};
    const BYTE second[3] = {0x01, 0x00, 0x00};
    TPML_PCR_SELECTION out;

    ratls_tpm_selection_out(&in, &out);
    cr_assert_eq(out.count, 2);
    cr_assert_eq(out.pcrSelections[0].hash, TPM2_ALG_SHA256);
    cr_assert_eq(out.pcrSelections[0].sizeofSelect, 3);
    cr_assert_eq(memcmp(out.pcrSelections[0].pcrSelect, first, 3), 0);
    cr_assert_eq(out.pcrSelections[1].hash, TPM2_ALG_SHA384);
    cr_assert_eq(memcmp(out.pcrSelections[1].pcrSelect, second, 3), 0);
}
