/* Users and groups of this machine, by name or number. */
#ifndef RATLS_AGENTD_NAMES_H
#define RATLS_AGENTD_NAMES_H

#include <stdbool.h>
#include <sys/types.h>

/* Digits without a leading zero, up to max. */
bool ratls_agentd_read_digits(const char *text, unsigned long max, unsigned long *ret);
/* False if there is no such name. A number needs no entry in a database. */
bool ratls_agentd_find_id(const char *name, bool is_group, id_t *ret_id);

#endif
