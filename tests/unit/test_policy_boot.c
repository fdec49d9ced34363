/* boot, ima and reference-values of a policy, with the files that they name. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "policy_folder.h"
#include "policy_refused.h"

#define HEAD "policy: ratls-1\nattestation-keys: [{name: 000b" AA64 "}]\n"
#define PCRS "pcrs: [{index: 7, sha256: [" AA64 "]}]\n"
#define BOOT(lines) HEAD "boot:\n" lines
#define OPEN(lines) BOOT("  secure-boot: ignored\n" lines)
#define IMA(lines) HEAD PCRS "ima:\n" lines
#define KEPT(lines) IMA("  allow: [a.sha256]\n" lines)

TestSuite(policy_boot, .init = policy_folder_enter, .fini = policy_folder_leave);

static const struct refused refusals[] = {
    /* The schema. */
    {"nothing", HEAD, "p.yaml:1:1: compares nothing: give pcrs, reference-values or boot"},
    {"boot without keys", HEAD "boot:\n",
     "p.yaml:3:6: boot: expected keys with values, got one "
     "value"},
    {"unknown key", BOOT("  signer: [one.pem]\n"), "p.yaml:4:3: boot.signer: unknown key"},
    {"SHA-1", BOOT("  bank: sha1\n"),
     "p.yaml:4:9: boot.bank: expected sha256, sha384 or sha512, got sha1"},
    {"other word", BOOT("  secure-boot: optional\n"),
     "p.yaml:4:16: boot.secure-boot: expected required or ignored, got optional"},
    {"file without a list", OPEN("  firmware: a.sha256\n"),
     "p.yaml:5:13: boot.firmware: expected a list, such as [a, b], got one value"},
    {"empty list", OPEN("  firmware: []\n"),
     "p.yaml:5:13: boot.firmware: an empty list: leave the key out, or say what is meant"},
    {"unknown key of ima", KEPT("  denied: [a.sha256]\n"), "p.yaml:6:3: ima.denied: unknown key"},
    {"other extend", KEPT("  extend: both\n"),
     "p.yaml:6:11: ima.extend: expected either, native or padded, got both"},
    {"other violations", KEPT("  violations: accept\n"),
     "p.yaml:6:15: ima.violations: expected refuse or allow, got accept"},
    {"other sync", KEPT("  sync: always\n"),
     "p.yaml:6:9: ima.sync: expected auto or never, got always"},
    /* What compares nothing, or can never pass. */
    {"empty boot", HEAD "boot: {}\n",
     "p.yaml:3:7: boot: without signers, the certificates by which may be signed what is loaded: "
     "give them, or say secure-boot: ignored"},
    {"boot that judges nothing", OPEN("  bank: sha384\n"),
     "p.yaml:4:3: boot: compares nothing: leave the key out, or say what must have been started"},
    {"Secure Boot without signers", BOOT("  images: [signed]\n"),
     "p.yaml:4:3: boot: without signers, the certificates by which may be signed what is loaded: "
     "give them, or say secure-boot: ignored"},
    {"signers of nothing", OPEN("  signers: [one.pem]\n"),
     "p.yaml:5:12: boot.signers: compares nothing: with secure-boot: ignored nothing has to be "
     "signed"},
    {"signed and a file", BOOT("  signers: [one.pem]\n  images: [a.sha256, signed]\n"),
     "p.yaml:5:22: boot.images[1]: signed allows whatever Secure Boot lets through: no file beside "
     "it compares anything"},
    {"signed by nobody", OPEN("  images: [signed]\n"),
     "p.yaml:5:12: boot.images[0]: compares nothing: signed needs secure-boot: required"},
    {"boot in a certificate", OPEN("  images: [a.sha256]\nfreshness: certificate\nmax-age: 1h\n"),
     "p.yaml:6:12: freshness: a certificate has no logs: boot needs freshness: nonce or epoch"},
    {"ima in a certificate", KEPT("freshness: certificate\nmax-age: 1h\n"),
     "p.yaml:6:12: freshness: a certificate has no logs: ima needs freshness: nonce or epoch"},
    {"ima that allows nothing", IMA("  deny: [a.sha256]\n"),
     "p.yaml:5:3: ima: compares nothing: give allow (digests of files) or signed-by (certificates "
     "of who signs them)"},
    {"ima alone", HEAD "ima:\n  allow: [a.sha256]\n",
     "p.yaml:4:3: ima: compares nothing below IMA: without boot, pcrs or reference-values any "
     "kernel can write such a list"},
    {"ima on itself", HEAD "pcrs: [{index: 10, sha256: [" AA64 "]}]\nima:\n  allow: [a.sha256]\n",
     "p.yaml:5:3: ima: compares nothing below IMA: without boot, pcrs or reference-values any "
     "kernel can write such a list"},
    {"signatures of nobody", KEPT("  signature-required: [/a]\n"),
     "p.yaml:6:23: ima.signature-required: no file can pass: signed-by must say whose signatures "
     "count"},
    {"everything excluded", KEPT("  exclude: [/a, '/**']\n"),
     "p.yaml:6:17: ima.exclude[1]: compares nothing: every path would be excluded"},
    {"everything below the top excluded", KEPT("  exclude: ['/*/**']\n"),
     "p.yaml:6:13: ima.exclude[0]: compares nothing: every path would be excluded"},
    {"pattern twice", KEPT("  exclude: [/a, /b, /a]\n"),
     "p.yaml:6:21: ima.exclude[2]: this pattern stands in the list twice"},
    {"no pattern", KEPT("  exclude: ['/a/***']\n"),
     "p.yaml:6:13: ima.exclude[0]: the pattern has more than two * in a row"},
    /* Files. */
    {"no such file", OPEN("  firmware: [x.sha256]\n"),
     "p.yaml:5:14: boot.firmware[0]: x.sha256: No such file or directory"},
    {"no such file, elsewhere", OPEN("  firmware: [/nonexistent/x]\n"),
     "p.yaml:5:14: boot.firmware[0]: /nonexistent/x: No such file or directory"},
    {"a folder", OPEN("  firmware: [.]\n"), "p.yaml:5:14: boot.firmware[0]: .: not a regular file"},
    {"file twice", OPEN("  firmware: [a.sha256, b.sha256, a.sha256]\n"),
     "p.yaml:5:34: boot.firmware[2]: this file stands in the list twice"},
    {"writable by everyone", OPEN("  firmware: [open.sha256]\n"),
     "p.yaml:5:14: boot.firmware[0]: open.sha256: everyone may write to this file and so choose "
     "what is trusted: take that right away with chmod o-w"},
    {"signers writable by everyone", BOOT("  signers: [open.pem]\n"),
     "p.yaml:4:13: boot.signers[0]: open.pem: everyone may write to this file and so choose what "
     "is trusted: take that right away with chmod o-w"},
    {"command lines writable by everyone", OPEN("  command-lines: [open.txt]\n"),
     "p.yaml:5:19: boot.command-lines[0]: open.txt: everyone may write to this file and so choose "
     "what is trusted: take that right away with chmod o-w"},
    {"empty list of digests", OPEN("  firmware: [empty]\n"),
     "p.yaml:5:14: boot.firmware[0]: empty: compares nothing: there is no digest in it"},
    {"digests of another bank", OPEN("  images: [a.sha384]\n"),
     "p.yaml:5:12: boot.images[0]: a.sha384: compares nothing: no digest in it is one of sha256, "
     "as the bank asks for"},
    {"digests of the default bank", OPEN("  bank: sha384\n  kernels: [a.sha384, a.sha256]\n"),
     "p.yaml:6:23: boot.kernels[1]: a.sha256: compares nothing: no digest in it is one of sha384, "
     "as the bank asks for"},
    {"no certificate", BOOT("  signers: [one.pem, a.sha256]\n"),
     "p.yaml:4:22: boot.signers[1]: a.sha256: no certificate in PEM"},
    {"certificate twice", BOOT("  signers: [one.pem, both.pem]\n"),
     "p.yaml:4:22: boot.signers[1]: both.pem: this certificate stands in the list twice: CN=One"},
    {"weak key", IMA("  signed-by: [one.pem, weak.pem]\n"),
     "p.yaml:5:14: ima.signed-by: CN=Weak: the key of a signer of files is neither RSA with 2048 "
     "bits or more, nor ECDSA with 256 or more"},
    {"empty file of command lines", OPEN("  command-lines: [lines.txt, empty]\n"),
     "p.yaml:5:30: boot.command-lines[1]: empty: compares nothing: there is no line in it"},
    {"any command line", OPEN("  command-lines: [any.txt]\n"),
     "p.yaml:5:19: boot.command-lines[0]: any.txt:2:1: compares nothing: any text is allowed by "
     "it"},
    {"hidden character in a command line", OPEN("  command-lines: [bidi.txt]\n"),
     "p.yaml:5:19: boot.command-lines[0]: bidi.txt:1:4: a character that turns the direction of "
     "writing around"},
    {"escape in a command line", OPEN("  command-lines: [escape.txt]\n"),
     "p.yaml:5:19: boot.command-lines[0]: escape.txt:1:6: expected \\n, \\t, \\\\, \\* or \\xNN "
     "(not \\x00)"},
    /* Reference values of PCRs. */
    {"name that is no PCR", HEAD "reference-values: [a.sha256]\n",
     "p.yaml:3:20: reference-values[0]: a.sha256: expected the name of a PCR, such as pcr:7"},
    {"PCR 16 by a file", HEAD "reference-values: [pcrs.sha256, debug.sha256]\n",
     "p.yaml:3:33: reference-values[1]: debug.sha256: any program can reset PCR 16 and give it the "
     "value that it likes: it proves nothing"},
    {"PCR with a leading zero by a file", HEAD "reference-values: [zero.sha256]\n",
     "p.yaml:3:20: reference-values[0]: zero.sha256: expected a number from 0 to 22 without "
     "leading zeros, got 07"},
    {"empty reference values", HEAD "reference-values: [empty]\n",
     "p.yaml:3:20: reference-values[0]: empty: compares nothing: there is no digest in it"},
};

