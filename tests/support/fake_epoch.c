/* Evidence of an epoch: the stages that a draft goes through beside those of a quote. */
#include <string.h>

#include <openssl/ec.h>
#include <openssl/x509.h>

#include "fake_tpm.h"
#include "must.h"

static const uint8_t domain[] = "ratls epoch"; /* WIRE.md, 5.1: with its 0x00 */

void fake_epoch_token(struct fake_draft *draft)
{
    struct fake_tpm *tpm = draft->tpm;

    if (tpm->tsa == NULL || draft->request->selection.count == 0)
        return;
    draft->token_len = tpm->token_again.len;
    if (draft->token_len != 0)
        memcpy(draft->token, tpm->token_again.p, draft->token_len);
    else
        draft->token_len = fake_tsa_token(tpm->tsa, &tpm->stamp, draft->token);
    draft->evidence.token = draft->token_text.len != 0
                                ? draft->token_text
                                : ratls_slice(draft->token, draft->token_len);
    if (tpm->epoch_key == NULL)
        tpm->epoch_key = EVP_EC_gen("P-256");
    must(tpm->epoch_key != NULL);
    draft->epoch_signer = tpm->epoch_key;
}

void fake_epoch_fill(struct fake_draft *draft)
{
    struct ratls_writer w = ratls_writer(draft->session_cbor.p, sizeof draft->session_cbor.p);
    uint8_t *spki = NULL;
    int len;

    if (draft->token_len == 0)
        return;
    ratls_statement_write(&draft->statement, &w);
    must(!w.failed);
    draft->session_cbor.len = w.len;
    len = i2d_PUBKEY(draft->tpm->epoch_key, &spki);
    must(len == RATLS_EPOCH_KEY_LEN);
    fake_bytes_set(&draft->epoch_spki, spki, (size_t)len);
    OPENSSL_free(spki);
    fake_digest(RATLS_ALG_SHA256, ratls_slice(draft->epoch_spki.p, draft->epoch_spki.len),
                draft->epoch_context);
    draft->epoch_statement = (struct ratls_statement){
        .label = ratls_slice(RATLS_STATEMENT_LABEL, strlen(RATLS_STATEMENT_LABEL)),
        .mode = RATLS_MODE_EPOCH,
        .role = draft->request->role,
        .spki_sha256 = ratls_slice(draft->request->spki_sha256, sizeof draft->request->spki_sha256),
        .service = ratls_slice(draft->tpm->service, strlen(draft->tpm->service)),
        .manifest = ratls_slice(draft->manifest, sizeof draft->manifest),
        .context = ratls_slice(draft->epoch_context, sizeof draft->epoch_context),
    };
}

/* By OpenSSL alone, with another function than the library's. */
void fake_epoch_sign(struct fake_draft *draft)
{
    struct ratls_epoch_session *session = &draft->evidence.session;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = sizeof draft->epoch_signature.p;

    must(ctx != NULL);
    if (draft->token_len != 0) {
        must(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, draft->epoch_signer) == 1);
        must(EVP_DigestSignUpdate(ctx, domain, sizeof domain) == 1);
        must(EVP_DigestSignUpdate(ctx, draft->session_cbor.p, draft->session_cbor.len) == 1);
        must(EVP_DigestSignFinal(ctx, draft->epoch_signature.p, &len) == 1);
        draft->epoch_signature.len = len;
        session->key = ratls_slice(draft->epoch_spki.p, draft->epoch_spki.len);
        session->statement = ratls_slice(draft->session_cbor.p, draft->session_cbor.len);
        session->signature = ratls_slice(draft->epoch_signature.p, len);
    }
    EVP_MD_CTX_free(ctx);
}
