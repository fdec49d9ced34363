#include "approve.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca_outcome.h"
#include "denied.h"
#include "fail.h"
#include "word_list.h"

#define SHORT_HEX 17 /* 16 digits of a hash, for words */

/* One request that is looked at. */
struct work {
    const struct ratls_approver *by;
    const struct ratls_enrollee *e;
    struct ratls_slice body;
    struct ratls_ca_answer *answer;
    struct ratls_error *err;
};

static enum ratls_status check_denied_key(const struct work *w, const char *kind,
                                          struct ratls_slice key, enum ratls_ca_outcome outcome,
                                          const char *what)
{
    char value[2 * RATLS_TPM_NAME_MAX + 1];
    bool is_denied = true;
    enum ratls_status status;

    ratls_hex(key, value, sizeof value);
    status = ratls_store_is_denied(w->by->store, kind, value, &is_denied, w->err);
    if (status == RATLS_OK && is_denied)
        ratls_ca_say(w->answer, outcome,
                     "%s %s is denied here; 'ratls ca deny --list' says why, and "
                     "'ratls ca deny --remove' ends it",
                     what, value);
    return status;
}

static enum ratls_status check_denied(const struct work *w)
{
    const struct ratls_ek_certificate *ek = &w->e->ek.ek;
    bool is_denied = true;
    enum ratls_status status = check_denied_key(w, RATLS_DENIED_EK, ratls_slice(ek->sha256, 32),
                                                RATLS_CA_EK_DENIED, "endorsement key");

    if (status == RATLS_OK)
        status = check_denied_key(w, RATLS_DENIED_AK, ratls_slice(w->e->ak_name, w->e->ak_name_len),
                                  RATLS_CA_AK_DENIED, "attestation key");
    if (status == RATLS_OK)
        status = ratls_denied_has_model(w->by->store, ek, &is_denied, w->err);
    if (status == RATLS_OK && is_denied)
        ratls_ca_say(w->answer, RATLS_CA_EK_DENIED,
                     "TPMs of this model are denied here (%s/%s/%s); 'ratls ca deny --list' says "
                     "why",
                     ek->manufacturer, ek->model, ek->version);
    return status;
}

/* An attestation key stays with its TPM, and one whose enrolment has ended does not come back. */
static enum ratls_status check_ak(const struct work *w)
{
    uint8_t ek_sha256[32];
    bool has_ended = false;
    enum ratls_store_outcome outcome;
    enum ratls_status status =
        ratls_store_enrolment(w->by->store, ratls_slice(w->e->ak_name, w->e->ak_name_len),
                              ek_sha256, &has_ended, &outcome, w->err);

    if (status != RATLS_OK || outcome == RATLS_STORE_UNKNOWN)
        return status;
    if (memcmp(ek_sha256, w->e->ek.ek.sha256, sizeof ek_sha256) != 0)
        ratls_ca_say(w->answer, RATLS_CA_AK_OTHER_EK,
                     "the attestation key is enrolled with another endorsement key: make another "
                     "by 'ratls init --replace'");
    else if (has_ended)
        ratls_ca_say(w->answer, RATLS_CA_AK_DENIED,
                     "the attestation key was revoked, and gets no certificate any more: make "
                     "another by 'ratls init --replace'");
    return status;
}

static enum ratls_status find_claim(const struct work *w, struct ratls_slice name,
                                    enum ratls_store_claim *ret_claim)
{
    uint8_t ek_sha256[32];
    enum ratls_store_claim claim;
    char hex[SHORT_HEX];
    enum ratls_status status = ratls_store_owner(w->by->store, name, ek_sha256, &claim, w->err);

    if (status != RATLS_OK)
        return status;
    *ret_claim = claim;
    if (claim == RATLS_STORE_FREE || memcmp(ek_sha256, w->e->ek.ek.sha256, sizeof ek_sha256) == 0)
        return RATLS_OK;
    ratls_hex(ratls_slice(w->e->ek.ek.sha256, (SHORT_HEX - 1) / 2), hex, sizeof hex);
    ratls_ca_say(
        w->answer, RATLS_CA_OTHER_EK,
        "%.*s is %s another endorsement key than %s...: if the machine was replaced, an "
        "administrator says so by 'ratls ca replace'",
        (int)name.len, (const char *)name.p,
        claim == RATLS_STORE_PROMISED ? "kept (ratls ca replace --by) for" : "enrolled for", hex);
    return RATLS_OK;
}

