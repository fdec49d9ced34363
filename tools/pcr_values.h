/*
 * PCR values by bank and index: of a file in JSON, or what a log gives. The form of the file is
 * {"sha256": {"0": "00…", …}, …}, or an object that has this as its member "pcrs", as what
 * `ratls show --json` writes of a log has.
 */
#ifndef RATLS_TOOL_PCR_VALUES_H
#define RATLS_TOOL_PCR_VALUES_H

#include <ratls/attester.h>
#include <ratls/error.h>

#include "bank_hash.h"
#include "view.h"

#define RATLS_PCR_BANKS_MAX 16

struct ratls_pcr_bank_values {
    uint16_t alg;
    size_t len;
    uint32_t present; /* bit n: PCR n has a value */
    uint8_t values[RATLS_PCR_COUNT][RATLS_BANK_DIGEST_MAX];
};

struct ratls_pcr_values { /* some 25 KB: not for the stack */
    size_t count;
    struct ratls_pcr_bank_values banks[RATLS_PCR_BANKS_MAX];
};

/* The bank, or NULL; added if it is not there and there is room. */
const struct ratls_pcr_bank_values *ratls_pcr_values_find(const struct ratls_pcr_values *values,
                                                          uint16_t alg);
struct ratls_pcr_bank_values *ratls_pcr_values_add(struct ratls_pcr_values *values, uint16_t alg);

/* RATLS_USAGE: the text is not of this form. The caller frees with free(). */
RATLS_MUST_CHECK enum ratls_status ratls_pcr_values_read(struct ratls_slice json,
                                                         struct ratls_pcr_values **ret_values,
                                                         struct ratls_error *err);

/* `key`: {bank: {index: hex}}; people see a heading for each bank, with the words behind it. */
void ratls_describe_pcr_values(struct ratls_view *v, const char *key,
                               const struct ratls_pcr_values *values, const char *words);

#endif
