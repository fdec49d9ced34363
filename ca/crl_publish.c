#include <stdlib.h>
#include <string.h>

#include "crl_make.h"
#include "fail.h"

#define TRIES 16 /* of instances that sign at the same time, all but one try again */
#define ROOM_FIRST 64

struct publication {
    struct ratls_issuers *issuers;
    struct ratls_store *store;
    size_t issuer;
    int64_t now;
    unsigned lifetime_s;
};

struct entries {
    struct ratls_crl_entry *items;
    size_t count, room;
    bool failed;
};

static bool take(void *arg, const struct ratls_store_certificate *certificate)
{
    struct entries *entries = arg;
    struct ratls_crl_entry *entry;

    if (entries->count == entries->room) {
        const size_t room = entries->room == 0 ? ROOM_FIRST : 2 * entries->room;
        struct ratls_crl_entry *longer = reallocarray(entries->items, room, sizeof *entries->items);

        entries->failed = longer == NULL;
        if (longer == NULL)
            return false;
        entries->items = longer;
        entries->room = room;
    }
    entry = &entries->items[entries->count++];
    *entry = (struct ratls_crl_entry){.serial_len = certificate->serial_len,
                                      .at = certificate->revoked,
                                      .reason = certificate->reason};
    memcpy(entry->serial, certificate->serial, certificate->serial_len);
    return true;
}

/*
 * The number of the last list, and when it was signed; 0: there is none yet. Never later than now:
 * one of a clock that was ahead would otherwise end what is revoked, and valid again.
 */
static enum ratls_status find_last(const struct publication *p, const uint8_t *issuer,
                                   int64_t *ret_number, int64_t *ret_at, struct ratls_error *err)
{
    enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
    struct ratls_store_crl last = {0};
    enum ratls_status status = ratls_store_last_crl(p->store, issuer, &last, &outcome, err);

    *ret_number = *ret_at = 0;
    if (status == RATLS_OK && outcome == RATLS_STORE_DONE) {
        *ret_number = last.number;
        *ret_at = last.this_update < p->now ? last.this_update : p->now;
        ratls_store_crl_done(&last);
    }
    return status;
}

/*
 * One list: what was revoked and had not ended when the last one was signed, so that each is in a
 * list that was signed after its end. The list counts from a little before now, for clients whose
 * clock is behind.
 */
static enum ratls_status make_next(const struct publication *p, struct ratls_store_crl *crl,
                                   struct ratls_error *err)
{
    const uint8_t *issuer = ratls_issuer_sha256(p->issuers, p->issuer);
    struct ratls_crl_wish wish = {.this_update = p->now - RATLS_CA_SKEW_S,
                                  .next_update = p->now + p->lifetime_s};
    struct entries entries = {0};
    int64_t number = 0, at = 0;
    enum ratls_status status = find_last(p, issuer, &number, &at, err);

    if (status == RATLS_OK)
        status = ratls_store_each_revoked(p->store, issuer, at, take, &entries, err);
    if (status == RATLS_OK && entries.failed)
        status = ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (status == RATLS_OK) {
        *crl = (struct ratls_store_crl){
            .number = number + 1, .this_update = p->now, .next_update = wish.next_update};
        wish.entries = entries.items;
        wish.count = entries.count;
        wish.number = crl->number;
        status = ratls_crl_make(p->issuers, p->issuer, &wish, &crl->der, &crl->len, err);
    }
    free(entries.items);
    return status;
}

enum ratls_status ratls_ca_publish(struct ratls_issuers *issuers, struct ratls_store *store,
                                   size_t i, int64_t now, unsigned lifetime_s,
                                   struct ratls_store_crl *ret_crl, struct ratls_error *err)
{
    const struct publication p = {issuers, store, i, now, lifetime_s};

    for (unsigned tries = 0; tries < TRIES; tries++) {
        enum ratls_store_outcome outcome = RATLS_STORE_UNKNOWN;
        struct ratls_store_crl crl = {0};
        enum ratls_status status = make_next(&p, &crl, err);

        if (status == RATLS_OK)
            status = ratls_store_put_crl(store, ratls_issuer_sha256(issuers, i), &crl, now,
                                         &outcome, err);
        if (status == RATLS_OK && outcome == RATLS_STORE_DONE) {
            *ret_crl = crl;
            return RATLS_OK;
        }
        ratls_store_crl_done(&crl);
        if (status != RATLS_OK)
            return status;
    }
    return ratls_fail(err, RATLS_IO, "other instances of the CA sign CRLs all the time");
}
