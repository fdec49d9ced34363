#include <criterion/criterion.h>

#include "efi_signatures.h"
#include "octets.h"

#define OWNER "000102030405060708090a0b0c0d0e0f"
#define X509 "a159c0a5e494a74a87b5ab155c2bf072"
#define SHA256 "2616c4c14c509240aca941f936934328"
#define DIGEST "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
/* GUID, length of the list, of its header, of a signature. */
#define CERTIFICATES X509 "2e000000 00000000 12000000" OWNER "abcd"
#define DIGESTS SHA256 "7c000000 00000000 30000000" OWNER DIGEST OWNER DIGEST

static bool accepts(struct ratls_slice in)
{
    struct ratls_efi_signatures signatures = ratls_efi_signatures(in);
    struct ratls_efi_signature signature;

    while (ratls_efi_signatures_next(&signatures, &signature))
        cr_expect(signature.data.p + signature.data.len <= in.p + in.len);
    cr_expect_not(ratls_efi_signatures_next(&signatures, &signature), "the end stays the end");
    return ratls_efi_signatures_done(&signatures);
}

Test(efi_signatures, every_signature_of_every_list_arrives)
{
    struct octets in = octets_from_hex(CERTIFICATES DIGESTS);
    struct octets owner = octets_from_hex(OWNER);
    struct octets digest = octets_from_hex(DIGEST);
    struct ratls_efi_signatures signatures = ratls_efi_signatures(octets_slice(in));
    struct ratls_efi_signature s;

    cr_assert(ratls_efi_signatures_next(&signatures, &s));
    cr_expect_eq(s.kind, RATLS_EFI_X509);
    cr_expect(ratls_slice_equal(s.owner, octets_slice(owner)));
    cr_expect(ratls_slice_equal(s.data, ratls_slice("\xab\xcd", 2)));
    cr_expect_not(ratls_efi_signatures_done(&signatures), "two are left");
    for (int i = 0; i < 2; i++) {
        cr_assert(ratls_efi_signatures_next(&signatures, &s));
        cr_expect_eq(s.kind, RATLS_EFI_SHA256);
        cr_expect(ratls_slice_equal(s.data, octets_slice(digest)));
    }
    cr_expect_not(ratls_efi_signatures_next(&signatures, &s));
    cr_expect(ratls_efi_signatures_done(&signatures));
    free(in.p);
    free(owner.p);
    free(digest.p);
}

Test(efi_signatures, shapes)
{
    static const struct shape cases[] = {
        {"one certificate", CERTIFICATES, true},
        {"two lists", DIGESTS CERTIFICATES, true},
        {"nothing: the variable is empty", "", true},
        {"a list without signatures", X509 "1c000000 00000000 12000000", true},
        {"a list with a header", X509 "30000000 02000000 12000000 ffff" OWNER "abcd", true},
        {"a type that is not known", OWNER "2e000000 00000000 12000000" OWNER "abcd", true},
        {"a header longer than the list", X509 "2e000000 13000000 12000000" OWNER "abcd", false},
        {"a header of 2^32 - 1 bytes", X509 "2e000000 ffffffff 12000000" OWNER "abcd", false},
        {"a list shorter than its head", X509 "1b000000 00000000 12000000", false},
        {"a list of no length", X509 "00000000 00000000 12000000", false},
        {"a list of 2^32 - 1 bytes", X509 "ffffffff 00000000 12000000" OWNER "abcd", false},
        {"signatures of no length", X509 "2e000000 00000000 00000000" OWNER "abcd", false},
        {"signatures of an owner alone", X509 "2c000000 00000000 10000000" OWNER, false},
        {"signatures that do not fill the list", X509 "2e000000 00000000 11000000" OWNER "abcd",
         false},
        {"a signature longer than the list", X509 "2e000000 00000000 ffffffff" OWNER "abcd", false},
        {"a digest of two bytes", SHA256 "2e000000 00000000 12000000" OWNER "abcd", false},
        {"half a second list", CERTIFICATES X509 "2e0000", false},
    };

    expect_shapes(accepts, cases, sizeof cases / sizeof *cases);
}

Test(efi_signatures, only_the_whole_is_accepted)
{
    struct octets in = octets_from_hex(CERTIFICATES DIGESTS);

    for (size_t len = 1; len < in.len; len++) {
        struct octets prefix = octets_copy(in.p, len);

        /* 46 bytes are the first list, whole. */
        cr_expect_eq(accepts(octets_slice(prefix)), len == 46, "%zu bytes", len);
        free(prefix.p);
    }
    free(in.p);
}
