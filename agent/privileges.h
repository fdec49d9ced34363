/* What ratlsd gives up before it listens to anybody. */
#ifndef RATLS_AGENTD_PRIVILEGES_H
#define RATLS_AGENTD_PRIVILEGES_H

#include <ratls/error.h>

/* Looks whether drop can work, without doing it. user: of the configuration; may be NULL. */
RATLS_MUST_CHECK enum ratls_status ratls_agentd_check_user(const char *user,
                                                           struct ratls_error *err);
/*
 * From root to this user, with its groups, and no way back; and for any user: no program that is
 * run gets more, and nobody reads this process's memory but root.
 */
RATLS_MUST_CHECK enum ratls_status ratls_agentd_drop(const char *user, struct ratls_error *err);

#endif
