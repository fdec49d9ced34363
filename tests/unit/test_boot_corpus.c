/*
 * What the logs of real machines mean: the state of Secure Boot, and how many authorities, images
 * and texts there are. The numbers were counted by a program of its own, in another language.
 */
#include "boot.h"
#include "boot_text.h"
#include "corpus.h"
#include "efi_signatures.h"

#define TEXTS 1747 /* of PCR 8 and 12, in all logs */
#define ON RATLS_SECURE_BOOT_ON
#define OFF RATLS_SECURE_BOOT_OFF
#define UNKNOWN RATLS_SECURE_BOOT_UNKNOWN

struct boot_case {
    const char *id;
    enum ratls_secure_boot state;
    size_t authorities, certificates; /* of authorities that are one */
    size_t images;
    size_t exits; /* invocation and success */
    size_t relabelled;
    bool is_dma_unprotected;
};

/*
 * All logs with a SHA-256 bank. The two that are relabelled have firmware that measures four bytes
 * as a separator has them: the content of a variable, and a CRTM without any.
 */
static const struct boot_case CASES[] = {
    {"google-arch-linux-workstation", OFF, 0, 0, 2, 0, 0, false},
    {"google-cos-101-amd-sev", ON, 3, 2, 4, 2, 0, false},
    {"google-cos-85-amd-sev", ON, 3, 3, 3, 2, 0, false},
    {"google-eventlogwithsp800155", ON, 4, 2, 3, 2, 1, false},
    {"google-glinux-alex", OFF, 0, 0, 1, 0, 1, false},
    {"google-rhel8-uefi", ON, 2, 2, 3, 2, 0, false},
    {"google-ubuntu-1804-amd-sev", OFF, 0, 0, 2, 2, 0, false},
    {"google-ubuntu-2104-no-dbx", OFF, 1, 0, 2, 2, 0, false},
    {"google-ubuntu-2104-no-secure-boot", OFF, 1, 0, 2, 2, 0, false},
    {"google-gce-cos-85-no-nonce", ON, 3, 3, 3, 2, 0, false},
    {"goatt-coreos-36-shielded-vm-no-secure-boot", OFF, 2, 0, 2, 2, 0, false},
    {"goatt-crypto-agile", OFF, 0, 0, 2, 0, 0, false},
    {"hirs-TpmLog", OFF, 0, 0, 11, 0, 0, false},
    {"hirs-laptop_default", ON, 3, 3, 3, 0, 0, false},
    {"hirs-laptop_badOemInstall_oem-1-rimel", ON, 1, 1, 0, 0, 0, false},
    {"hirs-laptop_varOsInstall_oem-1-rimel", ON, 1, 1, 0, 0, 0, false},
    {"tss-binary_measurements_pc_client", OFF, 0, 0, 2, 0, 0, false},
    {"tpm2tools-event-arch-linux", OFF, 0, 0, 2, 0, 0, false},
    {"tpm2tools-event-bootorder", OFF, 0, 0, 2, 2, 0, false},
    {"tpm2tools-event-sd-boot-fedora37", OFF, 0, 0, 0, 2, 0, false},
    {"tpm2tools-event-uefiaction", UNKNOWN, 0, 0, 0, 0, 0, false},
    {"tpm2tools-event-uefiservices", UNKNOWN, 0, 0, 0, 0, 0, false},
    {"tpm2tools-event-uefivar", UNKNOWN, 0, 0, 0, 0, 0, false},
    {"tpm2tools-event", UNKNOWN, 0, 0, 0, 0, 0, false},
    {"keylime-secureboot", ON, 3, 2, 3, 2, 0, false},
    {"keylime-mb_log", ON, 2, 2, 4, 2, 0, false},
    {"rustkeylime-uefi_log", OFF, 1, 0, 2, 2, 0, false},
    {"keylimetests-mb_log", OFF, 1, 0, 2, 2, 0, false},
    {"canonical-tcglog-parser", ON, 3, 2, 3, 0, 0, false},
    {"sbctl-t14", OFF, 0, 0, 3, 0, 0, false},
    {"sbctl-t480s", ON, 1, 1, 3, 0, 0, false},
    {"galmasi-supermicro", ON, 3, 3, 3, 0, 0, false},
    {"galmasi-rhel", ON, 3, 3, 3, 0, 0, false},
    {"galmasi-ubuntu_qemu", ON, 3, 2, 3, 2, 0, false},
    {"galmasi-inspur", OFF, 0, 0, 2, 0, 0, false},
    {"galmasi-thinkpad", ON, 1, 1, 1, 0, 0, false},
    {"galmasi-puiterwijk", OFF, 0, 0, 2, 0, 0, false},
    {"galmasi-sr645", OFF, 0, 0, 2, 0, 0, false},
    {"ibmtss-deb1", UNKNOWN, 3, 3, 3, 2, 0, false},
    {"ibmtss-deb2", ON, 3, 3, 4, 2, 0, false},
    {"ibmtss-hp1", ON, 1, 1, 1, 0, 0, false},
    {"ibmtss-sm2", ON, 3, 3, 3, 0, 0, false},
    {"ibmtss-sm3", ON, 3, 3, 3, 0, 0, false},
    {"ibmtss-sm4", ON, 3, 3, 3, 0, 0, false},
    {"ibmtss-ubuntu1", OFF, 0, 0, 2, 2, 0, false},
    {"guard-h12ssl-bios", OFF, 1, 0, 2, 0, 0, false},
    {"guard-supermicro-WBCL-OSLOAD", UNKNOWN, 1, 1, 1, 0, 0, false},
    {"guard-DESKTOP-MIMU51J-EPP-ESET", OFF, 0, 0, 2, 2, 0, false},
    {"guard-Haruhi", ON, 1, 1, 1, 2, 0, false},
    {"guard-IMN-SUPERMICRO-EPP-MSDefender", UNKNOWN, 1, 1, 1, 0, 0, false},
    {"guard-dell-notebook-5eventlogs-WBCL-0", OFF, 0, 0, 2, 2, 0, false},
    {"guard-dell-notebook-5eventlogs-WBCL-1", OFF, 0, 0, 2, 2, 0, false},
    {"guard-dell-notebook-5eventlogs-WBCL-4", OFF, 0, 0, 2, 2, 0, false},
    {"guard-elitebook", ON, 3, 2, 4, 2, 0, true},
    {"guard-failed-1", ON, 1, 1, 1, 2, 0, false},
    {"guard-hahuri-invalid-eventlog", ON, 1, 1, 2, 0, 0, false},
    {"guard-issue926-x1carbon-ancient", ON, 1, 1, 1, 2, 0, false},
    {"guard-latitude-7520", OFF, 0, 0, 2, 2, 0, false},
    {"guard-ludmilla-2", OFF, 1, 0, 2, 0, 0, false},
    {"guard-test-HP-EliteBook-830-G6-add-mokx", ON, 3, 2, 4, 2, 0, true},
    {"guard-test-HP-EliteBook-830-G6-baseline", ON, 3, 2, 4, 2, 0, true},
    {"guard-test-before", ON, 3, 2, 4, 2, 0, true},
    {"guard-test-update", ON, 3, 2, 4, 2, 0, true},
    {"guard-test", ON, 3, 2, 4, 2, 0, true},
    {"guard-x1carbon", ON, 1, 1, 1, 2, 0, false},
    {"secboot-eventlog1", ON, 2, 2, 3, 2, 0, false},
    {"secboot-eventlog2", ON, 2, 1, 3, 2, 0, false},
    {"secboot-eventlog3", OFF, 0, 0, 2, 2, 0, false},
    {"secboot-eventlog5", ON, 3, 2, 3, 0, 0, false},
    {"secboot-eventlog_no_sb", OFF, 1, 0, 3, 2, 0, false},
    {"secboot-eventlog_sb", ON, 3, 2, 3, 2, 0, false},
    {"secboot-eventlog_sb_no_efi_action", ON, 3, 2, 3, 0, 0, false},
    {"secboot-eventlog_sb_no_sbat", ON, 2, 2, 3, 2, 0, false},
    {"secboot-old-eventlog1", ON, 3, 3, 3, 2, 0, false},
    {"secboot-old-eventlog2", ON, 2, 1, 3, 2, 0, false},
    {"secboot-old-eventlog3", ON, 2, 2, 3, 2, 0, false},
    {"secboot-old-eventlog4", ON, 2, 2, 5, 2, 0, false},
    {"secboot-old-eventlog6", ON, 3, 3, 4, 2, 0, false},
    {"secboot-old-eventlog7", OFF, 0, 0, 2, 2, 0, false},
    {"kraemr-seabios-vm", UNKNOWN, 0, 0, 3, 0, 0, false},
};

