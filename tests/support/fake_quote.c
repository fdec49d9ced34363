/* The stages of a draft, from what is asked to the bytes of the evidence. */
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <string.h>

#include "fake_tpm.h"
#include "must.h"

#define TPM_RH_ENDORSEMENT 0x4000000Bu
#define PCR_SELECT_LEN 3

void fake_bytes_set(struct fake_bytes *bytes, const void *p, size_t len)
{
    must(len <= sizeof bytes->p);
    if (len > 0)
        memcpy(bytes->p, p, len);
    bytes->len = len;
}

static struct ratls_slice slice_of(const struct fake_bytes *bytes)
{
    return ratls_slice(bytes->p, bytes->len);
}

static struct ratls_writer writer_of(struct fake_bytes *bytes)
{
    return ratls_writer(bytes->p, sizeof bytes->p);
}

static void end_writing(const struct ratls_writer *w, struct fake_bytes *bytes)
{
    must(!w->failed);
    bytes->len = w->len;
}

static void fill_area(struct fake_draft *draft)
{
    draft->area = draft->tpm->area;
}

static void make_public(struct fake_draft *draft)
{
    struct ratls_writer w = writer_of(&draft->ak_public);
    struct fake_bytes qualified = {0};
    uint8_t name[RATLS_TPM_NAME_MAX];
    size_t len;

    fake_write_public(draft->tpm->key, &draft->area, &w);
    end_writing(&w, &draft->ak_public);
    len = fake_name(draft->area.name_alg, slice_of(&draft->ak_public), name);
    w = writer_of(&qualified);
    ratls_write_u32(&w, TPM_RH_ENDORSEMENT);
    ratls_write_bytes(&w, ratls_slice(name, len));
    end_writing(&w, &qualified);
    draft->qualified_signer.len =
        fake_name(draft->area.name_alg, slice_of(&qualified), draft->qualified_signer.p);
}

