#include "policy_file.h"

#include <string.h>
#include <unistd.h>

#include "trusted_file.h"

size_t ratls_policy_folder_len(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? 0 : (size_t)(slash - path) + 1;
}

enum ratls_status ratls_policy_file_read(const char *path, size_t max, uint8_t **ret_bytes,
                                         size_t *ret_len, struct ratls_error *err)
{
    enum ratls_status status;
    size_t size;
    int fd;

    status = ratls_trusted_file_open(path, max, &fd, &size, err);
    if (status != RATLS_OK)
        return status;
    status = ratls_trusted_file_read(fd, path, size, ret_bytes, ret_len, err);
    close(fd);
    return status;
}
