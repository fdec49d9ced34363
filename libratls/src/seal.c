#include "seal.h"

#include <string.h>

#include "cbor.h"
#include "crypto.h"
#include "fail.h"
#include "request.h"

#define KIND "ratls-seal-1"
#define ITEMS 6
#define SIGNATURE_MIN 8

/* TPM 2.0 Part 2, 6.5.2 (TPM_CC). */
#define CC_POLICY_AUTHORIZE 0x0000016au
#define CC_POLICY_AUTH_VALUE 0x0000016bu
#define CC_POLICY_PCR 0x0000017fu

#define BITMAP_LEN (RATLS_PCR_COUNT / 8)
#define SELECTION_MAX (4 + RATLS_BANKS_MAX * (2 + 1 + BITMAP_LEN))

bool ratls_seal_read(struct ratls_slice in, struct ratls_seal *ret)
{
    struct ratls_cbor c = ratls_cbor(in);
    struct ratls_seal seal = {.selection = {.count = 0}};

    if (in.len > RATLS_SEAL_MAX)
        return false;
    ratls_cbor_array(&c, ITEMS, ITEMS);
    ratls_cbor_expect_text(&c, KIND);
    seal.authority = ratls_cbor_bytes(&c, RATLS_SEAL_NAME_LEN, RATLS_SEAL_NAME_LEN);
    ratls_selection_read(&c, &seal.selection);
    seal.values = ratls_cbor_bytes(&c, 1, RATLS_PCR_VALUES_MAX);
    seal.signature = ratls_cbor_bytes(&c, SIGNATURE_MIN, RATLS_SEAL_SIGNATURE_MAX);
    seal.comment = ratls_cbor_text(&c, 0, RATLS_SEAL_COMMENT_MAX);
    if (!ratls_cbor_done(&c) || !ratls_selection_valid(&seal.selection) ||
        seal.values.len !=
            ratls_tpm_selection_values_len(seal.selection.banks, seal.selection.count))
        return false;
    *ret = seal;
    return true;
}

void ratls_seal_write(const struct ratls_seal *seal, struct ratls_writer *w)
{
    ratls_cbor_put_array(w, ITEMS);
    ratls_cbor_put_text(w, ratls_slice(KIND, strlen(KIND)));
    ratls_cbor_put_bytes(w, seal->authority);
    ratls_selection_write(&seal->selection, w);
    ratls_cbor_put_bytes(w, seal->values);
    ratls_cbor_put_bytes(w, seal->signature);
    ratls_cbor_put_text(w, seal->comment);
}

enum ratls_status ratls_seal_pcr_digest(const struct ratls_seal *seal,
                                        uint8_t out[static RATLS_SEAL_DIGEST_LEN],
                                        struct ratls_error *err)
{
    return ratls_sha256(seal->values, out, err);
}

/* TPML_PCR_SELECTION, Part 2, 10.9.7. */
static void write_selection(const struct ratls_pcr_selection *selection, struct ratls_writer *w)
{
    ratls_write_u32(w, (uint32_t)selection->count);
    for (size_t i = 0; i < selection->count; i++) {
        ratls_write_u16(w, selection->banks[i].hash_alg);
        ratls_write_u8(w, BITMAP_LEN);
        for (unsigned octet = 0; octet < BITMAP_LEN; octet++)
            ratls_write_u8(w, (uint8_t)(selection->banks[i].pcrs >> (8 * octet)));
    }
}

/* PolicyUpdate(), Part 3, 23.2.3: the digest so far, the command, what the command adds. */
static enum ratls_status extend_policy(uint8_t digest[static RATLS_SEAL_DIGEST_LEN], uint32_t code,
                                       struct ratls_slice first, struct ratls_slice second,
                                       struct ratls_error *err)
{
    const uint8_t command[] = {(uint8_t)(code >> 24), (uint8_t)(code >> 16), (uint8_t)(code >> 8),
                               (uint8_t)code};
    const struct ratls_slice parts[] = {ratls_slice(digest, RATLS_SEAL_DIGEST_LEN),
                                        ratls_slice(command, sizeof command), first, second};

