/* Warnings about boot, ima and reference-values, each with its exact place and words. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "policy_folder.h"
#include "policy_lint.h"

#define HEAD                                                                                       \
    "policy: ratls-1\nservers: [a.example]\n"                                                      \
    "attestation-keys: [{name: 000b" AA64 "}]\n"
#define LIST(key) "  " key ": [a.sha256]\n"
#define BOOT_OF(lines)                                                                             \
    HEAD "boot:\n  signers: [one.pem]\n" LIST("firmware") LIST("settings")                         \
        LIST("partitions") "  " lines "\n"
#define BOOT BOOT_OF("images: [a.sha256]\n  command-lines: [lines.txt]\n  variables: [a.sha256]")
#define PCR6 "pcrs: [{index: 6, sha256: [" AA64 "]}]\n"
#define PCR7 "pcrs: [{index: 7, sha256: [" AA64 "]}]\n"
#define WHOLE BOOT PCR6
#define WHOLE_OF(lines) BOOT_OF("images: [a.sha256]\n  variables: [a.sha256]\n  " lines) PCR6
#define WITHOUT_OWNER_KEYS                                                                         \
    "p.yaml:9:11: boot.images: signed, without owner-keys: where shim was told to let everything " \
    "through (mokutil --disable-validation), only PCR 14 says so\n"
#define IMA(lines)                                                                                 \
    WHOLE_OF("command-lines: [lines.txt]\n  files: [a.sha256]")                                    \
    "ima:\n  allow: "                                                                              \
    "[a.sha256]\n" lines
#define WHOLE_IMA IMA("")

TestSuite(policy_lint_logs, .init = policy_folder_enter, .fini = policy_folder_leave);

static char said[4096];

static void hear(void *self, const char *text)
{
    size_t len = strlen(said);

    (void)self;
    snprintf(said + len, sizeof said - len, "%s\n", text);
}

struct linted {
    const char *name;
    const char *text;
    const char *warnings;
};

static const struct linted cases[] = {
    {"nothing to say", WHOLE, ""},
    {"nothing to say of ima", WHOLE_IMA, ""},
    {"without PCR 6", BOOT,
     "p.yaml:5:3: boot: not the whole of PCR 0 to 7, which describe the boot together: without "
     "6\n"},
    {"only signers", HEAD "boot:\n  signers: [one.pem]\n",
     "p.yaml:5:3: boot: without PCR 4, 8, 9 and 11: which boot loader and kernel started is not "
     "looked at\n"
     "p.yaml:5:3: boot: not the whole of PCR 0 to 7, which describe the boot together: without 0, "
     "1, 2, 3, 4, 5, 6\n"
     "p.yaml:5:3: boot: without variables: db and dbx may be anything, and with an old dbx boot "
     "loaders with known holes are let through\n"
     "p.yaml:5:3: boot: without command-lines: what the kernel was told, such as init=/bin/sh, is "
     "not looked at\n"},
    {"signed by anybody", BOOT_OF("images: [signed]"),
     "p.yaml:5:3: boot: not the whole of PCR 0 to 7, which describe the boot together: without 6\n"
     "p.yaml:5:3: boot: without variables: db and dbx may be anything, and with an old dbx boot "
     "loaders with known holes are let through, which images: [signed] then accepts\n"
     "p.yaml:9:11: boot.images: signed, without kernels or files: any kernel is accepted that the "
     "signers ever signed, also old ones with known holes\n" WITHOUT_OWNER_KEYS
     "p.yaml:5:3: boot: without command-lines: what the kernel was told, such as init=/bin/sh, is "
     "not looked at\n"},
    {"signed, and a kernel", BOOT_OF("images: [signed]\n  kernels: [a.sha256]"),
     "p.yaml:5:3: boot: not the whole of PCR 0 to 7, which describe the boot together: without 6\n"
     "p.yaml:5:3: boot: without variables: db and dbx may be anything, and with an old dbx boot "
     "loaders with known holes are let through, which images: [signed] then accepts\n"
     "p.yaml:9:11: boot.images: signed, with kernels but without files: any other kernel that the "
     "signers ever signed may have been started, if the digest of one of kernels is put beside it "
     "later\n" WITHOUT_OWNER_KEYS
     "p.yaml:5:3: boot: without command-lines: what the kernel was told, such as init=/bin/sh, is "
     "not looked at\n"},
    {"signed, and the rest",
     BOOT_OF("images: [signed]\n  files: [a.sha256]\n  owner-keys: [a.sha256]\n  variables: "
             "[a.sha256]\n  command-lines: [lines.txt]") PCR6,
     ""},
    {"signed, and PCR 14 by its value",
     BOOT_OF("images: [signed]\n  files: [a.sha256]\n  variables: [a.sha256]\n  command-lines: "
             "[lines.txt]") "pcrs: [{index: 6, sha256: [" AA64 "]}, {index: 14, sha256: [" AA64
                            "]}]\n",
     ""},
    {"only kernels", HEAD "boot:\n  secure-boot: ignored\n" LIST("kernels"),
     "p.yaml:5:3: boot: without PCR 7: whether Secure Boot is on, and whose keys it takes, is not "
     "looked at\n"
     "p.yaml:5:3: boot: not the whole of PCR 0 to 7, which describe the boot together: without 0, "
     "1, 2, 3, 5, 6\n"
     "p.yaml:6:12: boot.kernels: without images: whatever is started before the kernel, such as "
     "shim and the boot loader, must be one of these too\n"
     "p.yaml:5:3: boot: without command-lines: what the kernel was told, such as init=/bin/sh, is "
     "not looked at\n"},
    {"keys of Secure Boot",
     HEAD "boot:\n  secure-boot: ignored\n" LIST("variables")
         LIST("images") "  command-lines: [lines.txt]\n",
     "p.yaml:5:3: boot: not the whole of PCR 0 to 7, which describe the boot together: without 0, "
     "1, 2, 3, 5, 6\n"
     "p.yaml:5:16: boot.secure-boot: ignored: its keys are looked at, but not whether Secure Boot "
     "is on\n"},
    {"command lines", WHOLE_OF("command-lines: [star.txt]"),
     "p.yaml:11:18: boot.command-lines: ** lets anything be added, also init=/bin/sh: root=**\n"
     "p.yaml:11:18: boot.command-lines: stands there twice: quiet\n"},
    {"an initrd that the kernel reads itself", WHOLE_OF("command-lines: [initrd.txt]"),
     "p.yaml:11:18: boot.command-lines: initrd=: a kernel that is started with this line as its "
     "load options reads the initrd itself, and any initrd may be there, for it is not measured: "
     "noinitrd=1\n"
     "p.yaml:11:18: boot.command-lines: initrd=: a kernel that is started with this line as its "
     "load options reads the initrd itself, and any initrd may be there, for it is not measured: "
     "initrd=/initrd.img root=/dev/vda2\n"
     "p.yaml:11:18: boot.command-lines: initrd=: a kernel that is started with this line as its "
     "load options reads the initrd itself, and any initrd may be there, for it is not measured: "
     "quiet initrd=*\n"},
    {"digests of two banks",
     WHOLE_OF("command-lines: [lines.txt]\n  owner-keys: [a.sha256, banks]"),
     "p.yaml:12:26: boot.owner-keys[1]: 2 of its digests are not of sha256, and never looked at\n"},
    {"violations", IMA("  violations: allow\n"),
     "p.yaml:16:15: ima.violations: allow: a file that was changed while it was measured is "
     "accepted, and what it was then is not known\n"},
    {"programs excluded", IMA("  exclude: ['/usr/**', '/bin/*', '/opt/**', /usr/bin/tool]\n"),
     "p.yaml:16:13: ima.exclude[0]: takes in /usr/bin, where programs are: what is run from there "
     "is not looked at\n"
     "p.yaml:16:24: ima.exclude[1]: takes in /bin, where programs are: what is run from there is "
     "not looked at\n"
     "p.yaml:16:34: ima.exclude[2]: takes in /opt, where programs are: what is run from there is "
     "not looked at\n"},
    {"what everyone writes excluded", IMA("  exclude: ['/tmp/**', '/dev/shm/*', '/var/**']\n"),
     "p.yaml:16:13: ima.exclude[0]: takes in /tmp, where everyone may put programs: what is run "
     "from there is not looked at\n"
     "p.yaml:16:24: ima.exclude[1]: takes in /dev/shm, where everyone may put programs: what is "
     "run from there is not looked at\n"
     "p.yaml:16:38: ima.exclude[2]: takes in /var/tmp, where everyone may put programs: what is "
     "run from there is not looked at\n"},
    {"names that are no paths excluded", IMA("  exclude: ['*', 'x*', '.ima', 'memfd:**']\n"),
     "p.yaml:16:13: ima.exclude[0]: takes in names without /, which programs have that run from "
     "memory: what is run from there is not looked at\n"
     "p.yaml:16:18: ima.exclude[1]: takes in names without /, which programs have that run from "
     "what is no longer mounted: what is run from there is not looked at\n"
     "p.yaml:16:32: ima.exclude[3]: takes in names without /, which programs have that run from "
     "memory: what is run from there is not looked at\n"},
    {"harmless excluded", IMA("  exclude: ['/var/log/**', '/sys/**', boot_aggregate]\n"), ""},
    {"relative",
     IMA("  signed-by: [one.pem]\n  signature-required: [usr/bin/a]\n  exclude: ['var/log/**']\n"),
     "p.yaml:18:13: ima.exclude[0]: paths begin with /: this matches none\n"
     "p.yaml:17:24: ima.signature-required[0]: paths begin with /: this matches none\n"},
    {"required and excluded",
     IMA("  signed-by: [one.pem]\n  signature-required: ['/srv/**', /a/b, '/c/*']\n  exclude: "
         "[/srv/x, '/a/*', '/c/*/d']\n"),
     "p.yaml:17:24: ima.signature-required[0]: ima.exclude[0] takes in some of these paths too: "
     "there the signature is required all the same\n"
     "p.yaml:17:35: ima.signature-required[1]: ima.exclude[1] takes in some of these paths too: "
     "there the signature is required all the same\n"},
    {"denied and allowed", HEAD PCR7 "ima:\n  allow: [five.sha256]\n  deny: [five.sha256]\n",
     "p.yaml:4:7: pcrs: without PCR 4, 8, 9 and 11: which boot loader and kernel started is not "
     "looked at\n"
     "p.yaml:6:3: ima: PCRs that are quoted for boot_aggregate, and compared with nothing: 0, 1, "
     "2, 3, 4, 5, 6, 8, 9\n"
     "p.yaml:7:10: ima.deny[0]: allow has this digest too, and can never match there: /a\n"
     "p.yaml:7:10: ima.deny[0]: allow has this digest too, and can never match there: /c\n"
     "p.yaml:7:10: ima.deny[0]: allow has this digest too, and can never match there: /d\n"
     "p.yaml:7:10: ima.deny[0]: allow has 2 more of these digests too\n"},
    {"names that are no paths", HEAD PCR7 "ima:\n  allow: [a.sha256, pcrs.sha256]\n",
     "p.yaml:4:7: pcrs: without PCR 4, 8, 9 and 11: which boot loader and kernel started is not "
     "looked at\n"
     "p.yaml:6:3: ima: PCRs that are quoted for boot_aggregate, and compared with nothing: 0, 1, "
     "2, 3, 4, 5, 6, 8, 9\n"
     "p.yaml:6:21: ima.allow[1]: no name in it begins with /, as paths do: it allows no file\n"},
    {"Keylime's excludes", IMA("  deny: [keylime.json]\n"),
     "p.yaml:16:10: ima.deny[0]: allow has this digest too, and can never match there: /a\n"
     "p.yaml:16:10: ima.deny[0]: it has what is not heeded: excludes (1)\n"},
    {"other reference values",
     HEAD "reference-values: [pcrs.sha256]\npcrs: [{index: 7, sha256: [" AA64 ", " BB64
          "]}, {index: 6, sha256: [" AA64 "]}]\n",
     "p.yaml:5:7: pcrs: without PCR 4, 8, 9 and 11: which boot loader and kernel started is not "
     "looked at\n"
     "p.yaml:5:7: pcrs: not the whole of PCR 0 to 7, which describe the boot together: without 1, "
     "2, 3, 4, 5\n"
     "p.yaml:5:28: pcrs[0].sha256[0]: reference-values has other values of PCR 7: this one is "
     "allowed beside them\n"},
    {"reference values alone", HEAD "reference-values: [pcrs.sha256]\n",
     "p.yaml:4:19: reference-values: without PCR 4, 8, 9 and 11: which boot loader and kernel "
     "started is not looked at\n"
     "p.yaml:4:19: reference-values: not the whole of PCR 0 to 7, which describe the boot "
     "together: without 1, 2, 3, 4, 5, 6\n"},
};

