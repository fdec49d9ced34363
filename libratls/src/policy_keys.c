/* attestation-keys of a policy: pins and issuers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "policy_build.h"
#include "policy_file.h"
#include "policy_names.h"

#define CERTIFICATE_FILE_MAX (64 * 1024)

/* A Name is the algorithm and a digest: Part 1, 16. */
enum ratls_status ratls_build_read_name(struct ratls_slice text,
                                        uint8_t out[static RATLS_TPM_NAME_MAX], size_t *ret_len,
                                        struct ratls_error *why)
{
    char digits[2 * RATLS_TPM_NAME_MAX + 1] = "";
    size_t len = text.len / 2;
    uint16_t alg;

    if (text.len % 2 == 0 && len > 2 && len <= RATLS_TPM_NAME_MAX) {
        memcpy(digits, text.p, text.len);
        if (ratls_unhex(digits, out, len)) {
            alg = (uint16_t)(out[0] << 8 | out[1]);
            if (alg == RATLS_ALG_SHA1)
                return ratls_fail(why, RATLS_USAGE,
                                  "a Name by SHA-1, which is not accepted: make a key with nameAlg "
                                  "SHA-256");
            *ret_len = len;
            if (ratls_tpm_hash_len(alg) == len - 2)
                return RATLS_OK;
        }
    }
    return ratls_fail(why, RATLS_USAGE,
                      "expected the Name of a key: 000b and 64 hex digits (000c and 96, 000d and "
                      "128), got %zu characters",
                      text.len);
}

static enum ratls_status add_pin(struct ratls_build *b, size_t index,
                                 struct ratls_names **ret_servers)
{
    struct ratls_rules *rules = b->rules;
    struct ratls_pin *pin = &rules->pins[rules->pin_count];
    const char *text = b->document->keys[index].name;
    struct ratls_error why = {0};

    ratls_build_at(b, "attestation-keys[%zu].name", index);
    if (ratls_build_read_name(ratls_slice(text, strlen(text)), pin->name, &pin->name_len, &why) !=
        RATLS_OK)
        return ratls_build_refuse(b, "%s", why.text);
    for (size_t i = 0; i < rules->pin_count; i++) {
        if (ratls_slice_equal(ratls_slice(rules->pins[i].name, rules->pins[i].name_len),
                              ratls_slice(pin->name, pin->name_len)))
            return ratls_build_refuse(b, "this key is pinned twice");
    }
    rules->pin_count++;
    *ret_servers = &pin->servers;
    return RATLS_OK;
}

static enum ratls_status read_certificate(const char *path, X509 **ret_certificate,
                                          struct ratls_error *err)
{
    uint8_t *pem = NULL;
    size_t len = 0;
    enum ratls_status status = ratls_policy_file_read(path, CERTIFICATE_FILE_MAX, &pem, &len, err);

    if (status != RATLS_OK)
        return status;
    status = ratls_ca_certificate(ratls_slice(pem, len), ret_certificate, err);
    free(pem);
    return status;
}

static enum ratls_status read_crl(const char *path, struct ratls_issuer *issuer,
                                  struct ratls_error *err)
{
    uint8_t *file = NULL;
    size_t len = 0;
    enum ratls_status status = ratls_policy_file_read(path, RATLS_CRL_FILE_MAX, &file, &len, err);

    if (status != RATLS_OK)
        return status;
    status = ratls_crl_read(ratls_slice(file, len), issuer->certificate, &issuer->crl, err);
    free(file);
    return status;
}

static enum ratls_status add_crl(struct ratls_build *b, size_t index, struct ratls_issuer *issuer)
{
    const char *file = b->document->keys[index].crl;
    struct ratls_error why = {0};

    if (file == NULL)
        return RATLS_OK;
    ratls_build_at(b, "attestation-keys[%zu].crl", index);
    issuer->crl_path = ratls_build_path(b, file);
    if (issuer->crl_path == NULL)
        return ratls_build_no_memory(b);
    if (read_crl(issuer->crl_path, issuer, &why) != RATLS_OK)
        return ratls_build_refuse_file(b, issuer->crl_path, &why);
    return RATLS_OK;
}

static enum ratls_status add_issuer(struct ratls_build *b, size_t index,
                                    struct ratls_names **ret_servers)
{
    struct ratls_rules *rules = b->rules;
    struct ratls_issuer *issuer = &rules->issuers[rules->issuer_count];
    struct ratls_error why = {0};

