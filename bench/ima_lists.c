#include "ima_lists.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "ima_boot.h"

#define ENTRY_MAX 160 /* of the lists made here */

size_t ima_file(unsigned number, uint8_t digest[static IMA_FILE_DIGEST_LEN],
                char path[static IMA_FILE_PATH_MAX])
{
    bench_must(ratls_sha256(ratls_slice(&number, sizeof number), digest, NULL) == RATLS_OK,
               "no digest");
    return (size_t)snprintf(path, IMA_FILE_PATH_MAX, "/usr/lib/x86_64-linux-gnu/lib%06u.so",
                            (unsigned)(number * UINT64_C(7919) % IMA_ENTRIES)) +
           1; /* the order of a list is not that of its paths */
}

static size_t boot_aggregate(uint8_t digest[static IMA_FILE_DIGEST_LEN],
                             char path[static IMA_FILE_PATH_MAX])
{
    static const uint8_t zeros[32];
    struct ratls_slice pcrs[RATLS_IMA_BOOT_PCRS];

    for (size_t i = 0; i < RATLS_IMA_BOOT_PCRS; i++)
        pcrs[i] = ratls_slice(zeros, sizeof zeros);
    bench_must(ratls_ima_boot_aggregate(RATLS_ALG_SHA256, pcrs, digest, NULL) == RATLS_OK,
               "no digest");
    return (size_t)snprintf(path, IMA_FILE_PATH_MAX, "boot_aggregate") + 1;
}

static void put(struct ima_list *list, const void *p, size_t len)
{
    memcpy(list->bytes + list->len, p, len);
    list->len += len;
}

static void put_le32(struct ima_list *list, size_t value)
{
    const uint8_t bytes[] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                             (uint8_t)(value >> 24)};

    put(list, bytes, sizeof bytes);
}

static void put_entry(struct ima_list *list, struct ratls_hasher *hasher, unsigned number)
{
    static const char algorithm[] = "sha256:";
    uint8_t file_digest[IMA_FILE_DIGEST_LEN];
    size_t digest_at = list->len + sizeof(uint32_t);
    struct ratls_slice data;
    char path[IMA_FILE_PATH_MAX];
    size_t path_len =
        number == 0 ? boot_aggregate(file_digest, path) : ima_file(number, file_digest, path);

    put_le32(list, RATLS_IMA_PCR);
    list->len += hasher->len;
    put_le32(list, strlen("ima-ng"));
    put(list, "ima-ng", strlen("ima-ng"));
    data.len = 2 * sizeof(uint32_t) + sizeof algorithm + sizeof file_digest + path_len;
    put_le32(list, data.len);
    data.p = list->bytes + list->len;
    put_le32(list, sizeof algorithm + sizeof file_digest);
    put(list, algorithm, sizeof algorithm);
    put(list, file_digest, sizeof file_digest);
    put_le32(list, path_len);
    put(list, path, path_len);
    bench_must(ratls_hasher_digest(hasher, &data, 1, list->bytes + digest_at, NULL) == RATLS_OK,
               "no digest");
}

struct ima_list ima_list_make(uint16_t alg)
{
    struct ima_list list = {.alg = alg, .bytes = malloc((size_t)IMA_ENTRIES * ENTRY_MAX)};
    struct ratls_hasher hasher;
    struct ratls_ima_replay replay;
    struct ratls_ima_state state;
    size_t old_len = 0;

    bench_must(list.bytes != NULL && ratls_hasher_begin(alg, &hasher, NULL) == RATLS_OK,
               "no memory");
    for (unsigned i = 0; i < IMA_ENTRIES; i++) {
        if (i == IMA_ENTRIES - IMA_NEW_ENTRIES)
            old_len = list.len;
        put_entry(&list, &hasher, i);
    }
    ratls_hasher_end(&hasher);
    bench_must(
        ratls_ima_state_init(alg, RATLS_ALG_SHA256, RATLS_IMA_NATIVE, &state, NULL) == RATLS_OK &&
            ratls_ima_replay_open(&state, &replay, NULL) == RATLS_OK &&
            ratls_ima_replay_all(&replay, ratls_slice(list.bytes, old_len), NULL) == RATLS_OK,
        "the list cannot be replayed");
    list.before_new = replay.state;
    bench_must(ratls_ima_replay_all(&replay, ratls_slice(list.bytes + old_len, list.len - old_len),
                                    NULL) == RATLS_OK,
               "the list cannot be replayed");
    list.end = replay.state;
    ratls_ima_replay_close(&replay);
    return list;
}
