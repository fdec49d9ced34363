/* Lists that are not those of the machine that quoted: nothing that they say is looked at. */
#include <string.h>

#include "rows.h"
#include "scene_ima.h"

#define NEEDS_PRESENT FROM_TO(IMA_OFFSET, IMA_ALLOW)
#define NEEDS_FORMAT FROM_TO(IMA_ENTRY, IMA_ALLOW)
#define NEEDS_ENTRY FROM_TO(IMA_REPLAY, IMA_ALLOW)
#define NEEDS_REPLAY FROM_TO(IMA_BOOT_AGGREGATE, IMA_ALLOW)
#define ENTRY_LEN(path) (86 + sizeof(path)) /* ima-ng with SHA-256, in a list of SHA-1 */
#define DIGEST_AT 4                         /* in an entry of the list */
#define LAST_OF_PATH 2                      /* from the end of an entry, before its NUL */

static struct fake_ima *list_of(struct scene *scene)
{
    return scene->ima == NULL ? &scene_ima(scene)->list : &scene->ima->list;
}

static void good(struct scene *scene)
{
    (void)list_of(scene);
}

static void none(struct scene *scene)
{
    (void)list_of(scene);
    scene->tpm->ima_alg = 0;
}

static void say_list_alg(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_SIGNED)
        draft->evidence.ima.list_alg = (uint16_t) * (int *)arg;
}

/* --- ima.format ---------------------------------------------------------------------------- */

/* The list that is shown is not the one that was measured. */
static void cut(struct scene *scene)
{
    struct fake_ima *list = list_of(scene);

    list->len--;
    fake_ima_show(list, scene->tpm);
}

static void name_no_pcr(struct scene *scene)
{
    list_of(scene)->bytes[0] = 77;
}

static void want_padded(struct scene *scene)
{
    struct fake_ima *list = list_of(scene);

    scene->rules->ima.extend = RATLS_IMA_PADDED;
    scene_ima_begin(scene, RATLS_ALG_SHA256, RATLS_IMA_NATIVE);
    fake_ima_install(list, scene->tpm);
}

/* --- ima.entry ----------------------------------------------------------------------------- */

static void change_path(struct scene *scene)
{
    struct fake_ima *list = list_of(scene);

    list->bytes[list->ends[2] - LAST_OF_PATH] ^= 1;
}

static void change_digest_of_entry(struct scene *scene)
{
    struct fake_ima *list = list_of(scene);

    list->bytes[list->ends[0] + DIGEST_AT] ^= 1;
}

static void measure_in_other_pcr(struct scene *scene)
{
    struct fake_ima *list = list_of(scene);

    list->entry_pcr = 11;
    fake_ima_file(list, "/usr/bin/ls", FILL_LS);
    fake_ima_install(list, scene->tpm);
}

/* --- ima.replay ---------------------------------------------------------------------------- */

/* A list with its own digests right, beside the PCR of the other. */
static void show(struct scene *scene, void (*change)(struct fake_ima *list))
{
    uint8_t pcr[32];

    (void)list_of(scene);
    memcpy(pcr, scene->ima->list.pcr, sizeof pcr);
    scene_ima_begin(scene, RATLS_ALG_SHA1, RATLS_IMA_NATIVE);
    change(list_of(scene));
    fake_ima_show(list_of(scene), scene->tpm);
    memcpy(fake_tpm_pcr(scene->tpm, RATLS_ALG_SHA256, RATLS_IMA_PCR), pcr, sizeof pcr);
}

static void with_other_path(struct fake_ima *list)
{
    fake_ima_file(list, "/usr/bin/xx", FILL_LS);
    fake_ima_file(list, "/usr/bin/cat", FILL_CAT);
}

static void with_other_digest(struct fake_ima *list)
{
    fake_ima_file(list, "/usr/bin/ls", FILL_UNKNOWN);
    fake_ima_file(list, "/usr/bin/cat", FILL_CAT);
}

static void without_an_entry(struct fake_ima *list)
{
    fake_ima_file(list, "/usr/bin/cat", FILL_CAT);
}