/* Why the state is not known. */
static const struct {
    const char *id;
    const char *why;
} DOUBTS[] = {
    /* An old shim measured its list of keys as the firmware does. */
    {"ibmtss-deb1", "event 35 of PCR 7 is a variable behind the separator"},
    {"guard-supermicro-WBCL-OSLOAD", "SecureBoot was not measured"},
    {"guard-IMN-SUPERMICRO-EPP-MSDefender", "SecureBoot was not measured"},
    {"kraemr-seabios-vm", "SecureBoot was not measured"},
};

/* The images that another project found in its logs; the first digits of each digest. */
static const struct {
    const char *id;
    const char *digests;
} IMAGES[] = {
    {"google-cos-101-amd-sev", "c7ac5d44 c5d3b47d af416108 af416108"},
    {"google-cos-85-amd-sev", "dba8d69f f7bad83f 6f6afb3c"},
    {"google-rhel8-uefi", "40d6cae0 e8a268c4 e4c0382f"},
    {"google-ubuntu-1804-amd-sev", "2ea4cb6a 835f940e"},
    {"google-ubuntu-2104-no-dbx", "d99c93fc b0a836fe"},
    {"google-ubuntu-2104-no-secure-boot", "6265b732 b0a836fe"},
};

/* The caller frees what the result borrows from. */
static struct octets read_boot(const char *id, struct ratls_boot *ret_boot)
{
    char name[PATH_MAX / 2];
    struct ratls_eventlog log;
    struct octets in;

