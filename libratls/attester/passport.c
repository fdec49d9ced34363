#include "passport.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cose.h"
#include "fail.h"

/* At most max bytes; -1 and errno if it cannot be read. */
static ssize_t read_all(int fd, uint8_t *out, size_t max)
{
    size_t len = 0;

    while (len < max) {
        ssize_t got = read(fd, out + len, max - len);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        len += (size_t)got;
    }
    return (ssize_t)len;
}

/* Never waits, as for a FIFO. */
static ssize_t read_file(const char *path, uint8_t *out, size_t max, struct ratls_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat info;
    ssize_t len = -1;

    if (fd < 0) {
        ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
        return -1;
    }
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        ratls_fail(err, RATLS_IO, "%s: not a file", path);
    else if ((len = read_all(fd, out, max)) < 0)
        ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    close(fd);
    return len;
}

enum ratls_status ratls_passport_read(const char *path, uint8_t buffer[static RATLS_RESULT_MAX + 1],
                                      struct ratls_slice *ret_result, struct ratls_error *err)
{
    ssize_t len = read_file(path, buffer, RATLS_RESULT_MAX + 1, err);
    struct ratls_cose cose;

    *ret_result = ratls_slice(NULL, 0);
    if (len < 0)
        return RATLS_IO;
    if (len > RATLS_RESULT_MAX || !ratls_cose_read(ratls_slice(buffer, (size_t)len), &cose))
        return ratls_fail(err, RATLS_MALFORMED,
                          "%s: not an attestation result as a CWT, of at most %d bytes", path,
                          RATLS_RESULT_MAX);
    *ret_result = ratls_slice(buffer, (size_t)len);
    return RATLS_OK;
}
