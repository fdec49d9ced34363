/*
 * extend_log: makes a software TPM that of a machine whose logs these are (extend.h). The boot log
 * first, as at a boot. For a list that grew, --ima-offset says where the new entries begin.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "extend.h"

#define FILE_MAX (64u << 20)

static const char usage[] =
    "usage: extend_log --tcti TCTI [--boot-log FILE] [--ima-list FILE [--ima-offset BYTES]\n"
    "                  [--ima-padded]]\n";

/* The caller frees p. */
static bool read_file(const char *path, uint8_t **ret_p, size_t *ret_len)
{
    FILE *stream = fopen(path, "rb");
    uint8_t *p = malloc(FILE_MAX);

    if (stream == NULL || p == NULL) {
        perror(path);
        free(p);
        if (stream != NULL)
            fclose(stream);
        return false;
    }
    *ret_len = fread(p, 1, FILE_MAX, stream);
    *ret_p = p;
    fclose(stream);
    return true;
}

struct arguments {
    const char *tcti, *boot_log, *ima_list;
    enum ratls_ima_mode mode;
    uint64_t offset;
};

static bool parse(int argc, char *argv[], struct arguments *a)
{
    static const struct option options[] = {
        {"tcti", required_argument, NULL, 't'},     {"boot-log", required_argument, NULL, 'b'},
        {"ima-list", required_argument, NULL, 'i'}, {"ima-offset", required_argument, NULL, 'o'},
        {"ima-padded", no_argument, NULL, 'p'},     {NULL, 0, NULL, 0},
    };
    int option;

    *a = (struct arguments){.mode = RATLS_IMA_NATIVE};
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 't')
            a->tcti = optarg;
        else if (option == 'b')
            a->boot_log = optarg;
        else if (option == 'i')
            a->ima_list = optarg;
        else if (option == 'o')
            a->offset = strtoull(optarg, NULL, 10);
        else if (option == 'p')
            a->mode = RATLS_IMA_PADDED;
        else
            return false;
    }
    return a->tcti != NULL && optind == argc;
}

int main(int argc, char *argv[])
{
    struct arguments a;
    uint8_t *p = NULL;
    size_t len = 0;
    bool ok = true;

    if (!parse(argc, argv, &a)) {
        fputs(usage, stderr);
        return 2;
    }
    if (a.boot_log != NULL) {
        ok = read_file(a.boot_log, &p, &len) && extend_boot_log(a.tcti, ratls_slice(p, len));
        free(p);
        p = NULL;
    }
    if (ok && a.ima_list != NULL) {
        ok = read_file(a.ima_list, &p, &len) &&
             extend_ima_list(a.tcti, ratls_slice(p, len), a.offset, a.mode);
        free(p);
    }
    return ok ? 0 : 1;
}
