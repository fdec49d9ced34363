/*
 * The end of a challenge. Whatever the answer was, the challenge is used up first, by a statement
 * that hits its row once; what may not be is found before anything else is written.
 */
#include <stdio.h>
#include <stdlib.h>

#include "crypto.h"
#include "fail.h"
#include "store_query.h"
#include "store_sql.h"

#define AK_NAME_MIN 34 /* u16 and a SHA-256; RATLS_TPM_NAME_MAX: and a SHA-512 */
#define HEX_SIZE 133   /* of what is longest, an AK's Name */

struct work {
    const struct ratls_store_issue *issue; /* NULL: it fails, and reason says why */
    const uint8_t *id;
    const char *reason;
    char *names;
    uint8_t der_sha256[32];
    int64_t now;
    enum ratls_store_outcome outcome;
};

/* What was asked with the challenge. */
struct asked {
    uint8_t request_sha256[32];
    uint8_t ek_sha256[32];
    uint8_t ak_name[RATLS_TPM_NAME_MAX];
    size_t ak_name_len;
    char *names;
    uint8_t token_id[RATLS_STORE_TOKEN_ID_LEN];
    size_t token_id_len;
    int64_t answered;
    enum ratls_store_state state;
};

static bool find_asked(struct ratls_store_tx *tx, const struct work *work, struct asked *ret)
{
    if (!ratls_store_ask(tx, RATLS_SQL_ASKED,
                         RATLS_WITH(ratls_of_hex(work->id, RATLS_STORE_ID_LEN))))
        return false;
    ratls_store_read_hex(tx, 0, ret->request_sha256, sizeof ret->request_sha256);
    ratls_store_read_hex(tx, 1, ret->ek_sha256, sizeof ret->ek_sha256);
    ret->ak_name_len = ratls_store_read_hex_upto(tx, 2, ret->ak_name, sizeof ret->ak_name);
    ret->names = ratls_store_read_text(tx, 3);
    ret->token_id_len = ratls_store_read_hex_upto(tx, 4, ret->token_id, sizeof ret->token_id);
    ret->answered = ratls_store_read_number(tx, 5, INT64_MAX);
    ret->state =
        (enum ratls_store_state)ratls_store_read_number(tx, 6, (int64_t)RATLS_STORE_EXPIRED);
    ratls_store_end(tx);
    return tx->status == RATLS_OK;
}

static void conclude(struct ratls_store_tx *tx, const struct work *work, const struct asked *asked,
                     enum ratls_store_state state, const char *reason)
{
    static const char *const kinds[] = {
        [RATLS_STORE_FAILED] = "failed", [RATLS_STORE_EXPIRED] = "late"};
    char id[2 * RATLS_STORE_ID_LEN + 1];

    ratls_store_do_one(tx, RATLS_SQL_CONCLUDE,
                       RATLS_WITH(ratls_of_hex(asked->request_sha256, 32), ratls_of_number(state),
                                  ratls_of_text(reason)));
    if (state == RATLS_STORE_ISSUED || !ratls_store_has_record(tx, asked->ek_sha256))
        return;
    ratls_hex(ratls_slice(work->id, RATLS_STORE_ID_LEN), id, sizeof id);
    ratls_store_record(tx, work->now, kinds[state], id, "%s: %s", asked->names, reason);
}

/* Uses the challenge up. Unless this is RATLS_STORE_DONE, it is over. */
static enum ratls_store_outcome consume(struct ratls_store_tx *tx, const struct work *work,
                                        struct asked *asked)
{
    if (!find_asked(tx, work, asked))
        return RATLS_STORE_UNKNOWN;
    if (asked->state == RATLS_STORE_EXPIRED) /* also if the clock went back since */
        return RATLS_STORE_LATE;
    if (ratls_store_do(tx, RATLS_SQL_CONSUME,
                       RATLS_WITH(ratls_of_hex(work->id, RATLS_STORE_ID_LEN),
                                  ratls_of_number(work->now))) == 1)
        return RATLS_STORE_DONE;
    if (asked->answered != 0)
        return RATLS_STORE_ANSWERED;
    conclude(tx, work, asked, RATLS_STORE_EXPIRED, "not answered in time");
    return RATLS_STORE_LATE;
}