static void write_bad_files(void)
{
    policy_folder_write("open.sha256", AA64 "  /a\n");
    policy_folder_write("open.pem", "");
    policy_folder_write("open.txt", "a\n");
    cr_assert(eq(int, chmod("open.sha256", 0666) | chmod("open.pem", 0666), 0));
    cr_assert(eq(int, chmod("open.txt", 0646), 0));
    policy_folder_write("empty", "# nothing\n");
    policy_folder_write("any.txt", "a\n**\n");
    policy_folder_write("bidi.txt", "# a\xe2\x80\xae\nb\n");
    policy_folder_write("escape.txt", "quiet\\q\n");
    policy_folder_write("debug.sha256", AA64 "  pcr:16\n");
    policy_folder_write("zero.sha256", AA64 "  pcr:07\n");
}

Test(policy_boot, refused)
{
    write_bad_files();
    expect_refused(refusals, sizeof refusals / sizeof *refusals);
}

static void load(const char *text, struct ratls_rules *ret)
{
    struct ratls_error err = {0};

    cr_assert(
        eq(int, ratls_rules_parse("p.yaml", ratls_slice(text, strlen(text)), ret, &err), RATLS_OK),
        "%s", err.text);
}

static const char full[] = HEAD "boot:\n"
                                "  bank: sha256\n"
                                "  secure-boot: required\n"
                                "  signers: [one.pem, two.pem]\n"
                                "  variables: [a.sha256]\n"
                                "  images: [a.sha256, b.sha256]\n"
                                "  kernels: [b.sha256]\n"
                                "  firmware: [a.sha256]\n"
                                "  settings: [b.sha256]\n"
                                "  partitions: [a.sha256]\n"
                                "  command-lines: [lines.txt]\n"
                                "  files: [a.sha256]\n"
                                "  owner-keys: [b.sha256]\n"
                                "  comment: all of it\n"
                                "ima:\n"
                                "  bank: sha384\n"
                                "  extend: native\n"
                                "  allow: [a.sha256, a.sha384]\n"
                                "  deny: [b.sha256]\n"
                                "  signed-by: [both.pem]\n"
                                "  signature-required: ['/usr/bin/**', /init]\n"
                                "  exclude: ['/var/log/**']\n"
                                "  violations: allow\n"
                                "  sync: never\n"
                                "  comment: [all, of, it]\n";

