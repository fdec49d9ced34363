/* What is left out of evidence because the other side has it: keys, certificates, heads. */
#include <string.h>

#include "cbor.h"
#include "keys.h"
#include "rows.h"

/* Nothing but the place, wherever it points. */
static void send_place(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage != FAKE_SIGNED)
        return;
    draft->evidence.is_ak_named = true;
    draft->evidence.ak_index = (size_t) * (int *)arg;
    draft->evidence.ak_public = ratls_slice(NULL, 0);
}

/* By the key itself: what it is called is another's. */
static void send_other_place(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_SIGNED)
        draft->evidence.ak_index ^= 1;
}

/* A second machine answers for the same server, and was accepted, too. */
static void name_two_keys(struct scene *scene)
{
    struct fake_tpm *ours = scene->tpm, *other = fake_tpm_new(FAKE_ECDSA_P256);

    memcpy(other->pcrs, ours->pcrs, sizeof other->pcrs);
    scene->tpm = other;
    scene_pin(scene);
    scene_name_keys(scene);
    scene->tpm = ours;
    scene->key_id_count = 0;
    scene_name_keys(scene);
    fake_tpm_free(other);
}

static void forget_keys(struct scene *scene)
{
    ratls_key_cache_free(scene->rules->keys);
    scene->rules->keys = ratls_key_cache_new();
}

static void wait_2_days(struct scene *scene)
{
    scene->expectation.now += 2 * 86400;
}

static void mean_another(struct scene *scene)
{
    scene->expectation.server_name = "shop.example";
    fake_policy_pin(scene->policy, scene->tpm, "shop.example");
}

/* After the signature. */
static void remove_certificates(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_SIGNED)
        draft->evidence.certificate_count = 0;
}

static void certify_too(struct scene *scene)
{
    scene_certify(scene, "DNS:" SCENE_SERVER);
}

static void empty_manifest(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_STATEMENT)
        draft->statement.manifest = ratls_slice(NULL, 0);
}

/* As if no certificates were a map of them, too. */
static void hash_empty_map(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage != FAKE_STATEMENT)
        return;
    fake_digest(RATLS_ALG_SHA256, ratls_slice("\xa0", 1), draft->manifest);
    draft->statement.manifest = ratls_slice(draft->manifest, 32);
}

/* The evidence again, by hand, with a path of as many bytes as no writer of ours would. */
static void send_path_bytes(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    static const uint8_t hashes[1024] = {0x77};
    const struct ratls_evidence *e = &draft->evidence;
    uint8_t quote[4096];
    struct ratls_writer q = ratls_writer(quote, sizeof quote);
    struct ratls_writer w = ratls_writer(draft->wire, sizeof draft->wire);

    if (stage != FAKE_WIRE)
        return;
    ratls_cbor_put_array(&q, 6);
    ratls_cbor_put_bytes(&q, e->statement);
    ratls_cbor_put_array(&q, 3);
    ratls_cbor_put_uint(&q, 0);
    ratls_cbor_put_uint(&q, 65536);
    ratls_cbor_put_bytes(&q, ratls_slice(hashes, (size_t) * (int *)arg));
    ratls_cbor_put_bytes(&q, e->attest);
    ratls_cbor_put_bytes(&q, e->signature);
    ratls_cbor_put_bytes(&q, e->ak_public);
    ratls_cbor_put_bytes(&q, e->pcr_values);
    ratls_cbor_put_map(&w, 1);
    ratls_cbor_put_uint(&w, 1);
    ratls_cbor_put_array(&w, 3);
    ratls_cbor_put_uint(&w, 65300);
    ratls_cbor_put_bytes(&w, ratls_writer_slice(&q));
    ratls_cbor_put_uint(&w, 4);
    draft->wire_len = w.len;
}

