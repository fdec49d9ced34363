#include "ca_machine.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

#include "crypto.h"
#include "ek_certificate.h"
#include "enroll_token.h"
#include "must.h"
#include "tpm_kdf.h"

#define EKU_EK "2.23.133.8.1" /* tcg-kp-EKCertificate */
#define YEAR_S (365 * 86400)

void ca_maker_make(struct ca_maker *maker)
{
    struct pki_spec spec = {
        .subject = "Maker Root", .ca = "critical,CA:TRUE", .not_after_s = YEAR_S};

    maker->root_key = pki_key(PKI_P384);
    maker->key = pki_key(PKI_P256);
    spec.key = maker->root_key;
    maker->root = pki_certificate(&spec);
    spec = (struct pki_spec){.subject = "Maker CA 1",
                             .ca = "critical,CA:TRUE",
                             .key = maker->key,
                             .issuer = maker->root,
                             .issuer_key = maker->root_key,
                             .not_after_s = YEAR_S};
    maker->certificate = pki_certificate(&spec);
}

void ca_maker_done(struct ca_maker *maker)
{
    EVP_PKEY_free(maker->root_key);
    EVP_PKEY_free(maker->key);
    X509_free(maker->root);
    X509_free(maker->certificate);
}

static EVP_PKEY *make_ek(const struct ratls_ek_profile *profile)
{
    static const struct {
        uint16_t curve;
        const char *name;
    } curves[] = {
        {RATLS_CURVE_P256, "P-256"}, {RATLS_CURVE_P384, "P-384"}, {RATLS_CURVE_P521, "P-521"}};
    EVP_PKEY *key = NULL;

    if (profile->rsa_bits != 0)
        key = EVP_RSA_gen(profile->rsa_bits);
    for (size_t i = 0; i < sizeof curves / sizeof curves[0] && key == NULL; i++)
        if (curves[i].curve == profile->curve)
            key = EVP_EC_gen(curves[i].name);
    must(key != NULL);
    return key;
}

struct pki_spec ca_machine_spec(const struct ca_machine *machine, const struct ca_maker *maker)
{
    return (struct pki_spec){
        .subject = "an endorsement key",
        .key = machine->ek,
        .issuer = maker->certificate,
        .issuer_key = maker->key,
        .key_usage =
            machine->profile->rsa_bits != 0 ? "critical,keyEncipherment" : "critical,keyAgreement",
        .eku = EKU_EK,
        .not_after_s = YEAR_S,
    };
}

void ca_machine_certify(struct ca_machine *machine, const struct pki_spec *spec)
{
    X509 *certificate = pki_certificate(spec);

    OPENSSL_free(machine->certificates[0]);
    machine->certificates[0] = pki_der(certificate, &machine->certificate_lens[0]);
    X509_free(certificate);
}

void ca_machine_make(struct ca_machine *machine, const struct ca_maker *maker,
                     enum ratls_ek_template ek_template, enum fake_algorithm ak)
{
    struct pki_spec spec;

    memset(machine, 0, sizeof *machine);
    machine->profile = ratls_ek_profile(ek_template);
    machine->ek = make_ek(machine->profile);
    must(ratls_ek_area(machine->profile, machine->ek, false, machine->area, &machine->area_len,
                       NULL) == RATLS_OK);
    spec = ca_machine_spec(machine, maker);
    ca_machine_certify(machine, &spec);
    machine->certificates[1] = pki_der(maker->certificate, &machine->certificate_lens[1]);
    machine->ak = fake_tpm_new(ak);
}

void ca_machine_done(struct ca_machine *machine)
{
    EVP_PKEY_free(machine->ek);
    for (size_t i = 0; i < CA_MACHINE_CERTIFICATES; i++)
        OPENSSL_free(machine->certificates[i]);
    fake_tpm_free(machine->ak);
}

void ca_machine_ek(const struct ca_machine *machine, uint8_t out[static 32])
{
    struct ratls_ek_certificate ek;

    must(ratls_ek_certificate_read(
             ratls_slice(machine->certificates[0], machine->certificate_lens[0]), &ek, NULL) ==
         RATLS_OK);
    memcpy(out, ek.sha256, sizeof ek.sha256);
    ratls_ek_certificate_done(&ek);
}

void ca_machine_ek_text(const struct ca_machine *machine, char out[static 65])
{
    uint8_t sha256[32];

    ca_machine_ek(machine, sha256);
    ratls_hex(ratls_slice(sha256, sizeof sha256), out, 65);
}

static void read_names(const char *names, struct ratls_enroll_request *request)
{
    while (*names != '\0') {
        size_t len = strcspn(names, " ");

        must(request->name_count < RATLS_ENROLL_NAMES_MAX);
        request->names[request->name_count++] = ratls_slice(names, len);
        names += len + (names[len] == ' ');
    }
}

