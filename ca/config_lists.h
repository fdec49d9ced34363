/* The lists in ca.yaml: issuers, algorithms, rules, denied firmware. For config.c. */
#ifndef RATLS_CA_CONFIG_LISTS_H
#define RATLS_CA_CONFIG_LISTS_H

#include "config.h"
#include "config_document.h"

/* All: into config, which owns it, also after a failure. */
RATLS_MUST_CHECK enum ratls_status ratls_ca_read_issuers(const struct ratls_source *source,
                                                         const struct ratls_ca_document *document,
                                                         struct ratls_ca_config *config,
                                                         struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status
ratls_ca_read_algorithms(const struct ratls_source *source,
                         const struct ratls_ca_document *document, struct ratls_ca_config *config,
                         struct ratls_error *err);
/* Needs config->names. */
RATLS_MUST_CHECK enum ratls_status
ratls_ca_read_rules(const struct ratls_source *source,
                    const struct ratls_ca_document_approval *approval,
                    struct ratls_ca_config *config, struct ratls_error *err);
RATLS_MUST_CHECK enum ratls_status ratls_ca_read_firmware(const struct ratls_source *source,
                                                          const struct ratls_ca_document *document,
                                                          struct ratls_ca_config *config,
                                                          struct ratls_error *err);

#endif
