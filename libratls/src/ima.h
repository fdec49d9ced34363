/*
 * The measurement list of Linux IMA as the kernel writes it in binary form
 * (binary_runtime_measurements, and the list of each bank), least significant byte first. A strict
 * walk that borrows from its input: an entry is read whole, with every field that its template
 * names, or the walk ends with words about where and what. Nothing read here is authenticated
 * before a replay (ima_replay.h) has led to a PCR that was quoted.
 *
 * Refused although a kernel could have written it: templates with fields that are not in the table
 * below, a field or its role twice in one template (which path would count?), PCR indices beyond
 * 23, hash algorithms that no kernel has, names with NUL inside, and big-endian lists.
 */
#ifndef RATLS_IMA_H
#define RATLS_IMA_H

#include <ratls/error.h>

#include "bytes.h"

#define RATLS_IMA_PCR 10
#define RATLS_IMA_LIST_MAX (16u << 20)
#define RATLS_IMA_DATA_MAX (1u << 20) /* template data of one entry */
#define RATLS_IMA_TEMPLATE_NAME_MAX 255
#define RATLS_IMA_FIELDS_MAX 15    /* the kernel's TEMPLATE_NUM_FIELDS_MAX */
#define RATLS_IMA_OLD_PATH_MAX 255 /* the kernel's IMA_EVENT_NAME_LEN_MAX: fields n */
#define RATLS_IMA_PATH_MAX 4095    /* PATH_MAX without the final NUL: fields n-ng */

enum ratls_ima_field { /* in the order of the kernel's supported_fields[] */
                       RATLS_IMA_D,
                       RATLS_IMA_N,
                       RATLS_IMA_D_NG,
                       RATLS_IMA_D_NGV2,
                       RATLS_IMA_N_NG,
                       RATLS_IMA_SIG,
                       RATLS_IMA_BUF,
                       RATLS_IMA_D_MODSIG,
                       RATLS_IMA_MODSIG,
                       RATLS_IMA_EVMSIG,
                       RATLS_IMA_IUID,
                       RATLS_IMA_IGID,
                       RATLS_IMA_IMODE,
                       RATLS_IMA_XATTRNAMES,
                       RATLS_IMA_XATTRLENGTHS,
                       RATLS_IMA_XATTRVALUES,
                       RATLS_IMA_FIELD_COUNT,
};

enum ratls_ima_hash { /* include/uapi/linux/hash_info.h */
                      RATLS_IMA_HASH_MD5 = 1,
                      RATLS_IMA_HASH_SHA1 = 2,
                      RATLS_IMA_HASH_SHA256 = 4,
                      RATLS_IMA_HASH_SHA384 = 5,
                      RATLS_IMA_HASH_SHA512 = 6,
                      RATLS_IMA_HASH_COUNT = 23,
};

/* "sha256" and so on; NULL for a number that the kernel has not. */
const char *ratls_ima_hash_name(unsigned hash);
size_t ratls_ima_hash_len(unsigned hash); /* in bytes; 0 for a number that the kernel has not */

/* A digest of a file. An empty value: there was none. */
struct ratls_ima_digest {
    unsigned hash;  /* enum ratls_ima_hash */
    bool is_verity; /* d-ngv2: the digest of fs-verity, not that of the content */
    struct ratls_slice value;
};

struct ratls_ima_entry {
    uint64_t number; /* the first is 1 */
    uint64_t offset; /* of its first byte in the list */
    size_t len;
    uint32_t pcr;
    struct ratls_slice digest; /* of the template data, as the list claims */
    /*
     * The kernel could not vouch for the file, and wrote zeros for the digest: of such an entry
     * only its place in the list is authenticated, no field.
     */
    bool is_violation;
    struct ratls_slice template_name;
    bool is_plain;           /* template "ima": fields without lengths */
    struct ratls_slice data; /* empty if is_plain */
    uint32_t present;        /* bit n: the template has field n */
    /* What the fields mean. */
    struct ratls_slice path; /* without its NUL; empty: the template has none */
    struct ratls_ima_digest file;
    struct ratls_ima_digest without_modsig; /* d-modsig: of the file without its signature */
    /*
     * No digest covers the name of the template: it is the word of whoever shows the list, and data
     * of one template may be shown by the name of another. NULL: whatever it was measured as, it
     * had this digest and this path. Else why not.
     */
    const char *doubt;
};

struct ratls_ima_reader {
    struct ratls_reader in;
    size_t digest_len;
    uint64_t offset;          /* of the next entry in the list */
    uint64_t entries;         /* how many are before it */
    struct ratls_error error; /* RATLS_OK unless the list was refused; it sticks */
};

/*
 * list begins with the entry at `offset`, which `entries` others precede. digest_alg (TPM_ALG_ID):
 * SHA-1 for binary_runtime_measurements, else the bank that the file is for.
 */
struct ratls_ima_reader ratls_ima_reader(struct ratls_slice list, uint16_t digest_alg,
                                         uint64_t offset, uint64_t entries);
/* False at the end, or, if error.status is not RATLS_OK, where the list is none. */
bool ratls_ima_next(struct ratls_ima_reader *r, struct ratls_ima_entry *ret_entry);

/* Content of a field as it lies in the list; empty if the template does not have it. */
struct ratls_slice ratls_ima_field(const struct ratls_ima_entry *entry, enum ratls_ima_field field);

#endif
