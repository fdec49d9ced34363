/* Evidence in a certificate (WIRE.md, 4): the extension id-pe-cmw of RFC 9999. */
#include <string.h>

#include "der.h"
#include "evidence.h"
#include "fail.h"

#define CMW_OID "1.3.6.1.5.5.7.1.35"

/* CMW_OID in DER, without tag and length. */
static const uint8_t cmw_oid[] = {0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x23};

static bool is_cmw(X509_EXTENSION *extension)
{
    const ASN1_OBJECT *object = X509_EXTENSION_get_object(extension);
    return OBJ_length(object) == sizeof(cmw_oid) &&
           memcmp(OBJ_get0_data(object), cmw_oid, sizeof(cmw_oid)) == 0;
}

/* The CBOR alternative of the CHOICE, to the last byte; JSON is another tag and refused. */
static bool read_cmw(const ASN1_OCTET_STRING *value, struct ratls_slice *ret_evidence)
{
    struct ratls_reader r =
        ratls_reader(ratls_slice(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)));
    struct ratls_slice evidence = ratls_der_take(&r, RATLS_DER_OCTET_STRING);
    if (!ratls_reader_done(&r) || evidence.len == 0 || evidence.len > RATLS_EVIDENCE_MAX)
        return false;
    *ret_evidence = evidence;
    return true;
}

bool ratls_evidence_in_certificate(const X509 *certificate, struct ratls_slice *ret_evidence)
{
    X509_EXTENSION *found = NULL;
    for (int i = 0; i < X509_get_ext_count(certificate); i++) {
        X509_EXTENSION *extension = X509_get_ext(certificate, i);
        if (!is_cmw(extension))
            continue;
        if (found)
            return false;
        found = extension;
    }
    return found && read_cmw(X509_EXTENSION_get_data(found), ret_evidence);
}

/* An OCTET STRING in the DER of which the bytes are, in an OCTET STRING; NULL if memory is short.
 */
static ASN1_OCTET_STRING *wrap_bytes(struct ratls_slice bytes)
{
    uint8_t *der = NULL;
    int len = -1;
    ASN1_OCTET_STRING *inner = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING *outer = ASN1_OCTET_STRING_new();
    if (inner && outer && ASN1_OCTET_STRING_set(inner, bytes.p, (int)bytes.len))
        len = i2d_ASN1_OCTET_STRING(inner, &der);
    if (len < 0 || !ASN1_OCTET_STRING_set(outer, der, len)) {
        ASN1_OCTET_STRING_free(outer);
        outer = NULL;
    }
    ASN1_OCTET_STRING_free(inner);
    OPENSSL_free(der);
    return outer;
}

static bool has_logs(struct ratls_slice bytes)
{
    struct ratls_evidence evidence;
    return ratls_evidence_read(bytes, &evidence) &&
           (evidence.boot_log.len != 0 || evidence.has_ima);
}

enum ratls_status ratls_evidence_extension(struct ratls_slice evidence,
                                           X509_EXTENSION **ret_extension, struct ratls_error *err)
{
    if (evidence.len == 0 || evidence.len > RATLS_EVIDENCE_MAX)
        return ratls_fail(err, RATLS_LIMIT, "evidence of %zu bytes, not 1 to %d", evidence.len,
                          RATLS_EVIDENCE_MAX);
    if (has_logs(evidence))
        return ratls_fail(err, RATLS_USAGE, "evidence with logs does not go into a certificate");
    X509_EXTENSION *extension = NULL;
    ASN1_OBJECT *object = OBJ_txt2obj(CMW_OID, 1);
    ASN1_OCTET_STRING *value = wrap_bytes(evidence);
    if (object && value)
        extension = X509_EXTENSION_create_by_OBJ(NULL, object, 0, value);
    ASN1_OBJECT_free(object);
    ASN1_OCTET_STRING_free(value);
    if (!extension)
        return ratls_fail_openssl(err, "id-pe-cmw extension");
    *ret_extension = extension;
    return RATLS_OK;
}
