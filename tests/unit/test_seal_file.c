/* Files of authorised states: what is read, what is refused, and by whom a state is signed. */
#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <string.h>

#include "cbor.h"
#include "crypto.h"
#include "request.h"
#include "seal_authority.h"

TestSuite(seal_file, .timeout = 60);

static const struct ratls_pcr_selection pcrs = {
    2, {{RATLS_ALG_SHA256, 1u << 0 | 1u << 7}, {RATLS_ALG_SHA384, 1u << 0}}};

/* A state of two banks; values are 112 bytes. */
struct sample {
    struct ratls_seal seal;
    uint8_t values[112];
    uint8_t signature[RATLS_SEAL_SIGNATURE_MAX];
    struct ratls_seal_authority authority;
    EVP_PKEY *key;
};

static struct sample s;

static void make_sample(const char *algorithm)
{
    size_t len = 0;

    s.key = strcmp(algorithm, "RSA") == 0 ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048)
                                          : EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    cr_assert(ratls_seal_authority_of_key(s.key, &s.authority, NULL) == RATLS_OK);
    memset(s.values, 0x77, sizeof s.values);
    s.seal = (struct ratls_seal){.authority = ratls_slice(s.authority.name, RATLS_SEAL_NAME_LEN),
                                 .selection = pcrs,
                                 .values = ratls_slice(s.values, sizeof s.values),
                                 .comment = ratls_slice("kernel 6.1", 10)};
    cr_assert(ratls_seal_authority_sign(s.key, &s.seal, s.signature, &len, NULL) == RATLS_OK);
    s.seal.signature = ratls_slice(s.signature, len);
}

static void free_sample(void)
{
    EVP_PKEY_free(s.key);
}

static bool is_signed(void)
{
    bool is_valid = false;

    cr_assert(ratls_seal_authority_verify(&s.authority, &s.seal, &is_valid, NULL) == RATLS_OK);
    return is_valid;
}

static struct ratls_slice write_sample(void)
{
    static uint8_t bytes[RATLS_SEAL_MAX + 1];
    struct ratls_writer w = ratls_writer(bytes, sizeof bytes);

    ratls_seal_write(&s.seal, &w);
    cr_assert_not(w.failed);
    return ratls_writer_slice(&w);
}

static void check_round(const char *algorithm)
{
    struct ratls_seal read;
    struct ratls_slice bytes;

    make_sample(algorithm);
    bytes = write_sample();
    cr_assert(ratls_seal_read(bytes, &read));
    cr_expect(ratls_slice_equal(read.values, s.seal.values));
    cr_expect(ratls_slice_equal(read.comment, s.seal.comment));
    cr_expect(ratls_selection_is(&read.selection, pcrs.banks, pcrs.count));
    s.seal = read;
    cr_expect(is_signed());
    for (size_t len = 0; len < bytes.len; len++)
        cr_expect_not(ratls_seal_read(ratls_slice(bytes.p, len), &read), "cut at %zu", len);
    cr_expect_not(ratls_seal_read(ratls_slice(bytes.p, bytes.len + 1), &read), "one byte more");
    free_sample();
}

Test(seal_file, ecdsa)
{
    check_round("EC");
}

Test(seal_file, rsa)
{
    check_round("RSA");
}

static bool is_read(void)
{
    struct ratls_seal read;

    return ratls_seal_read(write_sample(), &read);
}

Test(seal_file, limits)
{
    static const uint8_t many[RATLS_PCR_VALUES_MAX + 1];
    static char words[RATLS_SEAL_COMMENT_MAX + 1];
    struct ratls_seal good;

    make_sample("EC");
    good = s.seal;
    memset(words, 'x', sizeof words);
    cr_assert(is_read());
    s.seal.comment = ratls_slice(words, RATLS_SEAL_COMMENT_MAX);
    cr_expect(is_read());
    s.seal.comment.len++;
    cr_expect_not(is_read(), "comment too long");
    s.seal = good;
    s.seal.comment = ratls_slice("two\nlines", 9);
    cr_expect_not(is_read(), "comment with control characters");
    s.seal = good;
    s.seal.values.len--;
    cr_expect_not(is_read(), "fewer values than PCRs");
    s.seal.values = ratls_slice(many, sizeof many);
    cr_expect_not(is_read(), "more values than any selection has");
    s.seal = good;
    s.seal.authority.len--;
    cr_expect_not(is_read(), "Name too short");
    s.seal = good;
    s.seal.signature = ratls_slice(many, RATLS_SEAL_SIGNATURE_MAX + 1);
    cr_expect_not(is_read(), "signature too long");
    s.seal = good;
    s.seal.selection.count = 0;
    s.seal.values.len = 0;
    cr_expect_not(is_read(), "no PCRs: a state that every machine is in");
    s.seal = good;
    s.seal.selection.banks[0].hash_alg = RATLS_ALG_SHA1;
    cr_expect_not(is_read(), "a weak bank");
    s.seal = good;
    s.seal.selection.banks[0] = pcrs.banks[1];
    s.seal.selection.banks[1] = pcrs.banks[0];
    cr_expect_not(is_read(), "banks in another order");
    free_sample();
}

