#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "ima_list.h"
#include "ima_signature.h"
#include "pki.h"
#include "tpm_wire.h"

#define COUNT(table) (sizeof table / sizeof *table)
#define SIGNATURE_MAX 1024
#define KERNEL_SHA1 2
#define KERNEL_SHA256 4
#define KERNEL_SHA384 5
#define KERNEL_SHA512 6
#define KERNEL_SHA3_256 20

/* A signer, and its private key. */
struct signer {
    EVP_PKEY *key;
    struct ratls_signer public;
};

static struct signer make_signer(enum pki_algorithm algorithm)
{
    struct signer signer = {.key = pki_key(algorithm)};
    X509 *certificate = pki_ca("signer of files", signer.key, NULL, NULL);

    cr_assert_eq(ratls_signer_init(certificate, &signer.public, NULL), RATLS_OK);
    X509_free(certificate);
    return signer;
}

static void free_signer(struct signer *signer)
{
    ratls_signer_done(&signer->public);
    EVP_PKEY_free(signer->key);
}

/* The key id as evmctl computes it: the end of the SHA-1 of the public key without its algorithm.
 */
static void get_id(EVP_PKEY *key, uint8_t out[4])
{
    uint8_t *bits = NULL;
    int len = i2d_PublicKey(key, &bits);
    uint8_t digest[RATLS_DIGEST_MAX];

    cr_assert_gt(len, 0);
    ima_hash(RATLS_ALG_SHA1, ratls_slice(bits, (size_t)len), digest);
    memcpy(out, digest + 16, 4);
    OPENSSL_free(bits);
}

/* How a signature is made, and what is then said of it. */
struct recipe {
    const char *name;
    const char *file;    /* what stands before the digest in the list: "sha256:" */
    uint16_t digest_alg; /* of the file's digest */
    uint8_t type, version, hash;
    const char *md; /* in the DigestInfo; NULL: none */
    bool is_pss;
    bool is_file_id;     /* over the hash of type, hash and digest */
    const char *refused; /* NULL: valid */
};

/* The xattr in out; returns its length. */
static size_t sign(const struct signer *signer, const struct recipe *r, struct ratls_slice digest,
                   uint8_t out[SIGNATURE_MAX])
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(signer->key, NULL);
    uint8_t id_bytes[2 + RATLS_DIGEST_MAX] = {r->type, r->hash};
    uint8_t hashed[RATLS_DIGEST_MAX];
    size_t len = SIGNATURE_MAX - 9;

    if (r->is_file_id) {
        memcpy(id_bytes + 2, digest.p, digest.len);
        ima_hash(r->digest_alg, ratls_slice(id_bytes, 2 + digest.len), hashed);
        digest.p = hashed;
    }
    cr_assert_eq(EVP_PKEY_sign_init(ctx), 1);
    if (EVP_PKEY_is_a(signer->key, "RSA"))
        cr_assert_eq(EVP_PKEY_CTX_set_rsa_padding(ctx, r->is_pss ? RSA_PKCS1_PSS_PADDING
                                                                 : RSA_PKCS1_PADDING),
                     1);
    if (r->md != NULL)
        cr_assert_eq(EVP_PKEY_CTX_set_signature_md(ctx, EVP_get_digestbyname(r->md)), 1);
    cr_assert_eq(EVP_PKEY_sign(ctx, out + 9, &len, digest.p, digest.len), 1, "%s", r->name);
    EVP_PKEY_CTX_free(ctx);
    out[0] = r->type;
    out[1] = r->version;
    out[2] = r->hash;
    get_id(signer->key, out + 3);
    out[7] = (uint8_t)(len >> 8);
    out[8] = (uint8_t)len;
    return 9 + len;
}

static void put_field(struct ima_list *data, const void *head, size_t head_len,
                      struct ratls_slice rest)
{
    ima_put_u32(data, (uint32_t)(head_len + rest.len));
    ima_put(data, head, head_len);
    ima_put(data, rest.p, rest.len);
}

