/*
 * How many requests a store holds, and the audit log tells of, that did not end in a certificate.
 * The certificate of an endorsement key is public, so whoever has seen one that a rule or a renewal
 * covers can ask in its place, and gets a challenge for each request: without a bound they fill the
 * disk.
 *
 * Nothing tells a stranger's request from the machine's: both are public. Were the request refused
 * that is one too many, a few of a stranger's would keep the machine out for as long as challenges
 * live. So the oldest one makes room instead:
 *   first what can no longer be answered;
 *   then challenges that are more than GRACE_S old: the machine has that long to answer its own,
 *   whoever else asks. Never one that lives longer than the new one would (a service's request
 *   takes away none that was given by hand or in a file), nor one with a token, which no stranger
 *   has. Where all is full, a request with a token waits for nobody's grace.
 * Of one key there may therefore be more than its bound, as many as come in GRACE_S; the bound in
 * all is never passed.
 *
 * Nor do they fill the audit log, from which nothing is ever removed: as long as there are
 * RATLS_STORE_RECORDED_PER_EK of a key, neither further challenges nor what became of them are
 * written to it, except for certificates.
 */
#include "store_query.h"
#include "store_sql.h"

#define GRACE_S 60
#define AT_ONCE 16 /* if a bound has become lower, it is reached step by step */

struct bound {
    const char *count, *oldest;
    struct ratls_store_value of;
    size_t max;
    int64_t grace_s;
};

/* The hashes of as many as have to go, at most AT_ONCE; returns how many there are. */
static size_t choose(struct ratls_store_tx *tx, const struct ratls_store_request *r, int64_t now,
                     const struct bound *bound, size_t wanted, uint8_t ret[AT_ONCE][32])
{
    size_t count = 0;
    bool goes_on = ratls_store_ask(
        tx, bound->oldest,
        RATLS_WITH(bound->of, ratls_of_number(now), ratls_of_number(now - bound->grace_s),
                   ratls_of_number(r->challenge->expires), ratls_of_number((int64_t)wanted)));

    while (goes_on && count < wanted) {
        ratls_store_read_hex(tx, 0, ret[count++], 32);
        goes_on = ratls_store_next(tx);
    }
    ratls_store_end(tx);
    return count;
}

static bool make_room(struct ratls_store_tx *tx, const struct ratls_store_request *r, int64_t now,
                      const struct bound *bound)
{
    uint8_t oldest[AT_ONCE][32];
    size_t there, wanted, chosen;

    if (bound->max == 0)
        return true;
    there = (size_t)ratls_store_ask_number(tx, bound->count, RATLS_WITH(bound->of));
    if (there < bound->max)
        return true;
    wanted = there - bound->max + 1;
    chosen = choose(tx, r, now, bound, wanted < AT_ONCE ? wanted : AT_ONCE, oldest);
    for (size_t i = 0; i < chosen; i++) {
        (void)ratls_store_do(tx, RATLS_SQL_REMOVE_CHALLENGE,
                             RATLS_WITH(ratls_of_hex(oldest[i], 32)));
        ratls_store_do_one(tx, RATLS_SQL_REMOVE_REQUEST, RATLS_WITH(ratls_of_hex(oldest[i], 32)));
    }
    return chosen > 0;
}

bool ratls_store_make_room(struct ratls_store_tx *tx, const struct ratls_store_request *r,
                           int64_t now)
{
    const struct bound of_ek = {RATLS_SQL_COUNT_UNDONE(RATLS_SQL_UNDONE_OF_EK),
                                RATLS_SQL_OLDEST_UNDONE(RATLS_SQL_UNDONE_OF_EK),
                                ratls_of_hex(r->ek_sha256, sizeof r->ek_sha256),
                                r->undone_per_ek_max, GRACE_S};
    const struct bound of_all = {RATLS_SQL_COUNT_UNDONE(RATLS_SQL_UNDONE_OF_ALL),
                                 RATLS_SQL_OLDEST_UNDONE(RATLS_SQL_UNDONE_OF_ALL),
                                 ratls_of_text(""), r->undone_max,
                                 r->token_id.len > 0 ? 0 : GRACE_S};

    (void)make_room(tx, r, now, &of_ek);
    return make_room(tx, r, now, &of_all);
}

bool ratls_store_has_record(struct ratls_store_tx *tx, const uint8_t ek_sha256[static 32])
{
    return ratls_store_ask_number(tx, RATLS_SQL_COUNT_UNDONE(RATLS_SQL_UNDONE_OF_EK),
                                  RATLS_WITH(ratls_of_hex(ek_sha256, 32))) <
           RATLS_STORE_RECORDED_PER_EK;
}