/* Chain and public area stay away if the request named the key (WIRE.md, 3). */
static bool find_named(struct fake_draft *draft, size_t *ret_index)
{
    uint8_t name[RATLS_TPM_NAME_MAX];
    uint8_t id[32];
    size_t len = fake_name(draft->area.name_alg, slice_of(&draft->ak_public), name);

    fake_digest(RATLS_ALG_SHA256, ratls_slice(name, len), id);
    for (size_t i = 0; i < draft->request->key_id_count; i++) {
        if (memcmp(draft->request->key_ids[i], id, RATLS_KEY_ID_LEN) == 0) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

static void fill_statement(struct fake_draft *draft)
{
    const struct ratls_attest_request *request = draft->request;
    bool has_session = ratls_mode_has_session(request->mode);
    struct ratls_evidence *evidence = &draft->evidence;

    make_public(draft);
    evidence->is_ak_named = find_named(draft, &evidence->ak_index);
    evidence->certificate_count =
        evidence->is_ak_named && draft->tpm->tsa == NULL ? 0 : draft->tpm->chain_count;
    for (size_t i = 0; i < evidence->certificate_count; i++)
        evidence->certificates[i] = ratls_slice(draft->tpm->chain[i], draft->tpm->chain_len[i]);
    fake_epoch_token(draft);
    fake_tls_key(draft);
    draft->statement = (struct ratls_statement){
        .label = ratls_slice(RATLS_STATEMENT_LABEL, strlen(RATLS_STATEMENT_LABEL)),
        .mode = request->mode,
        .role = request->role,
        .tls_version = request->tls_version,
        .cipher_suite = request->cipher_suite,
        .nonce = ratls_slice(request->nonce, has_session ? sizeof request->nonce : 0),
        .binder = ratls_slice(request->binder, has_session ? sizeof request->binder : 0),
        .spki_sha256 = ratls_slice(request->spki_sha256, sizeof request->spki_sha256),
        .service = ratls_slice(draft->tpm->service, strlen(draft->tpm->service)),
        .context = ratls_slice(request->context, request->context_len),
    };
    must(ratls_evidence_manifest(evidence, draft->manifest, &draft->statement.manifest, NULL) ==
         RATLS_OK);
}

static void fill_leaf(struct fake_draft *draft)
{
    struct ratls_writer w = writer_of(&draft->statement_cbor);

    ratls_statement_write(draft->token_len != 0 ? &draft->epoch_statement : &draft->statement, &w);
    end_writing(&w, &draft->statement_cbor);
    fake_epoch_sign(draft);
    draft->path = (struct ratls_merkle_path){.tree_size = 1};
}

/* A path that cannot be climbed gives the leaf: the quote has to say something. */
static void fill_extra_data(struct fake_draft *draft)
{
    uint8_t root[32];
    bool is_valid;

    must(ratls_merkle_leaf(slice_of(&draft->statement_cbor), root, NULL) == RATLS_OK);
    must(ratls_merkle_root(root, &draft->path, &is_valid, root, NULL) == RATLS_OK);
    fake_bytes_set(&draft->extra_data, root, sizeof root);
}

void fake_draft_pcrs(struct fake_draft *draft)
{
    struct ratls_writer w = writer_of(&draft->pcr_values);

    for (size_t i = 0; i < draft->selection.count; i++) {
        const struct ratls_pcr_bank *bank = &draft->selection.banks[i];

        for (unsigned index = 0; index < RATLS_PCR_COUNT; index++) {
            if ((bank->pcrs >> index & 1) != 0)
                ratls_write_bytes(&w, ratls_slice(fake_tpm_pcr(draft->tpm, bank->hash_alg, index),
                                                  ratls_tpm_hash_len(bank->hash_alg)));
        }
    }
    end_writing(&w, &draft->pcr_values);
    draft->pcr_digest.len =
        fake_digest(draft->area.scheme_hash, slice_of(&draft->pcr_values), draft->pcr_digest.p);
}

static void fill_quote(struct fake_draft *draft)
{
    const struct ratls_pcr_selection *selection = &draft->request->selection;

    fill_extra_data(draft);
    draft->magic = RATLS_TPM_GENERATED;
    draft->type = RATLS_TPM_ST_ATTEST_QUOTE;
    draft->clock_ms = draft->tpm->clock_ms++;
    draft->reset_count = draft->tpm->reset_count;
    draft->restart_count = draft->tpm->restart_count;
    draft->safe = draft->tpm->safe;
    draft->firmware_version = draft->tpm->firmware_version;
    draft->selection.count = selection->count;
    memcpy(draft->selection.banks, selection->banks, sizeof selection->banks);
    fake_draft_pcrs(draft);
}

static void write_selection(const struct ratls_tpm_selection *selection, struct ratls_writer *w)
{
    ratls_write_u32(w, (uint32_t)selection->count);
    for (size_t i = 0; i < selection->count; i++) {
        ratls_write_u16(w, selection->banks[i].hash_alg);
        ratls_write_u8(w, PCR_SELECT_LEN);
        for (unsigned j = 0; j < PCR_SELECT_LEN; j++)
            ratls_write_u8(w, (uint8_t)(selection->banks[i].pcrs >> 8 * j));
    }
}

static void fill_attest(struct fake_draft *draft)
{
    struct ratls_writer w = writer_of(&draft->attest);

    ratls_write_u32(&w, draft->magic);
    ratls_write_u16(&w, draft->type);
    fake_write_tpm2b(&w, slice_of(&draft->qualified_signer));
    fake_write_tpm2b(&w, slice_of(&draft->extra_data));
    ratls_write_u64(&w, draft->clock_ms);
    ratls_write_u32(&w, draft->reset_count);
    ratls_write_u32(&w, draft->restart_count);
    ratls_write_u8(&w, draft->safe);
    ratls_write_u64(&w, draft->firmware_version);
    write_selection(&draft->selection, &w);
    fake_write_tpm2b(&w, slice_of(&draft->pcr_digest));
    end_writing(&w, &draft->attest);
    draft->signer = draft->tpm->key;
    draft->signature_alg = draft->area.scheme;
    draft->signature_hash = draft->area.scheme_hash;
}

static size_t sign(EVP_PKEY *signer, uint16_t alg, uint16_t hash, struct ratls_slice bytes,
                   uint8_t *out, size_t cap)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key_ctx = NULL;
    size_t len = cap;

    must(ctx != NULL);
    must(EVP_DigestSignInit_ex(ctx, &key_ctx, ratls_tpm_hash_name(hash), NULL, NULL, signer,
                               NULL) == 1);
    if (alg == RATLS_ALG_RSAPSS) {
        must(EVP_PKEY_CTX_set_rsa_padding(key_ctx, RSA_PKCS1_PSS_PADDING) == 1);
        must(EVP_PKEY_CTX_set_rsa_pss_saltlen(key_ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
    }
    must(EVP_DigestSign(ctx, out, &len, bytes.p, bytes.len) == 1);
    EVP_MD_CTX_free(ctx);
    return len;
}

static void write_ecdsa(struct ratls_slice der, size_t half, struct ratls_writer *w)
{
    uint8_t number[66];
    const unsigned char *p = der.p;
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &p, (long)der.len);

    must(signature != NULL);
    must(BN_bn2binpad(ECDSA_SIG_get0_r(signature), number, (int)half) == (int)half);
    fake_write_tpm2b(w, ratls_slice(number, half));
    must(BN_bn2binpad(ECDSA_SIG_get0_s(signature), number, (int)half) == (int)half);
    fake_write_tpm2b(w, ratls_slice(number, half));
    ECDSA_SIG_free(signature);
}

/* From the offset that was asked for, if it counts in this list. */
static void fill_ima(struct fake_draft *draft)
{
    const struct ratls_log_request *logs = &draft->request->logs;
    struct ratls_slice list = draft->tpm->ima_list;
    bool is_ours = draft->request->selection.count == 0 ||
                   (logs->ima_reset_count == draft->tpm->reset_count &&
                    logs->ima_restart_count == draft->tpm->restart_count);
    struct ratls_ima_slice *ima = &draft->evidence.ima;

    draft->evidence.has_ima = true;
    *ima = (struct ratls_ima_slice){.list_alg = draft->tpm->ima_alg, .total = list.len};
    ima->offset = is_ours ? logs->ima_offset : 0;
    if (ima->offset < list.len)
        ima->entries = ratls_slice(list.p + ima->offset, list.len - (size_t)ima->offset);
}

/* Logs alone, and there is none: an empty IMA list is an answer too. */
static void fill_logs(struct fake_draft *draft)
{
    const struct ratls_log_request *logs = &draft->request->logs;

    if (logs->boot_bank != 0)
        draft->evidence.boot_log = draft->tpm->boot_log;
    if (logs->ima_bank != 0 && draft->tpm->ima_alg != 0)
        fill_ima(draft);
    if (draft->request->selection.count == 0 && draft->evidence.boot_log.len == 0 &&
        !draft->evidence.has_ima) {
        draft->evidence.has_ima = true;
        draft->evidence.ima.list_alg = RATLS_ALG_SHA1;
    }
}

void fake_write_signature(EVP_PKEY *signer, uint16_t alg, uint16_t hash, struct ratls_slice bytes,
                          struct fake_bytes *out)
{
    uint8_t raw[RATLS_TPM_STRUCTURE_MAX];
    size_t len = sign(signer, alg, hash, bytes, raw, sizeof raw);
    struct ratls_writer w = writer_of(out);

    ratls_write_u16(&w, alg);
    ratls_write_u16(&w, hash);
    if (alg == RATLS_ALG_ECDSA)
        write_ecdsa(ratls_slice(raw, len), ((size_t)EVP_PKEY_get_bits(signer) + 7) / 8, &w);
    else
        fake_write_tpm2b(&w, ratls_slice(raw, len));
    end_writing(&w, out);
}

static void fill_signature(struct fake_draft *draft)
{
    fake_write_signature(draft->signer, draft->signature_alg, draft->signature_hash,
                         slice_of(&draft->attest), &draft->signature);
    fill_logs(draft);
    if (draft->request->selection.count == 0) {
        draft->evidence.certificate_count = 0;
        draft->evidence.tls_key = ratls_slice(NULL, 0);
        return;
    }
    draft->evidence.statement = slice_of(&draft->statement_cbor);
    draft->evidence.has_quote = true;
    draft->evidence.path = draft->path;
    draft->evidence.attest = slice_of(&draft->attest);
    draft->evidence.signature = slice_of(&draft->signature);
    if (!draft->evidence.is_ak_named)
        draft->evidence.ak_public = slice_of(&draft->ak_public);
    draft->evidence.pcr_values = slice_of(&draft->pcr_values);
}

static void fill_wire(struct fake_draft *draft)
{
    struct ratls_writer w = ratls_writer(draft->wire, sizeof draft->wire);

    ratls_evidence_write(&draft->evidence, &w);
    must(!w.failed);
    draft->wire_len = w.len;
}

void fake_tpm_attest_into(struct fake_tpm *tpm, const struct ratls_attest_request *request,
                          fake_tamper *tamper, void *arg, struct fake_draft *draft)
{
    static void (*const fill[])(struct fake_draft *) = {
        [FAKE_AREA] = fill_area,        [FAKE_STATEMENT] = fill_statement,
        [FAKE_EPOCH] = fake_epoch_fill, [FAKE_LEAF] = fill_leaf,
        [FAKE_QUOTE] = fill_quote,      [FAKE_ATTEST] = fill_attest,
        [FAKE_SIGNED] = fill_signature, [FAKE_WIRE] = fill_wire,
    };

    memset(draft, 0, offsetof(struct fake_draft, wire));
    draft->tpm = tpm;
    draft->request = request;
    for (size_t i = 0; i < sizeof fill / sizeof fill[0]; i++) {
        fill[i](draft);
        if (tamper != NULL)
            tamper((enum fake_stage)i, draft, arg);
    }
}

struct fake_draft *fake_tpm_attest(struct fake_tpm *tpm, const struct ratls_attest_request *request,
                                   fake_tamper *tamper, void *arg)
{
    struct fake_draft *draft = calloc(1, sizeof *draft);

    must(draft != NULL);
    fake_tpm_attest_into(tpm, request, tamper, arg, draft);
    return draft;
}

void fake_batch(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage != FAKE_LEAF)
        return;
    draft->path = (struct ratls_merkle_path){.leaf_index = 37, /* as long as that of most of them */
                                             .tree_size = 1u << FAKE_BATCH_DEPTH,
                                             .count = FAKE_BATCH_DEPTH};
    memset(draft->path.hashes, 0x5a, sizeof draft->path.hashes);
}

void fake_request(const struct ratls_expectation *expectation,
                  const struct ratls_pcr_selection *selection, struct ratls_attest_request *ret)
{
    struct ratls_writer w = ratls_writer(ret->context, sizeof ret->context);

    *ret = (struct ratls_attest_request){.mode = expectation->mode,
                                         .role = expectation->role,
                                         .tls_version = expectation->tls_version,
                                         .cipher_suite = expectation->cipher_suite,
                                         .selection = *selection};
    memcpy(ret->nonce, expectation->nonce, sizeof ret->nonce);
    memcpy(ret->binder, expectation->binder, sizeof ret->binder);
    memcpy(ret->spki_sha256, expectation->spki_sha256, sizeof ret->spki_sha256);
    if (expectation->mode == RATLS_MODE_CERTIFICATE)
        ratls_write_u64(&w, (uint64_t)expectation->now);
    if (expectation->mode == RATLS_MODE_RENEWAL) {
        ratls_write_u64(&w, expectation->counter);
        ratls_write_u32(&w, expectation->sequence);
    }
    ret->context_len = w.len;
}
