#include "crypto_general_name.h"

#include <arpa/inet.h>
#include <openssl/asn1.h>
#include <string.h>

#define NAME_MAX_LEN 253

/* Its length; 0: it is none. */
static int read_address(const char *text, uint8_t out[static sizeof(struct in6_addr)])
{
    if (inet_pton(AF_INET, text, out) == 1)
        return (int)sizeof(struct in_addr);
    return inet_pton(AF_INET6, text, out) == 1 ? (int)sizeof(struct in6_addr) : 0;
}

GENERAL_NAME *ratls_general_name(struct ratls_slice text)
{
    uint8_t address[sizeof(struct in6_addr)];
    char name[NAME_MAX_LEN + 1];
    GENERAL_NAME *out = NULL;
    ASN1_STRING *value;
    int address_len;
    bool is_set;

    if (text.len == 0 || text.len > NAME_MAX_LEN || memchr(text.p, '\0', text.len) != NULL)
        return NULL;
    memcpy(name, text.p, text.len);
    name[text.len] = '\0';
    address_len = read_address(name, address);
    value = address_len > 0 ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
    is_set = value != NULL && (address_len > 0 ? ASN1_STRING_set(value, address, address_len)
                                               : ASN1_STRING_set(value, name, (int)text.len)) == 1;
    if (is_set)
        out = GENERAL_NAME_new();
    if (out == NULL)
        ASN1_STRING_free(value);
    else
        GENERAL_NAME_set0_value(out, address_len > 0 ? GEN_IPADD : GEN_DNS, value);
    return out;
}