static void fail_step(struct ratls_store_tx *tx, void *arg)
{
    struct work *work = arg;
    struct asked asked = {.names = NULL};

    work->outcome = consume(tx, work, &asked);
    if (work->outcome == RATLS_STORE_DONE)
        conclude(tx, work, &asked, RATLS_STORE_FAILED, work->reason);
    free(asked.names);
}

static bool is_of_request(const struct work *work, const struct asked *asked)
{
    const struct ratls_store_issue *issue = work->issue;

    return memcmp(issue->ek.sha256, asked->ek_sha256, 32) == 0 &&
           ratls_slice_equal(issue->ak_name, ratls_slice(asked->ak_name, asked->ak_name_len)) &&
           strcmp(work->names, asked->names) == 0;
}

static bool is_denied(struct ratls_store_tx *tx, const char *kind, struct ratls_slice key)
{
    return ratls_store_ask_number(tx, RATLS_SQL_COUNT_DENIED,
                                  RATLS_WITH(ratls_of_text(kind), ratls_of_hex(key.p, key.len))) >
           0;
}

/* Whether there is a row with another hash of an endorsement key. *ret_found: there is a row. */
static bool is_other(struct ratls_store_tx *tx, const char *sql, struct ratls_store_value key,
                     const uint8_t ek_sha256[static 32], bool *ret_found)
{
    uint8_t sha256[32] = {0};

    *ret_found = ratls_store_ask(tx, sql, &key, 1);
    if (!*ret_found)
        return false;
    ratls_store_read_hex(tx, 0, sha256, sizeof sha256);
    ratls_store_end(tx);
    return memcmp(sha256, ek_sha256, sizeof sha256) != 0;
}

static enum ratls_store_outcome check_ak(struct ratls_store_tx *tx, const struct work *work)
{
    const struct ratls_store_issue *issue = work->issue;
    const struct ratls_store_value key = ratls_of_hex(issue->ak_name.p, issue->ak_name.len);
    bool is_there, is_over = false;

    if (is_denied(tx, "ek", ratls_slice(issue->ek.sha256, 32)) ||
        is_denied(tx, "ak", issue->ak_name))
        return RATLS_STORE_DENIED;
    if (is_other(tx, RATLS_SQL_FIND_ENROLMENT, key, issue->ek.sha256, &is_there))
        return RATLS_STORE_OTHER_TPM;
    if (ratls_store_ask(tx, RATLS_SQL_FIND_ENROLMENT, &key, 1)) {
        is_over = ratls_store_read_number(tx, 1, INT64_MAX) != 0;
        ratls_store_end(tx);
    }
    return is_over ? RATLS_STORE_DENIED : RATLS_STORE_DONE;
}

static enum ratls_store_outcome check_name(struct ratls_store_tx *tx, const struct work *work,
                                           struct ratls_slice name)
{
    const struct ratls_store_issue *issue = work->issue;
    bool is_there;

    if (is_other(tx, RATLS_SQL_FIND_OWNER, ratls_of_name(name), issue->ek.sha256, &is_there) ||
        is_other(tx, RATLS_SQL_FIND_ONLY_BY, ratls_of_name(name), issue->ek.sha256, &is_there))
        return RATLS_STORE_OTHER_EK;
    if (ratls_store_ask_number(tx, RATLS_SQL_COUNT_OTHER_AKS,
                               RATLS_WITH(ratls_of_name(name),
                                          ratls_of_hex(issue->ak_name.p, issue->ak_name.len),
                                          ratls_of_number(work->now))) >= RATLS_STORE_AKS_MAX)
        return RATLS_STORE_OVERLAP;
    return RATLS_STORE_DONE;
}

