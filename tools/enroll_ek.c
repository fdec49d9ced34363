#include "enroll_ek.h"

#include <string.h>

#include "ek_certificate.h"
#include "enroll_online.h"
#include "fail.h"

/* Those that makers have certified for the longest time come first; large RSA keys take minutes. */
static const enum ratls_ek_template order[] = {RATLS_EK_L1, RATLS_EK_L2, RATLS_EK_H1, RATLS_EK_H2,
                                               RATLS_EK_H3, RATLS_EK_H6, RATLS_EK_H4, RATLS_EK_H7};

/* The templates that come into question. */
struct candidates {
    size_t count;
    const struct ratls_ek_profile *profiles[sizeof order / sizeof order[0]];
};

static enum ratls_status list_candidates(const char *name, struct candidates *ret,
                                         struct ratls_error *err)
{
    ret->count = 0;
    if (name != NULL && strcmp(name, "auto") != 0) {
        ret->profiles[0] = ratls_ek_profile_named(name);
        if (ret->profiles[0] == NULL)
            return ratls_fail(err, RATLS_USAGE,
                              "'%s' is no template of an endorsement key: L-1, L-2, H-1, H-2, H-3, "
                              "H-4, H-6, H-7, or auto",
                              name);
        ret->count = 1;
        return RATLS_OK;
    }
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        ret->profiles[ret->count++] = ratls_ek_profile(order[i]);
    return RATLS_OK;
}

/* Whether the certificate is of the key that the TPM made of the template. */
static enum ratls_status is_certified(const struct ratls_ek_profile *profile, EVP_PKEY *key,
                                      struct ratls_slice area, bool *ret_is,
                                      struct ratls_error *err)
{
    *ret_is = false;
    if (key == NULL || !ratls_ek_fits(profile, key))
        return RATLS_OK;
    return ratls_ek_area_matches(profile, key, area, ret_is, err);
}

static void add_certificates(struct ratls_enroll_ek *ek, const struct ratls_slice *certificates,
                             size_t count)
{
    for (size_t i = 0; i < count && ek->certificate_count < RATLS_ENROLL_EK_CERTIFICATES_MAX; i++)
        ek->certificates[ek->certificate_count++] = certificates[i];
}

static void keep_area(struct ratls_enroll_ek *ek, const struct ratls_ek_profile *profile,
                      struct ratls_slice area)
{
    ek->profile = profile;
    ek->area_len = area.len;
    memcpy(ek->area, area.p, area.len);
}

/* ---- from NV memory ---- */

/* One template. *ret_found: its certificate is in NV memory; ek->profile is set if it is good. */
static enum ratls_status try_nv(struct ratls_tpm *tpm, const struct ratls_ek_profile *profile,
                                struct ratls_enroll_ek *ek, bool *ret_found,
                                struct ratls_error *err)
{
    struct ratls_ek_certificate certificate;
    enum ratls_status status = ratls_eks_read_one(tpm, profile, &ek->eks, err);
    const struct ratls_ek_entry *entry = &ek->eks.items[0];
    bool is_it = false;

    *ret_found = false;
    if (status != RATLS_OK || ek->eks.count == 0)
        return status;
    *ret_found = true;
    if (ratls_ek_certificate_read(entry->certificate, &certificate, NULL) == RATLS_OK) {
        status = is_certified(profile, certificate.key, entry->area, &is_it, err);
        ratls_ek_certificate_done(&certificate);
    }
    if (status != RATLS_OK || !is_it)
        return status;
    keep_area(ek, profile, entry->area);
    add_certificates(ek, &entry->certificate, 1);
    add_certificates(ek, ek->eks.chain, ek->eks.chain_count);
    return RATLS_OK;
}

/* For people; "" if it cannot be said. */
static void find_url(struct ratls_tpm *tpm, const struct ratls_ek_profile *profile,
                     char out[static RATLS_ENROLL_URL_MAX])
{
    uint8_t area[RATLS_EK_AREA_MAX];
    uint32_t manufacturer = 0;
    size_t len = 0;

    if (ratls_tpm_read_manufacturer(tpm, &manufacturer, NULL) != RATLS_OK ||
        ratls_ek_read_area(tpm, profile, area, &len, NULL) != RATLS_OK ||
        ratls_enroll_online_url(manufacturer, ratls_slice(area, len), out, NULL) != RATLS_OK)
        out[0] = '\0';
}

static enum ratls_status fail_without(struct ratls_tpm *tpm, const struct ratls_ek_profile *profile,
                                      struct ratls_error *err)
{
    char url[RATLS_ENROLL_URL_MAX];

    find_url(tpm, profile, url);
    if (url[0] != '\0')
        return ratls_fail(
            err, RATLS_TPM,
            "the TPM has no certificate of its endorsement key: its maker has that of "
            "template %s at %s (tpm2_getekcertificate fetches it); then use "
            "--ek-certificate FILE",
            profile->name, url);
    return ratls_fail(err, RATLS_TPM,
                      "the TPM has no certificate of its endorsement key%s%s: some makers have it "
                      "on-line, and --ek-certificate FILE takes it; software TPMs have one only if "
                      "swtpm_setup made it",
                      profile->id == RATLS_EK_L1 ? "" : " of template ",
                      profile->id == RATLS_EK_L1 ? "" : profile->name);
}

