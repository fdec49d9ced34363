/*
 * Lists of real machines (the corpus beside the source tree), with the PCR values that they lead
 * to: accepted under rules that were made of them, fetched piece by piece; with one thing changed,
 * refused by the check that is there for it.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_set.h"
#include "corpus.h"
#include "ima_boot.h"
#include "scene_ima.h"

#define ROOM 60000 /* what fits in the evidence */

/* {"sha256": {"10": "HEX", ...}}: the values of PCR 0 to 10. False if one is not there. */
static bool set_pcrs(struct fake_tpm *tpm, const char *name, unsigned from)
{
    struct octets json = corpus_read(name);
    const char *bank = strstr((char *)json.p, "\"sha256\"");
    bool are_all = bank != NULL;

    for (unsigned i = from; i <= RATLS_IMA_PCR && are_all; i++) {
        char key[16], hex[65];
        const char *at;

        snprintf(key, sizeof key, "\"%u\":", i);
        at = strstr(bank, key);
        are_all = at != NULL && sscanf(at + strlen(key), " \"%64[0-9a-f]\"", hex) == 1 &&
                  ratls_unhex(hex, fake_tpm_pcr(tpm, RATLS_ALG_SHA256, i), 32);
    }
    free(json.p);
    return are_all;
}

struct machine {
    struct ratls_more more; /* the first member */
    struct scene scene;
    struct octets list;
    uint16_t list_alg;
    size_t len; /* of answer */
    uint8_t answer[RATLS_EVIDENCE_MAX];
};

/* Whole entries from an offset, as many as there is room for. */
static struct ratls_slice take_entries(const struct machine *m, uint64_t offset)
{
    struct ratls_slice rest = ratls_slice(m->list.p + offset, m->list.len - (size_t)offset);
    struct ratls_ima_reader r = ratls_ima_reader(rest, m->list_alg, offset, 0);
    struct ratls_ima_entry entry;
    size_t len = 0;

    while (ratls_ima_next(&r, &entry) && len + entry.len <= ROOM)
        len += entry.len;
    return ratls_slice(rest.p, len);
}

static enum ratls_status fetch(struct ratls_more *self, const struct ratls_log_request *request,
                               struct ratls_slice *ret_evidence, struct ratls_error *err)
{
    struct machine *m = (struct machine *)self;
    struct ratls_evidence evidence = {
        .has_ima = true,
        .ima = {.list_alg = m->list_alg,
                .offset = request->ima_offset,
                .total = m->list.len,
                .entries = take_entries(m, request->ima_offset)},
    };
    struct ratls_writer w = ratls_writer(m->answer, sizeof m->answer);

    (void)err;
    ratls_evidence_write(&evidence, &w);
    cr_assert_not(w.failed);
    *ret_evidence = ratls_slice(m->answer, w.len);
    return RATLS_OK;
}

static void cut(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_SIGNED)
        draft->evidence.ima.entries = take_entries(arg, draft->evidence.ima.offset);
}

/* Each path with its digest, as sha256sum writes it, but for entry number `without`. */
static void allow_list(struct machine *m, uint64_t without)
{
    struct ratls_references *allow = &m->scene.rules->ima.allow;
    struct ratls_ima_reader r =
        ratls_ima_reader(ratls_slice(m->list.p, m->list.len), m->list_alg, 0, 0);
    struct ratls_ima_entry entry;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct ratls_error err = {0};

    while (ratls_ima_next(&r, &entry)) {
        char hex[2 * RATLS_DIGEST_MAX + 1];

        if (entry.is_violation || entry.file.value.len != 32 || entry.number == without)
            continue;
        ratls_hex(entry.file.value, hex, sizeof hex);
        fprintf(out, "%s  %.*s\n", hex, (int)entry.path.len, (const char *)entry.path.p);
    }
    fclose(out);
    ratls_refvals_free(allow->sets[0]);
    allow->sets[0] = NULL;
    if (len > 0)
        cr_assert_eq(
            ratls_refvals_parse("machine.sha256", ratls_slice(text, len), &allow->sets[0], &err),
            RATLS_OK, "%s", err.text);
    free(text);
    allow->count = len > 0;
}

static struct machine *open_machine(const char *list, const char *pcrs, unsigned first_pcr,
                                    uint16_t list_alg)
{
    struct machine *m = calloc(1, sizeof *m);
    struct scene *scene = &m->scene;

    cr_assert_not_null(m);
    m->more.fetch = fetch;
    m->list_alg = list_alg;
    scene_open(scene, RATLS_MODE_HANDSHAKE, FAKE_ECDSA_P256);
    scene_pin(scene);
    scene_ima(scene)->more = &m->more;
    m->list = corpus_read(list);
    cr_assert(set_pcrs(scene->tpm, pcrs, first_pcr), "%s", pcrs);
    fake_policy_no_pcrs(scene->policy);
    scene->rules->selection =
        (struct ratls_pcr_selection){.count = 1, .banks = {{RATLS_ALG_SHA256, 0x7ff}}};
    scene->tpm->ima_alg = list_alg;
    scene->tpm->ima_list = ratls_slice(m->list.p, m->list.len);
    scene->rules->ima.signature_required.count = 0;
    allow_list(m, 0);
    return m;
}

static void close_machine(struct machine *m)
{
    scene_close(&m->scene);
    free(m->list.p);
    free(m);
}

