/* results of a policy: whose attestation results stand for reference values, and of which PCRs. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "crypto_ecdsa.h"
#include "fail.h"
#include "policy_build.h"
#include "policy_file.h"

#define KEY_FILE_MAX (64 * 1024)

static enum ratls_status read_key(const char *path, EVP_PKEY **ret_key, struct ratls_error *err)
{
    uint8_t *pem = NULL;
    size_t len = 0;
    enum ratls_status status = ratls_policy_file_read(path, KEY_FILE_MAX, &pem, &len, err);

    if (status != RATLS_OK)
        return status;
    status = ratls_ecdsa_public(ratls_slice(pem, len), ret_key, err);
    free(pem);
    return status;
}

static enum ratls_status add_verifier(struct ratls_build *b, size_t index)
{
    struct ratls_result_rules *rules = &b->rules->results;
    struct ratls_error why = {0};
    char *path = NULL;
    EVP_PKEY *key = NULL;
    enum ratls_status status =
        ratls_build_file(b, "results.verifiers", &b->document->results->verifiers, index, &path);

    if (status != RATLS_OK)
        return status;
    if (read_key(path, &key, &why) != RATLS_OK) {
        status = ratls_build_refuse_file(b, path, &why);
        free(path);
        return status;
    }
    rules->verifiers[rules->verifier_count++] =
        (struct ratls_result_verifier){.path = path, .key = key};
    for (size_t i = 0; i < index; i++)
        if (EVP_PKEY_eq(rules->verifiers[i].key, key) == 1)
            return ratls_build_refuse(b, "this verifier's key stands in the list twice");
    return RATLS_OK;
}

static enum ratls_status build_pcrs(struct ratls_build *b)
{
    const struct ratls_document_list *pcrs = &b->document->results->pcrs;
    enum ratls_status status = RATLS_OK;

    for (size_t i = 0; status == RATLS_OK && i < pcrs->count; i++) {
        uint8_t index = 0;

        ratls_build_at(b, "results.pcrs[%zu]", i);
        status =
            ratls_build_index(b, "", ratls_slice(pcrs->items[i], strlen(pcrs->items[i])), &index);
        if (status != RATLS_OK)
            return status;
        if ((b->rules->results.pcrs >> index & 1) != 0)
            return ratls_build_refuse(b, "stands in this list twice");
        b->rules->results.pcrs |= UINT32_C(1) << index;
    }
    return status;
}

/* Two answers to one question: which of them counts would be a guess. */
static enum ratls_status check_alone(struct ratls_build *b)
{
    const struct ratls_rules *rules = b->rules;

    ratls_build_at(b, "results");
    if (rules->pcr_count > 0 || rules->boot.is_asked || rules->ima.is_asked)
        return ratls_build_refuse(b, "stands for pcrs, reference-values, boot and ima, which the "
                                     "verifier has judged: leave them out");
    if (rules->freshness == RATLS_FRESHNESS_CERTIFICATE)
        return ratls_build_refuse(b, "a certificate has no result: results needs evidence of the "
                                     "session, which freshness: certificate does not ask for");
    return RATLS_OK;
}

enum ratls_status ratls_build_results(struct ratls_build *b)
{
    const struct ratls_document_results *results = b->document->results;
    struct ratls_result_rules *rules = &b->rules->results;
    enum ratls_status status;

    if (results == NULL)
        return RATLS_OK;
    rules->is_asked = true;
    rules->bank = results->bank == 0 ? RATLS_ALG_SHA256 : (uint16_t)results->bank;
    rules->verifiers = calloc(results->verifiers.count, sizeof *rules->verifiers);
    if (rules->verifiers == NULL)
        return ratls_build_no_memory(b);
    status = check_alone(b);
    if (status == RATLS_OK)
        status = build_pcrs(b);
    for (size_t i = 0; status == RATLS_OK && i < results->verifiers.count; i++)
        status = add_verifier(b, i);
    return status;
}

void ratls_result_rules_done(struct ratls_result_rules *rules)
{
    for (size_t i = 0; i < rules->verifier_count; i++) {
        free(rules->verifiers[i].path);
        EVP_PKEY_free(rules->verifiers[i].key);
    }
    free(rules->verifiers);
    *rules = (struct ratls_result_rules){0};
}
