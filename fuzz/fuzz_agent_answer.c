/* Targets: ratls_agent_answer_read, ratls_agent_answer_write, ratls_agent_state_read. */
#include "agent_message.h"
#include "fuzz.h"

static void check_state(struct ratls_slice payload)
{
    uint8_t digest[RATLS_MEASURED_LEN], out[RATLS_AGENT_STATE_LEN];
    unsigned age_ms = 0;

    if (!ratls_agent_state_read(payload, digest, &age_ms))
        return;
    ratls_agent_state_write(digest, age_ms, out);
    FUZZ_CHECK(ratls_slice_equal(ratls_slice(out, sizeof out), payload));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t out[RATLS_AGENT_ANSWER_MAX];
    unsigned long before = fuzz_allocations();
    struct ratls_slice in = ratls_slice(data, size);
    struct ratls_writer w = ratls_writer(out, sizeof out);
    struct ratls_agent_answer answer;

    if (ratls_agent_answer_read(in, &answer)) {
        FUZZ_CHECK((answer.status == RATLS_OK) == (answer.payload.len > 0));
        FUZZ_CHECK(answer.status != RATLS_OK || answer.text.len == 0);
        ratls_agent_answer_write(&answer, &w);
        FUZZ_CHECK(ratls_slice_equal(ratls_writer_slice(&w), in));
        check_state(answer.payload);
    }
    FUZZ_CHECK(fuzz_allocations() == before);
    return 0;
}
