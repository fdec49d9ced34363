#include "epoch_quotes.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "request.h"

/*
 * Certificates of a server times selections of its clients. A client that asks for ever other
 * selections costs a quote each, as without epochs, and pushes out only what is used less.
 */
#define QUOTES_MAX 64

struct kept {
    uint64_t last_use;
    uint64_t uses;
    uint64_t ima_len;
    struct ratls_epoch_use use;
    struct ratls_quoted quoted;
};

struct ratls_epoch {
    atomic_uint references;
    struct ratls_epoch_key *key;
    pthread_mutex_t lock; /* of what follows, up to the blank line */
    uint64_t clock;
    size_t count;
    struct kept *kept[QUOTES_MAX];

    size_t token_len;
    uint8_t token[RATLS_TOKEN_MAX];
};

enum ratls_status ratls_epoch_new(struct ratls_slice token, struct ratls_epoch **ret_epoch,
                                  struct ratls_error *err)
{
    struct ratls_epoch *epoch = calloc(1, sizeof *epoch);
    enum ratls_status status;

    if (epoch == NULL || token.len > sizeof epoch->token ||
        pthread_mutex_init(&epoch->lock, NULL) != 0) {
        free(epoch);
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    }
    atomic_init(&epoch->references, 1);
    memcpy(epoch->token, token.p, token.len);
    epoch->token_len = token.len;
    status = ratls_epoch_key_new(&epoch->key, err);
    if (status == RATLS_OK)
        *ret_epoch = epoch;
    else
        ratls_epoch_free(epoch);
    return status;
}

struct ratls_epoch *ratls_epoch_up_ref(struct ratls_epoch *epoch)
{
    atomic_fetch_add(&epoch->references, 1);
    return epoch;
}

static void free_kept(struct kept *kept)
{
    if (kept == NULL)
        return;
    ratls_quoted_clear(&kept->quoted);
    free(kept);
}

void ratls_epoch_free(struct ratls_epoch *epoch)
{
    if (epoch == NULL || atomic_fetch_sub(&epoch->references, 1) != 1)
        return;
    for (size_t i = 0; i < epoch->count; i++)
        free_kept(epoch->kept[i]);
    ratls_epoch_key_free(epoch->key);
    pthread_mutex_destroy(&epoch->lock);
    free(epoch);
}

struct ratls_slice ratls_epoch_token(const struct ratls_epoch *epoch)
{
    return ratls_slice(epoch->token, epoch->token_len);
}

const struct ratls_epoch_key *ratls_epoch_key(const struct ratls_epoch *epoch)
{
    return epoch->key;
}

static bool is_same(const struct ratls_epoch_use *a, const struct ratls_epoch_use *b)
{
    return a->role == b->role && a->wants_tls_key == b->wants_tls_key &&
           memcmp(a->spki_sha256, b->spki_sha256, sizeof a->spki_sha256) == 0 &&
           ratls_selection_is(&a->selection, b->selection.banks, b->selection.count);
}

/* With the lock held; NULL if there is none. */
static struct kept *find_kept(const struct ratls_epoch *epoch, const struct ratls_epoch_use *use)
{
    for (size_t i = 0; i < epoch->count; i++)
        if (is_same(&epoch->kept[i]->use, use))
            return epoch->kept[i];
    return NULL;
}

bool ratls_epoch_find(struct ratls_epoch *epoch, const struct ratls_epoch_use *use,
                      uint64_t min_ima, struct ratls_quoted *ret_quoted)
{
    struct kept *kept;
    bool is_found;

    pthread_mutex_lock(&epoch->lock);
    kept = find_kept(epoch, use);
    is_found = kept != NULL && kept->ima_len >= min_ima;
    if (is_found) {
        kept->last_use = ++epoch->clock;
        kept->uses++;
        *ret_quoted = kept->quoted;
        ratls_quote_up_ref(kept->quoted.quote);
    }
    pthread_mutex_unlock(&epoch->lock);
    return is_found;
}

/* With the lock held: the place of this use, a new one, or that of the use that is missed least. */
static struct kept **choose_place(struct ratls_epoch *epoch, const struct ratls_epoch_use *use)
{
    size_t oldest = 0;

    for (size_t i = 0; i < epoch->count; i++) {
        if (is_same(&epoch->kept[i]->use, use))
            return &epoch->kept[i];
        if (epoch->kept[i]->last_use < epoch->kept[oldest]->last_use)
            oldest = i;
    }
    if (epoch->count < QUOTES_MAX)
        return &epoch->kept[epoch->count++];
    return &epoch->kept[oldest];
}

void ratls_epoch_keep(struct ratls_epoch *epoch, const struct ratls_epoch_use *use,
                      uint64_t ima_len, const struct ratls_quoted *quoted)
{
    struct kept *kept = calloc(1, sizeof *kept);
    struct kept *before = NULL;
    struct kept **place;

    if (kept == NULL)
        return; /* the next connection has its own */
    kept->use = *use;
    kept->ima_len = ima_len;
    kept->uses = 1;
    kept->quoted = *quoted;
    ratls_quote_up_ref(quoted->quote);
    pthread_mutex_lock(&epoch->lock);
    kept->last_use = ++epoch->clock;
    place = choose_place(epoch, use);
    before = *place;
    if (before != NULL && is_same(&before->use, use))
        kept->uses += before->uses;
    *place = kept;
    pthread_mutex_unlock(&epoch->lock);
    free_kept(before);
}

size_t ratls_epoch_popular(struct ratls_epoch *epoch, struct ratls_epoch_use *out, size_t max)
{
    uint64_t before = UINT64_MAX;
    size_t count = 0;

    pthread_mutex_lock(&epoch->lock);
    for (bool is_found = true; is_found && count < max;) {
        const struct kept *latest = NULL;

        for (size_t i = 0; i < epoch->count; i++)
            if (epoch->kept[i]->uses > 1 && epoch->kept[i]->last_use < before &&
                (latest == NULL || epoch->kept[i]->last_use > latest->last_use))
                latest = epoch->kept[i];
        is_found = latest != NULL;
        if (is_found) {
            out[count++] = latest->use;
            before = latest->last_use;
        }
    }
    pthread_mutex_unlock(&epoch->lock);
    return count;
}
