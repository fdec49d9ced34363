/* The extension on an SSL_CTX, and the public functions of <ratls/tls.h>. */
#include <pthread.h>
#include <stdlib.h>

#include "fail.h"
#include "tls_contexts.h"
#include "tls_index.h"
#include "tls_internal.h"

/* SH is not sent in: there the callback only looks, after a server may have changed its SSL_CTX. */
#define CONTEXTS                                                                                   \
    (SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_3_SERVER_HELLO | SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS |    \
     SSL_EXT_TLS1_3_CERTIFICATE_REQUEST | SSL_EXT_TLS1_3_CERTIFICATE)

static void free_tls(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index, long argl, void *argp)
{
    struct ratls_tls *tls = ptr;

    (void)parent, (void)ad, (void)index, (void)argl, (void)argp;
    if (tls == NULL)
        return;
    ratls_tls_contexts_remove(tls);
    if (tls->attester != NULL)
        tls->attester->free(tls->attester);
    ratls_policy_free(tls->policy);
    ratls_policy_free(tls->clients);
    ratls_spki_memory_clear(&tls->shown);
    pthread_mutex_destroy(&tls->lock);
    free(tls);
}

static struct ratls_tls_index tls_index =
    RATLS_TLS_INDEX(CRYPTO_EX_INDEX_SSL_CTX, NULL, NULL, free_tls);

struct ratls_tls *ratls_tls_of_context(const SSL_CTX *ctx)
{
    int index = ratls_tls_index(&tls_index);

    return index < 0 ? NULL : SSL_CTX_get_ex_data(ctx, index);
}

struct ratls_tls *ratls_tls_of(const SSL *ssl)
{
    return ratls_tls_of_context(SSL_get_SSL_CTX(ssl));
}

/* OpenSSL's convention: 1 add the extension, 0 do not, -1 fail with *alert. */
static int add_extension(SSL *ssl, unsigned type, unsigned context, const unsigned char **out,
                         size_t *ret_len, X509 *certificate, size_t chain_index, int *alert,
                         void *arg)
{
    struct ratls_tls *tls = ratls_tls_of(ssl);

    (void)type, (void)arg;
    if (tls == NULL)
        return 0;
    if (context & SSL_EXT_CLIENT_HELLO)
        return ratls_client_add_request(ssl, tls, out, ret_len, alert);
    if (!SSL_is_server(ssl))
        return context & SSL_EXT_TLS1_3_CERTIFICATE && chain_index == 0
                   ? ratls_client_add_evidence(ssl, tls, certificate, out, ret_len, alert)
                   : 0;
    if (context & SSL_EXT_TLS1_3_CERTIFICATE_REQUEST)
        return ratls_demand_add_request(ssl, out, ret_len, alert);
    if (context & SSL_EXT_TLS1_3_SERVER_HELLO)
        ratls_server_await_binder(ssl, tls);
    if (context & SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS)
        return ratls_server_add_acknowledgement(ssl, tls, out, ret_len, alert);
    if (context & SSL_EXT_TLS1_3_CERTIFICATE && chain_index == 0)
        return ratls_server_add_evidence(ssl, tls, certificate, out, ret_len, alert);
    return 0;
}

static void free_extension(SSL *ssl, unsigned type, unsigned context, const unsigned char *out,
                           void *arg)
{
    union {
        const unsigned char *in;
        unsigned char *out;
    } same = {.in = out};

    (void)ssl, (void)type, (void)context, (void)arg;
    free(same.out);
}

static int parse_extension(SSL *ssl, unsigned type, unsigned context, const unsigned char *in,
                           size_t len, X509 *certificate, size_t chain_index, int *alert, void *arg)
{
    struct ratls_tls *tls = ratls_tls_of(ssl);
    struct ratls_slice bytes = ratls_slice(in, len);

    (void)type, (void)certificate, (void)arg;
    if (tls == NULL)
        return 1;
    if (context & SSL_EXT_CLIENT_HELLO)
        return ratls_server_parse_request(ssl, tls, bytes, alert);
    if (context & SSL_EXT_TLS1_3_ENCRYPTED_EXTENSIONS)
        return ratls_client_parse_acknowledgement(ssl, bytes, alert);
    if (context & SSL_EXT_TLS1_3_CERTIFICATE_REQUEST)
        return ratls_client_parse_demand(ssl, tls, bytes, alert);
    return ratls_peer_parse_evidence(
        ssl, bytes, (context & SSL_EXT_TLS1_3_CERTIFICATE) != 0 && chain_index == 0);
}

/* Owned by the context. */
static struct ratls_tls *new_tls(SSL_CTX *ctx)
{
    struct ratls_tls *tls = calloc(1, sizeof *tls);
    int index = ratls_tls_index(&tls_index);

    if (tls == NULL)
        return NULL;
    if (pthread_mutex_init(&tls->lock, NULL) != 0) {
        free(tls);
        return NULL;
    }
    if (!ratls_spki_memory_init(&tls->shown)) {
        pthread_mutex_destroy(&tls->lock);
        free(tls);
        return NULL;
    }
    tls->client_only = SSL_CTX_get_ssl_method(ctx) == TLS_client_method();
    tls->sync =
        (struct ratls_sync_settings){.all_s = RATLS_SYNC_ALL_S, .each_s = RATLS_SYNC_EACH_S};
    if (index < 0 || !SSL_CTX_set_ex_data(ctx, index, tls)) {
        free_tls(NULL, tls, NULL, 0, 0, NULL);
        return NULL;
    }
    ratls_tls_contexts_add(ctx, tls);
    return tls;
}