/* Last of the checks, as it is the one that writes. */
static enum ratls_store_outcome use_token(struct ratls_store_tx *tx, const struct work *work,
                                          const struct asked *asked)
{
    const struct ratls_store_value id = ratls_of_hex(asked->token_id, asked->token_id_len);

    if (asked->token_id_len == 0)
        return RATLS_STORE_DONE;
    if (ratls_store_do(tx, RATLS_SQL_USE_TOKEN, RATLS_WITH(id, ratls_of_number(work->now))) != 1)
        return RATLS_STORE_TOKEN;
    ratls_store_do_one(tx, RATLS_SQL_ADD_USE,
                       RATLS_WITH(id, ratls_of_hex(work->id, RATLS_STORE_ID_LEN)));
    return RATLS_STORE_DONE;
}

static enum ratls_store_outcome check(struct ratls_store_tx *tx, const struct work *work,
                                      const struct asked *asked)
{
    enum ratls_store_outcome outcome = check_ak(tx, work);

    for (size_t i = 0; i < work->issue->names.count && outcome == RATLS_STORE_DONE; i++)
        outcome = check_name(tx, work, work->issue->names.p[i]);
    return outcome == RATLS_STORE_DONE ? use_token(tx, work, asked) : outcome;
}

static void add_tuple(struct ratls_store_tx *tx, const struct work *work)
{
    const struct ratls_store_issue *issue = work->issue;
    const struct ratls_store_ek *ek = &issue->ek;
    const struct ratls_store_value now = ratls_of_number(work->now);
    const struct ratls_store_value ek_sha256 = ratls_of_hex(ek->sha256, sizeof ek->sha256);

    (void)ratls_store_do(tx, RATLS_SQL_ADD_EK,
                         RATLS_WITH(ek_sha256, ratls_of_number((int64_t)ek->template_id),
                                    ratls_of_base64(ek->area), ratls_of_base64(ek->certificate),
                                    ratls_of_text(ek->manufacturer), ratls_of_text(ek->model),
                                    ratls_of_text(ek->version), ratls_of_number(ek->is_software),
                                    now));
    (void)ratls_store_do(tx, RATLS_SQL_ADD_ENROLMENT,
                         RATLS_WITH(ratls_of_hex(issue->ak_name.p, issue->ak_name.len), ek_sha256,
                                    ratls_of_base64(issue->ak_area), now));
    for (size_t i = 0; i < issue->names.count; i++) {
        const struct ratls_store_value name = ratls_of_name(issue->names.p[i]);
        bool is_owned = false;

        (void)is_other(tx, RATLS_SQL_FIND_OWNER, name, ek->sha256, &is_owned);
        if (!is_owned)
            ratls_store_do_one(tx, RATLS_SQL_ADD_OWNER, RATLS_WITH(name, ek_sha256, now));
    }
}

static void add_certificate(struct ratls_store_tx *tx, const struct work *work)
{
    const struct ratls_store_issue *issue = work->issue;
    const struct ratls_store_value serial = ratls_of_hex(issue->serial.p, issue->serial.len);

    ratls_store_do_one(tx, RATLS_SQL_ADD_CERTIFICATE,
                       RATLS_WITH(serial, ratls_of_hex(issue->id, sizeof issue->id),
                                  ratls_of_hex(issue->issuer_sha256, sizeof issue->issuer_sha256),
                                  ratls_of_hex(issue->ak_name.p, issue->ak_name.len),
                                  ratls_of_text(work->names), ratls_of_number(issue->not_before),
                                  ratls_of_number(issue->not_after), ratls_of_base64(issue->der),
                                  ratls_of_hex(work->der_sha256, 32)));
    for (size_t i = 0; i < issue->names.count; i++)
        ratls_store_do_one(tx, RATLS_SQL_ADD_CERTIFICATE_NAME,
                           RATLS_WITH(serial, ratls_of_name(issue->names.p[i])));
}

