/* What `show` says about an attestation result. Nothing of it is verified here. */
#include <stdio.h>
#include <string.h>

#include "describe.h"
#include "result_file.h"

#define SELECTION_TEXT_MAX 512

static void describe_time(struct ratls_view *v, const char *key, const char *label, uint64_t time)
{
    char text[RATLS_TIME_TEXT_MAX];

    ratls_time_text((int64_t)time, text);
    ratls_view_text(v, key, label, text);
}

static void describe_trust(struct ratls_view *v, const struct ratls_result *result)
{
    ratls_view_section(v, "trustworthinessVector", "Trustworthiness vector (AR4SI)");
    for (int i = 0; i < RATLS_TRUST_COUNT; i++) {
        const char *name = ratls_trust_name((enum ratls_trust)i);
        char text[64];

        if (result->trust[i] == 0)
            continue;
        snprintf(text, sizeof text, "%d, %s", result->trust[i],
                 ratls_tier_name(ratls_tier_of(result->trust[i])));
        ratls_view_text(v, name, name, text);
    }
    if (ratls_result_overstates(result))
        ratls_view_note(v, "The status claims more than this vector: nobody should believe it.");
    ratls_view_section_end(v);
}

static void describe_quote(struct ratls_view *v, const struct ratls_result *result)
{
    char selection[SELECTION_TEXT_MAX];

    ratls_view_section(v, "appraised", "What was appraised");
    if (result->server_name.len > 0)
        ratls_view_slice(v, "serverName", "server name", result->server_name);
    ratls_view_slice(v, "service", "service", result->service);
    ratls_view_digest(v, "spkiSha256", "TLS key (SHA-256)", result->spki_sha256);
    if (result->has_state) {
        ratls_tpm_selection_text(result->selection.banks, result->selection.count, selection,
                                 sizeof selection);
        ratls_view_digest(v, "akName", "key (Name)", result->ak_name);
        ratls_view_text(v, "pcrSelection", "PCRs", selection);
        ratls_view_digest(v, "pcrDigest", "PCR digest", result->pcr_digest);
        ratls_view_uint(v, "resetCount", "reset count", result->reset_count, NULL);
        ratls_view_uint(v, "restartCount", "restart count", result->restart_count, NULL);
    } else {
        ratls_view_note(v, "The quote was not authentic: nothing is said of its key and state.");
    }
    ratls_view_section_end(v);
}

bool ratls_describe_result(struct ratls_view *v, struct ratls_slice bytes)
{
    struct ratls_result_file file;
    const struct ratls_result *result = &file.result;

    if (ratls_result_file_read(bytes, &file, NULL) != RATLS_OK)
        return false;
    ratls_view_text(v, "format", "format", file.format == RATLS_RESULT_CWT ? "cwt" : "jwt");
    ratls_view_slice(v, "profile", "profile", result->profile);
    ratls_view_text(v, "status", "status", ratls_tier_name((enum ratls_tier)result->status));
    describe_time(v, "issuedAt", "issued", result->issued_at);
    if (result->has_expiry)
        describe_time(v, "expiresAt", "expires", result->expires_at);
    ratls_view_slice(v, "developer", "verifier", result->developer);
    ratls_view_slice(v, "build", "build", result->build);
    if (result->policy_id.len > 0)
        ratls_view_slice(v, "policy", "policy", result->policy_id);
    if (result->nonce.len > 0)
        ratls_view_digest(v, "nonce", "nonce (binder)", result->nonce);
    if (result->key.len > 0)
        ratls_view_hex(v, "akpub", "TLS key", result->key);
    describe_trust(v, result);
    if (result->is_ratls)
        describe_quote(v, result);
    ratls_result_file_done(&file);
    return true;
}
