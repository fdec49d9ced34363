/* Tells a person why a connection was refused, where `log` of openssl.cnf asks for it. */
#ifndef RATLS_PROVIDER_LOG_H
#define RATLS_PROVIDER_LOG_H

#include "config.h"
#include "tls_internal.h"

/* The function for ratls_tls.log, or NULL for RATLS_LOG_NONE. */
ratls_tls_log_fn *ratls_log_function(enum ratls_log log);

#endif
