#include "learned.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "describe.h"
#include "evidence.h"
#include "fail.h"
#include "policy_load.h"
#include "policy_write.h"
#include "statement.h"

#define SOURCE_MAX 320
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

    if (!ratls_evidence_read(bytes, &ret->evidence) || !ret->evidence.has_quote ||
        !ratls_statement_read(ret->evidence.statement, &ret->statement) ||
        !ratls_tpm_read_attest(ret->evidence.attest, &ret->attest) ||
        !ratls_tpm_read_public(ret->evidence.ak_public, &key))
        return ratls_fail(err, RATLS_REJECTED, "the evidence is malformed: nothing was learned");
    values_len =
        ratls_tpm_selection_values_len(ret->attest.selection.banks, ret->attest.selection.count);
    if (values_len == 0 || values_len != ret->evidence.pcr_values.len)
        return ratls_fail(err, RATLS_REJECTED,
                          "the evidence has other PCR values than its quote: nothing was learned");
    return ratls_tpm_name(&key, ret->ak_name, &ret->ak_name_len, err);
}

static enum ratls_status write_policy(const struct ratls_learning *learning,
                                      const struct lesson *lesson, char **ret_text,
                                      struct ratls_error *err)
{
    const struct ratls_slice said = lesson->statement.service;
    char service[RATLS_SERVICE_MAX + 1];
    char source[SOURCE_MAX];
    char when[RATLS_TIME_TEXT_MAX];
    struct ratls_policy_draft draft = {
        .source = source,
        .servers = &learning->expectation->server_name,
        .server_count = 1,
        .ak_name = ratls_slice(lesson->ak_name, lesson->ak_name_len),
        .banks = lesson->attest.selection.banks,
        .bank_count = lesson->attest.selection.count,
        .values = lesson->evidence.pcr_values,
    };

    ratls_time_text(learning->expectation->now, when);
    snprintf(source, sizeof source, "%s on %s", learning->source, when);
    snprintf(service, sizeof service, "%.*s", (int)said.len, (const char *)said.p);
    draft.service = learning->service != NULL ? learning->service : service;
    if (strcmp(draft.service, SERVICE_DEFAULT) == 0)
        draft.service = NULL;
    return ratls_policy_write(&draft, ret_text, err);
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
    status = write_policy(learning, &lesson, &text, err);
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
