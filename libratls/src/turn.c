#include "turn.h"

enum ratls_mode ratls_turn_mode(const struct ratls_turn *turn)
{
    return turn->counter == 0 && turn->sequence == 0 ? RATLS_MODE_EXPORTER : RATLS_MODE_RENEWAL;
}

struct ratls_slice ratls_turn_context(const struct ratls_turn *turn,
                                      uint8_t buffer[static RATLS_TURN_CONTEXT_LEN])
{
    struct ratls_writer w = ratls_writer(buffer, RATLS_TURN_CONTEXT_LEN);

    if (ratls_turn_mode(turn) == RATLS_MODE_EXPORTER)
        return ratls_slice(NULL, 0);
    ratls_write_u64(&w, turn->counter);
    ratls_write_u32(&w, turn->sequence);
    return ratls_writer_slice(&w);
}
