/*
 * An attester that asks an agent: ratlsd, one process that has the TPM for all others of a machine.
 * It needs no TPM library, no right to the TPM and no state folder: only a socket (WIRE.md, 13).
 */
#ifndef RATLS_ATTESTER_AGENT_H
#define RATLS_ATTESTER_AGENT_H

#include <ratls/attester.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RATLS_AGENT_SOCKET "/run/ratls/agent.sock"

struct ratls_agent_options {
    const char *socket;   /* absolute path, at most 107 bytes; NULL: RATLS_AGENT_SOCKET */
    const char *service;  /* of every statement; NULL: the first that the agent allows this user */
    unsigned deadline_ms; /* longest wait for an answer, at most 10000; 0: 5000 */
};

/*
 * Does not connect: that is done when evidence is asked for, by the process that asks; again after
 * fork(), and after the agent went away, though not more than ten times in a second. Whoever
 * listens must be root or the user of this process, or the one user who may write to the folder of
 * the socket, with folders of root alone above it: RATLS_USAGE otherwise.
 *
 * One connection, and one thread that reads from it, serve all questions of a process, 16384 at a
 * time. Each fails by its own deadline (RATLS_IO), at once if nobody listens or the agent ends. One
 * that came to its deadline without a byte from the agent, for this question or another, was the
 * last to wait: until the agent answers again, which the thread finds out by itself, all fail at
 * once, and say since when it hangs.
 * What the agent says is wrong has its own status: RATLS_TPM of the TPM, RATLS_LIMIT if too many
 * wait, RATLS_USAGE if this user may not ask. done() of <ratls/attester.h> is called by the thread
 * that reads: it should be short, and within it attest() and state() fail with RATLS_USAGE.
 * Only evidence for sessions can be had: neither of certificates nor of epochs.
 *
 * The caller owns *ret_attester and frees it with (*ret_attester)->free(*ret_attester).
 * RATLS_USAGE if an option is wrong.
 */
RATLS_API RATLS_MUST_CHECK enum ratls_status
ratls_agent_attester_new(const struct ratls_agent_options *options,
                         struct ratls_attester **ret_attester, struct ratls_error *ret_error);

#ifdef __cplusplus
}
#endif
#endif
