#include "digests.h"

#include <stdbool.h>
#include <stdlib.h>

#include "command.h"
#include "crypto_hasher.h"
#include "samples.h"

#define DIGEST_MAX (1024u * 1024)
#define ALGS 4

/* The linker puts this before the library's calls: --wrap in CMakeLists.txt. */
enum ratls_status __real_ratls_hasher_digest(struct ratls_hasher *hasher,
                                             const struct ratls_slice *parts, size_t count,
                                             uint8_t *out, struct ratls_error *err);
enum ratls_status __wrap_ratls_hasher_digest(struct ratls_hasher *hasher,
                                             const struct ratls_slice *parts, size_t count,
                                             uint8_t *out, struct ratls_error *err);

struct digest {
    uint16_t alg;
    uint32_t len;
};

static bool is_recording;
static struct digest *recorded;
static struct digests totals;
static size_t room;

void digests_begin(void)
{
    totals = (struct digests){0};
    is_recording = true;
}

struct digests digests_end(void)
{
    is_recording = false;
    return totals;
}

static void record(uint16_t alg, size_t len)
{
    if (totals.count == room) {
        room = 2 * room + 1024;
        recorded = realloc(recorded, room * sizeof *recorded);
    }
    bench_must(recorded != NULL && len <= DIGEST_MAX, "no room for a digest");
    recorded[totals.count++] = (struct digest){alg, (uint32_t)len};
    totals.bytes += len;
}

enum ratls_status __wrap_ratls_hasher_digest(struct ratls_hasher *hasher,
                                             const struct ratls_slice *parts, size_t count,
                                             uint8_t *out, struct ratls_error *err)
{
    size_t len = 0;

    if (is_recording) {
        for (size_t i = 0; i < count; i++)
            len += parts[i].len;
        record(hasher->alg, len);
    }
    return __real_ratls_hasher_digest(hasher, parts, count, out, err);
}

/* The same once. */
static bool digest_again(const uint16_t algs[static ALGS], struct ratls_hasher hashers[static ALGS])
{
    static uint8_t data[DIGEST_MAX];
    bool is_good = true;

    for (size_t i = 0; i < totals.count && is_good; i++) {
        const struct ratls_slice input = {data, recorded[i].len};
        size_t j = 0;

        while (algs[j] != recorded[i].alg)
            j++;
        is_good = __real_ratls_hasher_digest(&hashers[j], &input, 1, data, NULL) == RATLS_OK;
    }
    return is_good;
}

double digests_again_us(size_t times)
{
    static const uint16_t algs[ALGS] = {RATLS_ALG_SHA1, RATLS_ALG_SHA256, RATLS_ALG_SHA384,
                                        RATLS_ALG_SHA512};
    struct ratls_hasher hashers[ALGS];
    bool is_good = true;
    double begin;

    for (size_t i = 0; i < ALGS; i++)
        is_good = ratls_hasher_begin(algs[i], &hashers[i], NULL) == RATLS_OK && is_good;
    begin = cpu_us();
    for (size_t i = 0; i < times && is_good; i++)
        is_good = digest_again(algs, hashers);
    begin = cpu_us() - begin;
    bench_must(is_good, "no digest");
    for (size_t i = 0; i < ALGS; i++)
        ratls_hasher_end(&hashers[i]);
    return begin;
}

double digests_extends_us(size_t count)
{
    uint8_t block[2][32] = {{0}};
    const struct ratls_slice both = {block[0], sizeof block};
    struct ratls_hasher hasher;
    bool is_good = ratls_hasher_begin(RATLS_ALG_SHA256, &hasher, NULL) == RATLS_OK;
    double begin = cpu_us();

    for (size_t i = 0; i < count && is_good; i++)
        is_good = __real_ratls_hasher_digest(&hasher, &both, 1, block[0], NULL) == RATLS_OK;
    begin = cpu_us() - begin;
    bench_must(is_good, "no digest");
    ratls_hasher_end(&hasher);
    return begin;
}