static enum ratls_status find_in_nv(struct ratls_tpm *tpm, const struct candidates *candidates,
                                    struct ratls_enroll_ek *ek, struct ratls_error *err)
{
    const struct ratls_ek_profile *other = NULL;

    for (size_t i = 0; i < candidates->count; i++) {
        const struct ratls_ek_profile *profile = candidates->profiles[i];
        bool found = false;
        enum ratls_status status = try_nv(tpm, profile, ek, &found, err);

        if (status != RATLS_OK || ek->profile != NULL)
            return status;
        ratls_eks_done(&ek->eks);
        if (found && other == NULL)
            other = profile;
    }
    if (other == NULL)
        return fail_without(tpm, candidates->profiles[0], err);
    return ratls_fail(err, RATLS_TPM,
                      "the certificate in the TPM is not that of the endorsement key that the TPM "
                      "makes of template %s: its seed was changed (tpm2_changeeps), or the maker "
                      "uses a template that is not known here",
                      other->name);
}

/* ---- from a file ---- */

static enum ratls_status try_key(struct ratls_tpm *tpm, const struct ratls_ek_profile *profile,
                                 EVP_PKEY *certified, struct ratls_enroll_ek *ek,
                                 struct ratls_error *err)
{
    uint8_t area[RATLS_EK_AREA_MAX];
    bool is_it = false;
    size_t len = 0;
    enum ratls_status status = ratls_ek_read_area(tpm, profile, area, &len, err);

    if (status == RATLS_OK)
        status = is_certified(profile, certified, ratls_slice(area, len), &is_it, err);
    if (status == RATLS_OK && is_it)
        keep_area(ek, profile, ratls_slice(area, len));
    return status;
}

static enum ratls_status find_by_key(struct ratls_tpm *tpm, const struct candidates *candidates,
                                     const char *path, EVP_PKEY *certified,
                                     struct ratls_enroll_ek *ek, struct ratls_error *err)
{
    size_t tried = 0;

    for (size_t i = 0; certified != NULL && i < candidates->count; i++) {
        enum ratls_status status;

        if (!ratls_ek_fits(candidates->profiles[i], certified))
            continue;
        tried++;
        status = try_key(tpm, candidates->profiles[i], certified, ek, err);
        if (status != RATLS_OK || ek->profile != NULL)
            return status;
    }
    if (tried == 0)
        return ratls_fail(err, RATLS_TPM, "%s: its key is of a type that %s has", path,
                          candidates->count == 1 ? "this template never" : "no template");
    return ratls_fail(err, RATLS_TPM,
                      "%s: not the certificate of an endorsement key of this TPM: the TPM makes "
                      "other keys of the templates",
                      path);
}

static enum ratls_status find_of_file(struct ratls_tpm *tpm, const struct candidates *candidates,
                                      const char *path, struct ratls_enroll_ek *ek,
                                      struct ratls_error *err)
{
    struct ratls_ek_certificate certificate;
    struct ratls_error why = {0};
    enum ratls_status status = ratls_chain_file_read(path, &ek->file, err);

    if (status != RATLS_OK)
        return status;
    status = ratls_ek_certificate_read(ek->file.certificates[0], &certificate, &why);
    if (status != RATLS_OK)
        return ratls_fail(err, status, "%s: %s", path, why.text);
    status = find_by_key(tpm, candidates, path, certificate.key, ek, err);
    ratls_ek_certificate_done(&certificate);
    if (status == RATLS_OK)
        status = ratls_eks_read_chain(tpm, &ek->eks, err);
    if (status != RATLS_OK)
        return status;
    add_certificates(ek, ek->file.certificates, ek->file.count);
    add_certificates(ek, ek->eks.chain, ek->eks.chain_count);
    return RATLS_OK;
}

enum ratls_status ratls_enroll_ek_find(struct ratls_tpm *tpm, const char *name, const char *file,
                                       struct ratls_enroll_ek *ret_ek, struct ratls_error *err)
{
    struct ratls_enroll_ek ek = {.eks = RATLS_EKS_NONE};
    struct candidates candidates;
    enum ratls_status status = list_candidates(name, &candidates, err);

    if (status == RATLS_OK && file != NULL)
        status = find_of_file(tpm, &candidates, file, &ek, err);
    else if (status == RATLS_OK)
        status = find_in_nv(tpm, &candidates, &ek, err);
    if (status == RATLS_OK)
        *ret_ek = ek;
    else
        ratls_enroll_ek_done(&ek);
    return status;
}

void ratls_enroll_ek_done(struct ratls_enroll_ek *ek)
{
    ratls_eks_done(&ek->eks);
    ratls_chain_file_done(&ek->file);
}
