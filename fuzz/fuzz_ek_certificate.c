/*
 * Targets: ratls_ek_check, ratls_roots_add. The input is a certificate that is asked about, that
 * came along as its own chain, and that an administrator may have pinned.
 */
#include <string.h>

#include "ek_check.h"
#include "fuzz.h"

#define NOW 1795132800 /* 2026-11-20: the seeds are valid */

static void check_texts(const struct ratls_ek_answer *a)
{
    const char *const texts[] = {a->why,      a->missing,    a->ek.manufacturer,
                                 a->ek.model, a->ek.version, a->ek.family};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        FUZZ_CHECK(texts[i][0] == '\0' ||
                   ratls_slice_is_printable(ratls_slice(texts[i], strlen(texts[i]))));
    FUZZ_CHECK((a->defects == 0) == (a->why[0] == '\0'));
    FUZZ_CHECK(a->ek.certificate != NULL || a->defects == RATLS_EK_DEFECT_FORMAT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct ratls_slice certificates[] = {ratls_slice(data, size), ratls_slice(data, size)};
    struct ratls_roots *roots = ratls_roots_new();
    const struct ratls_ek_question question = {.certificates = certificates,
                                               .count = 2,
                                               .roots = roots,
                                               .now = NOW,
                                               .profile = ratls_ek_profile(RATLS_EK_L2),
                                               .area = certificates[0]};
    enum ratls_root_kind kind = RATLS_ROOT_NONE;
    struct ratls_ek_answer answer;
    bool is_new = false;

    FUZZ_CHECK(roots != NULL);
    if (ratls_roots_add(roots, certificates[0], true, &kind, &is_new, NULL) == RATLS_OK)
        FUZZ_CHECK(ratls_roots_count(roots) == (kind == RATLS_ROOT_NONE ? 0 : 1));
    if (ratls_ek_check(&question, &answer, NULL) == RATLS_OK) {
        check_texts(&answer);
        FUZZ_CHECK(answer.defects != 0); /* at least the area is none of its key */
        FUZZ_CHECK(answer.path_count == 0 || kind == RATLS_ROOT_PINNED);
        ratls_ek_answer_done(&answer);
    }
    ratls_roots_free(roots);
    return 0;
}
