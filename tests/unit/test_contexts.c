/* What the provider does with each SSL_CTX of a program. */
#include <criterion/criterion.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../provider/contexts.h"

static void make_context(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    cr_assert_not_null(ctx);
    SSL_CTX_free(ctx);
}

/* The next function that waits and lets itself be cancelled ends the thread. */
static void *make_cancelled(void *arg)
{
    pthread_cancel(pthread_self());
    make_context();
    *(bool *)arg = true;
    pthread_testcancel();
    return NULL;
}

/* A thread that a program cancels ends, but not with the lock that all others need. */
Test(contexts, cancelled_thread, .timeout = 60)
{
    char path[] = "/tmp/ratls-test-XXXXXX"; /* no policy: each SSL_CTX has it read again */
    struct ratls_config config = {.client = true, .extension = 65300};
    int fd = mkstemp(path);
    struct ratls_error err = {0};
    bool is_made = false;
    pthread_t thread;
    void *result;

    cr_assert_geq(fd, 0);
    config.policy = strdup(path);
    make_context(); /* what OpenSSL itself reads at first */
    cr_assert_eq(ratls_contexts_hook(&config, &err), RATLS_OK, "%s", err.text);
    make_context();
    cr_assert_eq(pthread_create(&thread, NULL, make_cancelled, &is_made), 0);
    cr_assert_eq(pthread_join(thread, &result), 0);
    cr_expect(result == PTHREAD_CANCELED);
    cr_expect(is_made);
    make_context();
    close(fd);
    cr_assert_eq(unlink(path), 0);
}