/* An entry that lies in *list, with this xattr as its signature. */
static struct ratls_ima_entry make_entry(struct ima_list *list, const struct recipe *r,
                                         struct ratls_slice digest, struct ratls_slice xattr)
{
    struct ima_list data = {0};
    struct ratls_ima_reader reader;
    struct ratls_ima_entry entry;
    bool has_type = strchr(r->file, ':') != strrchr(r->file, ':');

    *list = (struct ima_list){.alg = RATLS_ALG_SHA256};
    put_field(&data, r->file, strlen(r->file) + 1, digest);
    put_field(&data, "/bin/a", 7, ratls_slice(NULL, 0));
    put_field(&data, NULL, 0, xattr);
    ima_put_entry(list, has_type ? "ima-sigv2" : "ima-sig", ima_list_slice(&data), false);
    reader = ratls_ima_reader(ima_list_slice(list), list->alg, 0, 0);
    cr_assert(ratls_ima_next(&reader, &entry), "%s: %s", r->name, reader.error.text);
    return entry;
}

static const char *check(const struct ratls_ima_entry *entry, const struct ratls_signer *signers,
                         size_t count)
{
    const char *why = "unset";

    cr_assert_eq(ratls_ima_check_signature(entry, signers, count, &why, NULL), RATLS_OK);
    return why;
}

static void expect_why(const char *why, const char *expected, const char *name)
{
    if (expected == NULL)
        cr_expect_null(why, "%s: %s", name, why);
    else
        cr_expect(why != NULL && strstr(why, expected) != NULL, "%s: %s", name,
                  why == NULL ? "valid" : why);
}

static void expect_recipe(const struct signer *signer, const struct recipe *r)
{
    static struct ima_list list;
    uint8_t digest_bytes[RATLS_DIGEST_MAX];
    uint8_t xattr[SIGNATURE_MAX];
    struct ratls_slice digest = {digest_bytes, ratls_tpm_hash_len(r->digest_alg)};
    struct ratls_ima_entry entry;
    size_t len;

    memset(digest_bytes, 0x5a, sizeof digest_bytes);
    len = sign(signer, r, digest, xattr);
    entry = make_entry(&list, r, digest, ratls_slice(xattr, len));
    expect_why(check(&entry, &signer->public, 1), r->refused, r->name);
    if (r->refused != NULL)
        return;
    expect_why(check(&entry, NULL, 0), "not among the allowed", r->name);
    digest_bytes[0] ^= 1;
    entry = make_entry(&list, r, digest, ratls_slice(xattr, len));
    expect_why(check(&entry, &signer->public, 1), "is not one over this digest", "other digest");
    entry.is_violation = true;
    expect_why(check(&entry, &signer->public, 1), "is a violation", r->name);
}

#define V2(hash, md) 3, 2, hash, md, false, false
#define V3(hash, md) 6, 3, hash, md, false, true
#define SHA256 RATLS_ALG_SHA256, V2(KERNEL_SHA256, "SHA256")

