#include "efi_signatures.h"

#include <string.h>

#define GUID_LEN 16
#define LIST_HEAD_LEN (GUID_LEN + 3 * 4)
#define SHA256_LEN 32

/* a5c059a1-94e4-4aa7-87b5-ab155c2bf072 and c1c41626-504c-4092-aca9-41f936934328, as in memory. */
static const uint8_t X509_GUID[GUID_LEN] = {0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a,
                                            0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72};
static const uint8_t SHA256_GUID[GUID_LEN] = {0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40,
                                              0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28};

struct ratls_efi_signatures ratls_efi_signatures(struct ratls_slice content)
{
    return (struct ratls_efi_signatures){.reader = ratls_reader(content)};
}

static enum ratls_efi_signature_kind find_kind(struct ratls_slice guid)
{
    if (memcmp(guid.p, X509_GUID, GUID_LEN) == 0)
        return RATLS_EFI_X509;
    return memcmp(guid.p, SHA256_GUID, GUID_LEN) == 0 ? RATLS_EFI_SHA256 : RATLS_EFI_OTHER;
}

/* The head of a list. Its length must be that of its signatures, or one would be cut or hidden. */
static void begin_list(struct ratls_efi_signatures *signatures)
{
    struct ratls_reader *r = &signatures->reader;
    struct ratls_slice guid = ratls_read_bytes(r, GUID_LEN);
    uint32_t list_len = ratls_read_le32(r);
    uint32_t header_len = ratls_read_le32(r);
    uint32_t signature_len = ratls_read_le32(r);
    struct ratls_slice body;

    if (r->failed || list_len < LIST_HEAD_LEN) {
        r->failed = true;
        return;
    }
    body = ratls_read_bytes(r, list_len - LIST_HEAD_LEN);
    signatures->kind = r->failed ? RATLS_EFI_OTHER : find_kind(guid);
    signatures->signature_len = signature_len;
    signatures->list = ratls_reader(body);
    ratls_read_bytes(&signatures->list, header_len);
    if (signatures->list.failed || signature_len <= GUID_LEN ||
        signatures->list.rest.len % signature_len != 0 ||
        (signatures->kind == RATLS_EFI_SHA256 && signature_len != GUID_LEN + SHA256_LEN))
        r->failed = true;
}

bool ratls_efi_signatures_next(struct ratls_efi_signatures *signatures,
                               struct ratls_efi_signature *ret_signature)
{
    struct ratls_reader *r = &signatures->reader;

    while (!r->failed && signatures->list.rest.len == 0 && r->rest.len > 0)
        begin_list(signatures);
    if (r->failed || signatures->list.rest.len == 0)
        return false;
    ret_signature->kind = signatures->kind;
    ret_signature->owner = ratls_read_bytes(&signatures->list, GUID_LEN);
    ret_signature->data = ratls_read_bytes(&signatures->list, signatures->signature_len - GUID_LEN);
    return true;
}

bool ratls_efi_signatures_done(const struct ratls_efi_signatures *signatures)
{
    return signatures->list.rest.len == 0 && ratls_reader_done(&signatures->reader);
}
