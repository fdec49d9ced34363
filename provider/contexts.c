#include "contexts.h"

#include <openssl/ssl.h>
#include <pthread.h>

#include <ratls/attester_agent.h>

#include "fail.h"
#include "log.h"
#include "policy_stamp.h"
#include "tls_internal.h"
#include "watch.h"

struct loaded_policy {
    struct ratls_watch watch;
    struct ratls_policy *policy;
    struct ratls_error failure;
};

/* OpenSSL's hook has no argument that outlives the provider, so this is one per process. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    bool hooked;
    struct ratls_config config;
    struct loaded_policy servers; /* what servers must prove */
    struct loaded_policy clients;
    struct ratls_watch state_watch;
    struct ratls_attester *attester;
    struct ratls_error attester_failure;
} process;

/*
 * A server's folder is that of its key. It reads it as root, and judges as somebody who can write
 * nothing there: its processes remember clocks and counters for themselves.
 */
static enum ratls_status use_state(struct ratls_policy *policy, struct ratls_error *err)
{
    enum ratls_status status = ratls_policy_use_state(policy, process.config.state, err);

    if (status == RATLS_OK && process.config.server)
        ratls_policy_keep_counters(policy, false);
    return status;
}

/*
 * Contexts that were made before keep the policy, or the attester, that they have. A state folder
 * that cannot be used is as a policy that cannot be read.
 */
static void load_policy(struct loaded_policy *loaded, const char *path)
{
    struct ratls_error *failure = &loaded->failure;

    ratls_policy_free(loaded->policy);
    loaded->policy = NULL;
    *failure = (struct ratls_error){0};
    failure->status = ratls_policy_load(path, &loaded->policy, failure);
    if (failure->status != RATLS_OK)
        ratls_watch_again(&loaded->watch);
    if (failure->status == RATLS_OK && process.config.state != NULL)
        failure->status = use_state(loaded->policy, failure);
    if (failure->status == RATLS_OK)
        return;
    ratls_policy_free(loaded->policy);
    loaded->policy = NULL;
}

/* A folder in which no file is for clients demands something that nobody can be measured by. */
static void load_clients(void)
{
    struct loaded_policy *clients = &process.clients;
    struct ratls_pcr_selection selection;
    struct ratls_log_request logs;

    load_policy(clients, process.config.clients);
    if (clients->failure.status == RATLS_OK)
        clients->failure.status =
            ratls_policy_client_claims(clients->policy, &selection, &logs, &clients->failure);
    if (clients->failure.status != RATLS_OK)
        ratls_log_failure(process.config.log, &clients->failure);
}

static enum ratls_status make_attester(struct ratls_attester **ret_attester,
                                       struct ratls_error *err)
{
    const struct ratls_agent_options options = {.socket = process.config.agent,
                                                .service = process.config.service};

    if (options.socket != NULL)
        return ratls_agent_attester_new(&options, ret_attester, err);
    return ratls_provider_tpm_attester(&process.config, ret_attester, err);
}

static void load_attester(void)
{
    if (process.attester != NULL)
        process.attester->free(process.attester);
    process.attester = NULL;
    process.attester_failure = (struct ratls_error){0};
    process.attester_failure.status = make_attester(&process.attester, &process.attester_failure);
    if (process.attester_failure.status != RATLS_OK)
        ratls_log_failure(process.config.log, &process.attester_failure);
}

/*
 * A policy may be wrong in a file that it names and that is not known then: it is tried again. Both
 * are asked: the first remembers what it has seen.
 */
static bool is_policy_changed(struct loaded_policy *loaded, const char *path)
{
    bool is_changed = ratls_watch_changed(&loaded->watch, path);

    return is_changed || (loaded->policy != NULL && ratls_policy_files_changed(loaded->policy));
}

/* Whoever asks an agent reads nothing: it is made once, and finds an agent that was restarted. */
static bool is_attester_due(const struct ratls_config *config)
{
    if (config->agent != NULL)
        return process.attester == NULL && process.attester_failure.status == RATLS_OK;
    return config->server && ratls_watch_changed(&process.state_watch, config->state);
}

/*
 * Not before the first SSL_CTX: a program that makes none reads no policy and no key. Again when
 * the files have changed: `nginx -s reload` makes new contexts in the old process. Under the lock.
 */
