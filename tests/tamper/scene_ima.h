/* The scene's machine measures its files, and the scene's policy says which it may have. */
#ifndef RATLS_TEST_SCENE_IMA_H
#define RATLS_TEST_SCENE_IMA_H

#include "fake_ima.h"
#include "scene.h"

struct scene_ima {
    struct fake_ima list;
    EVP_PKEY *key;      /* signs files; the policy has its certificate */
    EVP_PKEY *stranger; /* signs files, and the policy does not know it */
    bool has_known;     /* the verifier knows this of the list, and asks behind it: */
    struct ratls_ledger_row known;
    struct ratls_more *more;
};

/*
 * The policy is that of fake_ima_allow(); the list has boot_aggregate, /usr/bin/ls and
 * /usr/bin/cat.
 */
struct scene_ima *scene_ima(struct scene *scene);
void scene_ima_free(struct scene *scene);

/* Begins another list with its boot_aggregate. */
void scene_ima_begin(struct scene *scene, uint16_t list_alg, enum ratls_ima_mode mode);
/* What the verifier has acknowledged of the list when it has `entries`, and asks behind it. */
void scene_ima_know(struct scene *scene, size_t entries);

/* For scene.c. */
void scene_ima_request(const struct scene *scene, struct ratls_log_request *ret_logs);
void scene_ima_submission(const struct scene *scene, struct ratls_submission *submission);

#endif
