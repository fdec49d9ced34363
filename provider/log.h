/* Tells a person why a connection was refused, where `log` of openssl.cnf asks for it. */
#ifndef RATLS_PROVIDER_LOG_H
#define RATLS_PROVIDER_LOG_H

#include "config.h"
#include "tls_internal.h"

/* The function for ratls_tls.log, or NULL for RATLS_LOG_NONE. */
ratls_tls_log_fn *ratls_log_function(enum ratls_log log);

/* A server's key cannot be used: said when it is found, not when the first connection fails. */
void ratls_log_failure(enum ratls_log log, const struct ratls_error *err);

/* Something is less than it could be, and works. */
void ratls_log_notice(enum ratls_log log, const struct ratls_error *err);

/* The provider cannot be loaded; OpenSSL does not say why, and the program only that it fails. */
void ratls_log_mistake(enum ratls_log log, const struct ratls_error *err);

#endif
