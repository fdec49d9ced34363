/*
 * Appraisal policy (RFC 9334, 8.5): what a server must prove, in YAML. ratls-policy(5) has every
 * key.
 */
#ifndef RATLS_POLICY_H
#define RATLS_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include <ratls/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One policy file, or a folder of them. Immutable after loading; may be used by many threads. */
struct ratls_policy;

/*
 * Loads a policy file, or every file *.yaml of a folder. A mistake (unknown or duplicate key, wrong
 * length, a policy that compares nothing, two files for one server) is RATLS_USAGE, and the text of
 * *ret_error begins with "file:line:column: ". No file at all, and one to which everyone may write,
 * are RATLS_USAGE too, and begin with "file: ". An unreadable file is RATLS_IO.
 * Files that a policy names are read now, relative to the folder of the policy file.
 * The caller owns *ret_policy and frees it with ratls_policy_free().
 */
RATLS_API RATLS_MUST_CHECK enum ratls_status
ratls_policy_load(const char *path, struct ratls_policy **ret_policy,
                  struct ratls_error *ret_error);

/*
 * Where to keep the highest clock and counters of each server's TPM, and how far its IMA list was
 * acknowledged (`ima` in the policy): an SQLite file in this folder, which must exist. Without it
 * that is remembered as long as the policy is. Before the policy is used by anybody else. RATLS_IO
 * if the folder cannot be used, RATLS_USAGE if everyone may write to it.
 */
RATLS_API RATLS_MUST_CHECK enum ratls_status
ratls_policy_use_state(struct ratls_policy *policy, const char *folder,
                       struct ratls_error *ret_error);

/* Another reference to the same policy; each is freed by its own ratls_policy_free(). */
RATLS_API struct ratls_policy *ratls_policy_up_ref(struct ratls_policy *policy);

/* Accepts NULL. */
RATLS_API void ratls_policy_free(struct ratls_policy *policy);

#ifdef __cplusplus
}
#endif
#endif
