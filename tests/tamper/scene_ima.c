#include "scene_ima.h"

#include <stdlib.h>
#include <string.h>

#include "ima_boot.h"
#include "must.h"

#define BANK RATLS_ALG_SHA256

void scene_ima_begin(struct scene *scene, uint16_t list_alg, enum ratls_ima_mode mode)
{
    fake_ima_begin(&scene->ima->list, list_alg, BANK, mode);
    fake_ima_boot(&scene->ima->list, scene->tpm, BANK);
}

struct scene_ima *scene_ima(struct scene *scene)
{
    struct scene_ima *ima = calloc(1, sizeof *ima);
    struct ratls_signer unknown;

    must(ima != NULL && scene->ima == NULL);
    scene->ima = ima;
    ima->key = fake_ima_allow(scene->rules);
    ima->stranger = fake_ima_key(&unknown);
    ratls_signer_done(&unknown);
    scene_ima_begin(scene, RATLS_ALG_SHA1, RATLS_IMA_NATIVE);
    fake_ima_file(&ima->list, "/usr/bin/ls", FILL_LS);
    fake_ima_file(&ima->list, "/usr/bin/cat", FILL_CAT);
    fake_ima_install(&ima->list, scene->tpm);
    return ima;
}

void scene_ima_free(struct scene *scene)
{
    if (scene->ima == NULL)
        return;
    fake_ima_forget(scene->rules);
    EVP_PKEY_free(scene->ima->key);
    EVP_PKEY_free(scene->ima->stranger);
    free(scene->ima);
}

/* By the library's replay: what it is worth is what the test of the replay says. */
void scene_ima_know(struct scene *scene, size_t entries)
{
    struct scene_ima *ima = scene->ima;
    const struct fake_ima *list = &ima->list;
    struct ratls_ledger_row *row = &ima->known;
    struct ratls_slice pcrs[RATLS_IMA_PCR];
    struct ratls_ima_replay replay;
    struct ratls_ima_state state;

    *row = (struct ratls_ledger_row){.reset_count = scene->tpm->reset_count,
                                     .restart_count = scene->tpm->restart_count};
    row->ak_name_len = fake_tpm_name(scene->tpm, row->ak_name);
    memcpy(row->rules_sha256, scene->rules->ima.sha256, sizeof row->rules_sha256);
    must(ratls_ima_state_init(list->list_alg, BANK, list->mode, &state, NULL) == RATLS_OK);
    must(ratls_ima_replay_open(&state, &replay, NULL) == RATLS_OK);
    must(ratls_ima_replay_all(&replay, ratls_slice(list->bytes, list->ends[entries - 1]), NULL) ==
         RATLS_OK);
    row->ima = replay.state;
    ratls_ima_replay_close(&replay);
    for (unsigned i = 0; i < RATLS_IMA_PCR; i++)
        pcrs[i] = ratls_slice(fake_tpm_pcr(scene->tpm, BANK, i), 32);
    row->boot_aggregate_alg = BANK;
    must(ratls_ima_boot_aggregate(BANK, pcrs, row->boot_aggregate, NULL) == RATLS_OK);
    ima->has_known = true;
}

void scene_ima_request(const struct scene *scene, struct ratls_log_request *ret_logs)
{
    const struct ratls_ledger_row *known;

    if (scene->ima == NULL)
        return;
    known = &scene->ima->known;
    ret_logs->ima_bank = scene->rules->ima.bank;
    if (!scene->ima->has_known)
        return;
    ret_logs->ima_offset = known->ima.offset + known->pending_len;
    ret_logs->ima_reset_count = known->reset_count;
    ret_logs->ima_restart_count = known->restart_count;
}

void scene_ima_submission(const struct scene *scene, struct ratls_submission *submission)
{
    if (scene->ima == NULL)
        return;
    submission->known = scene->ima->has_known ? &scene->ima->known : NULL;
    submission->more = scene->ima->more;
}
