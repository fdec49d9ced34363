#include "paths.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The folder above the one of this program; false if the kernel does not tell. */
static bool find_prefix(char out[static RATLS_PATH_MAX])
{
    ssize_t len = readlink("/proc/self/exe", out, RATLS_PATH_MAX - 1);

    if (len <= 0 || len == RATLS_PATH_MAX - 1)
        return false;
    out[len] = '\0';
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(out, '/');

        if (slash == NULL)
            return false;
        *slash = '\0';
    }
    return true;
}

/* False if there is no such file below the folder above this program's. */
static bool find_below(const char *folder, const char *name, char out[static RATLS_PATH_MAX])
{
    size_t len;

    if (!find_prefix(out))
        return false;
    len = strlen(out);
    return snprintf(out + len, RATLS_PATH_MAX - len, "/%s/%s", folder, name) <
               (int)(RATLS_PATH_MAX - len) &&
           access(out, F_OK) == 0;
}

void ratls_path_conf(const char *name, char out[static RATLS_PATH_MAX])
{
    if (!find_below("share/ratls", name, out))
        snprintf(out, RATLS_PATH_MAX, "%s/%s", RATLS_CONF_DIR, name);
}

void ratls_path_module(char out[static RATLS_PATH_MAX])
{
    if (!find_below("ossl-modules", "ratls.so", out) &&
        !find_below(RATLS_LIBDIR "/ossl-modules", "ratls.so", out))
        snprintf(out, RATLS_PATH_MAX, "%s/ratls.so", RATLS_MODULES_DIR);
}
