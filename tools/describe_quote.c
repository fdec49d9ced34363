#include "describe_quote.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "output.h"
#include "quote_file.h"
#include "tpm_wire.h"

#define TEXT_MAX 256

static const char *attested_word(uint16_t type)
{
    switch (type) { /* Part 2, 6.9 (TPM_ST) */
    case 0x8014:
        return "nv";
    case 0x8015:
        return "command-audit";
    case 0x8016:
        return "session-audit";
    case 0x8017:
        return "certify";
    case RATLS_TPM_ST_ATTEST_QUOTE:
        return "quote";
    case 0x8019:
        return "time";
    case 0x801A:
        return "creation";
    case 0x801C:
        return "nv-digest";
    default:
        return "unknown";
    }
}

/* PCRs of one bank, in all its entries: JSON knows a name once. */
static void describe_bank(struct ratls_view *v, const struct ratls_tpm_selection *selection,
                          size_t bank)
{
    const char *name = ratls_bank_name(selection->banks[bank].hash_alg);
    uint32_t pcrs = 0;

    for (size_t i = 0; i < selection->count; i++) {
        if (selection->banks[i].hash_alg != selection->banks[bank].hash_alg)
            continue;
        if (i < bank)
            return;
        pcrs |= selection->banks[i].pcrs;
    }
    ratls_view_list(v, name == NULL ? "unknown" : name);
    for (unsigned pcr = 0; pcr < RATLS_PCR_COUNT; pcr++)
        if ((pcrs >> pcr & 1) != 0)
            ratls_view_uint(v, NULL, NULL, pcr, NULL);
    ratls_view_list_end(v);
}

static void describe_selection(struct ratls_view *v, const struct ratls_tpm_attest *attest)
{
    char text[TEXT_MAX];

    if (v->json) {
        ratls_view_section(v, "selection", NULL);
        for (size_t i = 0; i < attest->selection.count; i++)
            describe_bank(v, &attest->selection, i);
        ratls_view_section_end(v);
    }
    ratls_tpm_selection_text(attest->selection.banks, attest->selection.count, text, sizeof text);
    ratls_view_text(v, "selection-text", "PCRs", text);
    ratls_view_digest(v, "pcr-digest", "PCR digest", attest->pcr_digest);
}

static void describe_clock(struct ratls_view *v, const struct ratls_tpm_attest *attest)
{
    const uint64_t seconds = attest->clock_ms / 1000;
    char text[TEXT_MAX];

    snprintf(text, sizeof text,
             "%" PRIu64 " days %02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 " powered, %s",
             seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60,
             attest->safe ? "safe" : "not safe");
    if (v->json)
        ratls_view_section(v, "clock", NULL);
    ratls_view_uint(v, "clock", NULL, attest->clock_ms, NULL);
    if (!v->json)
        ratls_view_text(v, NULL, "clock", text);
    ratls_view_uint(v, "resetCount", "resets", attest->reset_count, NULL);
    ratls_view_uint(v, "restartCount", "restarts", attest->restart_count, NULL);
    ratls_view_bool(v, "safe", NULL, attest->safe);
    if (v->json)
        ratls_view_section_end(v);
}

void ratls_describe_attest(struct ratls_view *v, const struct ratls_tpm_attest *attest)
{
    char firmware[TEXT_MAX];

    snprintf(firmware, sizeof firmware, "0x%016" PRIx64, attest->firmware_version);
    ratls_view_text(v, "attested", "attested", attested_word(attest->type));
    if (attest->type == RATLS_TPM_ST_ATTEST_QUOTE)
        describe_selection(v, attest);
    ratls_view_hex(v, "extra-data", "nonce", attest->extra_data);
    describe_clock(v, attest);
    ratls_view_text(v, "firmware-version", "TPM firmware", firmware);
    ratls_view_digest(v, "qualified-signer", "qualified signer", attest->qualified_signer);
}

/* Which scheme and hash, as far as the file says. */
static void describe_scheme(struct ratls_view *v, const struct ratls_signature_file *signature,
                            uint16_t hash)
{
    char text[TEXT_MAX];

    if (hash == 0)
        return;
    snprintf(text, sizeof text, "%s%s%s%s",
             signature->alone.len > 0 ? "" : ratls_tpm_alg_name(signature->tpmt.alg),
             signature->alone.len > 0 ? "" : " with ", ratls_tpm_alg_name(hash),
             hash == RATLS_ALG_SHA1 ? " (weak: not accepted as evidence)" : "");
    ratls_view_text(v, "signature-algorithm", "signed with", text);
}