static enum ratls_status check_standing(const struct work *w)
{
    const struct ratls_enroll_request *request = &w->e->request;
    enum ratls_store_claim claim;
    enum ratls_status status = check_denied(w);

    if (status == RATLS_OK)
        status = check_ak(w);
    for (size_t i = 0; i < request->name_count && status == RATLS_OK; i++)
        status = find_claim(w, request->names[i], &claim);
    return status;
}

/* Names of a token are separated by one space each. */
static bool token_has_name(const char *names, struct ratls_slice name)
{
    while (*names != '\0') {
        size_t len = strcspn(names, " ");
        char item[RATLS_EK_URL_MAX];
        char *const items[] = {item};

        (void)snprintf(item, sizeof item, "%.*s", (int)len, names);
        if (ratls_ca_name_fits(items, 1, name))
            return true;
        names += len + (names[len] == ' ');
    }
    return false;
}

/* The MAC is by the token, so whoever made the request has it, and nothing in it was changed. */
static void check_token_terms(const struct work *w, const struct ratls_store_token *token)
{
    const struct ratls_enroll_request *request = &w->e->request;

    if (token->uses_left == 0)
        ratls_ca_say(w->answer, RATLS_CA_TOKEN,
                     "the token is used up, or was revoked: get another");
    if (token->expires <= w->by->now)
        ratls_ca_say(w->answer, RATLS_CA_TOKEN, "the token has expired: get another");
    if (token->has_ek && memcmp(token->ek_sha256, w->e->ek.ek.sha256, 32) != 0)
        ratls_ca_say(w->answer, RATLS_CA_TOKEN, "the token is for another endorsement key");
    for (size_t i = 0; i < request->name_count && token->names[0] != '\0'; i++)
        if (!token_has_name(token->names, request->names[i]))
            ratls_ca_say(w->answer, RATLS_CA_TOKEN, "%.*s: the token is not for this name",
                         (int)request->names[i].len, (const char *)request->names[i].p);
}

static enum ratls_status check_token_mac(const struct work *w,
                                         const struct ratls_store_token *token)
{
    uint8_t mac[RATLS_ENROLL_MAC_LEN];
    enum ratls_status status =
        ratls_enroll_token_mac(ratls_slice(token->key, sizeof token->key), w->body, mac, w->err);

    if (status != RATLS_OK)
        return status;
    if (ratls_slice_equal(ratls_slice(mac, sizeof mac), w->e->request.token_mac))
        check_token_terms(w, token);
    else
        ratls_ca_say(w->answer, RATLS_CA_TOKEN,
                     "there is no such token, or the request was changed after it was made");
    explicit_bzero(mac, sizeof mac);
    return RATLS_OK;
}

/* Who gives a token means it: if it does not hold, nothing else is tried. */
static enum ratls_status check_token(const struct work *w, struct ratls_approval *approval)
{
    struct ratls_store_token token = {.uses_left = 0};
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    enum ratls_status status;

    if (!w->by->config->tokens) {
        ratls_ca_say(w->answer, RATLS_CA_TOKEN,
                     "tokens are not taken here (approval in the configuration of the CA): ask "
                     "without one");
        return RATLS_OK;
    }
    status =
        ratls_store_find_token(w->by->store, w->e->request.token_id.p, &token, &outcome, w->err);
    if (status != RATLS_OK)
        return status;
    if (outcome == RATLS_STORE_DONE)
        status = check_token_mac(w, &token);
    else
        ratls_ca_say(w->answer, RATLS_CA_TOKEN,
                     "there is no such token, or the request was changed after it was made");
    ratls_store_token_done(&token);
    approval->is_given = status == RATLS_OK && !ratls_ca_is_refused(w->answer);
    (void)snprintf(approval->decided_by, sizeof approval->decided_by, "token");
    return status;
}

static bool rule_has_name(const struct ratls_approver *by, const uint8_t ek_sha256[static 32],
                          struct ratls_slice name)
{
    for (size_t i = 0; i < by->config->rule_count; i++) {
        const struct ratls_ca_rule *rule = &by->config->rules[i];

        if (memcmp(rule->ek_sha256, ek_sha256, 32) == 0 &&
            ratls_ca_name_fits(rule->names, rule->name_count, name))
            return true;
    }
    return by->rules != NULL && ratls_rules_file_covers(by->rules, ek_sha256, &name, 1);
}

