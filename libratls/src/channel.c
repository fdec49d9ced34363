#include "channel.h"

#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "session_record.h"
#include "tls_index.h"
#include "tls_internal.h"
#include "tls_pause.h"

static void reset_channel(struct ratls_channel *channel)
{
    struct ratls_channel kept = {.verify_mode = channel->verify_mode,
                                 .chained_info = channel->chained_info,
                                 .speaks = channel->speaks,
                                 .pause = channel->pause,
                                 .is_watched = channel->is_watched,
                                 .demander = channel->demander};

    ratls_keylog_end(channel);
    ratls_policy_free(channel->policy);
    ratls_report_free(channel->report);
    ratls_session_record_free(channel->offered);
    free(channel->evidence);
    free(channel->known);
    *channel = kept;
}

static void free_channel(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index, long argl,
                         void *argp)
{
    struct ratls_channel *channel = ptr;

    (void)parent, (void)ad, (void)index, (void)argl, (void)argp;
    if (channel == NULL)
        return;
    ratls_pause_leave(channel);
    reset_channel(channel);
    SSL_CTX_free(channel->demander);
    free(channel);
}

/* SSL_dup(): the copy begins without a channel, for two objects must not free one. */
static int forget_channel(CRYPTO_EX_DATA *to, const CRYPTO_EX_DATA *from, void **ptr, int index,
                          long argl, void *argp)
{
    (void)to, (void)from, (void)index, (void)argl, (void)argp;
    *ptr = NULL;
    return 1;
}

static struct ratls_tls_index channel_index =
    RATLS_TLS_INDEX(CRYPTO_EX_INDEX_SSL, NULL, forget_channel, free_channel);

struct ratls_channel *ratls_channel_of(const SSL *ssl)
{
    int index = ratls_tls_index(&channel_index);

    return index < 0 ? NULL : SSL_get_ex_data(ssl, index);
}

struct ratls_channel *ratls_channel_make(SSL *ssl)
{
    struct ratls_channel *channel = ratls_channel_of(ssl);

    if (channel != NULL)
        return channel;
    if (ratls_tls_index(&channel_index) < 0 || (channel = calloc(1, sizeof *channel)) == NULL)
        return NULL;
    if (!SSL_set_ex_data(ssl, ratls_tls_index(&channel_index), channel)) {
        free(channel);
        return NULL;
    }
    channel->verify_mode = -1;
    return channel;
}

struct ratls_channel *ratls_channel_begin(SSL *ssl)
{
    struct ratls_channel *channel = ratls_channel_make(ssl);
    uint8_t client_random[SSL3_RANDOM_SIZE] = {0};

    if (channel == NULL)
        return NULL;
    SSL_get_client_random(ssl, client_random, sizeof client_random);
    if (memcmp(client_random, channel->client_random, sizeof client_random) != 0) {
        reset_channel(channel);
        memcpy(channel->client_random, client_random, sizeof client_random);
    }
    return channel;
}

enum ratls_status ratls_channel_ask(struct ratls_channel *channel, const struct ratls_rules *rules,
                                    const char *peer_name, bool begins_anew,
                                    struct ratls_request *ret_request)
{
    struct ratls_known known = {.is_known = false};
    enum ratls_status status =
        ratls_request_by_rules(rules, peer_name, begins_anew, ret_request, &known, &channel->error);

    free(channel->known);
    channel->known = NULL;
    if (status != RATLS_OK || !known.is_known)
        return status;
    channel->known = malloc(sizeof *channel->known);
    if (channel->known == NULL)
        return ratls_fail(&channel->error, RATLS_MEMORY, "out of memory");
    *channel->known = known.row;
    return RATLS_OK;
}

void ratls_channel_close(SSL *ssl)
{
    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_set0_wbio(ssl, BIO_new_mem_buf("", 0)); /* or none: then it fails as well */
}
