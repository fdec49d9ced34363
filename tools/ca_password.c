#include "ca_password.h"

#include <string.h>
#include <sys/stat.h>

#include "output.h"

#define ADVICE "libpq also takes it from the file that PGPASSFILE names, or ~/.pgpass"

/* PostgreSQL, 34.1.1.2: postgresql://[user[:password]@][host][/database][?parameters] */
bool ratls_ca_has_password(const char *where)
{
    const char *begin = strstr(where, "://");
    size_t len;

    if (begin == NULL)
        return false;
    begin += strlen("://");
    len = strcspn(begin, "@/");
    if (begin[len] == '@' && memchr(begin, ':', len) != NULL)
        return true;
    begin = strchr(begin, '?');
    return begin != NULL && strstr(begin, "password=") != NULL; /* sslpassword, too */
}

static bool is_for_everybody(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && (st.st_mode & S_IROTH) != 0;
}

void ratls_ca_warn_of_password(const char *config_path, const char *store_url,
                               const char *configured)
{
    if (store_url != NULL && ratls_ca_has_password(store_url))
        ratls_complain("--store: everybody on this machine sees its password (ps): write the "
                       "address into %s, which only the CA may read; " ADVICE,
                       config_path);
    if (ratls_ca_has_password(configured) && is_for_everybody(config_path))
        ratls_complain("%s: everybody may read the password of the store in it: chmod o-r; " ADVICE,
                       config_path);
}