void ca_machine_wish(const struct ca_machine *machine, const char *names, struct ca_wish *ret)
{
    struct ratls_enroll_request *request = &ret->request;

    memset(ret, 0, sizeof *ret);
    must(RAND_bytes(ret->nonce, sizeof ret->nonce) == 1);
    request->nonce = ratls_slice(ret->nonce, sizeof ret->nonce);
    read_names(names, request);
    request->ek_template = machine->profile->id;
    request->ek_public = ratls_slice(machine->area, machine->area_len);
    request->ek_certificate_count = CA_MACHINE_CERTIFICATES;
    for (size_t i = 0; i < CA_MACHINE_CERTIFICATES; i++)
        request->ek_certificates[i] =
            ratls_slice(machine->certificates[i], machine->certificate_lens[i]);
    request->ak_public = ratls_slice(ret->ak_public, fake_tpm_public(machine->ak, ret->ak_public));
}

static size_t write_request(const struct ca_wish *wish, uint8_t *out)
{
    struct ratls_writer w = ratls_writer(out, RATLS_ENROLL_REQUEST_MAX);

    ratls_enroll_request_write(&wish->request, &w);
    must(!w.failed);
    return w.len;
}

uint8_t *ca_wish_write(struct ca_wish *wish, const char *token, size_t *ret_len)
{
    uint8_t *out = malloc(RATLS_ENROLL_REQUEST_MAX);
    uint8_t key[32];

    must(out != NULL);
    *ret_len = write_request(wish, out);
    if (token == NULL)
        return out;
    fake_digest(RATLS_ALG_SHA256, ratls_slice(token, strlen(token)), key);
    must(ratls_enroll_token_read(ratls_slice(token, strlen(token)), wish->token_id));
    must(ratls_enroll_token_mac(ratls_slice(key, sizeof key), ratls_slice(out, *ret_len),
                                wish->token_mac, NULL) == RATLS_OK);
    wish->request.token_id = ratls_slice(wish->token_id, sizeof wish->token_id);
    wish->request.token_mac = ratls_slice(wish->token_mac, sizeof wish->token_mac);
    *ret_len = write_request(wish, out);
    return out;
}

/* The seed that a credential begins with: Part 1, B.10.3 (RSA). */
static bool open_rsa_seed(const struct ca_machine *machine, struct ratls_slice secret,
                          uint8_t *seed)
{
    static const char label[] = "IDENTITY";
    const char *hash = ratls_tpm_hash_name(machine->profile->name_alg);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(machine->ek, NULL);
    uint8_t out[512];
    size_t len = sizeof out;
    bool opened;

    must(EVP_PKEY_decrypt_init(ctx) == 1);
    must(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1);
    must(EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, hash, NULL) == 1);
    must(EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, OPENSSL_memdup(label, sizeof label), sizeof label) ==
         1);
    opened = EVP_PKEY_decrypt(ctx, out, &len, secret.p, secret.len) == 1 &&
             len == ratls_tpm_hash_len(machine->profile->name_alg);
    if (opened)
        memcpy(seed, out, len);
    EVP_PKEY_CTX_free(ctx);
    return opened;
}

static EVP_PKEY *make_point(const EVP_PKEY *like, struct ratls_slice x, struct ratls_slice y)
{
    uint8_t point[1 + 2 * 66] = {4};
    EVP_PKEY *key = EVP_PKEY_new();

    memcpy(point + 1, x.p, x.len);
    memcpy(point + 1 + x.len, y.p, y.len);
    must(EVP_PKEY_copy_parameters(key, like) == 1);
    must(EVP_PKEY_set1_encoded_public_key(key, point, 1 + x.len + y.len) == 1);
    return key;
}

/* Part 1, C.6.1 (ECC). */
static bool open_ecc_seed(const struct ca_machine *machine, struct ratls_slice secret,
                          uint8_t *seed)
{
    struct ratls_reader r = ratls_reader(secret);
    const struct ratls_slice x = ratls_read_tpm2b(&r, 66), y = ratls_read_tpm2b(&r, 66);
    const size_t size = ((size_t)EVP_PKEY_get_bits(machine->ek) + 7) / 8;
    EVP_PKEY *peer;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(machine->ek, NULL);
    uint8_t z[66], own[1 + 2 * 66];
    size_t len = sizeof z, own_len;

    must(ratls_reader_done(&r) && x.len == size && y.len == size);
    peer = make_point(machine->ek, x, y);
    must(EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer) == 1);
    must(EVP_PKEY_derive(ctx, z, &len) == 1);
    must(EVP_PKEY_get_octet_string_param(machine->ek, OSSL_PKEY_PARAM_PUB_KEY, own, sizeof own,
                                         &own_len) == 1);
    must(ratls_kdfe(machine->profile->name_alg, ratls_slice(z, len), "IDENTITY", x,
                    ratls_slice(own + 1, size), seed, NULL) == RATLS_OK);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    return true;
}

static void decrypt(const struct ca_machine *machine, const uint8_t *seed, struct ratls_slice name,
                    struct ratls_slice in, uint8_t *out)
{
    const struct ratls_ek_profile *profile = machine->profile;
    const uint8_t iv[16] = {0};
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t key[32];
    int len = 0;

