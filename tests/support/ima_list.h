/* IMA lists for tests: entries as a kernel would write them, and what it would extend. */
#ifndef RATLS_TEST_IMA_LIST_H
#define RATLS_TEST_IMA_LIST_H

#include "crypto_hasher.h"
#include "ima_replay.h"
#include "octets.h"

#define IMA_LIST_CAP 16384
#define IMA_PLAIN_CAP 276 /* what is hashed of template "ima" */

struct ima_list {
    uint16_t alg; /* of the digests in the list */
    size_t len;
    uint8_t bytes[IMA_LIST_CAP];
};

static inline struct ratls_slice ima_list_slice(const struct ima_list *list)
{
    return ratls_slice(list->bytes, list->len);
}

static inline void ima_put(struct ima_list *list, const void *p, size_t len)
{
    cr_assert(len <= sizeof list->bytes - list->len, "the list is too long for the test");
    if (len > 0)
        memcpy(list->bytes + list->len, p, len);
    list->len += len;
}

static inline void ima_put_u32(struct ima_list *list, uint32_t value)
{
    const uint8_t bytes[] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                             (uint8_t)(value >> 24)};

    ima_put(list, bytes, sizeof bytes);
}

static inline void ima_hash(uint16_t alg, struct ratls_slice in, uint8_t *out)
{
    struct ratls_hasher hasher;

    cr_assert_eq(ratls_hasher_begin(alg, &hasher, NULL), RATLS_OK);
    cr_assert_eq(ratls_hasher_digest(&hasher, &in, 1, out, NULL), RATLS_OK);
    ratls_hasher_end(&hasher);
}

/* The header of an entry, with the digest of `hashed`; of zeros if that is NULL. */
static inline void ima_put_header(struct ima_list *list, const char *name,
                                  struct ratls_slice hashed)
{
    uint8_t digest[RATLS_DIGEST_MAX] = {0};

    if (hashed.p != NULL)
        ima_hash(list->alg, hashed, digest);
    ima_put_u32(list, RATLS_IMA_PCR);
    ima_put(list, digest, ratls_tpm_hash_len(list->alg));
    ima_put_u32(list, (uint32_t)strlen(name));
    ima_put(list, name, strlen(name));
}

/* An entry with these template data and their digest; a violation if it has to be one. */
static inline void ima_put_entry(struct ima_list *list, const char *name, struct ratls_slice data,
                                 bool is_violation)
{
    ima_put_header(list, name, is_violation ? ratls_slice(NULL, 0) : data);
    ima_put_u32(list, (uint32_t)data.len);
    ima_put(list, data.p, data.len);
}

/* Template data of fields in hexadecimal, up to a NULL. The caller frees p. */
static inline struct octets ima_fields(const char *const *fields, size_t max)
{
    struct ima_list data = {0};

    for (size_t i = 0; i < max && fields[i] != NULL; i++) {
        struct octets field = octets_from_hex(fields[i]);

        ima_put_u32(&data, (uint32_t)field.len);
        ima_put(&data, field.p, field.len);
        free(field.p);
    }
    return octets_copy(data.bytes, data.len);
}

/* Template data of ima-ng for a file with a SHA-256 of 32 bytes `fill`. The caller frees p. */
static inline struct octets ima_ng(uint8_t fill, const char *path)
{
    struct ima_list data = {0};
    uint8_t digest[32];

    memset(digest, fill, sizeof digest);
    ima_put_u32(&data, sizeof "sha256:" + sizeof digest);
    ima_put(&data, "sha256:", sizeof "sha256:");
    ima_put(&data, digest, sizeof digest);
    ima_put_u32(&data, (uint32_t)strlen(path) + 1);
    ima_put(&data, path, strlen(path) + 1);
    return octets_copy(data.bytes, data.len);
}

static inline void ima_put_ng(struct ima_list *list, uint8_t fill, const char *path)
{
    struct octets data = ima_ng(fill, path);

    ima_put_entry(list, "ima-ng", octets_slice(data), false);
    free(data.p);
}

static inline void ima_put_violation(struct ima_list *list, const char *path)
{
    struct octets data = ima_ng(0, path);

    ima_put_entry(list, "ima-ng", octets_slice(data), true);
    free(data.p);
}

/* Template "ima": a SHA-1 of 20 bytes `fill`, and the name; hashed with zeros up to 256 bytes. */
static inline void ima_put_plain(struct ima_list *list, uint8_t fill, const char *path)
{
    uint8_t hashed[IMA_PLAIN_CAP] = {0};

    memset(hashed, fill, 20);
    memcpy(hashed + 20, path, strlen(path));
    ima_put_header(list, "ima", ratls_slice(hashed, sizeof hashed));
    ima_put(list, hashed, 20);
    ima_put_u32(list, (uint32_t)strlen(path));
    ima_put(list, path, strlen(path));
}

/* A replay from the beginning. The caller closes it. */
static inline struct ratls_ima_replay ima_start(uint16_t list_alg, uint16_t bank,
                                                enum ratls_ima_mode mode)
{
    struct ratls_ima_state state;
    struct ratls_ima_replay replay;
    struct ratls_error err = {0};

    cr_assert_eq(ratls_ima_state_init(list_alg, bank, mode, &state, &err), RATLS_OK, "%s",
                 err.text);
    cr_assert_eq(ratls_ima_replay_open(&state, &replay, &err), RATLS_OK, "%s", err.text);
    return replay;
}

#endif