static const char ground_rule[] = "rule", ground_promise[] = "replacement",
                  ground_renewal[] = "renewal";

static bool is_by_itself(const char *decided_by)
{
    return strncmp(decided_by, ground_rule, strlen(ground_rule)) == 0 ||
           strncmp(decided_by, ground_promise, strlen(ground_promise)) == 0 ||
           strncmp(decided_by, ground_renewal, strlen(ground_renewal)) == 0;
}

/* What speaks for a name; NULL: nothing but somebody's hand. */
static enum ratls_status find_ground(const struct work *w, struct ratls_slice name,
                                     const char **ret_ground)
{
    enum ratls_store_claim claim = RATLS_STORE_FREE;
    enum ratls_status status = find_claim(w, name, &claim);

    *ret_ground = NULL;
    if (rule_has_name(w->by, w->e->ek.ek.sha256, name))
        *ret_ground = ground_rule;
    else if (claim == RATLS_STORE_PROMISED)
        *ret_ground = ground_promise;
    else if (claim == RATLS_STORE_OWNED && w->by->config->renewal)
        *ret_ground = ground_renewal;
    return status;
}

static enum ratls_status find_grounds(const struct work *w, struct ratls_approval *approval)
{
    const struct ratls_enroll_request *request = &w->e->request;
    enum ratls_status status = RATLS_OK;

    if (w->by->rules != NULL)
        status = ratls_rules_file_refresh(w->by->rules, w->err);
    approval->is_given = true;
    for (size_t i = 0; i < request->name_count && status == RATLS_OK; i++) {
        const char *ground;

        status = find_ground(w, request->names[i], &ground);
        if (ground == NULL)
            approval->is_given = false;
        else if (strstr(approval->decided_by, ground) == NULL)
            ratls_word_add(approval->decided_by, sizeof approval->decided_by, ", ", ground);
    }
    return status;
}

static enum ratls_status decide(const struct work *w, struct ratls_approval *approval)
{
    enum ratls_status status = check_standing(w);
    char hex[65];

    if (status != RATLS_OK || ratls_ca_is_refused(w->answer))
        return status;
    if (w->e->request.token_id.len != 0)
        return check_token(w, approval);
    status = find_grounds(w, approval);
    if (status != RATLS_OK || approval->is_given)
        return status;
    approval->decided_by[0] = '\0';
    ratls_hex(ratls_slice(w->e->ek.ek.sha256, 32), hex, sizeof hex);
    if (!w->by->config->by_hand)
        ratls_ca_say(w->answer, RATLS_CA_NOT_ALLOWED,
                     "no rule and no token says that endorsement key %s may have these names, and "
                     "nothing is approved by hand here",
                     hex);
    return RATLS_OK;
}

enum ratls_status ratls_approve_standing(const struct ratls_approver *approver,
                                         const struct ratls_enrollee *enrollee,
                                         struct ratls_ca_answer *answer, struct ratls_error *err)
{
    const struct work work = {.by = approver, .e = enrollee, .answer = answer, .err = err};

    return check_standing(&work);
}

enum ratls_status ratls_approve_again(const struct ratls_approver *approver,
                                      const struct ratls_enrollee *enrollee, const char *decided_by,
                                      struct ratls_ca_answer *answer, struct ratls_error *err)
{
    const struct work work = {.by = approver, .e = enrollee, .answer = answer, .err = err};
    struct ratls_approval approval = {.is_given = true};
    enum ratls_status status = check_standing(&work);

    if (status == RATLS_OK && !ratls_ca_is_refused(answer) && is_by_itself(decided_by))
        status = find_grounds(&work, &approval);
    if (status == RATLS_OK && !approval.is_given)
        ratls_ca_say(answer, RATLS_CA_NOT_ALLOWED,
                     "what spoke for the request when it came (%s) does not any more: make a new "
                     "request",
                     decided_by);
    return status;
}

enum ratls_status ratls_approve(const struct ratls_approver *approver, struct ratls_slice body,
                                const struct ratls_enrollee *enrollee,
                                struct ratls_ca_answer *answer, struct ratls_approval *ret_approval,
                                struct ratls_error *err)
{
    const struct work work = {approver, enrollee, body, answer, err};
    struct ratls_approval approval = {.is_given = false};
    enum ratls_status status = decide(&work, &approval);

    if (status == RATLS_OK)
        *ret_approval = approval;
    return status;
}
