/*
 * Reference values as bytes: in memory, and as `ratls policy compile` writes them. Numbers are
 * big-endian; nothing but counts is stored, every place follows from them.
 *
 *   magic          8    "ratlsref"
 *   version        4    1
 *   counts         4 * 3   digests of 32, of 48 and of 64 bytes
 *   names          8    length of the names
 *   SHA-256        32   of all that is before and behind it
 *   per length of digests:
 *     buckets      4 * 2^b   where the digests of each beginning end; b = 0 up to 20 follows from
 *                            the count, so that about 4 digests begin with the same b bits
 *     records      each a digest, and 4 bytes: where its name is; ascending by digest, equal ones
 *                  by name, and no pair twice
 *   names          a length of 2 bytes and the name, ascending by bytes, none twice
 *
 * One content has one such form. Whatever the bytes are, nothing is read beyond them.
 */
#ifndef RATLS_REFVALS_IMAGE_H
#define RATLS_REFVALS_IMAGE_H

#include <ratls/error.h>

#include "bytes.h"

#define RATLS_REFVALS_MAGIC "ratlsref"
#define RATLS_REFVALS_MAGIC_LEN 8
#define RATLS_REFVALS_VERSION 1
#define RATLS_REFVALS_HASH_AT 32
#define RATLS_REFVALS_HEADER_LEN (RATLS_REFVALS_HASH_AT + 32)
#define RATLS_REFVALS_LENGTHS 3      /* of digests: 32, 48, 64 bytes */
#define RATLS_REFVALS_REF_LEN 4      /* behind a digest */
#define RATLS_REFVALS_NAME_MAX 4095  /* PATH_MAX of Linux, without its NUL */
#define RATLS_REFVALS_BUCKET_BITS 20 /* at most */

struct ratls_refvals_section {
    size_t digest_len;
    size_t count;
    unsigned bucket_bits;
    size_t buckets; /* offsets in the image */
    size_t records;
    size_t end;
};

struct ratls_refvals_image {
    struct ratls_slice bytes; /* borrowed */
    struct ratls_refvals_section sections[RATLS_REFVALS_LENGTHS];
    struct ratls_slice names;
};

/* The places of an image with these counts. The caller has made sure that they are no nonsense. */
void ratls_refvals_layout(const size_t counts[static RATLS_REFVALS_LENGTHS],
                          struct ratls_refvals_section ret_sections[static RATLS_REFVALS_LENGTHS]);

/* Looks at the header only: its time does not depend on the length. False: it is no image. */
bool ratls_refvals_image_open(struct ratls_slice bytes, struct ratls_refvals_image *ret_image);
/* Whether the SHA-256 in it is right: reads all of it. */
RATLS_MUST_CHECK enum ratls_status
ratls_refvals_image_hash(struct ratls_slice bytes, uint8_t out[static 32], struct ratls_error *err);

/* The section for a digest; NULL if there are no digests of this length. */
const struct ratls_refvals_section *ratls_refvals_section(const struct ratls_refvals_image *image,
                                                          struct ratls_slice digest);
/*
 * Asks for the memory that a look-up will read, and does not wait for it: of the digests that begin
 * as this one, and, once these are there, of its first name.
 */
void ratls_refvals_prefetch(const struct ratls_refvals_image *image,
                            const struct ratls_refvals_section *section, struct ratls_slice digest);
void ratls_refvals_prefetch_name(const struct ratls_refvals_image *image,
                                 const struct ratls_refvals_section *section,
                                 struct ratls_slice digest);
/* Whether it is one of its digests, with whatever name. */
bool ratls_refvals_contains(const struct ratls_refvals_image *image,
                            const struct ratls_refvals_section *section, struct ratls_slice digest);
/* Which of its digests is the first that is not before this digest with this name, or its count. */
size_t ratls_refvals_seek(const struct ratls_refvals_image *image,
                          const struct ratls_refvals_section *section, struct ratls_slice digest,
                          struct ratls_slice name);
/* i < section->count */
struct ratls_slice ratls_refvals_digest_at(const struct ratls_refvals_image *image,
                                           const struct ratls_refvals_section *section, size_t i);
/* Where its name is in image->names, and the name at such a place: empty if there is none. */
size_t ratls_refvals_name_ref(const struct ratls_refvals_image *image,
                              const struct ratls_refvals_section *section, size_t i);
struct ratls_slice ratls_refvals_name_at(const struct ratls_refvals_image *image, size_t at);

#endif