    must(ratls_kdfa(profile->name_alg, ratls_slice(seed, ratls_tpm_hash_len(profile->name_alg)),
                    "STORAGE", name, profile->aes_bits / 8, key, NULL) == RATLS_OK);
    must(EVP_DecryptInit_ex2(ctx,
                             profile->aes_bits == 128 ? EVP_aes_128_cfb128() : EVP_aes_256_cfb128(),
                             key, iv, NULL) == 1);
    must(EVP_DecryptUpdate(ctx, out, &len, in.p, (int)in.len) == 1 && len == (int)in.len);
    EVP_CIPHER_CTX_free(ctx);
}

/* Part 1, 24.4: the HMAC covers the Name, so no key of another Name opens it. */
static bool is_intact(const struct ca_machine *machine, const uint8_t *seed,
                      struct ratls_slice integrity, struct ratls_slice encrypted,
                      struct ratls_slice name)
{
    const uint16_t alg = machine->profile->name_alg;
    const size_t len = ratls_tpm_hash_len(alg);
    const struct ratls_slice parts[] = {encrypted, name};
    uint8_t key[64], mac[64];

    must(ratls_kdfa(alg, ratls_slice(seed, len), "INTEGRITY", ratls_slice(NULL, 0), len, key,
                    NULL) == RATLS_OK);
    must(ratls_hmac(alg, ratls_slice(key, len), parts, 2, mac, NULL) == RATLS_OK);
    return ratls_slice_equal(integrity, ratls_slice(mac, len));
}

bool ca_machine_activate(const struct ca_machine *machine, struct ratls_slice name,
                         const struct ratls_enroll_challenge *challenge,
                         uint8_t ret_secret[static 32])
{
    struct ratls_reader r = ratls_reader(challenge->credential_blob);
    const struct ratls_slice integrity = ratls_read_tpm2b(&r, 64);
    const struct ratls_slice encrypted = r.rest;
    uint8_t seed[64], secret[128];
    const bool is_open = machine->profile->rsa_bits != 0
                             ? open_rsa_seed(machine, challenge->encrypted_secret, seed)
                             : open_ecc_seed(machine, challenge->encrypted_secret, seed);

    if (!is_open || !is_intact(machine, seed, integrity, encrypted, name))
        return false;
    must(encrypted.len == 2 + 32);
    decrypt(machine, seed, name, encrypted, secret);
    must(secret[0] == 0 && secret[1] == 32);
    memcpy(ret_secret, secret + 2, 32);
    return true;
}

struct quote {
    const uint8_t *extra_data;
    fake_tamper *more;
};

static void set_extra_data(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    const struct quote *quote = arg;

    if (stage == FAKE_QUOTE)
        fake_bytes_set(&draft->extra_data, quote->extra_data, 32);
    if (quote->more != NULL)
        quote->more(stage, draft, NULL);
}

void ca_machine_reply(const struct ca_machine *machine, struct ratls_slice request,
                      struct ratls_slice challenge, fake_tamper *quote, struct ca_reply *ret)
{
    static const struct ratls_attest_request nothing;
    uint8_t name[RATLS_TPM_NAME_MAX], secret[32] = {0}, key[32], extra_data[32];
    uint8_t transcript[RATLS_ENROLL_TRANSCRIPT_LEN];
    struct ratls_enroll_challenge read;
    struct quote change = {extra_data, quote};

    memset(ret, 0, sizeof *ret);
    must(ratls_enroll_challenge_read(challenge, &read));
    (void)ca_machine_activate(machine, ratls_slice(name, fake_tpm_name(machine->ak, name)), &read,
                              secret);
    must(ratls_enroll_transcript(request, challenge, transcript, NULL) == RATLS_OK);
    must(ratls_enroll_answer_key(ratls_slice(secret, sizeof secret), key, NULL) == RATLS_OK);
    must(ratls_enroll_mac(ratls_slice(key, sizeof key), transcript, ret->mac, NULL) == RATLS_OK);
    must(ratls_enroll_extra_data(transcript, extra_data, NULL) == RATLS_OK);
    ret->draft = fake_tpm_attest(machine->ak, &nothing, set_extra_data, &change);
    ret->answer = (struct ratls_enroll_answer){
        .id = read.id,
        .mac = ratls_slice(ret->mac, sizeof ret->mac),
        .attest = ratls_slice(ret->draft->attest.p, ret->draft->attest.len),
        .signature = ratls_slice(ret->draft->signature.p, ret->draft->signature.len),
    };
}

size_t ca_reply_write(const struct ca_reply *reply, uint8_t out[static RATLS_ENROLL_ANSWER_MAX])
{
    struct ratls_writer w = ratls_writer(out, RATLS_ENROLL_ANSWER_MAX);

    ratls_enroll_answer_write(&reply->answer, &w);
    must(!w.failed);
    return w.len;
}

void ca_reply_done(struct ca_reply *reply)
{
    free(reply->draft);
}
