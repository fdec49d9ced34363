/*
 * Attestation keys that were seen before, of one policy file: so that the hot path parses no X.509
 * and makes no EVP_PKEY. Also remembers clock and counters of each TPM, which must not go back.
 */
#ifndef RATLS_KEYS_H
#define RATLS_KEYS_H

#include <openssl/types.h>

#include "crypto.h"
#include "tpm_counters.h"
#include "tpm_wire.h"

struct ratls_key_cache;

struct ratls_key_cache *ratls_key_cache_new(void);
void ratls_key_cache_free(struct ratls_key_cache *cache); /* accepts NULL */

/* Quotes by these keys whose signature was verified (quote_memory.h). Never NULL. */
struct ratls_quote_memory *ratls_key_cache_quotes(struct ratls_key_cache *cache);

/*
 * The key of a public area, made or remembered (by its Name). The caller frees its reference with
 * EVP_PKEY_free(). Bounded at 1024 keys: the least recently used goes, and one from which no quote
 * was ever accepted before any other, so that a stranger cannot flush the counters of the others.
 */
RATLS_MUST_CHECK enum ratls_status ratls_key_cache_get(struct ratls_key_cache *cache,
                                                       const struct ratls_tpm_public *area,
                                                       struct ratls_slice name, EVP_PKEY **ret_key,
                                                       struct ratls_error *err);

/*
 * That certificates were verified for a key and name this server (NULL: none was meant):
 * remembered by the SHA-256 of the chain, until `until`, for the last 4 servers of a key. until
 * returns it, or 0 if they were not, or not any more. chain_sha256 == NULL stands for any chain:
 * the server left it out because the request named the key (WIRE.md, 3); in verified for none,
 * where a pin is enough. verified only after the quote was accepted: a certificate covers the key,
 * not the Name. From then on requests name the key, unless its public area is longer than
 * RATLS_AREA_KNOWN_MAX, which then is not kept.
 */
#define RATLS_AREA_KNOWN_MAX 600 /* RSA of 4096 bits with a policy by SHA-512 needs 598 */
int64_t ratls_key_cache_chain_until(struct ratls_key_cache *cache, struct ratls_slice name,
                                    const uint8_t *chain_sha256, const char *server, int64_t now);
static inline bool ratls_key_cache_chain_known(struct ratls_key_cache *cache,
                                               struct ratls_slice name, const uint8_t *chain_sha256,
                                               const char *server, int64_t now)
{
    return ratls_key_cache_chain_until(cache, name, chain_sha256, server, now) != 0;
}
void ratls_key_cache_chain_verified(struct ratls_key_cache *cache, struct ratls_slice name,
                                    struct ratls_slice area, const uint8_t *chain_sha256,
                                    const char *server, int64_t until);

/*
 * The highest counters seen from a key; false if none were. Handshakes overlap: while the counts
 * stay the same, an honest clock may be behind one that was seen by as long as a handshake lasts.
 */
bool ratls_key_cache_counters(struct ratls_key_cache *cache, struct ratls_slice name,
                              struct ratls_tpm_counters *ret_counters);
/* Only after a quote with them was accepted, here or as a ledger says. Never goes back. */
void ratls_key_cache_seen(struct ratls_key_cache *cache, struct ratls_slice name,
                          const struct ratls_tpm_counters *counters);

/*
 * A ledger has the counters of a key, too (ledger_seen.h), and other processes use it: so it is
 * looked at, and told, now and then, and at once when the TPM has started again. True if it is time
 * to do so with these counters; boot_ms: of moment.h.
 */
#define RATLS_COUNTERS_KEPT_MS 60000
bool ratls_key_cache_is_due(struct ratls_key_cache *cache, struct ratls_slice name,
                            const struct ratls_tpm_counters *counters, int64_t boot_ms);
/* It was looked at and told of these. */
void ratls_key_cache_kept(struct ratls_key_cache *cache, struct ratls_slice name,
                          const struct ratls_tpm_counters *counters, int64_t boot_ms);

/*
 * The key ids (WIRE.md, 2) of at most max keys that are known for this server, with their public
 * areas, ascending; returns how many.
 */
size_t ratls_key_cache_ids(struct ratls_key_cache *cache, const char *server, int64_t now,
                           uint8_t (*out)[RATLS_KEY_ID_LEN], size_t max);
/* The public area of the key that one of them names; *ret_len is 0 if it had to go since. */
RATLS_MUST_CHECK enum ratls_status ratls_key_cache_named(struct ratls_key_cache *cache,
                                                         const uint8_t id[static RATLS_KEY_ID_LEN],
                                                         const char *server,
                                                         uint8_t out[static RATLS_AREA_KNOWN_MAX],
                                                         size_t *ret_len, struct ratls_error *err);

#endif