    snprintf(name, sizeof name, "eventlogs/%s.bin", id);
    in = corpus_read(name);
    ratls_eventlog_open(octets_slice(in), RATLS_EVENTLOG_SHOW, &log);
    cr_assert_eq(ratls_boot_read(&log, RATLS_ALG_SHA256, ret_boot, NULL), RATLS_OK);
    cr_expect_str_empty(ret_boot->why, "%s: %s", id, ret_boot->why);
    return in;
}

static size_t count_certificates(const struct ratls_boot *boot)
{
    size_t count = 0;

    for (size_t i = 0; i < boot->authority_count; i++)
        count += boot->authorities[i].certificate.len > 0;
    return count;
}

static void expect_case(const struct boot_case *expected)
{
    struct ratls_boot boot;
    struct octets in = read_boot(expected->id, &boot);
    size_t exits = (size_t)boot.has_exit_invocation + (size_t)boot.has_exit_success;

    cr_expect_eq(boot.secure_boot, expected->state, "%s: %s", expected->id, boot.secure_boot_why);
    cr_expect_eq(boot.authority_count, expected->authorities, "%s: %zu authorities", expected->id,
                 boot.authority_count);
    cr_expect_eq(count_certificates(&boot), expected->certificates, "%s: %zu certificates",
                 expected->id, count_certificates(&boot));
    cr_expect_eq(boot.image_count, expected->images, "%s: %zu images", expected->id,
                 boot.image_count);
    cr_expect_eq(exits, expected->exits, "%s: %zu exits", expected->id, exits);
    cr_expect_eq(boot.relabelled, expected->relabelled, "%s: %zu relabelled", expected->id,
                 boot.relabelled);
    cr_expect_eq(boot.is_dma_unprotected, expected->is_dma_unprotected, "%s", expected->id);
    cr_expect_not(boot.is_debug_mode, "%s", expected->id);
    cr_expect_not(boot.has_exit_failure, "%s", expected->id);
    free(in.p);
}

Test(boot_corpus, secure_boot_authorities_and_images)
{
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        expect_case(&CASES[i]);
}

Test(boot_corpus, doubts_have_reasons)
{
    for (size_t i = 0; i < sizeof DOUBTS / sizeof *DOUBTS; i++) {
        struct ratls_boot boot;
        struct octets in = read_boot(DOUBTS[i].id, &boot);

        cr_expect_str_eq(boot.secure_boot_why, DOUBTS[i].why, "%s: %s", DOUBTS[i].id,
                         boot.secure_boot_why);
        free(in.p);
    }
}

Test(boot_corpus, images_in_their_order)
{
    for (size_t i = 0; i < sizeof IMAGES / sizeof *IMAGES; i++) {
        struct ratls_boot boot;
        struct octets in = read_boot(IMAGES[i].id, &boot);

        cr_expect_eq(boot.image_count, (strlen(IMAGES[i].digests) + 1) / 9, "%s", IMAGES[i].id);
        for (size_t image = 0; image < boot.image_count; image++) {
            char hex[9];

            ratls_hex(ratls_slice(boot.images[image].digest.p, 4), hex, sizeof hex);
            cr_expect_eq(strncmp(IMAGES[i].digests + 9 * image, hex, 8), 0, "%s: %s", IMAGES[i].id,
                         hex);
        }
        free(in.p);
    }
}