static void expect_boot(const struct ratls_boot_rules *boot)
{
    cr_expect(boot->is_asked && boot->secure_boot_required && !boot->images_signed);
    cr_expect(eq(u16, boot->bank, RATLS_ALG_SHA256));
    cr_expect(eq(u32, boot->pcrs, 0x7bbf)); /* 0-5, 7, 8, 9, 11-14 */
    cr_assert(eq(sz, boot->signer_count, 2));
    cr_expect(eq(str, boot->signers[0].name, "CN=One"));
    cr_expect(eq(str, boot->signers[1].name, "CN=Two"));
    cr_expect(eq(u8, boot->signers[1].der[0], 0x30));
    cr_expect(eq(sz, boot->variables.count, 1));
    cr_assert(eq(sz, boot->images.count, 2));
    cr_expect(eq(str, boot->images.paths[1], "b.sha256"));
    cr_expect(eq(sz, ratls_refvals_count(boot->images.sets[1]), 1));
    cr_expect(eq(sz, boot->kernels.count, 1));
    cr_expect(eq(sz, boot->firmware.count, 1));
    cr_expect(eq(sz, boot->settings.count, 1));
    cr_expect(eq(sz, boot->partitions.count, 1));
    cr_expect(eq(sz, boot->files.count, 1));
    cr_expect(eq(sz, boot->owner_keys.count, 1));
    cr_assert(eq(sz, boot->command_lines.count, 2));
    cr_expect(eq(str, boot->command_lines.texts[0], "root=/dev/sda* ro"));
    cr_expect(not(boot->command_lines.items[0].is_exact));
    cr_expect(boot->command_lines.items[1].is_exact);
}

