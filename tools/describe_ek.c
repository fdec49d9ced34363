#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "describe_enroll.h"

#define VENDOR_PREFIX "id:"
#define VENDOR_LEN 4

/* The ID of a vendor is four letters in hexadecimal digits: TCG TPM Vendor ID Registry. */
static void describe_manufacturer(struct ratls_view *v, const char *manufacturer)
{
    char text[RATLS_EK_TEXT_MAX + 16], letters[VENDOR_LEN + 1] = "";
    uint8_t id[VENDOR_LEN];

    ratls_view_text(v, "manufacturer", NULL, manufacturer);
    if (v->json)
        return;
    if (strncmp(manufacturer, VENDOR_PREFIX, strlen(VENDOR_PREFIX)) == 0 &&
        ratls_unhex(manufacturer + strlen(VENDOR_PREFIX), id, sizeof id))
        memcpy(letters, id, sizeof id); /* those that are shorter end with NUL or a space */
    if (letters[0] == '\0' || !ratls_slice_is_printable(ratls_slice(letters, strlen(letters)))) {
        ratls_view_text(v, NULL, "manufacturer", manufacturer);
        return;
    }
    snprintf(text, sizeof text, "%s (%s)", manufacturer, letters);
    ratls_view_text(v, NULL, "manufacturer", text);
}

void ratls_describe_maker(struct ratls_view *v, const struct ratls_ek_certificate *ek)
{
    describe_manufacturer(v, ek->manufacturer);
    ratls_view_text(v, "model", "model", ek->model);
    ratls_view_text(v, "version", "version", ek->version);
    if (ek->family[0] != '\0' || v->json)
        ratls_view_text(v, "family", "family", ek->family);
    ratls_view_bool(v, "softwareTpm", ek->is_software ? "software TPM" : NULL, ek->is_software);
}

/* An endorsement key says so, or, of the makers that do not, it has no purpose but a maker. */
static bool is_of_ek(const struct ratls_ek_certificate *ek)
{
    return ek->is_for_ek || (!ek->has_extended_usage && !ek->is_ca && ek->manufacturer[0] != '\0');
}

void ratls_describe_tpm_of_certificate(struct ratls_view *v, const X509 *certificate)
{
    struct ratls_ek_certificate ek;
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);

    if (len > 0 &&
        ratls_ek_certificate_read(ratls_slice(der, (size_t)len), &ek, NULL) == RATLS_OK) {
        if (is_of_ek(&ek) || ek.manufacturer[0] != '\0') {
            ratls_view_section(v, "tpm", is_of_ek(&ek) ? "Endorsement key of a TPM" : "TPM");
            if (is_of_ek(&ek))
                ratls_view_digest(v, "ekSha256", "EK (SHA-256)", ratls_slice(ek.sha256, 32));
            ratls_describe_maker(v, &ek);
            ratls_view_note(v, "'ratls roots show' says whether one of your roots certified it.");
            ratls_view_section_end(v);
        }
        ratls_ek_certificate_done(&ek);
    }
    OPENSSL_free(der);
}