static void in_other_order(struct fake_ima *list)
{
    fake_ima_file(list, "/usr/bin/cat", FILL_CAT);
    fake_ima_file(list, "/usr/bin/ls", FILL_LS);
}

static void with_another_before(struct fake_ima *list)
{
    fake_ima_file(list, "/usr/bin/ls", FILL_LS);
    fake_ima_file(list, "/usr/bin/ls", FILL_LS);
    fake_ima_file(list, "/usr/bin/cat", FILL_CAT);
}

static void with_violation_for_entry(struct fake_ima *list)
{
    fake_ima_violation(list, "/usr/bin/ls");
    fake_ima_file(list, "/usr/bin/cat", FILL_CAT);
}

static void show_other_path(struct scene *scene)
{
    show(scene, with_other_path);
}

static void show_other_digest(struct scene *scene)
{
    show(scene, with_other_digest);
}

static void leave_out(struct scene *scene)
{
    show(scene, without_an_entry);
}

static void reorder(struct scene *scene)
{
    show(scene, in_other_order);
}

static void put_before(struct scene *scene)
{
    show(scene, with_another_before);
}

static void show_violation(struct scene *scene)
{
    show(scene, with_violation_for_entry);
}

/* One entry is extended in the one way, the next in the other. */
static void mix_modes(struct scene *scene)
{
    struct fake_ima *list = list_of(scene);

    list->mode = RATLS_IMA_PADDED;
    fake_ima_file(list, "/usr/bin/ls", FILL_LS);
    fake_ima_install(list, scene->tpm);
}

static void extend_padded(struct scene *scene)
{
    struct fake_ima *list = list_of(scene);

    scene->rules->ima.extend = RATLS_IMA_NATIVE;
    scene_ima_begin(scene, RATLS_ALG_SHA1, RATLS_IMA_PADDED);
    fake_ima_install(list, scene->tpm);
}

static void zero_pcr(struct scene *scene)
{
    (void)list_of(scene);
    memset(fake_tpm_pcr(scene->tpm, RATLS_ALG_SHA256, RATLS_IMA_PCR), 0, 32);
}

static void zero_pcr_without_entries(struct scene *scene)
{
    zero_pcr(scene);
    scene->ima->list.len = 0;
    fake_ima_show(&scene->ima->list, scene->tpm);
}

static void hide_all(struct scene *scene)
{
    struct fake_ima *list = list_of(scene);

    list->len = 0;
    fake_ima_show(list, scene->tpm);
}

/* All is known; the PCR has something new, and the list has not. */
static void hide_new(struct scene *scene)
{
    struct fake_ima *list = list_of(scene);
    size_t len = list->len;

    scene_ima_know(scene, 3);
    fake_ima_file(list, "/usr/bin/evil", FILL_UNKNOWN);
    fake_ima_install(list, scene->tpm);
    list->len = len;
    fake_ima_show(list, scene->tpm);
}

/* The list is too long for the evidence, and there is no way to ask again. */
static void leave_rest(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_SIGNED)
        draft->evidence.ima.entries.len -= ENTRY_LEN("/usr/bin/cat");
}

/* --- what needs the quote ------------------------------------------------------------------ */

static void break_signature(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_SIGNED)
        draft->signature.p[draft->signature.len - 1] ^= 1;
}

