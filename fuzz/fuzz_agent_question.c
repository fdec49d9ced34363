/* Targets: ratls_agent_question_read, ratls_agent_question_write. */
#include "agent_message.h"
#include "fuzz.h"
#include "statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned long before = fuzz_allocations();
    struct ratls_slice in = ratls_slice(data, size);
    uint8_t out[RATLS_AGENT_QUESTION_MAX];
    struct ratls_writer w = ratls_writer(out, sizeof out);
    struct ratls_agent_question question;

    if (ratls_agent_question_read(in, &question)) {
        if (question.kind == RATLS_AGENT_EVIDENCE) {
            FUZZ_CHECK(ratls_mode_has_session(question.request.mode));
            FUZZ_CHECK((question.request.offers & ~12U) == 0);
        }
        FUZZ_CHECK(question.deadline_ms <= RATLS_AGENT_DEADLINE_MAX_MS);
        ratls_agent_question_write(&question, &w);
        FUZZ_CHECK(ratls_slice_equal(ratls_writer_slice(&w), in));
    }
    FUZZ_CHECK(fuzz_allocations() == before);
    return 0;
}