static void expect_ima(const struct ratls_ima_rules *ima)
{
    static const uint8_t zeros[32];

    cr_expect(ima->is_asked && ima->violations_allowed && !ima->syncs);
    cr_expect(eq(u16, ima->bank, RATLS_ALG_SHA384));
    cr_expect(eq(int, (int)ima->extend, RATLS_IMA_NATIVE));
    cr_expect(eq(sz, ima->allow.count, 2));
    cr_expect(eq(sz, ima->deny.count, 1));
    cr_assert(eq(sz, ima->signer_count, 2));
    cr_expect(ne(ptr, ima->signers[1].key, NULL));
    cr_expect(eq(sz, ima->exclude.count, 1));
    cr_assert(eq(sz, ima->signature_required.count, 2));
    cr_expect(eq(int, (int)ima->exclude.items[0].kind, RATLS_PATTERN_PATH));
    cr_expect(
        ratls_pattern_match(&ima->signature_required.items[0], ratls_slice("/usr/bin/a", 10)));
    cr_expect(ne(int, memcmp(ima->sha256, zeros, 32), 0));
}

Test(policy_boot, every_key)
{
    struct ratls_rules r = {0};

    load(full, &r);
    expect_boot(&r.boot);
    expect_ima(&r.ima);
    cr_expect(eq(sz, r.pcr_count, 0));
    cr_assert(eq(sz, r.selection.count, 2));
    cr_expect(eq(u16, r.selection.banks[0].hash_alg, RATLS_ALG_SHA256));
    cr_expect(eq(u32, r.selection.banks[0].pcrs, 0x7bbf));
    cr_expect(eq(u16, r.selection.banks[1].hash_alg, RATLS_ALG_SHA384));
    cr_expect(eq(u32, r.selection.banks[1].pcrs, 0x7ff));
    ratls_rules_done(&r);
}

Test(policy_boot, defaults)
{
    struct ratls_rules r = {0};

    load(BOOT("  signers: [one.pem]\n") "ima:\n  allow: [a.sha256]\n", &r);
    cr_expect(r.boot.secure_boot_required);
    cr_expect(eq(u16, r.boot.bank, RATLS_ALG_SHA256));
    cr_expect(eq(u32, r.boot.pcrs, 1u << 7));
    cr_expect(eq(u16, r.ima.bank, RATLS_ALG_SHA256));
    cr_expect(eq(int, (int)r.ima.extend, RATLS_IMA_EITHER));
    cr_expect(r.ima.syncs && !r.ima.violations_allowed);
    cr_assert(eq(sz, r.selection.count, 1));
    cr_expect(eq(u32, r.selection.banks[0].pcrs, 0x7ff));
    ratls_rules_done(&r);
    load(HEAD PCRS, &r);
    cr_expect(not(r.boot.is_asked || r.ima.is_asked));
    ratls_rules_done(&r);
}

struct covered {
    const char *text;
    uint32_t pcrs;
};