static void load_changed(void)
{
    const struct ratls_config *config = &process.config;

    if (config->client && is_policy_changed(&process.servers, config->policy))
        load_policy(&process.servers, config->policy);
    if (config->clients != NULL && is_policy_changed(&process.clients, config->clients))
        load_clients();
    if (is_attester_due(config))
        load_attester();
}

/* Files are read: a program that cancels a thread there would leave the lock taken. */
static enum ratls_status configure(SSL_CTX *ctx, struct ratls_tls *tls, struct ratls_error *err)
{
    bool is_watched = true;
    int cancel_state;

    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    pthread_mutex_lock(&lock);
    load_changed();
    tls->verifies = process.config.client;
    tls->unlisted_plain = process.config.unlisted_plain;
    tls->log = ratls_log_function(process.config.log);
    tls->watch = process.config.watch;
    tls->brief = true; /* a program that knows nothing of us asks for no report */
    tls->policy_failure = process.servers.failure;
    tls->clients_failure = process.clients.failure;
    tls->attester_failure = process.attester_failure;
    if (process.servers.policy != NULL)
        tls->policy = ratls_policy_up_ref(process.servers.policy);
    if (process.clients.policy != NULL)
        tls->clients = ratls_policy_up_ref(process.clients.policy);
    if (process.config.clients != NULL)
        is_watched = ratls_demand_install(ctx, tls);
    if (process.attester != NULL) {
        tls->attester = process.attester->up_ref(process.attester);
        ratls_progress_watch_context(ctx, tls);
    }
    pthread_mutex_unlock(&lock);
    (void)pthread_setcancelstate(cancel_state, &cancel_state);
    return is_watched ? RATLS_OK : ratls_fail(err, RATLS_MEMORY, "out of memory");
}

void ratls_contexts_find(struct ratls_found *ret)
{
    int cancel_state;

    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    pthread_mutex_lock(&lock);
    load_changed();
    *ret = (struct ratls_found){
        .server = process.config.server,
        .client = process.config.client,
        .has_clients = process.config.clients != NULL,
        .policy_failure = process.servers.failure,
        .clients_failure = process.clients.failure,
        .attester_failure = process.attester_failure,
    };
    if (process.attester != NULL)
        ret->attester = process.attester->up_ref(process.attester);
    pthread_mutex_unlock(&lock);
    (void)pthread_setcancelstate(cancel_state, &cancel_state);
}

/* This context could not be hooked: it must not work at all, rather than work unattested. */
static void disable(SSL_CTX *ctx)
{
    SSL_CTX_set_options(ctx, SSL_OP_NO_SSL_MASK);
    if (!SSL_CTX_set_ciphersuites(ctx, ""))
        SSL_CTX_set_max_proto_version(ctx, SSL3_VERSION);
}

/* OpenSSL calls this for every SSL_CTX of the process, ours too; it cannot fail. */
static void hook_context(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index, long argl,
                         void *argp)
{
    struct ratls_error err = {0};
    struct ratls_tls *tls;

    if (ratls_sync_makes_context())
        return;
    (void)ptr, (void)ad, (void)index, (void)argl, (void)argp;
    if (ratls_tls_hook(parent, process.config.extension, &tls, &err) == RATLS_OK &&
        (!process.config.server || ratls_server_watch_tickets(parent)) &&
        configure(parent, tls, &err) == RATLS_OK)
        return;
    ratls_raise_error(&err);
    disable(parent);
}

enum ratls_status ratls_contexts_hook(const struct ratls_config *config, struct ratls_error *err)
{
    bool first;

    pthread_mutex_lock(&lock);
    first = !process.hooked;
    if (first) {
        process.hooked = true;
        process.config = *config;
    }
    pthread_mutex_unlock(&lock);
    if (!first)
        return ratls_fail(err, RATLS_USAGE, "the ratls provider is loaded already");
    if (CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_SSL_CTX, 0, NULL, hook_context, NULL, NULL) < 0)
        return ratls_fail_openssl(err, "OpenSSL does not take a hook for SSL_CTX");
    return RATLS_OK;
}

/* Set once, before OpenSSL has the provider's functions. */
const char *ratls_contexts_watch(void)
{
    return process.config.watch == NULL ? "" : process.config.watch;
}
