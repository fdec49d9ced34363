/*
 * Endorsement key certificates of real TPMs, with the roots of their makers: each is verified up to
 * a root, or refused for what is known to be wrong with it, and for nothing else.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "corpus.h"
#include "ek_check.h"
#include "ek_nv.h"
#include "roots_file.h"

#define NOW 1795132800 /* 2026-11-20 */
#define FORMAT RATLS_EK_DEFECT_FORMAT
#define CHAIN RATLS_EK_DEFECT_CHAIN
#define SIGNATURE RATLS_EK_DEFECT_SIGNATURE
#define TIME RATLS_EK_DEFECT_TIME
#define CA RATLS_EK_DEFECT_CA
#define USAGE RATLS_EK_DEFECT_USAGE
#define PURPOSE RATLS_EK_DEFECT_PURPOSE
#define FAMILY RATLS_EK_DEFECT_FAMILY
#define KEY RATLS_EK_DEFECT_KEY
#define SOFTWARE RATLS_EK_DEFECT_SOFTWARE

struct counts {
    struct ratls_roots *roots;
    size_t taken[3]; /* by enum ratls_root_kind */
    size_t unreadable;
};

static enum ratls_status take(void *arg, struct ratls_slice der, struct ratls_error *err)
{
    struct counts *counts = arg;
    enum ratls_root_kind kind;
    bool is_new;
    enum ratls_status status = ratls_roots_add(counts->roots, der, true, &kind, &is_new, err);

    if (status == RATLS_MALFORMED) {
        counts->unreadable++;
        return RATLS_OK;
    }
    counts->taken[kind]++;
    return status;
}

/* One has more than other files of the corpus: 1426 certificates. */
static struct octets read_whole(const char *path, size_t len)
{
    struct octets content = {.p = malloc(len), .len = len};
    FILE *stream = fopen(path, "rb");

    cr_assert(content.p != NULL && stream != NULL, "%s", path);
    cr_assert_eq(fread(content.p, 1, len, stream), len);
    fclose(stream);
    return content;
}

static void read_root_file(const char *name, size_t len, struct counts *counts)
{
    struct octets file = read_whole(name, len);
    struct ratls_error err = {0};
    bool whole = false;

    cr_assert(ratls_roots_read(octets_slice(file), take, counts, &whole, &err) == RATLS_OK,
              "%s: %s", name, err.text);
    cr_assert(whole, "%s", name);
    free(file.p);
}

static void read_folder(const char *name, struct counts *counts)
{
    char path[PATH_MAX];
    struct dirent *entry;
    DIR *folder;

    corpus_locate(name, path);
    folder = opendir(path);
    cr_assert_not_null(folder, "%s", path);
    while ((entry = readdir(folder)) != NULL) {
        char below[PATH_MAX / 2];
        struct stat info;

        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "INDEX.tsv") == 0)
            continue;
        snprintf(below, sizeof below, "%s/%s", name, entry->d_name);
        corpus_locate(below, path);
        cr_assert(stat(path, &info) == 0);
        if (S_ISDIR(info.st_mode))
            read_folder(below, counts);
        else
            read_root_file(path, (size_t)info.st_size, counts);
    }
    closedir(folder);
}

static struct counts makers;

static void read_roots(const char *folder)
{
    makers = (struct counts){.roots = ratls_roots_new()};
    read_folder(folder, &makers);
}

static void free_roots(void)
{
    ratls_roots_free(makers.roots);
}

TestSuite(ek_corpus, .fini = free_roots);

/* The one that cannot be read has a serial number with zeros in front, and was issued again. */
Test(ek_corpus, roots_of_all_makers)
{
    read_roots("roots");
    cr_expect_eq(makers.unreadable, 1);
    cr_expect_eq(makers.taken[RATLS_ROOT_NONE], 0);
    cr_expect_eq(makers.taken[RATLS_ROOT_PINNED], 59, "%zu", makers.taken[RATLS_ROOT_PINNED]);
    cr_expect_eq(ratls_roots_count(makers.roots), 1822, "%zu", ratls_roots_count(makers.roots));
}