enum ratls_status ratls_tls_hook(SSL_CTX *ctx, unsigned extension, struct ratls_tls **ret_tls,
                                 struct ratls_error *err)
{
    struct ratls_tls *tls = ratls_tls_of_context(ctx);

    if (tls != NULL) {
        *ret_tls = tls;
        return RATLS_OK;
    }
    if (SSL_CTX_has_client_custom_ext(ctx, extension))
        return ratls_fail(err, RATLS_USAGE,
                          "the context has extension %u already: is the ratls provider active?",
                          extension);
    tls = new_tls(ctx);
    if (tls == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    if (!SSL_CTX_add_custom_ext(ctx, extension, CONTEXTS, add_extension, free_extension, NULL,
                                parse_extension, NULL)) {
        SSL_CTX_set_ex_data(ctx, ratls_tls_index(&tls_index), NULL);
        free_tls(NULL, tls, NULL, 0, 0, NULL);
        return ratls_fail(err, RATLS_CRYPTO, "OpenSSL does not take extension %u", extension);
    }
    tls->extension = extension;
    *ret_tls = tls;
    return RATLS_OK;
}

enum ratls_status ratls_tls_attest(SSL_CTX *ctx, struct ratls_attester *attester,
                                   struct ratls_error *ret_error)
{
    struct ratls_tls *tls = NULL;
    enum ratls_status status = ratls_tls_hook(ctx, RATLS_TLS_EXTENSION_DEFAULT, &tls, ret_error);

    if (status != RATLS_OK)
        return status;
    if (tls->attester != NULL)
        return ratls_fail(ret_error, RATLS_USAGE, "the context has an attester already");
    if (!ratls_server_watch_tickets(ctx))
        return ratls_fail(ret_error, RATLS_CRYPTO, "OpenSSL does not take a callback for tickets");
    tls->attester = attester->up_ref(attester);
    ratls_progress_watch_context(ctx, tls);
    return RATLS_OK;
}

enum ratls_status ratls_tls_verify(SSL_CTX *ctx, struct ratls_policy *policy,
                                   struct ratls_error *ret_error)
{
    struct ratls_tls *tls = NULL;
    enum ratls_status status = ratls_tls_hook(ctx, RATLS_TLS_EXTENSION_DEFAULT, &tls, ret_error);

    if (status != RATLS_OK)
        return status;
    if (tls->verifies)
        return ratls_fail(ret_error, RATLS_USAGE, "the context has a policy already");
    tls->policy = ratls_policy_up_ref(policy);
    tls->verifies = true;
    return RATLS_OK;
}

enum ratls_status ratls_tls_verify_clients(SSL_CTX *ctx, struct ratls_policy *policy,
                                           struct ratls_error *ret_error)
{
    struct ratls_pcr_selection selection;
    struct ratls_log_request logs;
    struct ratls_tls *tls = NULL;
    enum ratls_status status = ratls_policy_client_claims(policy, &selection, &logs, ret_error);

    if (status == RATLS_OK)
        status = ratls_tls_hook(ctx, RATLS_TLS_EXTENSION_DEFAULT, &tls, ret_error);
    if (status != RATLS_OK)
        return status;
    if (tls->demands)
        return ratls_fail(ret_error, RATLS_USAGE, "the context has a policy for clients already");
    if (!ratls_demand_install(ctx, tls))
        return ratls_fail(ret_error, RATLS_MEMORY, "out of memory");
    tls->clients = ratls_policy_up_ref(policy);
    return RATLS_OK;
}

enum ratls_status ratls_tls_collect(SSL_CTX *ctx, const struct ratls_pcr_selection *selection,
                                    const struct ratls_log_request *logs, struct ratls_error *err)
{
    struct ratls_tls *tls = NULL;
    enum ratls_status status = ratls_tls_hook(ctx, RATLS_TLS_EXTENSION_DEFAULT, &tls, err);

    if (status != RATLS_OK)
        return status;
    if (!ratls_selection_valid(selection))
        return ratls_fail(err, RATLS_USAGE, "no PCRs were selected");
    tls->collects = tls->verifies = true;
    tls->collected = *selection;
    if (logs != NULL)
        tls->collected_logs = *logs;
    return RATLS_OK;
}

const struct ratls_report *ratls_tls_report(const SSL *ssl)
{
    const struct ratls_channel *channel = ratls_channel_of(ssl);

    return channel == NULL ? NULL : channel->report;
}

const struct ratls_error *ratls_tls_error(const SSL *ssl)
{
    const struct ratls_channel *channel = ratls_channel_of(ssl);

    return channel == NULL || channel->error.text[0] == '\0' ? NULL : &channel->error;
}

const uint8_t *ratls_tls_evidence(const SSL *ssl, size_t *ret_len)
{
    const struct ratls_channel *channel = ratls_channel_of(ssl);

    *ret_len = channel == NULL ? 0 : channel->evidence_len;
    return channel == NULL ? NULL : channel->evidence;
}

const struct ratls_expectation *ratls_tls_expectation(const SSL *ssl)
{
    const struct ratls_channel *channel = ratls_channel_of(ssl);

    return channel == NULL || channel->expectation.mode == 0 ? NULL : &channel->expectation;
}
