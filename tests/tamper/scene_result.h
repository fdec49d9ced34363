/* A verifier of another house, whose result of the scene's server the client relies on. */
#ifndef RATLS_TEST_SCENE_RESULT_H
#define RATLS_TEST_SCENE_RESULT_H

#include "result.h"
#include "scene.h"

#define SCENE_RESULT_PCRS 0xffu

/*
 * The policy has no values of its own, and trusts one verifier more, with a new key, by whom
 * results are from now on.
 */
void scene_trust_verifier(struct scene *scene, enum pki_algorithm algorithm);
/* Results are from now on by a verifier whom nobody trusts. */
void scene_other_verifier(void);

/* What an honest verifier says of a quote that is being made; borrows from the draft. */
struct ratls_result scene_result(const struct fake_draft *draft);

/* The server has this result, or these claims, signed by the verifier; alive until the next one. */
void scene_staple(struct fake_draft *draft, const struct ratls_result *result);
void scene_staple_claims(struct fake_draft *draft, struct ratls_slice claims);

#endif
