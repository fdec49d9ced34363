/* What `ratls show` says of a policy that asks for logs. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "describe.h"

#define DENIED "000bdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbe10"

static void enter_source_folder(void)
{
    const char *folder = getenv("RATLS_SOURCE_DIR");

    cr_assert(ne(ptr, (void *)folder, NULL), "run by ctest");
    cr_assert(eq(int, chdir(folder), 0));
}

TestSuite(tool_policy, .init = enter_source_folder);

static char *describe(const char *path, bool json)
{
    struct ratls_policy *policy = NULL;
    struct ratls_error err = {0};
    struct ratls_view v;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    cr_assert(ne(ptr, out, NULL));
    cr_assert(eq(int, ratls_policy_load(path, &policy, &err), RATLS_OK), "%s", err.text);
    ratls_view_begin(&v, out, json, "Policy");
    ratls_describe_policy(&v, policy);
    ratls_view_end(&v);
    ratls_policy_free(policy);
    cr_assert(eq(int, fclose(out), 0));
    return text;
}

static void expect_all(const char *text, const char *const *wanted, size_t count)
{
    for (size_t i = 0; i < count; i++)
        cr_expect(ne(ptr, strstr(text, wanted[i]), NULL), "%s\n%s", wanted[i], text);
}

Test(tool_policy, words)
{
    static const char *const wanted[] = {
        "Boot log\n",
        "explains PCRs     0 2 4 7 8 9 11 12 13 14\n",
        "secure-boot       required\n",
        "signers           CN=Example UEFI CA - its key was thrown away\n",
        "  or              CN=Example Debian Secure Boot CA - its key was thrown away\n",
        "variables         6 digests of policies/debian12-measured/variables.sha256\n",
        "images            whatever Secure Boot let through\n",
        "kernels           2 digests of policies/debian12-measured/kernels.sha256\n",
        "  or              /boot/vmlinuz-* root=UUID=* ro quiet ima_policy=tcb\n",
        "IMA list\n",
        "deny              1 digest of policies/debian12-measured/denied.sha256\n",
        "signed only       /usr/local/bin/**\n",
        "exclude           /var/log/journal/**\n",
        "violations        refuse\n",
        "sync              auto\n",
    };
    char *text = describe("policies/debian12-measured.yaml", false);

    expect_all(text, wanted, sizeof wanted / sizeof *wanted);
    cr_expect(eq(ptr, strstr(text, "PCR values"), NULL));
    free(text);
    text = describe("policies/strict.yaml", false);
    cr_expect(eq(ptr, strstr(text, "Boot log"), NULL));
    cr_expect(eq(ptr, strstr(text, "IMA list"), NULL));
    cr_expect(ne(ptr, strstr(text, "PCR values"), NULL));
    cr_expect(ne(ptr, strstr(text, "deny-keys         " DENIED "\n"), NULL), "%s", text);
    cr_expect(ne(ptr, strstr(text, "tls-key           tpm\n"), NULL), "%s", text);
    free(text);
    text = describe("policies/strict.yaml", true);
    cr_expect(ne(ptr, strstr(text, "\"denyKeys\": [\n"), NULL), "%s", text);
    cr_expect(ne(ptr, strstr(text, "\"tlsKey\": \"tpm\""), NULL), "%s", text);
    cr_expect(ne(ptr, strstr(text, "\"" DENIED "\""), NULL), "%s", text);
    free(text);
}

Test(tool_policy, json)
{
    static const char *const wanted[] = {
        "\"boot\": {",
        "\"bank\": \"sha256\"",
        "\"secureBoot\": \"required\"",
        "\"subject\": \"CN=Example UEFI CA - its key was thrown away\"",
        "\"imagesSigned\": true",
        "\"images\": []",
        "\"file\": \"policies/debian12-measured/kernels.sha256\"",
        "\"digests\": 2",
        "\"menuentry System setup --id uefi-firmware {\\u000a\\u0009fwsetup\\u000a}\"",
        "\"ima\": {",
        "\"extend\": \"either\"",
        "\"signatureRequired\": [",
        "\"sync\": \"auto\"",
    };
    char *text = describe("policies/debian12-measured.yaml", true);

    expect_all(text, wanted, sizeof wanted / sizeof *wanted);
    free(text);
}
