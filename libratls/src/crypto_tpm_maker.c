#include "crypto_tpm_maker.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <string.h>

#include "crypto.h"

#define OID_MAX 64
#define SOFTWARE_UNIT "SW TPM" /* as IBM's simulator has it */

/* TCG OID registry. */
#define OID_MANUFACTURER "2.23.133.2.1"
#define OID_MODEL "2.23.133.2.2"
#define OID_VERSION "2.23.133.2.3"

static bool is_oid(const ASN1_OBJECT *object, const char *oid)
{
    char text[OID_MAX];
    int len = OBJ_obj2txt(text, sizeof text, object, 1);

    return len == (int)strlen(oid) && strcmp(text, oid) == 0;
}

static void copy_text(const ASN1_STRING *text, char out[static RATLS_TPM_MAKER_TEXT_MAX])
{
    unsigned char *utf8 = NULL;
    int len = ASN1_STRING_to_UTF8(&utf8, text);

    if (len >= 0)
        ratls_escape(ratls_slice(utf8, (size_t)len), out, RATLS_TPM_MAKER_TEXT_MAX);
    OPENSSL_free(utf8);
}

/* swtpm has IBM's vendor ID, 00001014; simulators have "IBM " or "SW  " in ASCII. */
static bool is_software(const struct ratls_tpm_maker *maker)
{
    static const char *const makers[] = {"id:00001014", "id:49424D20", "id:49424d20",
                                         "id:53572020"};

    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        if (strcmp(maker->manufacturer, makers[i]) == 0)
            return true;
    return strcmp(maker->model, "swtpm") == 0;
}

/* The attributes may each be in an RDN of its own, or all in one (Nuvoton). */
static void read_name(const X509_NAME *name, struct ratls_tpm_maker *maker)
{
    for (int i = 0; i < X509_NAME_entry_count(name); i++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
        const ASN1_OBJECT *type = X509_NAME_ENTRY_get_object(entry);
        const ASN1_STRING *value = X509_NAME_ENTRY_get_data(entry);
        char text[RATLS_TPM_MAKER_TEXT_MAX] = "";

        if (is_oid(type, OID_MANUFACTURER))
            copy_text(value, maker->manufacturer);
        else if (is_oid(type, OID_MODEL))
            copy_text(value, maker->model);
        else if (is_oid(type, OID_VERSION))
            copy_text(value, maker->version);
        else if (OBJ_obj2nid(type) == NID_organizationalUnitName)
            copy_text(value, text);
        if (strcmp(text, SOFTWARE_UNIT) == 0 || is_software(maker))
            maker->is_software = true;
    }
}

void ratls_tpm_maker_read(const GENERAL_NAMES *names, struct ratls_tpm_maker *ret_maker)
{
    struct ratls_tpm_maker maker = {.is_software = false};

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type == GEN_DIRNAME)
            read_name(name->d.directoryName, &maker);
    }
    *ret_maker = maker;
}

static bool add_text(X509_NAME *name, const char *oid, const char *text)
{
    return text[0] == '\0' ||
           X509_NAME_add_entry_by_txt(name, oid, MBSTRING_UTF8, (const unsigned char *)text, -1, -1,
                                      0) == 1;
}

X509_NAME *ratls_tpm_maker_name(const struct ratls_tpm_maker *maker)
{
    X509_NAME *name = X509_NAME_new();
    const char *mark = maker->is_software && !is_software(maker) ? SOFTWARE_UNIT : "";

    if (name != NULL && add_text(name, OID_MANUFACTURER, maker->manufacturer) &&
        add_text(name, OID_MODEL, maker->model) && add_text(name, OID_VERSION, maker->version) &&
        add_text(name, "OU", mark))
        return name;
    X509_NAME_free(name);
    return NULL;
}

bool ratls_certificate_is_software(X509 *certificate)
{
    struct ratls_tpm_maker maker;
    int found = -1;
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, &found, NULL);

    if (names == NULL)
        return found != -1; /* -1: it has none */
    ratls_tpm_maker_read(names, &maker);
    GENERAL_NAMES_free(names);
    return maker.is_software;
}

bool ratls_der_is_software(struct ratls_slice certificate)
{
    X509 *read = ratls_certificate_of_der(certificate);
    bool is_software;

    ERR_set_mark();
    is_software = read == NULL || ratls_certificate_is_software(read);
    ERR_pop_to_mark();
    X509_free(read);
    return is_software;
}
