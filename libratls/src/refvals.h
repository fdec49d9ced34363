/*
 * Reference values (RFC 9334, 8.3): digests with the names that they are allowed for, from files
 * that a policy names. One form in memory, whatever the file is: sorted digests, and names behind
 * them. A compiled file is that form, and is mapped: it costs no heap, however long it is.
 *
 * What a file may be is known by its content (ratls-policy(5), REFERENCE VALUES):
 *   text      lines "HEX  NAME" as sha256sum writes them (also "*NAME", and sha384sum, sha512sum);
 *             "#" begins a comment; a "./" before a name becomes "/"
 *   Keylime   a runtime policy (JSON): its digests, of paths
 *   CoRIM     integrity registers of an unsigned CoRIM (CBOR, tags 501 and 506): for PCR values;
 *             the names are "pcr:INDEX"
 *   compiled  by `ratls policy compile`; refvals_image.h has its form
 */
#ifndef RATLS_REFVALS_H
#define RATLS_REFVALS_H

#include <ratls/attester.h>

#include "bytes.h"

#define RATLS_REFVALS_FILE_MAX (256u << 20)

struct ratls_refvals;

/*
 * Immutable after loading; may be used by many threads. Text says "file:line: …" on a mistake, as
 * RATLS_USAGE. The file, and the folder it is in, may not be open to everyone (trusted_file.h). A
 * compiled file is believed as the policy is: what it says is not read here. It stays mapped, so
 * who changes it must put a new file in its place; ratls_refvals_check() tells a damaged one.
 */
RATLS_MUST_CHECK enum ratls_status
ratls_refvals_load(const char *path, struct ratls_refvals **ret_set, struct ratls_error *err);
/* The same from memory; never the compiled form. path is for messages. */
RATLS_MUST_CHECK enum ratls_status ratls_refvals_parse(const char *path, struct ratls_slice text,
                                                       struct ratls_refvals **ret_set,
                                                       struct ratls_error *err);
/* Whether a compiled file is as it was written: reads all of it. Others are good as they are. */
RATLS_MUST_CHECK enum ratls_status ratls_refvals_check(const struct ratls_refvals *set,
                                                       struct ratls_error *err);
void ratls_refvals_free(struct ratls_refvals *set); /* accepts NULL */

size_t ratls_refvals_count(const struct ratls_refvals *set);
/*
 * What the file says and nobody here heeds, in words for lint: "the digests of SHA-1 (3), excludes
 * (1)". Empty if there is nothing; a compiled file has forgotten it.
 */
const char *ratls_refvals_unused(const struct ratls_refvals *set);

/*
 * The digest will be looked up soon, later also with a name. In a large set nearly every look-up
 * waits for memory: several that are expected together wait no longer than one. First all digests,
 * then their names.
 */
void ratls_refvals_expect(const struct ratls_refvals *set, struct ratls_slice digest);
void ratls_refvals_expect_name(const struct ratls_refvals *set, struct ratls_slice digest);

/* Whether the digest (32, 48 or 64 bytes) is there, whatever its name. */
bool ratls_refvals_has(const struct ratls_refvals *set, struct ratls_slice digest);
/* Whether it is there for this name; the empty name is never there. */
bool ratls_refvals_allows(const struct ratls_refvals *set, struct ratls_slice digest,
                          struct ratls_slice name);
/* The name of a digest, of the first if there are several; empty if it is not there. */
struct ratls_slice ratls_refvals_name(const struct ratls_refvals *set, struct ratls_slice digest);
/* Some digest that is allowed for a name, for words; empty if there is none. Linear in the set. */
struct ratls_slice ratls_refvals_find(const struct ratls_refvals *set, struct ratls_slice name);

/* One by one, ascending by digest: i < ratls_refvals_count(). */
void ratls_refvals_get(const struct ratls_refvals *set, size_t i, struct ratls_slice *ret_digest,
                       struct ratls_slice *ret_name);

/*
 * SHA-256 over all of it, whatever the kind of the file: two sets with the same digest allow the
 * same. A compiled file has it in itself.
 */
RATLS_MUST_CHECK enum ratls_status ratls_refvals_digest(const struct ratls_refvals *set,
                                                        uint8_t out[static 32],
                                                        struct ratls_error *err);

/* The compiled form of sets, merged, as `ratls policy compile` writes it. The caller frees it. */
RATLS_MUST_CHECK enum ratls_status ratls_refvals_compile(struct ratls_refvals *const *sets,
                                                         size_t count, uint8_t **ret_bytes,
                                                         size_t *ret_len, struct ratls_error *err);

#endif
