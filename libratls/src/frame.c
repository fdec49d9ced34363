#include "frame.h"

#define BYTE_BITS 8

/* By type: a payload has one byte at least. */
static const size_t longest[] = {
    [RATLS_FRAME_DATA] = RATLS_FRAME_DATA_MAX,
    [RATLS_FRAME_CHALLENGE] = RATLS_FRAME_CHALLENGE_MAX,
    [RATLS_FRAME_EVIDENCE] = RATLS_FRAME_EVIDENCE_MAX,
    [RATLS_FRAME_END] = 1,
};

#define TYPES (sizeof longest / sizeof longest[0])

bool ratls_frame_read(struct ratls_slice in, struct ratls_frame_head *ret_head)
{
    struct ratls_reader r = ratls_reader(in);
    uint8_t type = ratls_read_u8(&r);
    size_t len = (size_t)ratls_read_u8(&r) << 2 * BYTE_BITS;

    len |= ratls_read_u16(&r);
    if (r.failed || type >= TYPES || len == 0 || len > longest[type])
        return false;
    *ret_head = (struct ratls_frame_head){.type = (enum ratls_frame_type)type, .len = len};
    return true;
}

void ratls_frame_write(const struct ratls_frame_head *head, struct ratls_writer *w)
{
    if (head->len == 0 || head->len > longest[head->type])
        w->failed = true;
    ratls_write_u8(w, (uint8_t)head->type);
    ratls_write_u8(w, (uint8_t)(head->len >> 2 * BYTE_BITS));
    ratls_write_u16(w, (uint16_t)head->len);
}
