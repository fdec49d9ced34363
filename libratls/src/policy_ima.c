/* ima of a policy: what the list of Linux IMA must say. */
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "policy_build.h"

#define DIGEST_LEN 32
#define COUNTS_MAX 128 /* of put_rules(), without the digests */

/* What a pattern of nothing but stars and slashes leaves out, if it has a "**", is next to nothing.
 */
static bool is_everything(const char *pattern)
{
    return strspn(pattern, "*/") == strlen(pattern) && strstr(pattern, "**") != NULL;
}

static enum ratls_status build_paths(struct ratls_build *b)
{
    const struct ratls_document_ima *ima = b->document->ima;
    enum ratls_status status;

    for (size_t i = 0; i < ima->exclude.count; i++) {
        ratls_build_at(b, "ima.exclude[%zu]", i);
        if (is_everything(ima->exclude.items[i]))
            return ratls_build_refuse(b, "compares nothing: every path would be excluded");
    }
    status = ratls_build_patterns(b, "ima.exclude", &ima->exclude, &b->rules->ima.exclude);
    if (status == RATLS_OK)
        status = ratls_build_patterns(b, "ima.signature-required", &ima->signature_required,
                                      &b->rules->ima.signature_required);
    return status;
}

static enum ratls_status add_signer(struct ratls_build *b,
                                    const struct ratls_pem_certificate *certificate)
{
    struct ratls_ima_rules *rules = &b->rules->ima;
    struct ratls_error why = {0};

    if (ratls_signer_init(certificate->certificate, &rules->signers[rules->signer_count], &why) ==
        RATLS_OK) {
        rules->signer_count++;
        return RATLS_OK;
    }
    ratls_build_at(b, "ima.signed-by");
    return ratls_build_refuse(b, "%s: %s", certificate->subject, why.text);
}

static enum ratls_status build_signers(struct ratls_build *b,
                                       const struct ratls_build_certificates *certificates)
{
    struct ratls_ima_rules *rules = &b->rules->ima;
    enum ratls_status status = RATLS_OK;

    if (certificates->count == 0)
        return RATLS_OK;
    rules->signers = calloc(certificates->count, sizeof *rules->signers);
    if (rules->signers == NULL)
        return ratls_build_no_memory(b);
    for (size_t i = 0; status == RATLS_OK && i < certificates->count; i++)
        status = add_signer(b, &certificates->items[i]);
    return status;
}

/* Digests one behind the other, each list with its length before it. */
struct parts {
    struct ratls_writer w;
    struct ratls_error *err;
    enum ratls_status status;
};

static void put_count(struct parts *parts, size_t count)
{
    ratls_write_u64(&parts->w, count);
}

static void put_digest(struct parts *parts, struct ratls_slice bytes)
{
    uint8_t digest[DIGEST_LEN];

    if (parts->status == RATLS_OK)
        parts->status = ratls_sha256(bytes, digest, parts->err);
    if (parts->status == RATLS_OK)
        ratls_write_bytes(&parts->w, ratls_slice(digest, sizeof digest));
}

static void put_references(struct parts *parts, const struct ratls_references *references)
{
    uint8_t digest[DIGEST_LEN];

    put_count(parts, references->count);
    for (size_t i = 0; parts->status == RATLS_OK && i < references->count; i++) {
        parts->status = ratls_refvals_digest(references->sets[i], digest, parts->err);
        if (parts->status == RATLS_OK)
            ratls_write_bytes(&parts->w, ratls_slice(digest, sizeof digest));
    }
}

static void put_patterns(struct parts *parts, const struct ratls_patterns *patterns)
{
    put_count(parts, patterns->count);
    for (size_t i = 0; i < patterns->count; i++)
        put_digest(parts, patterns->items[i].text);
}

