/* A policy as libcyaml reads it. */
#include "policy_schema.h"
#include "yaml_load.h"

static const struct ratls_yaml_choice choices[] = {
    {.at = "policy", .words = "ratls-1, the version of this format"},
    {.at = "freshness",
     .words = "nonce, epoch or certificate",
     .old = "session",
     .hint = ", which is called nonce now"},
    {.at = "binding", .words = "handshake or exporter"},
    {.at = "clock", .words = "safe or ignored"},
    {.at = "tls-key", .words = "any or tpm"},
    {.at = "software-tpm", .words = "refuse or insecure-allow"},
    {.at = "algorithms", .words = "ecdsa-p256, ecdsa-p384, ecdsa-p521, rsassa or rsapss"},
    {.at = "boot.bank", .words = "sha256, sha384 or sha512"},
    {.at = "boot.secure-boot", .words = "required or ignored"},
    {.at = "ima.bank", .words = "sha256, sha384 or sha512"},
    {.at = "ima.extend", .words = "either, native or padded"},
    {.at = "ima.violations", .words = "refuse or allow"},
    {.at = "ima.sync", .words = "auto or never"},
};

static struct ratls_yaml policy_yaml(void)
{
    return (struct ratls_yaml){.schema = ratls_document_schema(),
                               .choices = choices,
                               .choice_count = sizeof choices / sizeof *choices};
}

enum ratls_status ratls_document_load(const struct ratls_source *source,
                                      struct ratls_document **ret_document, struct ratls_error *err)
{
    const struct ratls_yaml yaml = policy_yaml();
    void *document = NULL;
    enum ratls_status status = ratls_yaml_load(&yaml, source, &document, err);

    if (status == RATLS_OK)
        *ret_document = document;
    return status;
}

void ratls_document_free(struct ratls_document *document)
{
    const struct ratls_yaml yaml = policy_yaml();

    ratls_yaml_free(&yaml, document);
}
