/*
 * A kernel with IMA that is none: its list, and what it extends into PCR 10, made with OpenSSL's
 * digests alone. A test changes the list, and what was extended stays; or the next entries are
 * extended in another way.
 *
 * Nothing here returns an error: what fails prints why and aborts the test.
 */
#ifndef RATLS_TEST_FAKE_IMA_H
#define RATLS_TEST_FAKE_IMA_H

#include "crypto_signer.h"
#include "fake_tpm.h"
#include "ima_replay.h"
#include "rules.h"

#define FAKE_IMA_ENTRIES_MAX 256
#define FAKE_IMA_CAP 65536

struct fake_ima {
    uint16_t list_alg;
    uint16_t bank;
    enum ratls_ima_mode mode; /* how the next entries are extended: NATIVE or PADDED */
    uint32_t entry_pcr;       /* what the next entries say */
    uint8_t pcr[RATLS_DIGEST_MAX];
    size_t count;
    size_t ends[FAKE_IMA_ENTRIES_MAX]; /* offset behind each entry */
    size_t len;
    uint8_t bytes[FAKE_IMA_CAP];
};

void fake_ima_begin(struct fake_ima *ima, uint16_t list_alg, uint16_t bank,
                    enum ratls_ima_mode mode);

/* Template data: fields with their lengths, one by one. */
void fake_ima_field(struct fake_bytes *data, const void *p, size_t len);
void fake_ima_path(struct fake_bytes *data, const char *path);
/* prefix, for example "sha256:" or "verity:sha256:", a NUL, and digest_len bytes `fill`. */
void fake_ima_digest(struct fake_bytes *data, const char *prefix, uint8_t fill, size_t digest_len);
/* The xattr of a signature (version 2, or 3 of fs-verity) by the key over 32 bytes `fill`. */
void fake_ima_signature(struct fake_bytes *data, EVP_PKEY *key, uint8_t version, uint8_t fill);

/* The next entry; a violation extends ones, and has a digest of zeros. */
void fake_ima_entry(struct fake_ima *ima, const char *template, const struct fake_bytes *data,
                    bool is_violation);
/* ima-ng with a SHA-256 of 32 bytes `fill`. */
void fake_ima_file(struct fake_ima *ima, const char *path, uint8_t fill);
void fake_ima_violation(struct fake_ima *ima, const char *path);
/* ima-sig of the same, with a signature by the key (version 2); NULL: with none. */
void fake_ima_signed(struct fake_ima *ima, const char *path, uint8_t fill, EVP_PKEY *key);
/* boot_aggregate, by the hash `alg`, of the TPM's PCR 0 to 9 of that bank. */
void fake_ima_boot(struct fake_ima *ima, struct fake_tpm *tpm, uint16_t alg);

/* What the TPM's machine has: this list, and this PCR 10. */
void fake_ima_install(const struct fake_ima *ima, struct fake_tpm *tpm);
/* The list alone: it has grown, or was changed, since PCR 10 was quoted. */
void fake_ima_show(const struct fake_ima *ima, struct fake_tpm *tpm);

/* What the policy says of files whose SHA-256 is 32 such bytes. */
#define FILL_LS                                                                                    \
    0x15              /* allowed for /usr/bin/ls, and for /usr/sbin/fsck, which needs a signature  \
                       */
#define FILL_CAT 0xca /* for /usr/bin/cat */
#define FILL_BAD 0xbd /* denied; also allowed for /usr/bin/bad */
#define FILL_KEXEC 0xec   /* for kexec-cmdline, a measured buffer */
#define FILL_UNKNOWN 0x99 /* nowhere */

/*
 * Rules for the list of SHA-256: allow and deny as above, exclude everything in /var/log,
 * signature-required for everything in /usr/sbin, and signed-by for the key that is returned, which
 * the caller frees. To be forgotten before the policy is freed.
 */
EVP_PKEY *fake_ima_allow(struct ratls_rules *rules);
void fake_ima_forget(struct ratls_rules *rules);

/* A new key and the signer that a policy has of it; the caller frees both. */
EVP_PKEY *fake_ima_key(struct ratls_signer *ret_signer);

#endif
