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

static void find(const char *below_prefix, const char *name, const char *installed,
                 char out[static RATLS_PATH_MAX])
{
    size_t len;

    if (find_prefix(out)) {
        len = strlen(out);
        if (snprintf(out + len, RATLS_PATH_MAX - len, "/%s/%s", below_prefix, name) <
                (int)(RATLS_PATH_MAX - len) &&
            access(out, F_OK) == 0)
            return;
    }
    snprintf(out, RATLS_PATH_MAX, "%s/%s", installed, name);
}

void ratls_path_conf(const char *name, char out[static RATLS_PATH_MAX])
{
    find("share/ratls", name, RATLS_CONF_DIR, out);
}

void ratls_path_module(char out[static RATLS_PATH_MAX])
{
    find("ossl-modules", "ratls.so", RATLS_MODULES_DIR, out);
}
