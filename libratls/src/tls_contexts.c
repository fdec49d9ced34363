#include "tls_contexts.h"

#include "tls_internal.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ratls_tls *first;

void ratls_tls_contexts_add(SSL_CTX *ctx, struct ratls_tls *tls)
{
    pthread_mutex_lock(&lock);
    tls->ctx = ctx;
    tls->next = first;
    first = tls;
    pthread_mutex_unlock(&lock);
}

void ratls_tls_contexts_remove(struct ratls_tls *tls)
{
    pthread_mutex_lock(&lock);
    for (struct ratls_tls **at = &first; *at != NULL; at = &(*at)->next)
        if (*at == tls) {
            *at = tls->next;
            break;
        }
    pthread_mutex_unlock(&lock);
}

void ratls_tls_contexts_watch(void)
{
    pthread_mutex_lock(&lock);
    for (struct ratls_tls *tls = first; tls != NULL; tls = tls->next)
        if (!tls->client_only)
            ratls_progress_watch_context(tls->ctx, tls);
    pthread_mutex_unlock(&lock);
}

void ratls_tls_contexts_watch_sessions(void)
{
    pthread_mutex_lock(&lock);
    for (struct ratls_tls *tls = first; tls != NULL; tls = tls->next)
        if (tls->attester != NULL)
            ratls_sessions_watch(tls->ctx, tls);
    pthread_mutex_unlock(&lock);
}

void ratls_tls_contexts_guard(void)
{
    pthread_mutex_lock(&lock);
    for (struct ratls_tls *tls = first; tls != NULL; tls = tls->next)
        if (tls->demands)
            ratls_keylog_keep(tls->ctx, tls);
    pthread_mutex_unlock(&lock);
}
