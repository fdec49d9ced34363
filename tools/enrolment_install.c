/* The certificate that came of an enrolment: whether it is what was asked for, and where it goes.
 */
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ak_state.h"
#include "crypto.h"
#include "enroll_names.h"
#include "enroll_state.h"
#include "enrolment.h"
#include "fail.h"
#include "file.h"
#include "paths.h"
#include "state_file.h"

/* No secret: a server that may enter the folder may read it, whoever wrote it. */
#define FILE_MODE 0644
#define AK_PURPOSE "2.23.133.8.3" /* tcg-kp-AIKCertificate */
#define OID_MAX 64
#define CA_FILE_MAX 1048576

/* ---- names ---- */

/* Those that were asked for: *ret_any if that is not known. */
static enum ratls_status find_names(const struct ratls_enrolment *enrolment,
                                    struct ratls_enroll_names *ret_names, bool *ret_any,
                                    struct ratls_error *err)
{
    struct ratls_enroll_request request;
    uint8_t *bytes = NULL;
    size_t len = 0;
    enum ratls_status status;

    *ret_any = false;
    if (enrolment->name_count > 0)
        return ratls_enroll_names_read(enrolment->names, enrolment->name_count, ret_names, err);
    status = ratls_enroll_kept(enrolment->state_dir, RATLS_ENROLL_KEPT_REQUEST, &bytes, &len, err);
    if (status != RATLS_OK)
        return status;
    *ret_any = !ratls_enroll_request_read(ratls_slice(bytes, len), &request);
    if (!*ret_any)
        status = ratls_enroll_names_read(request.names, request.name_count, ret_names, err);
    free(bytes);
    return status;
}

/* Of what was asked for, and of the certificate: [0] and [1]. */
static enum ratls_status compare_names(const struct ratls_enrolment *enrolment, const X509 *leaf,
                                       struct ratls_enroll_names names[2], struct ratls_error *err)
{
    char asked[512], has[512];
    bool any = false;
    enum ratls_status status = find_names(enrolment, &names[0], &any, err);

    if (status == RATLS_OK)
        status = ratls_enroll_names_of_certificate(leaf, &names[1], err);
    if (status != RATLS_OK || any || ratls_enroll_names_equal(&names[0], &names[1]))
        return status;
    ratls_enroll_names_text(&names[0], asked, sizeof asked);
    ratls_enroll_names_text(&names[1], has, sizeof has);
    return ratls_fail(err, RATLS_REJECTED, "the certificate is for %s, but asked for was %s",
                      has[0] == '\0' ? "no name" : has, asked);
}

static enum ratls_status check_names(const struct ratls_enrolment *enrolment, const X509 *leaf,
                                     struct ratls_error *err)
{
    struct ratls_enroll_names *names = calloc(2, sizeof *names);
    enum ratls_status status;

    if (names == NULL)
        return ratls_fail(err, RATLS_MEMORY, "out of memory");
    status = compare_names(enrolment, leaf, names, err);
    free(names);
    return status;
}

/* ---- what it says of itself ---- */

static bool has_purpose(const X509 *leaf)
{
    EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(leaf, NID_ext_key_usage, NULL, NULL);
    bool has = false;

    for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++) {
        char oid[OID_MAX];

        if (OBJ_obj2txt(oid, sizeof oid, sk_ASN1_OBJECT_value(usages, i), 1) > 0)
            has = has || strcmp(oid, AK_PURPOSE) == 0;
    }
    sk_ASN1_OBJECT_pop_free(usages, ASN1_OBJECT_free);
    return has;
}

/* What a client would refuse anyhow, whoever signed it. */
static enum ratls_status check_leaf(X509 *leaf, const EVP_PKEY *key, struct ratls_error *err)
{
    const EVP_PKEY *certified = X509_get0_pubkey(leaf);
    /* 0: that is no time. */
    const int begin = X509_cmp_current_time(X509_get0_notBefore(leaf));
    const int end = X509_cmp_current_time(X509_get0_notAfter(leaf));

    if (certified == NULL || EVP_PKEY_eq(certified, key) != 1)
        return ratls_fail(err, RATLS_REJECTED,
                          "the certificate is of another key than the attestation key of the state "
                          "folder");
    if (!has_purpose(leaf) || X509_check_ca(leaf) != 0)
        return ratls_fail(err, RATLS_REJECTED,
                          "not a certificate of an attestation key: its extended key usage has to "
                          "be %s, and it must not be that of a CA",
                          AK_PURPOSE);
    if (begin == 0 || end == 0)
        return ratls_fail(err, RATLS_REJECTED,
                          "the certificate does not say from when until when it is valid: its "
                          "times cannot be read");
    if (begin > 0)
        return ratls_fail(err, RATLS_REJECTED,
                          "the certificate is not yet valid: compare the clocks of this machine "
                          "and of the CA");
    if (end < 0)
        return ratls_fail(err, RATLS_REJECTED, "the certificate has expired");
    return RATLS_OK;
}

/* ---- who signed it ---- */

static enum ratls_status check_issuer(const char *ca_file, struct ratls_ak_chain chain,
                                      struct ratls_error *err)
{
    struct ratls_pem_certificate *list = NULL;
    char why[RATLS_WHY_MAX] = "no certificate";
    uint8_t *pem = NULL;
    size_t len = 0, list_count = 0;
    int64_t until = 0;
    enum ratls_status status = ratls_file_read_long(ca_file, CA_FILE_MAX, &pem, &len, err);