/* The checks that fail, as bits. */
static check_set appraise(struct machine *m, char *first, size_t cap)
{
    struct fake_draft *draft = scene_attest(&m->scene, cut, m);
    struct ratls_report *report = scene_appraise(&m->scene, draft->wire, draft->wire_len);
    struct ratls_finding finding;
    check_set failed = 0;

    for (size_t i = 0; ratls_report_finding(report, i, &finding); i++)
        failed |= (check_set)(finding.verdict == RATLS_FAIL) << i;
    first[0] = '\0';
    if (ratls_report_first_failure(report, &finding))
        snprintf(first, cap, "%s at %s: expected %s, saw %s", finding.check, finding.at,
                 finding.expected, finding.actual);
    ratls_report_free(report);
    free(draft);
    return failed;
}

#define BIT(check) CHECK_BIT(RATLS_CHECK_##check)

static void expect(struct machine *m, check_set failed, const char *words)
{
    char first[512];
    check_set seen = appraise(m, first, sizeof first);

    cr_expect_eq(seen, failed, "%s: %s", words, first);
    cr_expect_not_null(strstr(first, failed == 0 ? "" : words), "%s: %s", words, first);
}

/* 3524 entries, ima-ng, the kernel's list of SHA-256; all PCRs are recorded. */
static struct machine *open_whole(void)
{
    return open_machine("ima/kraemr-sha256.bin", "pcrs/ima-kraemr-sha256.json", 0,
                        RATLS_ALG_SHA256);
}

static void replace(struct ratls_references *references, const char *text)
{
    ratls_refvals_free(references->sets[0]);
    cr_assert_eq(
        ratls_refvals_parse("x", ratls_slice(text, strlen(text)), &references->sets[0], NULL),
        RATLS_OK);
}

/* The line of one entry: "HEX  PATH". */
static void print_line(const struct machine *m, uint64_t number, char *out, size_t cap)
{
    struct ratls_ima_reader r =
        ratls_ima_reader(ratls_slice(m->list.p, m->list.len), m->list_alg, 0, 0);
    struct ratls_ima_entry entry = {0};
    char hex[2 * RATLS_DIGEST_MAX + 1];

    while (entry.number < number && ratls_ima_next(&r, &entry))
        continue;
    ratls_hex(entry.file.value, hex, sizeof hex);
    snprintf(out, cap, "%s  %.*s\n", hex, (int)entry.path.len, (const char *)entry.path.p);
}

Test(ima_machines, one_that_has_all)
{
    struct machine *m;
    char line[512];

    m = open_whole();
    expect(m, 0, "good");
    expect(m, 0, "known, nothing is new");
    close_machine(m);

    m = open_whole();
    fake_tpm_pcr(m->scene.tpm, RATLS_ALG_SHA256, 4)[0] ^= 1;
    expect(m, BIT(IMA_BOOT_AGGREGATE), "ima-list[1]");
    close_machine(m);

    m = open_whole();
    fake_tpm_pcr(m->scene.tpm, RATLS_ALG_SHA256, 10)[0] ^= 1;
    expect(m, BIT(IMA_REPLAY), "none of all 3524 do");
    close_machine(m);

    m = open_whole();
    print_line(m, 3000, line, sizeof line);
    replace(&m->scene.rules->ima.deny, line);
    *strchr(line, '\n') = '\0';
    expect(m, BIT(IMA_DENY), strchr(line, '/'));
    close_machine(m);
}

/* Another digest or path of an entry far inside, and what is said of it. */
Test(ima_machines, one_file_is_another)
{
    struct machine *m;

    m = open_whole();
    allow_list(m, 2000);
    expect(m, BIT(IMA_ALLOW), "ima-list[2000]");
    close_machine(m);

    m = open_whole();
    m->list.p[m->list.len - 2] ^= 1; /* the last path */
    expect(m, BIT(IMA_ENTRY), "ima-list[3524]");
    close_machine(m);

    m = open_whole();
    m->list.len -= 3;
    m->scene.tpm->ima_list.len -= 3;
    expect(m, BIT(IMA_REPLAY), "none of 3523 do");
    close_machine(m);
}

/* Signatures in its list, and a PCR 10 of each bank; what it booted is not recorded. */
Test(ima_machines, one_without_its_boot)
{
    static const char *const lists[] = {"ima/ibmtss-sha1.bin", "ima/ibmtss-sha256.bin"};
    static const uint16_t algs[] = {RATLS_ALG_SHA1, RATLS_ALG_SHA256};

    for (size_t i = 0; i < 2; i++) {
        struct machine *m =
            open_machine(lists[i], "pcrs/ima-ibmtss-sha256.json", RATLS_IMA_PCR, algs[i]);

        expect(m, BIT(IMA_BOOT_AGGREGATE), "ima-list[1]");
        m->scene.rules->ima.allow.count = 0; /* then signatures count, and these are by others */
        expect(m, BIT(IMA_BOOT_AGGREGATE) | BIT(IMA_SIGNATURE) | BIT(IMA_ALLOW), "ima-list[1]");
        m->scene.rules->ima.allow.count = 1;
        close_machine(m);
    }
}

/* Kernels that hash with SHA-1: what their lists say of the boot and of files proves nothing. */
Test(ima_machines, of_sha1)
{
    struct machine *m;

    m = open_machine("ima/guard-ludmilla-2.bin", "pcrs/ima-guard-ludmilla-2.json", 0,
                     RATLS_ALG_SHA1);
    expect(m, BIT(IMA_BOOT_AGGREGATE), "boot_aggregate has sha1:");
    close_machine(m);
    /* On this one PCR 10 of SHA-256 is not what the list leads to, as the corpus records. */
    m = open_machine("ima/guard-h12ssl-binary.bin", "pcrs/ima-guard-h12ssl-binary.json", 0,
                     RATLS_ALG_SHA1);
    expect(m, BIT(IMA_REPLAY), "none of all 2365 do");
    close_machine(m);
}

CORPUS_MAIN