/* Valid with any kind of key, or refused with any. */
static const struct recipe RECIPES[] = {
    {"sha256", "sha256:", SHA256, NULL},
    {"sha384", "sha384:", RATLS_ALG_SHA384, V2(KERNEL_SHA384, "SHA384"), NULL},
    {"sha512", "sha512:", RATLS_ALG_SHA512, V2(KERNEL_SHA512, "SHA512"), NULL},
    {"sha256 in ngv2", "ima:sha256:", SHA256, NULL},
    {"fs-verity", "verity:sha256:", RATLS_ALG_SHA256, V3(KERNEL_SHA256, "SHA256"), NULL},
    {"fs-verity, sha512", "verity:sha512:", RATLS_ALG_SHA512, V3(KERNEL_SHA512, "SHA512"), NULL},
    {"sha1", "sha1:", RATLS_ALG_SHA1, V2(KERNEL_SHA1, "SHA1"), "none of SHA-256"},
    {"sha3-256", "sha3-256:", RATLS_ALG_SHA256, V2(KERNEL_SHA3_256, "SHA256"), "none of SHA-256"},
    {"other hash named", "sha256:", RATLS_ALG_SHA256, V2(KERNEL_SHA384, "SHA256"), "another hash"},
    {"hash of no kernel", "sha256:", RATLS_ALG_SHA256, V2(99, "SHA256"), "another hash"},
    {"content as fs-verity", "sha256:", RATLS_ALG_SHA256, V3(KERNEL_SHA256, "SHA256"),
     "another kind of digest"},
    {"fs-verity as content", "verity:sha256:", SHA256, "another kind of digest"},
    {"fs-verity without the structure", "verity:sha256:", RATLS_ALG_SHA256, 6, 3, KERNEL_SHA256,
     "SHA256", false, false, "is not one over this digest"},
    {"content with the structure", "sha256:", RATLS_ALG_SHA256, 3, 2, KERNEL_SHA256, "SHA256",
     false, true, "is not one over this digest"},
    {"type 1", "sha256:", RATLS_ALG_SHA256, 1, 2, 4, "SHA256", false, false, "not a signature"},
    {"type 2", "sha256:", RATLS_ALG_SHA256, 2, 2, 4, "SHA256", false, false, "not a signature"},
    {"type 4", "sha256:", RATLS_ALG_SHA256, 4, 2, 4, "SHA256", false, false, "not a signature"},
    {"type 5", "sha256:", RATLS_ALG_SHA256, 5, 2, 4, "SHA256", false, false, "not a signature"},
    {"version 1", "sha256:", RATLS_ALG_SHA256, 3, 1, 4, "SHA256", false, false, "a version"},
    {"version 3 of content", "sha256:", RATLS_ALG_SHA256, 3, 3, 4, "SHA256", false, true,
     "a version"},
    {"version 2 of fs-verity", "verity:sha256:", RATLS_ALG_SHA256, 6, 2, 4, "SHA256", false, false,
     "a version"},
};

Test(ima_signature, every_kind_of_key)
{
    static const enum pki_algorithm algorithms[] = {PKI_P256, PKI_P384, PKI_P521, PKI_RSA2048};

    for (size_t i = 0; i < COUNT(algorithms); i++) {
        struct signer signer = make_signer(algorithms[i]);

        for (size_t k = 0; k < COUNT(RECIPES); k++)
            expect_recipe(&signer, &RECIPES[k]);
        free_signer(&signer);
    }
}

Test(ima_signature, rsa_only_in_its_one_form)
{
    static const struct recipe recipes[] = {
        {"PSS", "sha256:", RATLS_ALG_SHA256, 3, 2, 4, "SHA256", true, false, "is not one over"},
        {"no DigestInfo", "sha256:", RATLS_ALG_SHA256, 3, 2, 4, NULL, false, false,
         "is not one over"},
        {"DigestInfo of SHA3-256", "sha256:", RATLS_ALG_SHA256, 3, 2, 4, "SHA3-256", false, false,
         "is not one over"},
    };
    struct signer signer = make_signer(PKI_RSA2048);

    for (size_t i = 0; i < COUNT(recipes); i++)
        expect_recipe(&signer, &recipes[i]);
    free_signer(&signer);
}

Test(ima_signature, only_the_key_that_it_names)
{
    struct signer signers[] = {make_signer(PKI_P256), make_signer(PKI_P256)};
    struct ratls_signer both[] = {signers[1].public, signers[0].public};
    struct ima_list list;
    uint8_t digest_bytes[32] = {7};
    uint8_t xattr[SIGNATURE_MAX];
    struct ratls_slice digest = {digest_bytes, sizeof digest_bytes};
    size_t len = sign(&signers[0], &RECIPES[0], digest, xattr);
    struct ratls_ima_entry entry = make_entry(&list, &RECIPES[0], digest, ratls_slice(xattr, len));

    expect_why(check(&entry, both, 2), NULL, "second of two");
    expect_why(check(&entry, both, 1), "not among the allowed", "the other one");
    /* Both answer to one id, as two keys can: whichever it is by is found. */
    memcpy(both[0].ids, both[1].ids, sizeof both[0].ids);
    expect_why(check(&entry, both, 2), NULL, "same id");
    expect_why(check(&entry, both, 1), "is not one over", "same id, other key");
    /* Under the id of an allowed key, by one that is not. */
    get_id(signers[1].key, xattr + 3);
    entry = make_entry(&list, &RECIPES[0], digest, ratls_slice(xattr, len));
    expect_why(check(&entry, &signers[1].public, 1), "is not one over", "borrowed id");
    free_signer(&signers[0]);
    free_signer(&signers[1]);
}

