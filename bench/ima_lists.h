/* Lists of IMA for benchmarks, as long as that of a machine that runs for long. */
#ifndef RATLS_BENCH_IMA_LISTS_H
#define RATLS_BENCH_IMA_LISTS_H

#include "ima_replay.h"

#define IMA_ENTRIES 100000u
#define IMA_NEW_ENTRIES 10u
#define IMA_FILE_DIGEST_LEN 32
#define IMA_FILE_PATH_MAX 64

/* boot_aggregate of PCRs that are zero, then files (ima-ng); and where its last entries begin. */
struct ima_list {
    uint16_t alg;
    uint8_t *bytes;
    size_t len;
    struct ratls_ima_state before_new; /* the state after all but the last IMA_NEW_ENTRIES */
    struct ratls_ima_state end;
};

struct ima_list ima_list_make(uint16_t alg); /* the caller frees bytes */

/* Number 1 to IMA_ENTRIES - 1: the file's SHA-256 and path, with its NUL. Returns its length. */
size_t ima_file(unsigned number, uint8_t digest[static IMA_FILE_DIGEST_LEN],
                char path[static IMA_FILE_PATH_MAX]);

#endif
