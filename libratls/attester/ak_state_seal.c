/* What the folder of an attestation key says about sealing. */
#include <stdio.h>
#include <string.h>

#include "ak_state.h"
#include "cbor.h"
#include "fail.h"
#include "request.h"
#include "seals.h"

#define SELECTION_MAX 256 /* of four banks with 24 PCRs each: 120 bytes, in CBOR */
#define TEXT_MAX 384

/* Any even number of digits, at most cap bytes. */
static bool unhex_all(const char *text, uint8_t *out, size_t cap, size_t *ret_len)
{
    const size_t len = strlen(text) / 2;

    if (len > cap || !ratls_unhex(text, out, len))
        return false;
    *ret_len = len;
    return true;
}

static bool read_selection(const char *text, struct ratls_pcr_selection *ret)
{
    uint8_t bytes[SELECTION_MAX];
    struct ratls_pcr_selection selection;
    struct ratls_cbor c;
    size_t len;

    if (!unhex_all(text, bytes, sizeof bytes, &len))
        return false;
    c = ratls_cbor(ratls_slice(bytes, len));
    ratls_selection_read(&c, &selection);
    if (!ratls_cbor_done(&c) || !ratls_selection_valid(&selection))
        return false;
    *ret = selection;
    return true;
}

enum ratls_status ratls_ak_state_read_seal(const char *folder, const char *sealed_to,
                                           const char *authority, struct ratls_ak_state *state,
                                           struct ratls_error *err)
{
    struct ratls_seal_authority read;
    struct ratls_pcr_selection selection;
    uint8_t area[RATLS_SEAL_AREA_MAX];
    struct ratls_error why = {0};
    enum ratls_status status;
    size_t len = 0;

    if (sealed_to == NULL && authority == NULL)
        return RATLS_OK;
    if (sealed_to == NULL || authority == NULL)
        return ratls_fail(err, RATLS_USAGE, "%s/ak.conf: %s is missing", folder,
                          sealed_to == NULL ? "sealed-to" : "seal-authority");
    if (!read_selection(sealed_to, &selection))
        return ratls_fail(err, RATLS_USAGE, "%s/ak.conf: sealed-to is not a selection of PCRs",
                          folder);
    if (!unhex_all(authority, area, sizeof area, &len))
        return ratls_fail(err, RATLS_USAGE, "%s/ak.conf: seal-authority is not a public area",
                          folder);
    status = ratls_seal_authority_of_area(ratls_slice(area, len), &read, &why);
    if (status != RATLS_OK)
        return ratls_fail(err, status, "%s/ak.conf: seal-authority: %s", folder, why.text);
    return ratls_seals_read(folder, &read, &selection, &state->seals, err);
}

void ratls_ak_state_seal_lines(const struct ratls_ak_state *state,
                               char out[static RATLS_AK_SEAL_LINES])
{
    char text[TEXT_MAX], selection[2 * SELECTION_MAX + 1], area[2 * RATLS_SEAL_AREA_MAX + 1];
    uint8_t bytes[SELECTION_MAX];
    struct ratls_writer w = ratls_writer(bytes, sizeof bytes);
    const struct ratls_seals *seals = state->seals;

    out[0] = '\0';
    if (seals == NULL)
        return;
    ratls_selection_write(&seals->selection, &w);
    ratls_hex(ratls_writer_slice(&w), selection, sizeof selection);
    ratls_hex(ratls_slice(seals->authority.area, seals->authority.area_len), area, sizeof area);
    ratls_tpm_selection_text(seals->selection.banks, seals->selection.count, text, sizeof text);
    snprintf(out, RATLS_AK_SEAL_LINES, "# Sealed to %s\nsealed-to = %s\nseal-authority = %s\n",
             text, selection, area);
}

/* The TPM has the last word; these are mistakes in files, found before it is asked. */
enum ratls_status ratls_ak_state_check_seal(const char *path, const struct ratls_ak_state *state,
                                            struct ratls_error *err)
{
    const bool is_sealed = state->seals != NULL;
    uint8_t policy[RATLS_SEAL_DIGEST_LEN];
    struct ratls_tpm_public area;
    enum ratls_status status;

    if (!ratls_tpm_read_public(ratls_slice(state->public_area, state->public_len), &area))
        return ratls_fail(err, RATLS_USAGE, "%s: not the public area of a key", path);
    if (ratls_seal_is_sealed(&area) != is_sealed)
        return ratls_fail(err, RATLS_USAGE, "%s: a key that is %s, and ak.conf says otherwise",
                          path, is_sealed ? "not sealed" : "sealed");
    if (!is_sealed)
        return RATLS_OK;
    status = ratls_seal_auth_policy(state->seals->authority.name, &state->seals->selection, policy,
                                    err);
    if (status == RATLS_OK && !ratls_slice_equal(area.auth_policy, ratls_slice(policy, 32)))
        status =
            ratls_fail(err, RATLS_USAGE,
                       "%s: a key that is sealed by another authority, or to other PCRs, than "
                       "ak.conf names",
                       path);
    return status;
}