    ratls_build_at(b, "attestation-keys[%zu].issuer", index);
    issuer->path = ratls_build_path(b, b->document->keys[index].issuer);
    if (issuer->path == NULL)
        return ratls_build_no_memory(b);
    rules->issuer_count++;
    if (read_certificate(issuer->path, &issuer->certificate, &why) != RATLS_OK)
        return ratls_build_refuse_file(b, issuer->path, &why);
    for (size_t i = 0; i + 1 < rules->issuer_count; i++) {
        if (ratls_certificate_equal(rules->issuers[i].certificate, issuer->certificate))
            return ratls_build_refuse(b, "this issuer stands in the list twice");
    }
    *ret_servers = &issuer->servers;
    return add_crl(b, index, issuer);
}

/* A key for a name that the file does not speak for would never be looked at. */
static enum ratls_status check_narrower(struct ratls_build *b, const char *key,
                                        const struct ratls_names *servers)
{
    const struct ratls_names *wide = &b->rules->servers;

    /* NOLINTNEXTLINE: never NULL behind RATLS_OK, which is of another file */
    for (size_t i = 0; wide->count > 0 && i < servers->count; i++) {
        size_t j = 0;

        while (j < wide->count && !ratls_name_includes(wide->names[j], servers->names[i]))
            j++;
        if (j < wide->count)
            continue;
        ratls_build_at(b, "%s[%zu]", key, i);
        return ratls_build_refuse(b, "%s is not among the %s of this policy",
                                  ratls_build_show(b, servers->names[i]),
                                  b->rules->for_clients ? "clients" : "servers");
    }
    return RATLS_OK;
}

/* Of a key: `servers`, or `clients` in a policy for clients. */
static enum ratls_status build_key_names(struct ratls_build *b, size_t index,
                                         struct ratls_names *names)
{
    const struct ratls_document_key *key = &b->document->keys[index];
    const bool for_clients = b->rules->for_clients;
    enum ratls_status status;
    char at[48];

    snprintf(at, sizeof at, "attestation-keys[%zu].%s", index, for_clients ? "servers" : "clients");
    ratls_build_at(b, "%s", at);
    if ((for_clients ? key->servers_count : key->clients_count) > 0)
        return ratls_build_refuse(b, "this policy is for %s: name them under %s here too",
                                  for_clients ? "clients" : "servers",
                                  for_clients ? "clients" : "servers");
    snprintf(at, sizeof at, "attestation-keys[%zu].%s", index, for_clients ? "clients" : "servers");
    status = ratls_build_names(b, at, for_clients ? key->clients : key->servers,
                               for_clients ? key->clients_count : key->servers_count, names);
    return status != RATLS_OK ? status : check_narrower(b, at, names);
}

/* Roughly: nothing is fetched here, and 'ratls policy crl' looks again. */
static bool is_url(const char *text)
{
    static const char *const schemes[] = {"https://", "http://", "unix:/"};

    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (strncmp(text, schemes[i], strlen(schemes[i])) == 0)
            return ratls_slice_is_printable(ratls_slice(text, strlen(text)));
    return false;
}

static enum ratls_status build_key(struct ratls_build *b, size_t index)
{
    const struct ratls_document_key *key = &b->document->keys[index];
    struct ratls_names *servers = NULL;
    enum ratls_status status;

    ratls_build_at(b, "attestation-keys[%zu]", index);
    if (key->name == NULL && key->issuer == NULL)
        return ratls_build_refuse(b, "compares nothing: give name (of one key) or issuer (of "
                                     "certificates)");
    if (key->name != NULL && key->issuer != NULL)
        return ratls_build_refuse(b, "name or issuer, not both: make it two entries");
    if (key->name != NULL && key->crl != NULL)
        return ratls_build_refuse(b, "crl is of an issuer: deny a pinned key by deny-keys");
    if (key->crl_url != NULL && key->crl == NULL)
        return ratls_build_refuse(b, "crl-url says where the file of crl comes from: name that");
    if (key->crl_url != NULL && !is_url(key->crl_url))
        return ratls_build_refuse(b, "crl-url is https://..., or unix:/SOCKET:/PATH");
    status = key->name != NULL ? add_pin(b, index, &servers) : add_issuer(b, index, &servers);
    return status != RATLS_OK ? status : build_key_names(b, index, servers);
}

enum ratls_status ratls_build_keys(struct ratls_build *b)
{
    size_t count = b->document->keys_count, pins = 0;
    enum ratls_status status = RATLS_OK;

    for (size_t i = 0; i < count; i++)
        pins += b->document->keys[i].name != NULL;
    b->rules->pins = calloc(pins + 1, sizeof *b->rules->pins);
    b->rules->issuers = calloc(count - pins + 1, sizeof *b->rules->issuers);
    if (b->rules->pins == NULL || b->rules->issuers == NULL)
        return ratls_build_no_memory(b);
    for (size_t i = 0; status == RATLS_OK && i < count; i++)
        status = build_key(b, i);
    return status;
}
