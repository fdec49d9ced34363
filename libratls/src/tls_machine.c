#include "tls_machine.h"

#include <string.h>

#include "crypto.h"
#include "evidence.h"
#include "fail.h"
#include "tls_internal.h"

/* Accepted evidence was read before, with the same readers. */
static bool read_evidence(struct ratls_slice bytes, struct ratls_tpm_public *ret_public,
                          struct ratls_tpm_attest *ret_attest)
{
    struct ratls_evidence evidence;

    return ratls_evidence_read(bytes, &evidence) && evidence.has_quote &&
           ratls_tpm_read_public(evidence.ak_public, ret_public) &&
           ratls_tpm_read_attest(evidence.attest, ret_attest);
}

enum ratls_status ratls_machine_of(const SSL *ssl, struct ratls_machine *ret_machine,
                                   struct ratls_error *err)
{
    const struct ratls_channel *channel = ratls_channel_of(ssl);
    struct ratls_machine machine = {.ak_name_len = 0};
    struct ratls_tpm_public ak;
    struct ratls_tpm_attest attest;
    enum ratls_status status;

    if (channel == NULL || !ratls_report_accepted(channel->report))
        return ratls_fail(err, RATLS_USAGE, "the server was not accepted");
    if (!channel->present || channel->expectation.mode == RATLS_MODE_CERTIFICATE)
        return ratls_fail(err, RATLS_USAGE,
                          "the policy is content with evidence in the certificate, and the server "
                          "sent no other: that proves nothing of it later, and cannot be renewed");
    if (!read_evidence(ratls_slice(channel->evidence, channel->evidence_len), &ak, &attest))
        return ratls_fail(err, RATLS_CRYPTO, "accepted evidence cannot be read again");
    status = ratls_tpm_name(&ak, machine.ak_name, &machine.ak_name_len, err);
    if (status != RATLS_OK)
        return status;
    machine.reset_count = attest.reset_count;
    machine.restart_count = attest.restart_count;
    memcpy(machine.spki_sha256, channel->expectation.spki_sha256, sizeof machine.spki_sha256);
    *ret_machine = machine;
    return RATLS_OK;
}

bool ratls_machine_same_key(const struct ratls_machine *a, const struct ratls_machine *b)
{
    return ratls_slice_equal(ratls_slice(a->ak_name, a->ak_name_len),
                             ratls_slice(b->ak_name, b->ak_name_len));
}

bool ratls_machine_equal(const struct ratls_machine *a, const struct ratls_machine *b)
{
    return ratls_machine_same_key(a, b) && a->reset_count == b->reset_count &&
           a->restart_count == b->restart_count &&
           memcmp(a->spki_sha256, b->spki_sha256, sizeof a->spki_sha256) == 0;
}
