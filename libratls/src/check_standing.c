/* What speaks against a key that is otherwise good: ak.denied and ak.software. */
#include "appraise.h"
#include "crypto_tpm_maker.h"

/* Before all that could speak for the key, and before anything is verified that it signed. */
void ratls_check_denied(struct ratls_appraisal *a)
{
    char actual[2 * RATLS_TPM_NAME_MAX + 1];

    if (!a->rules->denied_keys.is_asked) {
        ratls_check_not_asked(a->report, RATLS_CHECK_AK_DENIED);
        return;
    }
    if (!ratls_check_decide(a->report, RATLS_CHECK_AK_DENIED, !a->is_denied))
        return;
    ratls_hex(ratls_slice(a->ak_name, a->ak_name_len), actual, sizeof actual);
    ratls_check_say(a->report, RATLS_CHECK_AK_DENIED, "quote.ak-public",
                    "a key that is not among deny-keys", actual);
}

/*
 * Of a key that an issuer certified: one that is pinned was chosen by hand. The short way to a
 * chain (crypto_chain_plain.c) takes no certificate with such a name, and what is known from before
 * was looked at then, by the same rules.
 */
bool ratls_check_software(struct ratls_appraisal *a, bool is_trusted, bool is_software)
{
    if (a->is_pinned || a->rules->issuer_count == 0 || a->rules->allows_software)
        ratls_check_not_asked(a->report, RATLS_CHECK_AK_SOFTWARE);
    else if (is_trusted)
        return ratls_check_holds(a->report, RATLS_CHECK_AK_SOFTWARE, !is_software,
                                 "quote.certificates", "a key of a TPM",
                                 is_software ? "a key of a software TPM, whose owner can read it "
                                               "and sign anything with it"
                                             : "one");
    return true;
}
