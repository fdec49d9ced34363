/* Runs a fuzz target over every file of a folder, as an ordinary test. */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Its own allocation of exactly the file's size, so that AddressSanitizer sees every overrun. */
static int replay_file(int folder, const char *name)
{
    int ok = 0;
    uint8_t *data = NULL;
    struct stat st;
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        goto out;
    data = malloc(st.st_size > 0 ? (size_t)st.st_size : 1);
    if (!data || read(fd, data, (size_t)st.st_size) != st.st_size)
        goto out;
    LLVMFuzzerTestOneInput(data, (size_t)st.st_size);
    ok = 1;
out:
    if (!ok)
        perror(name);
    free(data);
    if (fd >= 0)
        close(fd);
    return ok;
}

int main(int argc, char **argv)
{
    size_t count = 0;
    int failed = 0;
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (!folder) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.')
            continue;
        failed |= !replay_file(dirfd(folder), entry->d_name);
        count++;
    }
    closedir(folder);
    printf("%zu inputs\n", count);
    return failed || count == 0; /* a corpus that is not there tests nothing */
}
