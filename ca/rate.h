/*
 * How much the service of a CA does: token buckets, in all and for each endorsement key.
 *
 * An asker is known by nothing: its address is that of the web server in front, and all that is in
 * a request is public, as the certificate of an endorsement key is, and the public area of the
 * attestation key. So who has seen a machine's certificate can ask in its place, and use its bucket
 * up. Were that bucket a limit by itself, twenty requests of a stranger would keep a machine out
 * for an hour, without any load. Nor may requests be left out that match a rule or renew: a rule
 * names a key, it does not know who asks; only a right answer to the challenge does.
 *
 * So the bucket of a key decides only who is served first when there is too much to do: what is
 * above the half of the bucket of all is for everyone; the half below is for keys that have not
 * used up their own. A machine that runs wild leaves that half to others, and a stranger who wants
 * to keep one machine out must keep half of all busy all the time, which is load that the web
 * server in front limits by address. A request with a valid token is from somebody whom the
 * administrator gave it: it needs no bucket of its key.
 */
#ifndef RATLS_CA_RATE_H
#define RATLS_CA_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More keys than that with a bucket that is not full are the work of many: see rate.c. */
#define RATLS_RATE_KEYS_MAX 4096
#define RATLS_RATE_KEY_LEN 32

/* Holds what one period brings, and is full at first. */
struct ratls_bucket {
    uint64_t level; /* in parts of a token: see rate.c */
    int64_t at_ms;
};

struct ratls_rate_key {
    uint8_t ek_sha256[RATLS_RATE_KEY_LEN];
    struct ratls_bucket bucket;
};

struct ratls_rate {
    unsigned per_minute;  /* in all */
    unsigned per_ek_hour; /* for each endorsement key */
    struct ratls_bucket all;
    size_t count;
    struct ratls_rate_key keys[RATLS_RATE_KEYS_MAX];
};

/* now_ms is of a clock that nobody sets, here and below. */
void ratls_rate_init(struct ratls_rate *rate, unsigned per_minute, unsigned per_ek_hour,
                     int64_t now_ms);
/* Other limits from now on; what was used stays used. */
void ratls_rate_change(struct ratls_rate *rate, unsigned per_minute, unsigned per_ek_hour,
                       int64_t now_ms);

/*
 * Takes one token of all, and one of this key if it has some. 0: go on. Else seconds until it is
 * worth trying again, and nothing is taken. is_known: it has shown a valid token.
 */
unsigned ratls_rate_take(struct ratls_rate *rate,
                         const uint8_t ek_sha256[static RATLS_RATE_KEY_LEN], bool is_known,
                         int64_t now_ms);

/* One bucket alone, of so many in a period. The same answers. */
void ratls_bucket_init(struct ratls_bucket *bucket, unsigned count, unsigned period_s,
                       int64_t now_ms);
unsigned ratls_bucket_take(struct ratls_bucket *bucket, unsigned count, unsigned period_s,
                           int64_t now_ms);

#endif
