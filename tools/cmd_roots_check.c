/* ratls roots check: the endorsement keys of this machine's TPM. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ek_check.h"
#include "fail.h"
#include "local_eks.h"
#include "options.h"
#include "output.h"
#include "roots_command.h"

struct arguments {
    const char *folder;
    const char *tcti;
    const char *software;
    bool json;
};

static void describe(struct ratls_view *v, const struct ratls_ek_entry *entry,
                     const struct ratls_ek_answer *answer)
{
    char index[16], title[64];

    snprintf(index, sizeof index, "0x%08x", entry->profile->certificate_nv);
    snprintf(title, sizeof title, "%s (%s)", entry->profile->name, entry->profile->key);
    ratls_view_section(v, NULL, title);
    ratls_view_text(v, "template", NULL, entry->profile->name);
    ratls_view_text(v, "nvIndex", "NV index", index);
    ratls_view_digest(v, "ekSha256", "EK (SHA-256)",
                      ratls_slice(answer->ek.sha256, sizeof answer->ek.sha256));
    ratls_view_text(v, "manufacturer", "manufacturer", answer->ek.manufacturer);
    ratls_view_text(v, "model", "model", answer->ek.model);
    ratls_view_text(v, "verdict", "verdict",
                    answer->defects == 0 ? "the certificate of this TPM's endorsement key"
                                         : "refused");
    ratls_view_text(v, "why", answer->defects == 0 ? NULL : "why", answer->why);
    ratls_view_text(v, "missingIssuerUrl", answer->missing[0] == '\0' ? NULL : "missing issuer",
                    answer->missing);
    ratls_view_section_end(v);
}

/* Its certificate, with the CAs that the TPM has beside it, and the area that the TPM made. */
static enum ratls_status check_one(const struct arguments *a, const struct ratls_eks *eks, size_t i,
                                   const struct ratls_roots *roots, struct ratls_ek_answer *ret,
                                   struct ratls_error *err)
{
    struct ratls_slice certificates[1 + RATLS_EK_CHAIN_MAX];
    const struct ratls_ek_question question = {.certificates = certificates,
                                               .count = 1 + eks->chain_count,
                                               .roots = roots,
                                               .now = (int64_t)time(NULL),
                                               .profile = eks->items[i].profile,
                                               .area = eks->items[i].area,
                                               .allows_software = a->software != NULL};

    certificates[0] = eks->items[i].certificate;
    memcpy(certificates + 1, eks->chain, eks->chain_count * sizeof *certificates);
    return ratls_ek_check(&question, ret, err);
}

static enum ratls_status check_all(const struct arguments *a, const struct ratls_eks *eks,
                                   const struct ratls_roots *roots, size_t *ret_good,
                                   struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;
    struct ratls_view v;

    ratls_view_begin(&v, stdout, a->json, "Endorsement keys of this TPM");
    ratls_view_list(&v, "endorsementKeys");
    *ret_good = 0;
    for (size_t i = 0; status == RATLS_OK && i < eks->count; i++) {
        struct ratls_ek_answer answer = {.defects = 0};

        status = check_one(a, eks, i, roots, &answer, err);
        if (status != RATLS_OK)
            break;
        describe(&v, &eks->items[i], &answer);
        *ret_good += answer.defects == 0;
        ratls_ek_answer_done(&answer);
    }
    ratls_view_list_end(&v);
    ratls_view_end(&v);
    return status;
}

static int check(const struct arguments *a)
{
    struct ratls_eks eks = {.count = 0};
    struct ratls_roots *roots = NULL;
    struct ratls_error err = {0};
    size_t good = 0;
    enum ratls_status status = ratls_roots_load(a->folder, &roots, &err);

    if (status == RATLS_OK) {
        ratls_progress("asking the TPM for its endorsement keys");
        status = ratls_local_eks(a->tcti, &eks, &err);
        ratls_progress_done();
    }
    if (status == RATLS_OK)
        status = check_all(a, &eks, roots, &good, &err);
    ratls_eks_done(&eks);
    ratls_roots_free(roots);
    if (status != RATLS_OK)
        return ratls_out_error(status, &err);
    return good > 0 ? RATLS_EXIT_OK : RATLS_EXIT_REFUSED;
}

int ratls_cmd_roots_check(int argc, char **argv)
{
    struct arguments a = {.folder = RATLS_ROOTS_DEFAULT};
    const struct ratls_option rows[] = {
        {"roots", RATLS_OPTION_TEXT, &a.folder, "DIR",
         "folder of the roots (default " RATLS_ROOTS_DEFAULT ")"},
        {"tcti", RATLS_OPTION_TEXT, &a.tcti, "CONF", "the TPM, for example device:/dev/tpmrm0"},
        {"software-tpm", RATLS_OPTION_TEXT, &a.software, "insecure-allow",
         "do not refuse software TPMs, whose keys are known to who runs them"},
        {"json", RATLS_OPTION_FLAG, &a.json, NULL, "print one JSON object"},
    };
    const struct ratls_options options = {
        .synopsis = "[OPTION...]",
        .about = "Reads the certificates of endorsement keys that the maker put into the TPM of\n"
                 "this machine, has the TPM make the keys of their templates, and says whether\n"
                 "they fit, and which of the roots they lead to. RSA keys may take a minute.",
        .example = "  ratls roots check --tcti device:/dev/tpmrm0",
        .rows = rows,
        .count = sizeof rows / sizeof *rows,
    };
    int code;

    if (!ratls_options_parse_alone(&options, argc, argv, &code))
        return code;
    if (a.software != NULL && strcmp(a.software, "insecure-allow") != 0)
        return ratls_usage("--software-tpm: '%s' is not insecure-allow", a.software);
    return check(&a);
}