static const struct {
    const char *file;
    unsigned defects;
    size_t path_count;
    const char *key;
    int bits;
    const char *manufacturer;
    const char *model;
} CASES[] = {
    {"google-vtpm-pca-rsa-enc", 0, 2, "RSA", 2048, "", ""},
    {"google-vtpm-uca-rsa-enc", 0, 2, "RSA", 2048, "id:474F4F47", "vTPM"},
    /* Its tpmSpecification has the fields in another order. */
    {"ibm-swtpm-hirs-rsa2041", FORMAT | CHAIN | PURPOSE | KEY | SOFTWARE, 0, "RSA", 2041, "", ""},
    /* By its authorityKeyIdentifier the CA means a root that was replaced by one of VeriSign's. */
    {"infineon-slb9635-tpm12", CHAIN | SIGNATURE | TIME | USAGE | FAMILY, 0, "RSA", 2048,
     "id:49465800", "SLB9635TT1.2"},
    {"infineon-slb9665-rsa-a", 0, 2, "RSA", 2048, "id:49465800", "SLB 9665"},
    {"infineon-slb9670-ecc", 0, 2, "EC", 256, "id:49465800", "SLB 9670 TPM2.0"},
    {"infineon-slb9670-rsa", 0, 2, "RSA", 2048, "id:49465800", "SLB 9670 TPM2.0"},
    {"intel-cml-ptt-odca-ecc", 0, 2, "EC", 256, "id:494E5443", "CML"},
    {"nuvoton-issue944", CA | USAGE | PURPOSE, 1, "EC", 256, "", ""},
    {"nuvoton-npct75x-rsa", 0, 1, "RSA", 2048, "id:4E544300", "NPCT75x"},
    {"nuvoton-rsa-a", 0, 1, "RSA", 2048, "id:4E544300", "NPCT75x"},
    {"stm-st33htphahb4-rsa", 0, 3, "RSA", 2048, "id:53544D20", "ST33HTPHAHB4"},
    {"stm-st33htphahd8-rsa", 0, 3, "RSA", 2048, "id:53544D20", "ST33HTPHAHD8"},
    {"stm-st33zp24-a-tpm12", SIGNATURE | TIME | USAGE | FAMILY, 3, "RSA", 2048, "id:53544D20",
     "ST33ZP24PVSP"},
    {"stm-st33zp24-c-tpm12", SIGNATURE | TIME | USAGE | FAMILY, 3, "RSA", 2048, "id:53544D20",
     "ST33ZP24PVSP"},
    {"swtpm-rsa-fedora33", CHAIN | SOFTWARE, 0, "RSA", 2048, "id:00001014", "swtpm"},
    {"swtpm-rsa-unknown", CHAIN | SOFTWARE, 0, "RSA", 2048, "id:00001014", "swtpm"},
    /* Certificates of attestation keys are none of endorsement keys. */
    {"ak/azure-vtpm-ak-a", CHAIN | USAGE | PURPOSE, 0, "RSA", 2048, "", ""},
    {"ak/google-vtpm-ak-ecc-automata-b", USAGE, 2, "EC", 256, "", ""},
    {"ak/google-vtpm-pca-ecc-sign", USAGE, 2, "EC", 256, "", ""},
    {"ak/google-vtpm-pca-rsa-sign", USAGE, 2, "RSA", 2048, "", ""},
    {"ak/google-vtpm-rsa-cos85-ak", USAGE, 2, "RSA", 2048, "id:474F4F47", "vTPM"},
    {"ak/google-vtpm-uca-rsa-sign", USAGE, 2, "RSA", 2048, "id:474F4F47", "vTPM"},
    {"ak/hirs-aca-identity", CHAIN | SIGNATURE | USAGE | PURPOSE, 0, "RSA", 2048, "", ""},
    {"ak/keylime-hpe-idevid", CHAIN | TIME | USAGE | PURPOSE, 0, "RSA", 2048, "", ""},
    {"ak/keylime-idevid-p256", CHAIN | TIME | USAGE | PURPOSE, 0, "EC", 256, "", ""},
    {"ak/microsoft-aik-intel-icl", TIME | USAGE | PURPOSE, 0, "RSA", 2048, "id:494E5443", "ICL"},
    {"ak/microsoft-aik-ntc-npct6xx", TIME | USAGE | PURPOSE, 0, "RSA", 2048, "id:4E544300",
     "NPCT6xx"},
    /* Microsoft's CAs are for certificates of attestation keys, and say so. */
    {"ak/microsoft-aik-ntc-npct75x", CHAIN | USAGE | PURPOSE, 0, "RSA", 2048, "id:4E544300",
     "NPCT75x"},
};

#define CASE_COUNT (sizeof CASES / sizeof *CASES)

static struct octets read_case(size_t i)
{
    char name[PATH_MAX / 2];

    snprintf(name, sizeof name, "ekcerts/%s.der", CASES[i].file);
    return corpus_read(name);
}

static void ask(struct ratls_slice der, const struct ratls_roots *roots, int64_t now,
                struct ratls_ek_answer *ret)
{
    const struct ratls_ek_question question = {
        .certificates = &der, .count = 1, .roots = roots, .now = now};
    struct ratls_error err = {0};

    cr_assert(ratls_ek_check(&question, ret, &err) == RATLS_OK, "%s", err.text);
}

