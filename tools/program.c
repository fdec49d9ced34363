#include "program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fail.h"
#include "linked.h"

#define PATH_FALLBACK "/usr/local/bin:/usr/bin:/bin"
#define PROGRAM_HEADERS_MAX 64

static bool is_program(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

enum ratls_status ratls_program_find(const char *name, char ret_path[static RATLS_PATH_MAX],
                                     struct ratls_error *err)
{
    const char *folder = getenv("PATH");

    if (strchr(name, '/') != NULL) {
        if (snprintf(ret_path, RATLS_PATH_MAX, "%s", name) < RATLS_PATH_MAX && is_program(name))
            return RATLS_OK;
        return ratls_fail(err, RATLS_IO, "%s: no program there", name);
    }
    if (folder == NULL)
        folder = PATH_FALLBACK;
    while (name[0] != '\0') {
        const size_t len = strcspn(folder, ":");
        /* An empty entry is the working folder (POSIX, 8.3). */
        int written = snprintf(ret_path, RATLS_PATH_MAX, "%.*s/%s", len == 0 ? 1 : (int)len,
                               len == 0 ? "." : folder, name);

        if (written < RATLS_PATH_MAX && is_program(ret_path))
            return RATLS_OK;
        if (folder[len] == '\0')
            break;
        folder += len + 1;
    }
    return ratls_fail(err, RATLS_IO, "%s: no such program in PATH", name);
}

/* Whether an ELF file of 64 bits asks for a dynamic linker; true for every other kind of file. */
static bool is_dynamic(int fd)
{
    Elf64_Phdr header;
    Elf64_Ehdr elf;

    if (pread(fd, &elf, sizeof elf, 0) != (ssize_t)sizeof elf ||
        memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0 || elf.e_ident[EI_CLASS] != ELFCLASS64)
        return true;
    for (unsigned i = 0; i < elf.e_phnum && i < PROGRAM_HEADERS_MAX; i++) {
        const off_t at = (off_t)(elf.e_phoff + (uint64_t)i * elf.e_phentsize);

        if (pread(fd, &header, sizeof header, at) != (ssize_t)sizeof header)
            return false;
        if (header.p_type == PT_INTERP)
            return true;
    }
    return false;
}

enum ratls_status ratls_program_check(const char *path, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;
    const char *reason = NULL;
    const char *library = NULL;
    struct stat info;
    int fd;

    if (stat(path, &info) != 0)
        return ratls_fail(err, RATLS_IO, "%s: %s", path, strerror(errno));
    if ((info.st_mode & (S_ISUID | S_ISGID)) != 0)
        reason = "it is set-user-ID or set-group-ID: OpenSSL ignores OPENSSL_CONF there";
    else if (getxattr(path, "security.capability", NULL, 0) > 0)
        reason = "it has file capabilities: OpenSSL ignores OPENSSL_CONF there";
    if (reason == NULL) {
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0 && !is_dynamic(fd))
            reason = "it is linked statically: it cannot load an OpenSSL provider";
        if (fd >= 0)
            library = ratls_linked_tls(fd);
        if (fd >= 0)
            close(fd);
    }
    if (library != NULL)
        status = ratls_fail(err, RATLS_USAGE,
                            "%s would run without attestation, for its TLS library is %s, not "
                            "OpenSSL 3",
                            path, library);
    if (reason != NULL)
        status =
            ratls_fail(err, RATLS_USAGE, "%s would run without attestation, for %s", path, reason);
    return status;
}