/* Certificates of each variable, digests in dbx, and the begin of the digest of db's first one. */
static const struct {
    const char *id;
    size_t pk, kek, db, dbx, dbx_digests;
    const char *first_of_db;
} SIGNERS[] = {
    {"google-cos-101-amd-sev", 1, 1, 1, 4, 0, "a7b8c851deb2acba"},
    {"google-rhel8-uefi", 1, 1, 2, 3, 183, "48e99b991f57fc52"},
    {"hirs-laptop_default", 1, 2, 3, 1, 77, "d21defa30fc62db0"},
    {"keylime-secureboot", 1, 3, 4, 0, 371, "e8e95f0733a55e8b"},
    {"rustkeylime-uefi_log", 1, 3, 4, 2, 480, "1101477d21364092"},
    {"galmasi-sr645", 1, 3, 7, 0, 78, "3b7073dc02321914"},
    {"guard-elitebook", 1, 2, 3, 0, 84, "8127ede6940152c4"},
    {"secboot-eventlog_sb", 1, 1, 2, 0, 1, "e8e95f0733a55e8b"},
};

static size_t count_signatures(struct ratls_slice content, enum ratls_efi_signature_kind kind,
                               const char *id)
{
    struct ratls_efi_signatures signatures = ratls_efi_signatures(content);
    struct ratls_efi_signature signature;
    size_t count = 0;

    while (ratls_efi_signatures_next(&signatures, &signature))
        count += signature.kind == kind;
    cr_expect(ratls_efi_signatures_done(&signatures), "%s", id);
    return count;
}

static void expect_first(struct ratls_slice content, const char *expected, const char *id)
{
    struct ratls_efi_signatures signatures = ratls_efi_signatures(content);
    struct ratls_efi_signature signature;
    uint8_t digest[32];
    char hex[17];

    cr_assert(ratls_efi_signatures_next(&signatures, &signature));
    cr_assert_eq(ratls_sha256(signature.data, digest, NULL), RATLS_OK);
    ratls_hex(ratls_slice(digest, 8), hex, sizeof hex);
    cr_expect_str_eq(hex, expected, "%s: %s", id, hex);
}

Test(boot_corpus, signers_of_secure_boot)
{
    for (size_t i = 0; i < sizeof SIGNERS / sizeof *SIGNERS; i++) {
        const char *id = SIGNERS[i].id;
        struct ratls_boot boot;
        struct octets in = read_boot(id, &boot);
        const struct ratls_boot_variable *v = boot.variables;

        cr_expect_eq(count_signatures(v[RATLS_BOOT_PK].content, RATLS_EFI_X509, id), SIGNERS[i].pk);
        cr_expect_eq(count_signatures(v[RATLS_BOOT_KEK].content, RATLS_EFI_X509, id),
                     SIGNERS[i].kek, "%s", id);
        cr_expect_eq(count_signatures(v[RATLS_BOOT_DB].content, RATLS_EFI_X509, id), SIGNERS[i].db,
                     "%s", id);
        cr_expect_eq(count_signatures(v[RATLS_BOOT_DBX].content, RATLS_EFI_X509, id),
                     SIGNERS[i].dbx, "%s", id);
        cr_expect_eq(count_signatures(v[RATLS_BOOT_DBX].content, RATLS_EFI_SHA256, id),
                     SIGNERS[i].dbx_digests, "%s", id);
        expect_first(v[RATLS_BOOT_DB].content, SIGNERS[i].first_of_db, id);
        free(in.p);
    }
}

/* Every command of GRUB and every command line: all of them are what was measured. */
Test(boot_corpus, texts_of_boot_loaders)
{
    struct ratls_hasher hasher;
    size_t texts = 0;
    size_t measured = 0;

    cr_assert_eq(ratls_hasher_begin(RATLS_ALG_SHA256, &hasher, NULL), RATLS_OK);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char name[PATH_MAX / 2];
        struct ratls_eventlog log;
        struct ratls_event event;
        struct octets in;

        snprintf(name, sizeof name, "eventlogs/%s.bin", CASES[i].id);
        in = corpus_read(name);
        cr_assert(ratls_eventlog_open(octets_slice(in), RATLS_EVENTLOG_SHOW, &log));
        while (ratls_eventlog_next(&log, &event)) {
            struct ratls_slice digest =
                event.digests[ratls_eventlog_find_alg(&log, RATLS_ALG_SHA256)];
            struct ratls_boot_text text;

            if ((event.pcr != 8 && event.pcr != 12) || event.type != RATLS_EV_IPL)
                continue;
            cr_assert_eq(ratls_boot_text(&hasher, &event, digest, &text, NULL), RATLS_OK);
            texts++;
            measured += text.is_measured;
        }
        free(in.p);
    }
    ratls_hasher_end(&hasher);
    cr_expect_eq(texts, TEXTS, "%zu texts", texts);
    cr_expect_eq(measured, TEXTS, "%zu measured", measured);
}

CORPUS_MAIN
