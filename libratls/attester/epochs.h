/*
 * The epochs of this process, one after the other (WIRE.md, 5.1). A thread of its own gets time
 * stamps, makes the next epoch when half of one is over, has the quotes that are in use made for
 * it, and only then lets it take over: no handshake waits for any of this. It rests while nobody
 * asks, and starts with the first who does.
 */
#ifndef RATLS_ATTESTER_EPOCHS_H
#define RATLS_ATTESTER_EPOCHS_H

#include "epoch_quotes.h"

struct ratls_epochs;

struct ratls_epochs_options {
    const char *source; /* token_source.h; checked before; borrowed */
    unsigned length_s;
    /* Makes the quote for a use and keeps it in the epoch; called by the thread. May wait. */
    void (*quote)(void *self, struct ratls_epoch *epoch, const struct ratls_epoch_use *use);
    void *self;
    /* Told once when time stamps fail, and once when they come again. May be NULL. */
    void (*notice)(void *notice_arg, const char *text);
    void *notice_arg;
};

RATLS_MUST_CHECK enum ratls_status ratls_epochs_new(const struct ratls_epochs_options *options,
                                                    struct ratls_epochs **ret_epochs,
                                                    struct ratls_error *err);
/*
 * Waits for a quote that is being made; a thread that waits for the network is left behind with the
 * memory that it uses, which it frees when the answer comes. It calls nobody any more.
 */
void ratls_epochs_free(struct ratls_epochs *epochs);

/* As ratls_worker_is_ours(). */
bool ratls_epochs_is_ours(const struct ratls_epochs *epochs);

/* The epoch that is now, or NULL. Never waits. The caller frees its reference. */
struct ratls_epoch *ratls_epochs_now(struct ratls_epochs *epochs);

#endif