    if (status == RATLS_OK)
        status = ratls_pem_certificates(ratls_slice(pem, len), &list, &list_count, err);
    for (size_t i = 0; status == RATLS_OK && why[0] != '\0' && i < list_count; i++) {
        chain.anchor = list[i].certificate;
        status = ratls_ak_chain(&chain, &until, why, err);
    }
    if (status == RATLS_OK && why[0] != '\0')
        status = ratls_fail(err, RATLS_REJECTED, "the certificate does not lead to %s: %s", ca_file,
                            why);
    ratls_pem_certificates_free(list, list_count);
    free(pem);
    return status;
}

/*
 * Clients get what stands behind the certificate, and take a chain alone. If nobody says which CA
 * it has to lead to, it is to lead to its own end.
 */
static enum ratls_status check_order(struct ratls_ak_chain chain, struct ratls_error *err)
{
    X509 *last = ratls_certificate_of_der(chain.certificates[chain.count - 1]);
    char why[RATLS_WHY_MAX] = "";
    int64_t until = 0;
    enum ratls_status status = RATLS_OK;

    if (last == NULL)
        return ratls_fail(err, RATLS_MALFORMED,
                          "what stands behind the certificate is not that of a CA");
    chain.anchor = last;
    if (chain.count > 1)
        status = ratls_ak_chain(&chain, &until, why, err);
    if (status == RATLS_OK && why[0] != '\0')
        status = ratls_fail(err, RATLS_REJECTED,
                            "what stands behind the certificate is not its chain: %s", why);
    X509_free(last);
    return status;
}

/* ---- where it goes ---- */

static enum ratls_status write_pem(const struct ratls_enrolment *enrolment,
                                   const struct ratls_slice *certificates, size_t count,
                                   struct ratls_error *err)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char path[RATLS_PATH_MAX];
    enum ratls_status status = RATLS_OK;
    char *text = NULL;
    bool made = bio != NULL;
    long len;

    for (size_t i = 0; made && i < count; i++)
        made = PEM_write_bio(bio, PEM_STRING_X509, "", certificates[i].p,
                             (long)certificates[i].len) > 0;
    len = made ? BIO_get_mem_data(bio, &text) : 0;
    if (len <= 0)
        status = ratls_fail(err, RATLS_MEMORY, "out of memory");
    else if (snprintf(path, sizeof path, "%s/ak.crt", enrolment->state_dir) >= (int)sizeof path)
        status = ratls_fail(err, RATLS_USAGE, "the path of the state folder is too long");
    else
        status = ratls_state_file_write(path, ratls_slice(text, (size_t)len), FILE_MODE, err);
    BIO_free(bio);
    /* Before what it was asked with is forgotten. */
    return status == RATLS_OK ? ratls_state_folder_sync(enrolment->state_dir, err) : status;
}

static enum ratls_status check_all(const struct ratls_enrolment *enrolment, const char *ca_file,
                                   const struct ratls_slice *certificates, size_t count,
                                   const struct ratls_ak_state *state, struct ratls_error *err)
{
    struct ratls_ak_chain chain = {
        .certificates = certificates, .count = count, .now = (int64_t)time(NULL)};
    X509 *leaf = ratls_certificate_of_der(certificates[0]);
    struct ratls_tpm_public area;
    EVP_PKEY *key = NULL;
    enum ratls_status status;

    if (leaf == NULL)
        return ratls_fail(err, RATLS_MALFORMED,
                          "this is no certificate: 'ratls ca issue' writes one (.crt)");
    if (!ratls_tpm_read_public(ratls_slice(state->public_area, state->public_len), &area))
        status =
            ratls_fail(err, RATLS_USAGE, "the attestation key of the state folder is unreadable");
    else
        status = ratls_public_key(&area, &key, err);
    if (status == RATLS_OK)
        status = check_leaf(leaf, key, err);
    if (status == RATLS_OK)
        status = check_names(enrolment, leaf, err);
    chain.key = key;
    if (status == RATLS_OK)
        status = ca_file == NULL ? check_order(chain, err) : check_issuer(ca_file, chain, err);
    EVP_PKEY_free(key);
    X509_free(leaf);
    return status;
}

enum ratls_status ratls_enrolment_install(const struct ratls_enrolment *enrolment,
                                          const char *ca_file,
                                          const struct ratls_slice *certificates, size_t count,
                                          struct ratls_error *err)
{
    struct ratls_ak_state state = {0};
    enum ratls_status status;

    if (count == 0 || count > RATLS_CERTIFICATES_MAX)
        return ratls_fail(err, RATLS_MALFORMED, "%zu certificates, not 1 to %d", count,
                          RATLS_CERTIFICATES_MAX);
    status = ratls_ak_state_load(enrolment->state_dir, &state, err);
    if (status == RATLS_OK)
        status = check_all(enrolment, ca_file, certificates, count, &state, err);
    if (status == RATLS_OK)
        status = write_pem(enrolment, certificates, count, err);
    if (status == RATLS_OK)
        status = ratls_enroll_forget(enrolment->state_dir, err);
    ratls_ak_state_clear(&state);
    return status;
}