Test(ek_corpus, certificates)
{
    read_roots("roots");
    for (size_t i = 0; i < CASE_COUNT; i++) {
        struct octets file = read_case(i);
        struct ratls_ek_answer a;

        ask(octets_slice(file), makers.roots, NOW, &a);
        cr_expect_eq(a.defects, CASES[i].defects, "%s: %x, not %x: %s", CASES[i].file, a.defects,
                     CASES[i].defects, a.why);
        cr_expect_eq(a.defects == 0, a.why[0] == '\0', "%s", CASES[i].file);
        cr_expect_eq(a.path_count, CASES[i].path_count, "%s: %zu", CASES[i].file, a.path_count);
        cr_assert_not_null(a.ek.key, "%s", CASES[i].file);
        cr_expect(EVP_PKEY_is_a(a.ek.key, CASES[i].key), "%s", CASES[i].file);
        cr_expect_eq(EVP_PKEY_get_bits(a.ek.key), CASES[i].bits, "%s", CASES[i].file);
        cr_expect_str_eq(a.ek.manufacturer, CASES[i].manufacturer, "%s", CASES[i].file);
        cr_expect_str_eq(a.ek.model, CASES[i].model, "%s", CASES[i].file);
        ratls_ek_answer_done(&a);
        free(file.p);
    }
}

/* Where the missing one is said to be; nobody goes there. */
Test(ek_corpus, missing_issuers_are_named)
{
    struct octets file = corpus_read("ekcerts/infineon-slb9670-rsa.der");
    struct ratls_roots *none = ratls_roots_new();
    struct ratls_ek_answer a;

    ask(octets_slice(file), none, NOW, &a);
    cr_expect_eq(a.defects, CHAIN, "%x", a.defects);
    cr_expect_not_null(strstr(a.why, "Infineon OPTIGA(TM) RSA Manufacturing CA 035"), "%s", a.why);
    cr_expect_str_eq(a.missing, "http://pki.infineon.com/OptigaRsaMfrCA035/OptigaRsaMfrCA035.crt");
    ratls_ek_answer_done(&a);
    ratls_roots_free(none);
    free(file.p);
}

/* An intermediate CA that is given as such leads to no root that was not pinned. */
Test(ek_corpus, only_pinned_roots_count)
{
    struct octets file = corpus_read("ekcerts/nuvoton-rsa-a.der");
    struct octets root = corpus_read("roots/nuvoton/root/Nuvoton_TPM_Root_CA_2111-cd8185ff.der");
    struct ratls_roots *roots = ratls_roots_new();
    struct ratls_ek_answer a;
    enum ratls_root_kind kind;
    bool is_new;

    cr_assert(ratls_roots_add(roots, octets_slice(root), false, &kind, &is_new, NULL) == RATLS_OK);
    cr_expect(kind == RATLS_ROOT_INTERMEDIATE && is_new);
    ask(octets_slice(file), roots, NOW, &a);
    cr_expect_eq(a.defects, CHAIN, "%s", a.why);
    ratls_ek_answer_done(&a);
    cr_assert(ratls_roots_add(roots, octets_slice(root), true, &kind, &is_new, NULL) == RATLS_OK);
    cr_expect(kind == RATLS_ROOT_PINNED && is_new && ratls_roots_count(roots) == 1);
    ask(octets_slice(file), roots, NOW, &a);
    cr_expect_eq(a.defects, 0, "%s", a.why);
    ratls_ek_answer_done(&a);
    ratls_roots_free(roots);
    free(root.p);
    free(file.p);
}

/* Whatever byte is changed: each is signed, or says how. */
Test(ek_corpus, changed_certificates)
{
    struct octets file = corpus_read("ekcerts/nuvoton-npct75x-rsa.der");
    size_t accepted = 0;

    read_roots("roots/nuvoton");
    for (size_t i = 0; i < file.len; i++) {
        struct ratls_ek_answer a;

        file.p[i] ^= 1;
        ask(octets_slice(file), makers.roots, NOW, &a);
        accepted += a.defects == 0;
        ratls_ek_answer_done(&a);
        file.p[i] ^= 1;
    }
    cr_expect_eq(accepted, 0, "%zu", accepted);
    free(file.p);
}

/* All of an index of Azure's virtual TPM: a certificate, and zeros to its end. */
Test(ek_corpus, index_of_azure)
{
    struct octets file = corpus_read("ekcerts/raw/azure-ak-cert-nv-padded.pem");
    struct octets known = corpus_read("ekcerts/ak/azure-vtpm-ak-a.der");
    struct ratls_slice certificate = {0};
    char *label = NULL, *header = NULL;
    BIO *bio = BIO_new_mem_buf(file.p, (int)file.len);
    unsigned char *content = NULL;
    long len = 0;

    cr_assert(PEM_read_bio(bio, &label, &header, &content, &len) == 1);
    cr_expect_gt((size_t)len, known.len);
    cr_assert(ratls_ek_nv_certificate(ratls_slice(content, (size_t)len), &certificate));
    cr_expect(ratls_slice_equal(certificate, octets_slice(known)));
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_free(content);
    BIO_free(bio);
    free(file.p);
    free(known.p);
}

CORPUS_MAIN