    return ratls_digest(RATLS_ALG_SHA256, parts, sizeof parts / sizeof *parts, digest, err);
}

enum ratls_status ratls_seal_policy(const struct ratls_seal *seal,
                                    uint8_t out[static RATLS_SEAL_DIGEST_LEN],
                                    struct ratls_error *err)
{
    const struct ratls_slice nothing = ratls_slice(NULL, 0);
    uint8_t selection[SELECTION_MAX], values[RATLS_SEAL_DIGEST_LEN];
    struct ratls_writer w = ratls_writer(selection, sizeof selection);
    enum ratls_status status = ratls_seal_pcr_digest(seal, values, err);

    write_selection(&seal->selection, &w);
    memset(out, 0, RATLS_SEAL_DIGEST_LEN);
    if (status == RATLS_OK)
        status = extend_policy(out, CC_POLICY_PCR, ratls_writer_slice(&w),
                               ratls_slice(values, sizeof values), err);
    if (status == RATLS_OK)
        status = extend_policy(out, CC_POLICY_AUTH_VALUE, nothing, nothing, err);
    return status;
}

enum ratls_status ratls_seal_policy_ref(const struct ratls_pcr_selection *selection,
                                        uint8_t out[static RATLS_SEAL_DIGEST_LEN],
                                        struct ratls_error *err)
{
    uint8_t bytes[sizeof KIND + SELECTION_MAX];
    struct ratls_writer w = ratls_writer(bytes, sizeof bytes);

    ratls_write_bytes(&w, ratls_slice(KIND, strlen(KIND)));
    write_selection(selection, &w);
    return ratls_sha256(ratls_writer_slice(&w), out, err);
}

enum ratls_status ratls_seal_message(const struct ratls_seal *seal,
                                     uint8_t out[static RATLS_SEAL_MESSAGE_LEN],
                                     struct ratls_error *err)
{
    enum ratls_status status = ratls_seal_policy(seal, out, err);

    if (status == RATLS_OK)
        status = ratls_seal_policy_ref(&seal->selection, out + RATLS_SEAL_DIGEST_LEN, err);
    return status;
}

/* Part 3, 23.16: the digest so far is replaced by zeros, and policyRef has a digest of its own. */
enum ratls_status ratls_seal_auth_policy(const uint8_t authority[static RATLS_SEAL_NAME_LEN],
                                         const struct ratls_pcr_selection *selection,
                                         uint8_t out[static RATLS_SEAL_DIGEST_LEN],
                                         struct ratls_error *err)
{
    uint8_t ref[RATLS_SEAL_DIGEST_LEN];
    const struct ratls_slice parts[] = {ratls_slice(out, RATLS_SEAL_DIGEST_LEN),
                                        ratls_slice(ref, sizeof ref)};
    enum ratls_status status = ratls_seal_policy_ref(selection, ref, err);

    memset(out, 0, RATLS_SEAL_DIGEST_LEN);
    if (status == RATLS_OK)
        status =
            extend_policy(out, CC_POLICY_AUTHORIZE, ratls_slice(authority, RATLS_SEAL_NAME_LEN),
                          ratls_slice(NULL, 0), err);
    if (status == RATLS_OK)
        status = ratls_digest(RATLS_ALG_SHA256, parts, 2, out, err);
    return status;
}

bool ratls_seal_is_sealed(const struct ratls_tpm_public *key)
{
    const uint32_t by_secret = RATLS_TPMA_USER_WITH_AUTH | RATLS_TPMA_ADMIN_WITH_POLICY;

    return (key->attributes & by_secret) == 0 && key->auth_policy.len == RATLS_SEAL_DIGEST_LEN;
}
