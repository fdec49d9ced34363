#include "learned.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "describe.h"
#include "evidence.h"
#include "fail.h"
#include "policy_load.h"
#include "statement.h"

#define SHOWN_PATH "learned policy"
#define SERVICE_DEFAULT "default" /* of a policy that names none */

/* What of the evidence goes into the policy. */
struct lesson {
    struct ratls_evidence evidence;
    struct ratls_statement statement;
    struct ratls_tpm_attest attest;
    uint8_t ak_name[RATLS_TPM_NAME_MAX];
    size_t ak_name_len;
};

static enum ratls_status read_lesson(struct ratls_slice bytes, struct lesson *ret,
                                     struct ratls_error *err)
{
    struct ratls_tpm_public key;
    size_t values_len;

    if (!ratls_evidence_read(bytes, &ret->evidence) ||
        !ratls_statement_read(ret->evidence.statement, &ret->statement) ||
        !ratls_tpm_read_attest(ret->evidence.attest, &ret->attest) ||
        !ratls_tpm_read_public(ret->evidence.ak_public, &key))
        return ratls_fail(err, RATLS_MALFORMED, "the evidence is malformed: nothing was learned");
    values_len =
        ratls_tpm_selection_values_len(ret->attest.selection.banks, ret->attest.selection.count);
    if (values_len == 0 || values_len != ret->evidence.pcr_values.len)
        return ratls_fail(err, RATLS_MALFORMED,
                          "the evidence has other PCR values than its quote: nothing was learned");
    return ratls_tpm_name(&key, ret->ak_name, &ret->ak_name_len, err);
}

static void put_hex(FILE *out, struct ratls_slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        fprintf(out, "%02x", bytes.p[i]);
}

/* A YAML scalar in single quotes, where only they are special; all else is printable ASCII. */
static void put_quoted(FILE *out, struct ratls_slice text)
{
    fputc('\'', out);
    for (size_t i = 0; i < text.len; i++)
        fprintf(out, text.p[i] == '\'' ? "''" : "%c", text.p[i]);
    fputc('\'', out);
}

static void put_bank(FILE *out, const struct ratls_pcr_bank *bank, struct ratls_reader *values)
{
    for (unsigned i = 0; i < RATLS_PCR_COUNT; i++) {
        if ((bank->pcrs & 1u << i) == 0)
            continue;
        fprintf(out, "  - index: %u\n    %s: [", i, ratls_tpm_hash_name(bank->hash_alg));
        put_hex(out, ratls_read_bytes(values, ratls_tpm_hash_len(bank->hash_alg)));
        fputs("]\n", out);
    }
}

static void put_policy(FILE *out, const struct ratls_learning *learning, const struct lesson *l)
{
    struct ratls_reader values = ratls_reader(l->evidence.pcr_values);
    struct ratls_slice service = l->statement.service;
    const char *name = learning->expectation->server_name;
    char when[RATLS_TIME_TEXT_MAX];

    if (learning->service != NULL)
        service = ratls_slice(learning->service, strlen(learning->service));
    ratls_time_text(learning->expectation->now, when);
    fprintf(out,
            "# Learned from %s on %s, on trust: nobody has said yet that these\n"
            "# values are good ones. 'ratls policy learn' wrote this file.\n"
            "policy: ratls-1\nservers: [",
            learning->source, when);
    put_quoted(out, ratls_slice(name, strlen(name)));
    fputs("]\n", out);
    if (service.len != strlen(SERVICE_DEFAULT) ||
        memcmp(service.p, SERVICE_DEFAULT, service.len) != 0) {
        fputs("service: ", out);
        put_quoted(out, service);
        fputc('\n', out);
    }
    fputs("attestation-keys:\n  - name: ", out);
    put_hex(out, ratls_slice(l->ak_name, l->ak_name_len));
    fputs("\npcrs:\n", out);
    for (size_t i = 0; i < l->attest.selection.count; i++)
        put_bank(out, &l->attest.selection.banks[i], &values);
}

static enum ratls_status write_text(const struct ratls_learning *learning,
                                    const struct lesson *lesson, char **ret_text,
                                    struct ratls_error *err)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    bool failed;

    if (out == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    put_policy(out, learning, lesson);
    failed = ferror(out) != 0;
    failed = fclose(out) != 0 || failed;
    if (failed) {
        free(text);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    *ret_text = text;
    return RATLS_OK;
}

enum ratls_status ratls_learn(const struct ratls_learning *learning, char **ret_text,
                              struct ratls_report **ret_report, struct ratls_error *err)
{
    struct ratls_policy *policy = NULL;
    enum ratls_status status;
    struct lesson lesson;
    char *text = NULL;

    status = read_lesson(learning->evidence, &lesson, err);
    if (status != RATLS_OK)
        return status;
    status = write_text(learning, &lesson, &text, err);
    if (status != RATLS_OK)
        return status;
    status = ratls_policy_parse(SHOWN_PATH, ratls_slice(text, strlen(text)), &policy, err);
    if (status == RATLS_OK)
        status = ratls_appraise(policy, learning->expectation, learning->evidence.p,
                                learning->evidence.len, ret_report, err);
    ratls_policy_free(policy);
    if (status == RATLS_OK)
        *ret_text = text;
    else
        free(text);
    return status;
}
