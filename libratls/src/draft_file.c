#include "draft_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>

#define TRIES 64 /* names that are taken, of 2^32 */

int ratls_draft_open(const char *path, char *ret_name, size_t size)
{
    for (int i = 0; i < TRIES; i++) {
        uint32_t number;
        int fd, len;

        if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
            return -1;
        len = snprintf(ret_name, size, "%s.%08" PRIx32, path, number);
        if (len < 0 || (size_t)len >= size) {
            errno = ENAMETOOLONG;
            return -1;
        }
        fd = open(ret_name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}