/* All but sync, which changes no verdict. */
static void put_rules(struct parts *parts, const struct ratls_ima_rules *rules,
                      const struct ratls_build_certificates *certificates)
{
    static const char label[] = "ratls ima rules 1";

    ratls_write_bytes(&parts->w, ratls_slice(label, sizeof label));
    ratls_write_u16(&parts->w, rules->bank);
    ratls_write_u8(&parts->w, (uint8_t)rules->extend);
    ratls_write_u8(&parts->w, rules->violations_allowed);
    put_references(parts, &rules->allow);
    put_references(parts, &rules->deny);
    put_count(parts, certificates->count);
    for (size_t i = 0; i < certificates->count; i++)
        put_digest(parts, ratls_slice(certificates->items[i].der, certificates->items[i].len));
    put_patterns(parts, &rules->exclude);
    put_patterns(parts, &rules->signature_required);
}

static enum ratls_status digest_rules(struct ratls_build *b,
                                      const struct ratls_build_certificates *certificates)
{
    struct ratls_ima_rules *rules = &b->rules->ima;
    size_t digests = rules->allow.count + rules->deny.count + certificates->count +
                     rules->exclude.count + rules->signature_required.count;
    size_t cap = COUNTS_MAX + DIGEST_LEN * digests;
    struct parts parts = {.err = b->err};
    uint8_t *bytes = malloc(cap);

    if (bytes == NULL)
        return ratls_build_no_memory(b);
    parts.w = ratls_writer(bytes, cap);
    put_rules(&parts, rules, certificates);
    if (parts.status == RATLS_OK && parts.w.failed)
        parts.status = ratls_fail(b->err, RATLS_LIMIT, "the rules of ima do not fit");
    if (parts.status == RATLS_OK)
        parts.status = ratls_sha256(ratls_writer_slice(&parts.w), rules->sha256, b->err);
    free(bytes);
    return parts.status;
}

static enum ratls_status build_lists(struct ratls_build *b)
{
    const struct ratls_document_ima *ima = b->document->ima;
    struct ratls_ima_rules *rules = &b->rules->ima;
    struct ratls_build_certificates certificates = {0};
    enum ratls_status status =
        ratls_build_references(b, "ima.allow", &ima->allow, 0, &rules->allow);

    if (status == RATLS_OK)
        status = ratls_build_references(b, "ima.deny", &ima->deny, 0, &rules->deny);
    if (status == RATLS_OK)
        status = ratls_build_certificates(b, "ima.signed-by", &ima->signed_by, &certificates);
    if (status == RATLS_OK)
        status = build_signers(b, &certificates);
    if (status == RATLS_OK)
        status = build_paths(b);
    if (status == RATLS_OK)
        status = digest_rules(b, &certificates);
    ratls_pem_certificates_free(certificates.items, certificates.count);
    return status;
}

enum ratls_status ratls_build_ima(struct ratls_build *b)
{
    const struct ratls_document_ima *ima = b->document->ima;
    struct ratls_ima_rules *rules = &b->rules->ima;

    if (ima == NULL)
        return RATLS_OK;
    rules->is_asked = true;
    rules->bank = ima->bank == 0 ? RATLS_ALG_SHA256 : (uint16_t)ima->bank;
    rules->extend = ima->extend;
    rules->violations_allowed = ima->violations == RATLS_VIOLATIONS_ALLOWED;
    rules->syncs = ima->sync == RATLS_SYNC_AUTO;
    ratls_build_at(b, "ima");
    if (ima->allow.count == 0 && ima->signed_by.count == 0)
        return ratls_build_refuse(b, "compares nothing: give allow (digests of files) or signed-by "
                                     "(certificates of who signs them)");
    ratls_build_at(b, "ima.signature-required");
    if (ima->signature_required.count > 0 && ima->signed_by.count == 0)
        return ratls_build_refuse(b, "no file can pass: signed-by must say whose signatures count");
    return build_lists(b);
}

void ratls_ima_rules_done(struct ratls_ima_rules *rules)
{
    ratls_references_done(&rules->allow);
    ratls_references_done(&rules->deny);
    for (size_t i = 0; i < rules->signer_count; i++)
        ratls_signer_done(&rules->signers[i]);
    free(rules->signers);
    ratls_patterns_done(&rules->exclude);
    ratls_patterns_done(&rules->signature_required);
    *rules = (struct ratls_ima_rules){0};
}
