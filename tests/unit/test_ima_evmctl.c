/*
 * Signatures by another program: evmctl 1.4 (ima_sign --sigfile -a sha256) over a file that holds
 * "hello", with keys whose certificates were made by openssl req -x509.
 */
#include <criterion/criterion.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "ima_list.h"
#include "ima_signature.h"
#include "tpm_wire.h"

static const char EC_CERTIFICATE[] =
    "3082017030820115a003020102021430d712619dec251a87ad94ad7a6ebb18a92946fe300a06082a8648ce3d"
    "040302300c310a300806035504030c01663020170d3236313132303132333231395a180f3231323631303237"
    "3132333231395a300c310a300806035504030c01663059301306072a8648ce3d020106082a8648ce3d030107"
    "034200045c054ff0a4e3b2da0da74731b6d2f9d5c924f6f5c9b3f911d822d7e19c2c01b70e84ec119851aa0e"
    "977a58665dcd6284f810665b5a344ae4267297b8109e61f9a3533051301d0603551d0e041604144867d69f00"
    "98aff20be5fd94d482e20841be663f301f0603551d230418301680144867d69f0098aff20be5fd94d482e208"
    "41be663f300f0603551d130101ff040530030101ff300a06082a8648ce3d0403020349003046022100f28146"
    "841b846a03a85523e5951a03744baec0e37e28d2892616d9ea49d0a349022100c55e182645270a8966c8769b"
    "685b74cf13036a5f574a94cc64b825f5f35028fc";
static const char EC_XATTR[] =
    "03020441be663f00473045022100ba8401de779b724634e45ce669d9fb51acf7a3ad4459526813692f9f6540"
    "07f802202ff5f3343f380443819b4ee60d4a8e9a9bd45ce6f20d1af14e163c821df7cd61";
static const char RSA_CERTIFICATE[] =
    "308202fb308201e3a0030201020214626d34ef99a69bd5907e897f3eb4eac88f63878e300d06092a864886f7"
    "0d01010b0500300c310a300806035504030c01663020170d3236313132303132333231395a180f3231323631"
    "3032373132333231395a300c310a300806035504030c016630820122300d06092a864886f70d010101050003"
    "82010f003082010a028201010088cfc138d127945c97eee86e05a6d34fc750cb5e63861e13e0d3baf1847779"
    "6e5f616d27a98113f581c3f27a1eb69582144c8f0b04df6ff9f663f7a4a65d80fd878bb6b652cd443ae9db8e"
    "5a7ec2f3896f90ef3b8c33512a6eda7ad2ebf8e3689efcf93da01f5e801c58c712541c175e1df8ca5235e7c8"
    "f663bb44f641740e92b87b8bf1f6970dcbcdca6b4faa7eb4c379738ad371d4b3a86cb92296c1550aa753d9a0"
    "82a1dd8d7b7990463d2ce77eab1a1c9117727e97e376a889771fa48e6a65bbe13a8d79ee858b1eab7383b5ec"
    "d92db6fbf7cb07b91be219926ce1133a21f826dbc90458c3fa85c2f1e331d7934d8cdbc97e0dff7fa146a79b"
    "1031d8016f0203010001a3533051301d0603551d0e04160414dba88d1db3696da2e1f3dc0e0e6a3fcb08d9f8"
    "25301f0603551d23041830168014dba88d1db3696da2e1f3dc0e0e6a3fcb08d9f825300f0603551d130101ff"
    "040530030101ff300d06092a864886f70d01010b05000382010100802f9d3a1dc43f122a3db5428f9100cb4f"
    "fccd6ef84030723900d0863c986b318ca39539b90fefc351397f565cf7e140966a80d198f083e5ad871e7763"
    "d2d5135e80b10bc83bf7da35a98e83d6c82139b26fe96ec0cf18992a5072daeb80bffe78677ba2bc4c1ab8f3"
    "1714d0d01fdb6318acf1b4006efde9e969668bf2e2652b7fc2b267d8d2fd948a92f3a3a7f547c9d314cdb1cc"
    "0eef22e2ad3164c55c990babe9ec330c040059704571ae29dd0cada4cddd2ecfe7c9c0581cd10ebc6807aca0"
    "9637be0c9a8206fa649eb659dc376d0f38b0e76745343d9ac4d9403adad015749a789caf815be8218d9008ab"
    "565c4093a4c8321a4d9de77047138ddda8aea1";