static const struct covered covers[] = {
    {BOOT("  signers: [one.pem]\n  images: [signed]\n"), 1u << 4 | 1u << 7},
    {OPEN("  variables: [a.sha256]\n"), 1u << 7},
    {OPEN("  images: [a.sha256]\n"), 1u << 4},
    {OPEN("  images: [./a.sha256]\n"), 1u << 4},
    {OPEN("  kernels: [a.sha256]\n"), 1u << 4},
    {OPEN("  firmware: [a.sha256]\n"), 1u << 0 | 1u << 2},
    {OPEN("  settings: [a.sha256]\n"), 1u << 1 | 1u << 3},
    {OPEN("  partitions: [a.sha256]\n"), 1u << 5},
    {OPEN("  command-lines: [lines.txt]\n"), 1u << 8 | 1u << 12},
    {OPEN("  files: [a.sha256]\n"), 1u << 9 | 1u << 11 | 1u << 13},
    {OPEN("  owner-keys: [a.sha256]\n"), 1u << 14},
};

Test(policy_boot, each_key_stands_for_pcrs)
{
    for (size_t i = 0; i < sizeof covers / sizeof *covers; i++) {
        struct ratls_rules r = {0};

        load(covers[i].text, &r);
        cr_expect(eq(u32, r.boot.pcrs, covers[i].pcrs), "%s", covers[i].text);
        cr_expect(eq(u32, r.selection.banks[0].pcrs, covers[i].pcrs), "%s", covers[i].text);
        ratls_rules_done(&r);
    }
}

/* Both lists of a PCR count, and what stands in both counts once. */
Test(policy_boot, reference_values_join_pcrs)
{
    struct ratls_rules r = {0};

    policy_folder_write("more.sha256", AA64 "  pcr:7\n" BB64 "  pcr:7\n");
    load(HEAD PCRS "reference-values: [pcrs.sha256, more.sha256]\n", &r);
    cr_assert(eq(sz, r.pcr_count, 2));
    cr_expect(eq(u8, r.pcrs[0].index, 0));
    cr_expect(eq(sz, r.pcrs[0].count, 1));
    cr_expect(eq(u8, r.pcrs[1].index, 7));
    cr_expect(eq(sz, r.pcrs[1].count, 2));
    cr_expect(eq(u32, r.selection.banks[0].pcrs, 1u << 0 | 1u << 7));
    ratls_rules_done(&r);
    load(HEAD "reference-values: [pcrs.sha256]\n", &r);
    cr_expect(eq(sz, r.pcr_count, 2));
    ratls_rules_done(&r);
}

static void digest_of(const char *text, uint8_t out[static 32])
{
    struct ratls_rules r = {0};

    load(text, &r);
    memcpy(out, r.ima.sha256, 32);
    ratls_rules_done(&r);
}

/* What was acknowledged under rules holds under the same ones only. */
Test(policy_boot, digest_of_ima_rules)
{
    static const char *const others[] = {
        IMA("  allow: [b.sha256]\n"),
        IMA("  allow: [a.sha256, b.sha256]\n"),
        KEPT("  deny: [b.sha256]\n"),
        KEPT("  signed-by: [one.pem]\n"),
        KEPT("  signed-by: [two.pem]\n"),
        KEPT("  exclude: [/a]\n"),
        KEPT("  exclude: [/b]\n"),
        KEPT("  exclude: [/a, /b]\n"),
        KEPT("  signed-by: [one.pem]\n  signature-required: [/a]\n"),
        KEPT("  signed-by: [one.pem]\n  exclude: [/a]\n"),
        KEPT("  bank: sha384\n"),
        KEPT("  extend: padded\n"),
        KEPT("  extend: native\n"),
        KEPT("  violations: allow\n"),
    };
    enum { COUNT = sizeof others / sizeof *others };
    uint8_t digests[COUNT + 1][32], same[32];

    digest_of(KEPT(""), digests[COUNT]);
    digest_of(KEPT("  sync: never\n"), same);
    cr_expect(eq(int, memcmp(digests[COUNT], same, 32), 0));
    for (size_t i = 0; i < COUNT; i++) {
        digest_of(others[i], digests[i]);
        for (size_t j = 0; j < i; j++)
            cr_expect(ne(int, memcmp(digests[i], digests[j], 32), 0), "%zu %zu", i, j);
        cr_expect(ne(int, memcmp(digests[i], digests[COUNT], 32), 0), "%zu", i);
    }
}