Test(ima_signature, every_changed_bit_is_refused)
{
    struct signer signer = make_signer(PKI_P256);
    static struct ima_list list;
    uint8_t digest_bytes[32] = {7};
    uint8_t xattr[SIGNATURE_MAX];
    struct ratls_slice digest = {digest_bytes, sizeof digest_bytes};
    size_t len = sign(&signer, &RECIPES[0], digest, xattr);

    for (size_t bit = 0; bit < 8 * len; bit++) {
        struct ratls_ima_entry entry;

        xattr[bit / 8] ^= (uint8_t)(1u << bit % 8);
        entry = make_entry(&list, &RECIPES[0], digest, ratls_slice(xattr, len));
        cr_expect_not_null(check(&entry, &signer.public, 1), "bit %zu", bit);
        xattr[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    free_signer(&signer);
}

static bool accepts(struct ratls_slice in)
{
    struct ratls_ima_signature signature;

    return ratls_ima_signature_read(in, &signature) == NULL;
}

/* The header as evmctl wrote it on a real machine: type, version, SHA-256, key id, length. */
Test(ima_signature, header)
{
    struct octets in = octets_from_hex("03 02 04 f1f2ba3c 0004 01020304");
    struct octets empty = octets_from_hex("03 02 04 f1f2ba3c 0000");
    struct octets id = octets_from_hex("f1f2ba3c");
    struct ratls_ima_signature signature;

    cr_assert_null(ratls_ima_signature_read(octets_slice(in), &signature));
    cr_expect(signature.type == 3 && signature.version == 2 && signature.hash == KERNEL_SHA256);
    cr_expect(ratls_slice_equal(signature.key_id, octets_slice(id)));
    cr_expect(signature.value.len == 4 && signature.value.p[3] == 4);
    assert_only_whole(octets_slice(in), accepts);
    cr_expect_not(accepts(octets_slice(empty)));
    free(in.p);
    free(empty.p);
    free(id.p);
}

Test(ima_signature, a_file_without_a_signature)
{
    struct signer signer = make_signer(PKI_P256);
    uint8_t digest[32] = {7};
    struct ima_list list;
    struct ima_list plain = {.alg = RATLS_ALG_SHA256};
    struct ratls_ima_entry entry =
        make_entry(&list, &RECIPES[0], ratls_slice(digest, 32), ratls_slice(NULL, 0));
    struct ratls_ima_reader r;

    expect_why(check(&entry, &signer.public, 1), "no signature", "empty field");
    ima_put_ng(&plain, 7, "/bin/a");
    r = ratls_ima_reader(ima_list_slice(&plain), plain.alg, 0, 0);
    cr_assert(ratls_ima_next(&r, &entry));
    expect_why(check(&entry, &signer.public, 1), "no signature", "no field");
    free_signer(&signer);
}

Test(ima_signature, keys_that_are_none_for_signers)
{
    static const struct {
        const char *name;
        const char *group; /* of an EC key; NULL: RSA of 1024 bits; "": Ed25519 */
    } cases[] = {{"P-192", "P-192"}, {"RSA-1024", NULL}, {"Ed25519", ""}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *group = cases[i].group;
        EVP_PKEY *key = group == NULL    ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024)
                        : *group == '\0' ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                                         : EVP_PKEY_Q_keygen(NULL, NULL, "EC", group);
        X509 *certificate = X509_new();
        struct ratls_signer signer;

        cr_assert(key != NULL && X509_set_pubkey(certificate, key) == 1, "%s", cases[i].name);
        cr_expect_eq(ratls_signer_init(certificate, &signer, NULL), RATLS_USAGE, "%s",
                     cases[i].name);
        X509_free(certificate);
        EVP_PKEY_free(key);
    }
}
