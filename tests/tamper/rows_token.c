/* Time stamps that are none, or not of an authority of the policy. */
#include <openssl/objects.h>

#include "rows.h"

#define TSA_EKU "critical,timeStamping"

static void certify(struct scene *scene, struct pki_spec spec)
{
    spec.subject = "time stamps";
    scene_epoch_by(scene, spec, NULL);
}

/* The policy names another authority than the one that stamped. */
static void trust_another(struct scene *scene)
{
    struct fake_tsa *tsa = fake_tsa_new(NULL);

    scene_epoch_by(scene, (struct pki_spec){.subject = "time stamps", .eku = TSA_EKU},
                   tsa->certificate);
    fake_tsa_free(tsa);
}

static void certify_for_web(struct scene *scene)
{
    certify(scene, (struct pki_spec){.eku = "critical,timeStamping,serverAuth"});
}

static void certify_not_critical(struct scene *scene)
{
    certify(scene, (struct pki_spec){.eku = "timeStamping"});
}

static void certify_for_anything(struct scene *scene)
{
    certify(scene, (struct pki_spec){0});
}

static void certify_for_encryption(struct scene *scene)
{
    certify(scene, (struct pki_spec){.eku = TSA_EKU, .key_usage = "critical,keyEncipherment"});
}

static void certify_until_before(struct scene *scene)
{
    certify(scene, (struct pki_spec){.eku = TSA_EKU, .not_after_s = -86401});
}

static void certify_for_later(struct scene *scene)
{
    certify(scene, (struct pki_spec){.eku = TSA_EKU, .not_before_s = 3601});
}

/* The policy names a root; a CA that it certified for web servers certified the authority. */
static void certify_by_web_ca(struct scene *scene)
{
    scene_epoch_below(scene, "serverAuth");
}

static void leave_attributes_out(struct scene *scene)
{
    scene->tpm->stamp.has_no_attributes = true;
}

static void leave_ess_out(struct scene *scene)
{
    scene->tpm->stamp.has_no_ess = true;
}

static void sign_by_sha1(struct scene *scene)
{
    scene->tpm->stamp.digest = EVP_sha1();
}

static void sign_as_data(struct scene *scene)
{
    scene->tpm->stamp.signed_content = NID_pkcs7_data;
}

static void stamp_data(struct scene *scene)
{
    scene->tpm->stamp.content = NID_id_smime_ct_receipt;
}

static void confuse_digest(struct scene *scene)
{
    scene->tpm->stamp.digest_type = V_ASN1_UTF8STRING;
}

static void confuse_ess(struct scene *scene)
{
    scene->tpm->stamp.ess_type = V_ASN1_OCTET_STRING;
}

static void sign_twice(struct scene *scene)
{
    scene->tpm->stamp.is_signed_twice = true;
}

static void add_critical(struct scene *scene)
{
    scene->tpm->stamp.has_critical = true;
}

static void write_version_2(struct scene *scene)
{
    scene->tpm->stamp.version = 2;
}

static void write_local_time(struct scene *scene)
{
    scene->tpm->stamp.time_text = "20270115080000+0100";
}

static void write_no_time(struct scene *scene)
{
    scene->tpm->stamp.time_text = "as soon as we can";
}

static void cut_info(struct scene *scene)
{
    scene->tpm->stamp.is_cut = true;
}

/* Not even a SignedData; before the manifest is made. */
static void send_noise(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    static const uint8_t noise[] = {0x30, 0x03, 0x02, 0x01, 0x01};

    (void)arg;
    if (stage == FAKE_AREA)
        draft->token_text = ratls_slice(noise, sizeof noise);
}

#define TOKEN_ROW(what, how, words)                                                                \
    {                                                                                              \
        .name = what, .check = RATLS_CHECK_EPOCH_TOKEN, .not_run = BIT(EPOCH_AGE),                 \
        .before = scene_epoch, .after = how, .actual = words                                       \
    }
#define SIGNER_ROW(what, how, words)                                                               \
    {                                                                                              \
        .name = what, .check = RATLS_CHECK_EPOCH_TOKEN, .not_run = BIT(EPOCH_AGE), .before = how,  \
        .actual = words                                                                            \
    }

static const struct row rows[] = {
    SIGNER_ROW("another authority", trust_another, NULL),
    SIGNER_ROW("an authority that is a web server too", certify_for_web, NULL),
    SIGNER_ROW("an authority whose purpose is not critical", certify_not_critical, NULL),
    SIGNER_ROW("an authority without a purpose", certify_for_anything, NULL),
    SIGNER_ROW("an authority that may not sign", certify_for_encryption, NULL),
    SIGNER_ROW("an authority that has expired", certify_until_before, NULL),
    SIGNER_ROW("an authority of tomorrow", certify_for_later, NULL),
    SIGNER_ROW("a CA for web servers on the way", certify_by_web_ca, NULL),
    TOKEN_ROW("no signed attributes", leave_attributes_out,
              "signed attributes are missing, or of another type"),
    TOKEN_ROW("no signing certificate", leave_ess_out, NULL),
    TOKEN_ROW("signed with SHA-1", sign_by_sha1,
              "signed with another digest than SHA-256, SHA-384 or SHA-512"),
    TOKEN_ROW("signed as data", sign_as_data, "signed as something else than a TSTInfo"),
    TOKEN_ROW("data", stamp_data, "signed data without a TSTInfo"),
    TOKEN_ROW("half a TSTInfo", cut_info, "a TSTInfo that cannot be read"),
    TOKEN_ROW("a digest of another type", confuse_digest,
              "signed attributes are missing, or of another type"),
    TOKEN_ROW("a signing certificate of another type", confuse_ess,
              "signed attributes are missing, or of another type"),
    TOKEN_ROW("two signatures", sign_twice, "not signed by exactly one"),
    TOKEN_ROW("a critical extension", add_critical, "a critical extension that is not known"),
    TOKEN_ROW("version 2", write_version_2, "another version than 1"),
    TOKEN_ROW("a local time", write_local_time, "genTime is not a time in UTC"),
    TOKEN_ROW("no time", write_no_time, "genTime is not a time in UTC"),
    {.name = "no time stamp at all",
     .check = RATLS_CHECK_EPOCH_TOKEN,
     .not_run = BIT(EPOCH_AGE),
     .before = scene_epoch,
     .tamper = send_noise,
     .actual = "not the DER of one SignedData"},
};

const struct rows rows_token = {rows, sizeof rows / sizeof rows[0]};