static const struct row rows[] = {
    {.name = "no list",
     .check = RATLS_CHECK_IMA_PRESENT,
     .not_run = NEEDS_PRESENT,
     .after = none,
     .actual = "none was sent"},
    {.name = "a list beside a quote that nobody signed",
     .check = RATLS_CHECK_QUOTE_SIGNATURE,
     .not_run = ALL_OF_IMA,
     .after = good,
     .tamper = break_signature},
    {.name = "a byte is missing",
     .check = RATLS_CHECK_IMA_FORMAT,
     .not_run = NEEDS_FORMAT,
     .after = cut,
     .at = "ima-list[3]"},
    {.name = "PCR 77",
     .check = RATLS_CHECK_IMA_FORMAT,
     .not_run = NEEDS_FORMAT,
     .after = name_no_pcr,
     .at = "ima-list[1]",
     .actual = "entry 1 at byte 0: the index of the PCR is 77"},
    {.name = "a list of another bank",
     .check = RATLS_CHECK_IMA_FORMAT,
     .not_run = NEEDS_FORMAT,
     .after = good,
     .tamper = say_list_alg,
     .param = RATLS_ALG_SHA384,
     .expected = "a list with sha1 or sha256 digests",
     .actual = "sha384"},
    {.name = "a list of the bank cannot be padded",
     .check = RATLS_CHECK_IMA_FORMAT,
     .not_run = NEEDS_FORMAT,
     .after = want_padded,
     .actual = "sha256"},
    {.name = "another path",
     .check = RATLS_CHECK_IMA_ENTRY,
     .not_run = NEEDS_ENTRY,
     .after = change_path,
     .at = "ima-list[3]"},
    {.name = "another digest of an entry",
     .check = RATLS_CHECK_IMA_ENTRY,
     .not_run = NEEDS_ENTRY,
     .after = change_digest_of_entry,
     .at = "ima-list[2]"},
    {.name = "an entry of another PCR",
     .check = RATLS_CHECK_IMA_ENTRY,
     .not_run = NEEDS_ENTRY,
     .after = measure_in_other_pcr,
     .at = "ima-list[4]"},
    {.name = "another path, and digests that fit",
     .check = RATLS_CHECK_IMA_REPLAY,
     .not_run = NEEDS_REPLAY,
     .after = show_other_path,
     .actual = "none of all 3 do; nothing in the list is authenticated"},
    {.name = "another digest of a file",
     .check = RATLS_CHECK_IMA_REPLAY,
     .not_run = NEEDS_REPLAY,
     .after = show_other_digest},
    {.name = "an entry is left out",
     .check = RATLS_CHECK_IMA_REPLAY,
     .not_run = NEEDS_REPLAY,
     .after = leave_out},
    {.name = "another order",
     .check = RATLS_CHECK_IMA_REPLAY,
     .not_run = NEEDS_REPLAY,
     .after = reorder},
    {.name = "one more entry",
     .check = RATLS_CHECK_IMA_REPLAY,
     .not_run = NEEDS_REPLAY,
     .after = put_before},
    {.name = "a violation in place of an entry",
     .check = RATLS_CHECK_IMA_REPLAY,
     .not_run = NEEDS_REPLAY,
     .after = show_violation},
    {.name = "padded and native mixed",
     .check = RATLS_CHECK_IMA_REPLAY,
     .not_run = NEEDS_REPLAY,
     .after = mix_modes},
    {.name = "padded where the policy wants native",
     .check = RATLS_CHECK_IMA_REPLAY,
     .not_run = NEEDS_REPLAY,
     .after = extend_padded},
    {.name = "IMA measured nothing",
     .check = RATLS_CHECK_IMA_REPLAY,
     .not_run = NEEDS_REPLAY,
     .after = zero_pcr,
     .expected = "a PCR 10 that is not zero: IMA measured nothing"},
    {.name = "IMA measured nothing, and says so",
     .check = RATLS_CHECK_IMA_REPLAY,
     .not_run = NEEDS_REPLAY,
     .after = zero_pcr_without_entries},
    {.name = "a list without entries",
     .check = RATLS_CHECK_IMA_REPLAY,
     .not_run = NEEDS_REPLAY,
     .after = hide_all,
     .actual = "none of all 0 do; nothing in the list is authenticated"},
    {.name = "nothing new in the list, but in the PCR",
     .check = RATLS_CHECK_IMA_REPLAY,
     .not_run = NEEDS_REPLAY,
     .after = hide_new},
    {.name = "the end is not there",
     .check = RATLS_CHECK_IMA_REPLAY,
     .not_run = NEEDS_REPLAY,
     .after = good,
     .tamper = leave_rest,
     .actual = "none of 2 do, 99 bytes were not sent; nothing in the list is "
               "authenticated"},
};

const struct rows rows_ima_list = {rows, sizeof rows / sizeof rows[0]};
