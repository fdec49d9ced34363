#include "tls_machine.h"

#include <string.h>

#include "fail.h"
#include "tls_internal.h"

enum ratls_status ratls_machine_of(const SSL *ssl, struct ratls_machine *ret_machine,
                                   struct ratls_error *err)
{
    const struct ratls_channel *channel = ratls_channel_of(ssl);
    struct ratls_machine machine = {.ak_name_len = 0};
    const struct ratls_accepted *accepted;

    if (channel == NULL || !ratls_report_accepted(channel->report))
        return ratls_fail(err, RATLS_USAGE, "the server was not accepted");
    if (!channel->present || channel->expectation.mode == RATLS_MODE_CERTIFICATE)
        return ratls_fail(err, RATLS_USAGE,
                          "the policy is content with evidence in the certificate, and the server "
                          "sent no other: that proves nothing of it later, and cannot be renewed");
    accepted = &channel->report->accepted;
    memcpy(machine.ak_name, accepted->ak_name, accepted->ak_name_len);
    machine.ak_name_len = accepted->ak_name_len;
    machine.reset_count = accepted->reset_count;
    machine.restart_count = accepted->restart_count;
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
