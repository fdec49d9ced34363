#include "enroll_names.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

#define IPV4_LEN 4
#define IPV6_LEN 16

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void sort(struct ratls_enroll_names *names)
{
    size_t kept = 0;

    qsort(names->texts, names->count, sizeof names->texts[0], compare);
    for (size_t i = 0; i < names->count; i++) {
        if (kept > 0 && strcmp(names->texts[kept - 1], names->texts[i]) == 0)
            continue;
        if (kept != i)
            memcpy(names->texts[kept], names->texts[i], sizeof names->texts[0]);
        kept++;
    }
    names->count = kept;
}

/* NULL, or what is wrong with it. */
static const char *add_name(struct ratls_enroll_names *names, struct ratls_slice name)
{
    char text[RATLS_NAME_SIZE];
    char *out;

    if (names->count == RATLS_ENROLL_NAMES_MAX)
        return "one name too much: 16 is the most";
    if (name.len >= sizeof text)
        return "longer than 253 characters";
    if (name.len > 0 && memchr(name.p, '\0', name.len) != NULL)
        return "a character that names do not have";
    if (name.len > 0)
        memcpy(text, name.p, name.len);
    text[name.len] = '\0';
    if (text[0] == '*')
        return "a wildcard speaks for many machines, an attestation key for one";
    out = names->texts[names->count];
    if (ratls_name_normalise(text, out) != NULL)
        return ratls_name_normalise(text, out);
    /* RFC 4291, 2.5.5: it would be a second name of that IPv4 address. */
    if (strchr(out, ':') != NULL && strchr(out, '.') != NULL)
        return "an IPv6 address that stands for an IPv4 address: name that one";
    names->count++;
    return NULL;
}

enum ratls_status ratls_enroll_names_read(const struct ratls_slice *texts, size_t count,
                                          struct ratls_enroll_names *names, struct ratls_error *err)
{
    names->count = 0;
    for (size_t i = 0; i < count; i++) {
        const char *why = add_name(names, texts[i]);
        char shown[RATLS_NAME_SIZE];

        if (why == NULL)
            continue;
        ratls_escape(texts[i], shown, sizeof shown);
        return ratls_fail(err, RATLS_USAGE, "'%s': %s", shown, why);
    }
    if (names->count == 0)
        return ratls_fail(err, RATLS_USAGE, "no name: say which names the machine shall have");
    sort(names);
    return RATLS_OK;
}

static const char *add_address(struct ratls_enroll_names *names, const ASN1_OCTET_STRING *address)
{
    const int len = ASN1_STRING_length(address);
    char text[INET6_ADDRSTRLEN];

    if ((len != IPV4_LEN && len != IPV6_LEN) ||
        inet_ntop(len == IPV4_LEN ? AF_INET : AF_INET6, ASN1_STRING_get0_data(address), text,
                  sizeof text) == NULL)
        return "an address that is none";
    return add_name(names, ratls_slice(text, strlen(text)));
}

/* Beside the names there may be a directoryName: who made the TPM. */
static const char *add_general(struct ratls_enroll_names *names, const GENERAL_NAME *general)
{
    int type = 0;
    const void *value = GENERAL_NAME_get0_value(general, &type);

    if (type == GEN_DIRNAME)
        return NULL;
    if (type == GEN_IPADD)
        return add_address(names, value);
    if (type != GEN_DNS)
        return "something else than a DNS name or an IP address";
    return add_name(names,
                    ratls_slice(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)));
}

enum ratls_status ratls_enroll_names_of_certificate(const X509 *certificate,
                                                    struct ratls_enroll_names *names,
                                                    struct ratls_error *err)
{
    GENERAL_NAMES *generals = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    const char *why = NULL;

    names->count = 0;
    for (int i = 0; why == NULL && i < sk_GENERAL_NAME_num(generals); i++)
        why = add_general(names, sk_GENERAL_NAME_value(generals, i));
    GENERAL_NAMES_free(generals);
    if (why != NULL)
        return ratls_fail(err, RATLS_REJECTED, "among the names of the certificate is %s", why);
    sort(names);
    return RATLS_OK;
}

bool ratls_enroll_names_equal(const struct ratls_enroll_names *a,
                              const struct ratls_enroll_names *b)
{
    bool equal = a->count == b->count;

    for (size_t i = 0; equal && i < a->count; i++)
        equal = strcmp(a->texts[i], b->texts[i]) == 0;
    return equal;
}

void ratls_enroll_names_text(const struct ratls_enroll_names *names, char *out, size_t cap)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < names->count && len < cap; i++) {
        int more = snprintf(out + len, cap - len, "%s%s", i == 0 ? "" : ", ", names->texts[i]);

        len += more < 0 ? cap : (size_t)more;
    }
}
