#include "enroll_token_file.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto.h"
#include "enroll_token.h"
#include "fail.h"

#define TEXT_MAX 128 /* a token, and a line end */
#define OTHERS (S_IRWXG | S_IRWXO)

/* A pipe (/dev/stdin, or that of a shell's <(...)) nobody else can open. */
static enum ratls_status check_file(int fd, const char *path, struct ratls_error *err)
{
    struct stat info;

    if (fstat(fd, &info) != 0)
        return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    if (S_ISREG(info.st_mode) && (info.st_mode & OTHERS) != 0)
        return ratls_fail(err, RATLS_USAGE,
                          "%s: others than its owner may open this file, and whoever has the token "
                          "can enrol with it: take that right away with chmod 600; if others could "
                          "read it, revoke the token (ratls ca token --revoke) and use a new one",
                          path);
    return RATLS_OK;
}

static enum ratls_status read_text(int fd, const char *path, uint8_t out[static TEXT_MAX],
                                   size_t *ret_len, struct ratls_error *err)
{
    size_t len = 0;

    while (len < TEXT_MAX) {
        ssize_t n = read(fd, out + len, TEXT_MAX - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
        if (n == 0)
            break;
        len += (size_t)n;
    }
    while (len > 0 && (out[len - 1] == '\n' || out[len - 1] == '\r'))
        len--;
    *ret_len = len;
    return RATLS_OK;
}

enum ratls_status ratls_enroll_token_load(const char *path, struct ratls_enroll_token *ret_token,
                                          struct ratls_error *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct ratls_enroll_token token;
    uint8_t text[TEXT_MAX];
    enum ratls_status status;
    size_t len = 0;

    if (fd < 0)
        return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    status = check_file(fd, path, err);
    if (status == RATLS_OK)
        status = read_text(fd, path, text, &len, err);
    if (status == RATLS_OK && !ratls_enroll_token_read(ratls_slice(text, len), token.id))
        status = ratls_fail(err, RATLS_USAGE,
                            "%s: not a token: it has one line, that begins with rt1-, as 'ratls ca "
                            "token' printed it",
                            path);
    if (status == RATLS_OK)
        status = ratls_sha256(ratls_slice(text, len), token.sha256, err);
    if (status == RATLS_OK)
        *ret_token = token;
    OPENSSL_cleanse(text, sizeof text);
    OPENSSL_cleanse(&token, sizeof token);
    close(fd);
    return status;
}
