#include "describe_enroll.h"

#include <openssl/x509.h>
#include <stdio.h>

#include "crypto.h"
#include "describe.h"
#include "describe_quote.h"
#include "ek_template.h"
#include "enroll_message.h"

static void describe_certificates(struct ratls_view *v, const char *key, const char *title,
                                  const struct ratls_slice *certificates, size_t count)
{
    ratls_view_list(v, key);
    for (size_t i = 0; i < count; i++) {
        X509 *certificate = ratls_certificate_of_der(certificates[i]);

        ratls_view_section(v, NULL, i == 0 ? title : "Certificate of its issuer");
        if (certificate != NULL)
            ratls_describe_certificate(v, certificate);
        else
            ratls_view_hex(v, "unreadable", "unreadable", certificates[i]);
        ratls_view_section_end(v);
        X509_free(certificate);
    }
    ratls_view_list_end(v);
}

static void describe_names(struct ratls_view *v, const struct ratls_enroll_request *request)
{
    ratls_view_list(v, "names");
    for (size_t i = 0; i < request->name_count; i++)
        ratls_view_slice(v, NULL, i == 0 ? "names" : "", request->names[i]);
    ratls_view_list_end(v);
}

static void describe_ek(struct ratls_view *v, const struct ratls_enroll_request *request)
{
    const struct ratls_ek_profile *profile = ratls_ek_profile(request->ek_template);
    struct ratls_ek_certificate ek;
    char text[64];

    snprintf(text, sizeof text, "%s (%s)", profile->name, profile->key);
    ratls_view_text(v, "template", NULL, profile->name);
    if (!v->json)
        ratls_view_text(v, NULL, "EK template", text);
    if (ratls_ek_certificate_read(request->ek_certificates[0], &ek, NULL) == RATLS_OK) {
        ratls_view_digest(v, "ekSha256", "EK (SHA-256)", ratls_slice(ek.sha256, sizeof ek.sha256));
        ratls_ek_certificate_done(&ek);
    }
    ratls_view_hex(v, "ekPublicArea", NULL, request->ek_public);
}

static bool describe_request(struct ratls_view *v, struct ratls_slice bytes)
{
    struct ratls_enroll_request request;
    struct ratls_tpm_public ak;
    uint8_t digest[32];

    if (!ratls_enroll_request_read(bytes, &request))
        return false;
    if (v == NULL)
        return true;
    describe_names(v, &request);
    describe_ek(v, &request);
    ratls_view_hex(v, "tokenId", request.token_id.len > 0 ? "token id" : NULL, request.token_id);
    ratls_view_hex(v, "nonce", "nonce", request.nonce);
    if (ratls_sha256(bytes, digest, NULL) == RATLS_OK)
        ratls_view_digest(v, "sha256", "SHA-256", ratls_slice(digest, sizeof digest));
    ratls_view_section(v, "attestationKey", "Attestation key");
    if (ratls_tpm_read_public(request.ak_public, &ak))
        ratls_describe_key(v, &ak);
    else
        ratls_view_hex(v, "unreadable", "unreadable", request.ak_public);
    ratls_view_section_end(v);
    describe_certificates(v, "ekCertificates", "Certificate of the endorsement key",
                          request.ek_certificates, request.ek_certificate_count);
    ratls_view_note(v, "Nothing of it is checked here: 'ratls ca challenge' does that.");
    return true;
}

static bool describe_challenge(struct ratls_view *v, struct ratls_slice bytes)
{
    struct ratls_enroll_challenge challenge;
    char text[RATLS_TIME_TEXT_MAX];

    if (!ratls_enroll_challenge_read(bytes, &challenge))
        return false;
    if (v == NULL)
        return true;
    ratls_view_hex(v, "id", "id", challenge.id);
    ratls_view_digest(v, "requestSha256", "request (SHA-256)", challenge.request_sha256);
    ratls_time_text((int64_t)challenge.expires, text);
    ratls_view_text(v, "expires", "until", text);
    ratls_view_hex(v, "credentialBlob", "credential", challenge.credential_blob);
    ratls_view_hex(v, "encryptedSecret", "encrypted seed", challenge.encrypted_secret);
    ratls_view_note(v, "Only the TPM of the request can open it: 'ratls ca answer'.");
    return true;
}

static bool describe_answer(struct ratls_view *v, struct ratls_slice bytes)
{
    struct ratls_tpm_signature signature;
    struct ratls_enroll_answer answer;
    struct ratls_tpm_attest attest;

    if (!ratls_enroll_answer_read(bytes, &answer))
        return false;
    if (v == NULL)
        return true;
    ratls_view_hex(v, "id", "to the challenge", answer.id);
    ratls_view_hex(v, "mac", "MAC", answer.mac);
    ratls_view_section(v, "quote", "Quote of no PCR");
    if (ratls_tpm_read_attest(answer.attest, &attest))
        ratls_describe_attest(v, &attest);
    else
        ratls_view_hex(v, "unreadable", "unreadable", answer.attest);
    if (ratls_tpm_read_signature(answer.signature, &signature))
        ratls_describe_signature(v, &signature);
    else
        ratls_view_hex(v, "signatureUnreadable", "signature", answer.signature);
    ratls_view_section_end(v);
    ratls_view_note(v, "Nothing of it is checked here: 'ratls ca issue' does that.");
    return true;
}

static bool describe_result(struct ratls_view *v, struct ratls_slice bytes)
{
    struct ratls_enroll_result result;

    if (!ratls_enroll_result_read(bytes, &result))
        return false;
    if (v == NULL)
        return true;
    ratls_view_hex(v, "id", "for the challenge", result.id);
    describe_certificates(v, "certificates", "Certificate of the attestation key",
                          result.certificates, result.certificate_count);
    return true;
}

static const struct {
    const char *type, *title;
    bool (*describe)(struct ratls_view *v, struct ratls_slice bytes); /* NULL: only tells */
} messages[] = {
    {"enroll-request", "Request of a machine to a CA", describe_request},
    {"enroll-challenge", "Challenge of a CA", describe_challenge},
    {"enroll-answer", "Answer to the challenge of a CA", describe_answer},
    {"enroll-result", "Certificate of a CA, as its service sends it", describe_result},
};

const char *ratls_enroll_message_type(struct ratls_slice bytes, const char **ret_title)
{
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        if (!messages[i].describe(NULL, bytes))
            continue;
        *ret_title = messages[i].title;
        return messages[i].type;
    }
    return NULL;
}

void ratls_describe_enroll_message(struct ratls_view *v, struct ratls_slice bytes)
{
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++)
        if (messages[i].describe(v, bytes))
            return;
}
