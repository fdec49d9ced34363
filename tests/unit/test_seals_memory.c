/* The N-th allocation while states are read, copied and found fails, for every N. */
#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failmalloc.h"
#include "seals.h"

#define ALLOCATIONS_MAX 4000
#define FILES 3

static char folder[32], path[FILES + 1][64];
static struct ratls_seal_authority authority;
static const struct ratls_pcr_selection pcrs = {1, {{RATLS_ALG_SHA256, 1u << 0}}};
static uint8_t values[32];

static void write_state(const char *to, EVP_PKEY *key)
{
    static uint8_t bytes[RATLS_SEAL_MAX], signature[RATLS_SEAL_SIGNATURE_MAX];
    struct ratls_seal seal = {.authority = ratls_slice(authority.name, RATLS_SEAL_NAME_LEN),
                              .selection = pcrs,
                              .values = ratls_slice(values, sizeof values)};
    struct ratls_writer w = ratls_writer(bytes, sizeof bytes);
    FILE *file = fopen(to, "wb");
    size_t len = 0;

    cr_assert(ratls_seal_authority_sign(key, &seal, signature, &len, NULL) == RATLS_OK);
    seal.signature = ratls_slice(signature, len);
    ratls_seal_write(&seal, &w);
    cr_assert(file != NULL && fwrite(bytes, 1, w.len, file) == w.len && fclose(file) == 0);
}

static void make_folder(void)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");

    cr_assert(ratls_seal_authority_of_key(key, &authority, NULL) == RATLS_OK);
    snprintf(folder, sizeof folder, "/tmp/ratls-seals.XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path[FILES], sizeof path[FILES], "%s/seal", folder);
    cr_assert_eq(mkdir(path[FILES], 0700), 0);
    for (int i = 0; i < FILES; i++) {
        values[0] = (uint8_t)i;
        snprintf(path[i], sizeof path[i], "%s/seal/%d.cbor", folder, i);
        write_state(path[i], key);
    }
    EVP_PKEY_free(key);
}

static void remove_folder(void)
{
    for (int i = 0; i < FILES; i++)
        unlink(path[i]);
    rmdir(path[FILES]);
    rmdir(folder);
}

TestSuite(seals_memory, .init = make_folder, .fini = remove_folder, .timeout = 120);

static bool try_all(struct ratls_error *err)
{
    struct ratls_seals *seals = NULL, *copy = NULL;
    bool is_found = false;
    enum ratls_status status = ratls_seals_read(folder, &authority, &pcrs, &seals, err);

    if (status == RATLS_OK) {
        /* OpenSSL takes a signature for wrong if it has no memory to verify it. */
        cr_assert_eq(seals->count + seals->passed_over, FILES);
        cr_assert_leq(seals->passed_over, 1);
        status = ratls_seals_copy(seals, &copy, err);
    }
    if (status == RATLS_OK) {
        cr_assert_eq(copy->count, seals->count);
        copy->changed.tv_sec = 0;
        ratls_seals_refresh(copy); /* what cannot be had stays as it is */
        cr_assert_geq(copy->count, FILES - 1);
        status = ratls_seals_find(copy, ratls_slice(values, sizeof values), &is_found, err);
        cr_assert(status != RATLS_OK || is_found || copy->count < FILES);
    }
    ratls_seals_free(copy);
    ratls_seals_free(seals);
    return status == RATLS_OK;
}

Test(seals_memory, every_allocation)
{
    struct ratls_error err = {0};
    bool failed = true;
    size_t n = 1;

    cr_assert(try_all(&err), "%s", err.text); /* what is fetched once is there */
    for (; failed; n++) {
        cr_assert_lt(n, ALLOCATIONS_MAX);
        err = (struct ratls_error){.status = RATLS_OK};
        failmalloc_arm(n);
        if (!try_all(&err))
            cr_assert(err.status == RATLS_MEMORY || err.status == RATLS_CRYPTO, "%s", err.text);
        failed = failmalloc_disarm();
    }
    cr_assert_gt(n, 20);
}
