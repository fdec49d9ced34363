/*
 * Runs a fuzz target over a folder of seeds, without libFuzzer: nothing at all, each seed, and each
 * seed cut at every length. Fails if there are no seeds, or if allocations are not counted.
 */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

#define SEED_MAX (1024 * 1024)
#define PATH_LEN_MAX 1024

/* In a block of its own size, so that AddressSanitizer sees what is read beyond. */
static void run_copy(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);

    if (copy == NULL)
        abort();
    memcpy(copy, bytes, len);
    LLVMFuzzerTestOneInput(copy, len);
    free(copy);
}

static size_t read_seed(const char *path, uint8_t *bytes)
{
    FILE *stream = fopen(path, "rb");
    size_t len;

    if (stream == NULL) {
        perror(path);
        exit(1);
    }
    len = fread(bytes, 1, SEED_MAX, stream);
    fclose(stream);
    return len;
}

static void run_seed(const char *path)
{
    static uint8_t bytes[SEED_MAX];
    size_t len = read_seed(path, bytes);

    for (size_t cut = 0; cut <= len; cut++)
        run_copy(bytes, cut);
}

static size_t run_folder(const char *folder)
{
    char path[PATH_LEN_MAX];
    const struct dirent *entry;
    struct stat status;
    size_t count = 0;
    DIR *dir = opendir(folder);

    if (dir == NULL) {
        perror(folder);
        return 0;
    }
    while ((entry = readdir(dir)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
            continue;
        run_seed(path);
        count++;
    }
    closedir(dir);
    return count;
}

int main(int argc, char *argv[])
{
    unsigned long before = fuzz_allocations();
    size_t count = 0;

    if (argc < 2) {
        fprintf(stderr, "usage: %s FOLDER...\n", argv[0]);
        return 2;
    }
    run_copy((const uint8_t *)"", 0);
    LLVMFuzzerTestOneInput(NULL, 0);
    FUZZ_CHECK(fuzz_allocations() > before);
    for (int i = 1; i < argc; i++)
        count += run_folder(argv[i]);
    if (count == 0) {
        fprintf(stderr, "no seeds\n");
        return 1;
    }
    printf("%zu seeds\n", count);
    return 0;
}