static void record_issue(struct ratls_store_tx *tx, const struct work *work)
{
    const struct ratls_store_issue *issue = work->issue;
    char serial[2 * RATLS_STORE_SERIAL_MAX + 1], ek[65], der[65], ak[HEX_SIZE];

    ratls_hex(issue->serial, serial, sizeof serial);
    ratls_hex(ratls_slice(issue->ek.sha256, 32), ek, sizeof ek);
    ratls_hex(ratls_slice(work->der_sha256, 32), der, sizeof der);
    ratls_hex(issue->ak_name, ak, sizeof ak);
    ratls_store_record(tx, work->now, "issued", serial, "%s; ek %s; ak %s; certificate %s",
                       work->names, ek, ak, der);
}

/* Words for the audit log, and for who asks for the request. */
static const char *say_why(enum ratls_store_outcome outcome)
{
    switch (outcome) {
    case RATLS_STORE_OTHER_EK:
        return "a name is enrolled for another endorsement key";
    case RATLS_STORE_OTHER_TPM:
        return "the attestation key is enrolled with another endorsement key";
    case RATLS_STORE_TOKEN:
        return "the token is used up, expired or revoked";
    case RATLS_STORE_OVERLAP:
        return "two other attestation keys have valid certificates for a name: revoke one first";
    case RATLS_STORE_DENIED:
        return "the endorsement key or the attestation key is denied";
    case RATLS_STORE_DONE:
    case RATLS_STORE_ANSWERED:
    case RATLS_STORE_LATE:
    case RATLS_STORE_UNKNOWN:
    case RATLS_STORE_FULL:
        break;
    }
    return "";
}

static void issue_step(struct ratls_store_tx *tx, void *arg)
{
    struct work *work = arg;
    struct asked asked = {.names = NULL};

    work->outcome = consume(tx, work, &asked);
    if (work->outcome != RATLS_STORE_DONE || tx->status != RATLS_OK)
        goto out;
    if (!is_of_request(work, &asked)) {
        (void)ratls_store_stop(tx, RATLS_USAGE, "a certificate for other keys or names than asked");
        goto out;
    }
    work->outcome = check(tx, work, &asked);
    if (work->outcome != RATLS_STORE_DONE) {
        conclude(tx, work, &asked, RATLS_STORE_FAILED, say_why(work->outcome));
        goto out;
    }
    add_tuple(tx, work);
    add_certificate(tx, work);
    conclude(tx, work, &asked, RATLS_STORE_ISSUED, "");
    record_issue(tx, work);
out:
    free(asked.names);
}

static bool is_sound(const struct ratls_store_issue *issue, int64_t now)
{
    return now > 0 && issue->ak_name.len >= AK_NAME_MIN &&
           issue->ak_name.len <= RATLS_TPM_NAME_MAX && issue->serial.len > 0 &&
           issue->serial.len <= RATLS_STORE_SERIAL_MAX && issue->der.len > 0 &&
           issue->not_before >= 0 && issue->not_after > issue->not_before;
}

enum ratls_status ratls_store_issue(struct ratls_store *store,
                                    const struct ratls_store_issue *issue, int64_t now,
                                    enum ratls_store_outcome *ret_outcome, struct ratls_error *err)
{
    struct work work = {.issue = issue, .id = issue->id, .now = now};
    enum ratls_status status;

    work.names = ratls_store_join(&issue->names);
    if (work.names == NULL || !is_sound(issue, now))
        status = ratls_fail(err, RATLS_USAGE, "names, keys or times that cannot be enrolled");
    else
        status = ratls_sha256(issue->der, work.der_sha256, err);
    if (status == RATLS_OK)
        status = ratls_store_run(store, RATLS_STORE_WRITE, issue_step, &work, err);
    if (status == RATLS_OK)
        *ret_outcome = work.outcome;
    free(work.names);
    return status;
}

enum ratls_status ratls_store_fail(struct ratls_store *store,
                                   const uint8_t id[static RATLS_STORE_ID_LEN], int64_t now,
                                   const char *reason, enum ratls_store_outcome *ret_outcome,
                                   struct ratls_error *err)
{
    struct work work = {.id = id, .reason = reason, .now = now};
    enum ratls_status status = ratls_store_run(store, RATLS_STORE_WRITE, fail_step, &work, err);

    if (status == RATLS_OK)
        *ret_outcome = work.outcome;
    return status;
}