static int describe_signature(struct ratls_view *v, const struct ratls_quote_files *files)
{
    struct ratls_signature_file signature = ratls_signature_file(files->signature);
    EVP_PKEY *key = ratls_ak_read(files->ak);
    struct ratls_error err = {0};
    enum ratls_status status;
    bool is_good = false;
    uint16_t hash = 0;

    if (key == NULL) {
        ratls_complain("--ak: neither a TPM2B_PUBLIC, a TPMT_PUBLIC, a public key nor a "
                       "certificate");
        return RATLS_EXIT_FAILED;
    }
    status = ratls_signature_file_check(&signature, key, files->attest, &is_good, &hash, &err);
    EVP_PKEY_free(key);
    if (status != RATLS_OK)
        return ratls_out_error(status, &err);
    describe_scheme(v, &signature, hash);
    ratls_view_text(v, "signature", "signature", is_good ? "good" : "bad");
    if (is_good)
        ratls_view_note(v, "Signed by the key of --ak; whether that is in a TPM, and in which, it "
                           "does not say.");
    return is_good ? RATLS_EXIT_OK : RATLS_EXIT_REFUSED;
}

/* The expected values in the order of the selection. False, and which, if one is missing. */
static bool collect_values(const struct ratls_tpm_attest *attest,
                           const struct ratls_pcr_values *expected, struct ratls_slice *parts,
                           size_t *ret_count, char missing[static TEXT_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < attest->selection.count; i++) {
        const struct ratls_pcr_bank *bank = &attest->selection.banks[i];
        const struct ratls_pcr_bank_values *values =
            ratls_pcr_values_find(expected, bank->hash_alg);

        for (unsigned pcr = 0; pcr < RATLS_PCR_COUNT; pcr++) {
            if ((bank->pcrs >> pcr & 1) == 0)
                continue;
            if (values == NULL || (values->present >> pcr & 1) == 0) {
                snprintf(missing, TEXT_MAX, "PCR %u of bank %s", pcr,
                         ratls_tpm_alg_name(bank->hash_alg));
                return false;
            }
            parts[count++] = ratls_slice(values->values[pcr], values->len);
        }
    }
    *ret_count = count;
    return true;
}

/* The digest of those values, by the hash that has the length of the quoted one. */
static bool digest_values(const struct ratls_tpm_attest *attest,
                          const struct ratls_pcr_values *expected, uint8_t *out,
                          char missing[static TEXT_MAX])
{
    struct ratls_slice *parts = calloc(RATLS_TPM_BANKS_MAX * RATLS_PCR_COUNT, sizeof *parts);
    struct ratls_bank_hash hash = {.len = 0};
    size_t count = 0;
    bool is_good;

    snprintf(missing, TEXT_MAX, "a hash with digests of %zu bytes", attest->pcr_digest.len);
    is_good = parts != NULL && collect_values(attest, expected, parts, &count, missing) &&
              ratls_bank_hash_begin(ratls_bank_by_len(attest->pcr_digest.len), &hash) &&
              ratls_bank_hash(&hash, parts, count, out);
    ratls_bank_hash_end(&hash);
    free(parts);
    return is_good;
}

static int describe_comparison(struct ratls_view *v, const struct ratls_tpm_attest *attest,
                               const struct ratls_pcr_values *expected)
{
    uint8_t digest[RATLS_BANK_DIGEST_MAX];
    char missing[TEXT_MAX];
    struct ratls_slice computed = {digest, attest->pcr_digest.len};
    bool is_complete = digest_values(attest, expected, digest, missing);
    bool agrees = is_complete && ratls_slice_equal(computed, attest->pcr_digest);

    ratls_view_section(v, "comparison", "Comparison with the PCRs of --pcrs");
    if (!is_complete)
        ratls_view_text(v, "missing", "missing", missing);
    else
        ratls_view_digest(v, "pcr-digest", agrees ? NULL : "their digest", computed);
    ratls_view_bool(v, "agrees", NULL, agrees);
    ratls_view_note(v, agrees        ? "The quote is over these values."
                       : is_complete ? "The quote is over OTHER values."
                                     : "The values cannot be compared.");
    ratls_view_section_end(v);
    return agrees ? RATLS_EXIT_OK : RATLS_EXIT_REFUSED;
}

int ratls_describe_quote(struct ratls_view *v, const struct ratls_quote_files *files)
{
    struct ratls_tpm_attest attest = {0};
    int code = RATLS_EXIT_OK;
    int compared = RATLS_EXIT_OK;

    if (ratls_tpm_read_attest(files->attest, &attest))
        ratls_describe_attest(v, &attest);
    else
        ratls_view_text(v, "error", "DAMAGED", "not a whole TPMS_ATTEST");
    if (files->signature.p != NULL)
        code = describe_signature(v, files);
    else
        ratls_view_note(v, "UNAUTHENTICATED: --signature and --ak check who signed it.");
    if (attest.raw.p == NULL)
        return RATLS_EXIT_FAILED;
    if (files->expected != NULL)
        compared = describe_comparison(v, &attest, files->expected);
    return code == RATLS_EXIT_OK ? compared : code;
}