static const struct row rows[] = {
    {.name = "a place, and the request named no key",
     .check = RATLS_CHECK_AK_FORMAT,
     .not_run = NEEDS_AK_FORMAT,
     .tamper = send_place,
     .param = 0,
     .at = "quote.ak-public",
     .expected = "a TPMT_PUBLIC: the request named no key",
     .actual = "key 0 of the request, which named 0"},
    {.name = "a place behind the keys that were named",
     .check = RATLS_CHECK_AK_FORMAT,
     .not_run = NEEDS_AK_FORMAT,
     .after = scene_name_keys,
     .tamper = send_place,
     .param = 1,
     .expected = "a TPMT_PUBLIC, or a key that the request named",
     .actual = "key 1 of the request, which named 1"},
    {.name = "the place of another key",
     .check = RATLS_CHECK_QUOTE_SIGNATURE,
     .also = BIT(QUOTE_SIGNER),
     .after = name_two_keys,
     .tamper = send_other_place},
    {.name = "a place in a certificate",
     .check = RATLS_CHECK_AK_FORMAT,
     .not_run = NEEDS_AK_FORMAT & ~BIT(QUOTE_COUNTERS),
     .mode = RATLS_MODE_CERTIFICATE,
     .after = scene_name_keys,
     .expected = "a TPMT_PUBLIC: the request named no key"},
    {.name = "a named key that had to go meanwhile",
     .check = RATLS_CHECK_AK_FORMAT,
     .not_run = NEEDS_AK_FORMAT,
     .after = scene_name_keys,
     .meanwhile = forget_keys,
     .actual = "key 0 of the request, which named 1; it is not at hand any more"},
    {.name = "a key that was named to another server",
     .check = RATLS_CHECK_AK_FORMAT,
     .not_run = NEEDS_AK_FORMAT,
     .after = scene_name_keys,
     .meanwhile = mean_another,
     .actual = "key 0 of the request, which named 1; it is not at hand any more"},
    {.name = "a named key whose certificates have expired meanwhile",
     .check = RATLS_CHECK_AK_TRUST,
     .not_run = NEEDS_AK_CERTIFIED,
     .trust = ROW_CERTIFIED,
     .after = scene_name_keys,
     .meanwhile = wait_2_days},
    {.name = "certificates, and the manifest is empty",
     .check = RATLS_CHECK_STATEMENT_MANIFEST,
     .trust = ROW_CERTIFIED,
     .tamper = empty_manifest,
     .at = "statement.manifest",
     .actual = "empty"},
    {.name = "a manifest, and the certificates were taken away",
     .check = RATLS_CHECK_STATEMENT_MANIFEST,
     .after = certify_too,
     .tamper = remove_certificates,
     .expected = "empty"},
    {.name = "no certificates, and the manifest is that of an empty map",
     .check = RATLS_CHECK_STATEMENT_MANIFEST,
     .tamper = hash_empty_map,
     .expected = "empty"},
    {.name = "a path of 31 bytes",
     .check = RATLS_CHECK_EVIDENCE_FORMAT,
     .not_run = ALL_OF_CONTENT,
     .tamper = send_path_bytes,
     .param = 31},
    {.name = "a path of 16 hashes and a byte",
     .check = RATLS_CHECK_EVIDENCE_FORMAT,
     .not_run = ALL_OF_CONTENT,
     .tamper = send_path_bytes,
     .param = 513},
    {.name = "a path of 17 hashes",
     .check = RATLS_CHECK_EVIDENCE_FORMAT,
     .not_run = ALL_OF_CONTENT,
     .tamper = send_path_bytes,
     .param = 544},
    {.name = "a path of other hashes, by hand",
     .check = RATLS_CHECK_QUOTE_EXTRA_DATA,
     .tamper = send_path_bytes,
     .param = 512},
    {.name = "15 hashes in a tree of 65536 leaves",
     .check = RATLS_CHECK_QUOTE_EXTRA_DATA,
     .tamper = send_path_bytes,
     .param = 480,
     .at = "quote.path",
     .actual = "leaf 0 of 65536 with 15 hashes"},
};

const struct rows rows_named = {rows, sizeof rows / sizeof rows[0]};