/* Nothing that is signed can be changed, and nobody else can sign. */
Test(seal_file, signature)
{
    struct ratls_seal_authority genuine;
    struct ratls_seal good;

    make_sample("EC");
    good = s.seal;
    genuine = s.authority;
    cr_assert(is_signed());
    s.values[111] ^= 1;
    cr_expect_not(is_signed(), "another value");
    s.values[111] ^= 1;
    s.seal.selection.banks[0].pcrs = 1u << 0 | 1u << 8;
    cr_expect_not(is_signed(), "another PCR");
    s.seal = good;
    s.signature[good.signature.len - 1] ^= 1;
    cr_expect_not(is_signed(), "another signature");
    s.signature[good.signature.len - 1] ^= 1;
    s.seal.signature.len--;
    cr_expect_not(is_signed(), "half a signature");
    s.seal = good;
    s.seal.comment = ratls_slice("other words", 11);
    cr_expect(is_signed(), "the comment is for people");
    EVP_PKEY_free(s.key);
    make_sample("EC");
    s.authority = genuine;
    cr_expect_not(is_signed(), "another authority");
    memcpy(s.authority.name, s.seal.authority.p, RATLS_SEAL_NAME_LEN);
    cr_expect_not(is_signed(), "another authority, that has taken the Name");
    free_sample();
}

/* By hand: the commands of the TPM's policy, one after the other. */
Test(seal_file, policies)
{
    static const uint8_t pcr[] = {0, 0,    1, 0x7f, 0, 0,   0, 2, 0, 0xb,
                                  3, 0x81, 0, 0,    0, 0xc, 3, 1, 0, 0};
    static const uint8_t auth_value[] = {0, 0, 1, 0x6b}, authorize[] = {0, 0, 1, 0x6a};
    uint8_t expected[32] = {0}, made[32], values[32];
    struct ratls_slice parts[4] = {ratls_slice(expected, 32), ratls_slice(pcr, sizeof pcr),
                                   ratls_slice(values, 32)};
    const struct ratls_slice ref[] = {ratls_slice("ratls-seal-1", 12),
                                      ratls_slice(pcr + 4, sizeof pcr - 4)};

    make_sample("EC");
    cr_assert(ratls_sha256(s.seal.values, values, NULL) == RATLS_OK);
    cr_assert(ratls_digest(RATLS_ALG_SHA256, parts, 3, expected, NULL) == RATLS_OK);
    parts[1] = ratls_slice(auth_value, 4);
    cr_assert(ratls_digest(RATLS_ALG_SHA256, parts, 2, expected, NULL) == RATLS_OK);
    cr_assert(ratls_seal_policy(&s.seal, made, NULL) == RATLS_OK);
    cr_expect_arr_eq(made, expected, 32);

    memset(expected, 0, sizeof expected);
    parts[1] = ratls_slice(authorize, 4);
    parts[2] = ratls_slice(s.authority.name, RATLS_SEAL_NAME_LEN);
    cr_assert(ratls_digest(RATLS_ALG_SHA256, parts, 3, expected, NULL) == RATLS_OK);
    cr_assert(ratls_digest(RATLS_ALG_SHA256, ref, 2, values, NULL) == RATLS_OK);
    parts[1] = ratls_slice(values, 32);
    cr_assert(ratls_digest(RATLS_ALG_SHA256, parts, 2, expected, NULL) == RATLS_OK);
    cr_assert(ratls_seal_auth_policy(s.authority.name, &pcrs, made, NULL) == RATLS_OK);
    cr_expect_arr_eq(made, expected, 32);
    free_sample();
}

Test(seal_file, other_keys)
{
    static const char *const groups[] = {"P-384", "secp256k1"};
    struct ratls_seal_authority authority;
    struct ratls_error err = {0};
    EVP_PKEY *key;

    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", groups[i]);
        cr_expect(ratls_seal_authority_of_key(key, &authority, &err) == RATLS_USAGE);
        EVP_PKEY_free(key);
    }
    key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    cr_expect(ratls_seal_authority_of_key(key, &authority, &err) == RATLS_USAGE);
    EVP_PKEY_free(key);
    key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)3072);
    cr_expect(ratls_seal_authority_of_key(key, &authority, &err) == RATLS_USAGE);
    EVP_PKEY_free(key);
    cr_expect(ratls_seal_authority_of_pem(ratls_slice("nothing", 7), &authority, &err) ==
              RATLS_USAGE);
}

/* The area that was kept, to the byte. */
Test(seal_file, areas)
{
    static const char *const algorithms[] = {"EC", "RSA"};
    struct ratls_seal_authority again;
    struct ratls_error err = {0};

    for (size_t i = 0; i < 2; i++) {
        make_sample(algorithms[i]);
        cr_assert(ratls_seal_authority_of_area(ratls_slice(s.authority.area, s.authority.area_len),
                                               &again, &err) == RATLS_OK);
        cr_expect_arr_eq(again.name, s.authority.name, RATLS_SEAL_NAME_LEN);
        for (size_t at = 0; at < 24; at++) {
            s.authority.area[at] ^= 1;
            cr_expect(
                ratls_seal_authority_of_area(ratls_slice(s.authority.area, s.authority.area_len),
                                             &again, &err) == RATLS_USAGE,
                "%s, byte %zu", algorithms[i], at);
            s.authority.area[at] ^= 1;
        }
        free_sample();
    }
}

Test(seal_file, sealed_keys)
{
    struct ratls_tpm_public key = {.auth_policy = ratls_slice(s.values, 32)};

    cr_expect(ratls_seal_is_sealed(&key));
    key.attributes = RATLS_TPMA_USER_WITH_AUTH;
    cr_expect_not(ratls_seal_is_sealed(&key));
    key.attributes = RATLS_TPMA_ADMIN_WITH_POLICY;
    cr_expect_not(ratls_seal_is_sealed(&key));
    key.attributes = 0;
    key.auth_policy.len = 0;
    cr_expect_not(ratls_seal_is_sealed(&key));
}