static void write_files(void)
{
    policy_folder_write("initrd.txt", "initrd /a.gz\nnoinitrd=1\n"
                                      "initrd=/initrd.img root=/dev/vda2\nquiet initrd=*\n");
    policy_folder_write("star.txt", "quiet\nroot=**\nquiet\nquiet\n");
    policy_folder_write("banks", AA64 "  /a\n" AA64 AA16 AA16 "  /a\n" BB64 BB16 BB16 "  /b\n");
    policy_folder_write("keylime.json",
                        "{\"meta\": {\"version\": 1}, \"digests\": {\"/a\": [\"" AA64 "\"]}, "
                        "\"excludes\": [\"/tmp/.*\"]}\n");
    policy_folder_write("five.sha256",
                        AA64 "  /a\n" BB64 "  /b\n" AA16 AA16 AA16 BB16 "  /c\n" AA16 AA16 BB16 BB16
                             "  /d\n" AA16 BB16 BB16 BB16 "  /e\n");
}

Test(policy_lint_logs, warnings)
{
    write_files();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ratls_error err = {0};

        said[0] = '\0';
        policy_folder_write("p.yaml", cases[i].text);
        cr_expect(eq(int, ratls_policy_lint("p.yaml", hear, said, &err), RATLS_OK), "%s: %s",
                  cases[i].name, err.text);
        cr_expect(eq(str, said, (char *)cases[i].warnings), "%s", cases[i].name);
    }
}