static const char RSA_XATTR[] =
    "03020408d9f825010001fc6a23583f2b445fd3e816ace0fcef5136f24f163c795e3b0c4fa531dfc248b77ec9"
    "f8e4bc708bcda6189db1fd59860a5e8da32c62b42787c8e10321ebbc58c99a0e827f52e4c3882efa1135db9b"
    "a1f3964dfafe490d6fe92fa08698c9187572981bf0f2a6c555a34218898049d158152ed2a73670f94fb72674"
    "22267e82b9cdaf02b9dde7aab5d2d36dabb7e181f4ace67ec61989d7ce8ba87ea585ee5098a6eefa52348a77"
    "820ebc3ab75278790605ca02e84a6fcdbf93b9b73bba66f23ddf8f2b258d1ecbd521a41a6c531900201c45b0"
    "2a347aefda10b2d8df5bb9cca9c74fefa1b2f2e110ae39cc04332f4c063bb52df6de002f9d1f695d435052b3"
    "20";

static const char HELLO_SHA256[] =
    "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

static struct ratls_signer read_signer(const char *hex)
{
    struct octets der = octets_from_hex(hex);
    const unsigned char *p = der.p;
    X509 *certificate = d2i_X509(NULL, &p, (long)der.len);
    struct ratls_signer signer;

    cr_assert_not_null(certificate);
    cr_assert_eq(ratls_signer_init(certificate, &signer, NULL), RATLS_OK);
    X509_free(certificate);
    free(der.p);
    return signer;
}

/* What is said of an entry of ima-sig with this digest of the file and this xattr. */
static const char *check(const struct ratls_signer *signer, const char *digest, const char *xattr)
{
    char file[128];
    const char *const hex[] = {file, "2f62696e2f6100", xattr};
    struct ima_list list = {.alg = RATLS_ALG_SHA1};
    struct ratls_ima_reader r;
    struct ratls_ima_entry entry;
    struct octets data;
    const char *why = "unset";

    snprintf(file, sizeof file, "7368613235363a00%s", digest);
    data = ima_fields(hex, 3);
    ima_put_entry(&list, "ima-sig", octets_slice(data), false);
    free(data.p);
    r = ratls_ima_reader(ima_list_slice(&list), list.alg, 0, 0);
    cr_assert(ratls_ima_next(&r, &entry), "%s", r.error.text);
    cr_assert_eq(ratls_ima_check_signature(&entry, signer, 1, &why, NULL), RATLS_OK);
    return why;
}

Test(ima_evmctl, signatures_are_valid_only_for_their_file_and_key)
{
    static const char other[] = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9825";
    struct ratls_signer ec = read_signer(EC_CERTIFICATE);
    struct ratls_signer rsa = read_signer(RSA_CERTIFICATE);

    cr_expect_null(check(&ec, HELLO_SHA256, EC_XATTR));
    cr_expect_null(check(&rsa, HELLO_SHA256, RSA_XATTR));
    cr_expect_not_null(check(&ec, other, EC_XATTR));
    cr_expect_not_null(check(&rsa, other, RSA_XATTR));
    cr_expect_not_null(check(&rsa, HELLO_SHA256, EC_XATTR));
    cr_expect_not_null(check(&ec, HELLO_SHA256, RSA_XATTR));
    ratls_signer_done(&ec);
    ratls_signer_done(&rsa);
}
