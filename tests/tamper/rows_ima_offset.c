/* Lists that go on where this side knows nothing of what is before. */
#include "rows.h"
#include "scene_ima.h"

#define NEEDS_OFFSET FROM_TO(IMA_FORMAT, IMA_ALLOW)
#define ENTRY_LEN(path) (86 + sizeof(path)) /* ima-ng with SHA-256, in a list of SHA-1 */

static struct fake_ima *list_of(struct scene *scene)
{
    return scene->ima == NULL ? &scene_ima(scene)->list : &scene->ima->list;
}

static void good(struct scene *scene)
{
    (void)list_of(scene);
}

/* Two entries are known, and the third is new. */
static void known(struct scene *scene)
{
    (void)list_of(scene);
    scene_ima_know(scene, 2);
}

/* The same, and the server says that it goes on where it was asked. */
static void known_of_other_boot(struct scene *scene)
{
    known(scene);
    scene->ima->known.reset_count--;
}

static void known_of_other_restart(struct scene *scene)
{
    known(scene);
    scene->ima->known.restart_count--;
}

static void known_of_other_key(struct scene *scene)
{
    known(scene);
    scene->ima->known.ak_name[5] ^= 1;
}

static void known_by_other_rules(struct scene *scene)
{
    known(scene);
    scene->ima->known.rules_sha256[0] ^= 1;
}

static void known_in_other_bank(struct scene *scene)
{
    known(scene);
    scene->ima->known.ima.bank = RATLS_ALG_SHA384;
}

/* An evil entry was there; the server goes on behind it. */
static void skip_entry(struct scene *scene)
{
    struct fake_ima *list = list_of(scene);

    fake_ima_file(list, "/usr/bin/evil", FILL_UNKNOWN);
    fake_ima_file(list, "/usr/bin/ls", FILL_LS);
    fake_ima_install(list, scene->tpm);
    scene_ima_know(scene, 3);
}

static void say_offset(struct fake_draft *draft, size_t offset)
{
    struct ratls_ima_slice *ima = &draft->evidence.ima;
    struct ratls_slice list = draft->tpm->ima_list;

    ima->offset = offset;
    ima->entries = ratls_slice(list.p + offset, list.len - offset);
}

static void begin_where_asked(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_SIGNED)
        say_offset(draft, (size_t)draft->request->logs.ima_offset);
}

static void begin_behind_last(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_SIGNED)
        say_offset(draft, draft->tpm->ima_list.len - ENTRY_LEN("/usr/bin/ls"));
}

static void say_list_alg(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_SIGNED)
        draft->evidence.ima.list_alg = (uint16_t) * (int *)arg;
}

static const struct row rows[] = {
    {.name = "an offset, and nothing is known",
     .check = RATLS_CHECK_IMA_OFFSET,
     .not_run = NEEDS_OFFSET,
     .after = good,
     .tamper = begin_behind_last,
     .expected = "0: nothing of this list is known"},
    {.name = "state of another boot",
     .check = RATLS_CHECK_IMA_OFFSET,
     .not_run = NEEDS_OFFSET,
     .after = known_of_other_boot,
     .tamper = begin_where_asked},
    {.name = "state of another restart",
     .check = RATLS_CHECK_IMA_OFFSET,
     .not_run = NEEDS_OFFSET,
     .after = known_of_other_restart,
     .tamper = begin_where_asked},
    {.name = "state of another key",
     .check = RATLS_CHECK_IMA_OFFSET,
     .not_run = NEEDS_OFFSET,
     .after = known_of_other_key,
     .tamper = begin_where_asked},
    {.name = "state under other rules",
     .check = RATLS_CHECK_IMA_OFFSET,
     .not_run = NEEDS_OFFSET,
     .after = known_by_other_rules,
     .tamper = begin_where_asked},
    {.name = "state of another bank",
     .check = RATLS_CHECK_IMA_OFFSET,
     .not_run = NEEDS_OFFSET,
     .after = known_in_other_bank,
     .tamper = begin_where_asked},
    {.name = "an offset that skips an entry",
     .check = RATLS_CHECK_IMA_OFFSET,
     .not_run = NEEDS_OFFSET,
     .after = skip_entry,
     .tamper = begin_behind_last},
    {.name = "an offset in another list",
     .check = RATLS_CHECK_IMA_OFFSET,
     .not_run = NEEDS_OFFSET,
     .after = known,
     .tamper = say_list_alg,
     .param = RATLS_ALG_SHA256},
};

const struct rows rows_ima_offset = {rows, sizeof rows / sizeof rows[0]};
