#include "names.h"

#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_DIGITS_MAX 10    /* of an id_t */
#define ID_MAX (UINT32_MAX - 1) /* the last one stands for none: setresuid(2) */

bool ratls_agentd_read_digits(const char *text, unsigned long max, unsigned long *ret)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > NUMBER_DIGITS_MAX || text[digits] != '\0' ||
        (text[0] == '0' && digits > 1))
        return false;
    *ret = strtoul(text, NULL, 10);
    return *ret <= max;
}

bool ratls_agentd_find_id(const char *name, bool is_group, id_t *ret_id)
{
    const struct passwd *user;
    const struct group *group;
    unsigned long number;

    if (ratls_agentd_read_digits(name, ID_MAX, &number)) {
        *ret_id = (id_t)number;
        return true;
    }
    if (is_group) {
        group = getgrnam(name);
        if (group != NULL)
            *ret_id = group->gr_gid;
        return group != NULL;
    }
    user = getpwnam(name);
    if (user != NULL)
        *ret_id = user->pw_uid;
    return user != NULL;
}
