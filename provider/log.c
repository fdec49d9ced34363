#include "log.h"

#include <openssl/conf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

/* A verdict may be there already when something goes wrong with what comes behind it. */
static bool is_accepted(const struct ratls_channel *channel)
{
    return channel->accepted && channel->error.text[0] == '\0';
}

static const char *describe_peer(const SSL *ssl)
{
    return SSL_is_server(ssl) ? "client " : "";
}

static void print_report(const SSL *ssl, const struct ratls_channel *channel)
{
    unsigned colour = isatty(STDERR_FILENO) && getenv("NO_COLOR") == NULL ? RATLS_TEXT_COLOUR : 0;
    char *text = NULL;

    if (is_accepted(channel))
        return;
    if (channel->error.text[0] != '\0')
        fprintf(stderr, "ratls: %s%s\n", SSL_is_server(ssl) ? "with a client: " : "",
                channel->error.text);
    else if (ratls_report_text(channel->report, RATLS_TEXT_FAILURES | colour, &text) == RATLS_OK)
        fprintf(stderr, "ratls: %s%s", describe_peer(ssl), text);
    free(text);
}

static void log_report(const SSL *ssl, const struct ratls_channel *channel)
{
    const char *server = channel->server_name[0] == '\0' ? "(no name)" : channel->server_name;
    const char *peer = describe_peer(ssl);
    struct ratls_finding finding;

    if (is_accepted(channel))
        syslog(LOG_AUTHPRIV | LOG_INFO, "ratls: accepted %s%s", peer, server);
    else if (channel->error.text[0] != '\0')
        syslog(LOG_AUTHPRIV | LOG_ERR, "ratls: %s%s%s: %s", SSL_is_server(ssl) ? "with " : "", peer,
               server, channel->error.text);
    else if (ratls_report_first_failure(channel->report, &finding))
        syslog(LOG_AUTHPRIV | LOG_WARNING, "ratls: refused %s%s: %s at %s: expected %s, got %s",
               peer, server, finding.check, finding.at, finding.expected, finding.actual);
}

ratls_tls_log_fn *ratls_log_function(enum ratls_log log)
{
    switch (log) {
    case RATLS_LOG_NONE:
        return NULL;
    case RATLS_LOG_STDERR:
        return print_report;
    case RATLS_LOG_SYSLOG:
        return log_report;
    }
    return NULL;
}

void ratls_log_failure(enum ratls_log log, const struct ratls_error *err)
{
    if (log == RATLS_LOG_STDERR)
        fprintf(stderr, "ratls: %s\n", err->text);
    else if (log == RATLS_LOG_SYSLOG)
        syslog(LOG_AUTHPRIV | LOG_ERR, "ratls: %s", err->text);
}

void ratls_log_notice(enum ratls_log log, const struct ratls_error *err)
{
    if (log == RATLS_LOG_STDERR)
        fprintf(stderr, "ratls: %s\n", err->text);
    else if (log == RATLS_LOG_SYSLOG)
        syslog(LOG_AUTHPRIV | LOG_NOTICE, "ratls: %s", err->text);
}

void ratls_log_mistake(enum ratls_log log, const struct ratls_error *err)
{
    char *file = CONF_get1_default_config_file(); /* but for a program that names another */
    const char *path = file == NULL ? "openssl.cnf" : file;

    if (log == RATLS_LOG_STDERR)
        fprintf(stderr,
                "ratls: %s: the provider's section: %s; until this is right TLS does not work\n",
                path, err->text);
    else if (log == RATLS_LOG_SYSLOG)
        syslog(LOG_AUTHPRIV | LOG_ERR, "ratls: %s: the provider's section: %s", path, err->text);
    OPENSSL_free(file);
}
