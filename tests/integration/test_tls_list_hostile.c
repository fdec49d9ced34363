/* Servers whose IMA lists do not hold, or do not end. */
#include "list_scene.h"

static uint8_t garbage[60000];

/* Pieces of servers that want more than patience; number 0 is the one beside the quote. */
static void go_back(struct log_list *log, struct ratls_ima_slice *piece, unsigned number)
{
    (void)log;
    piece->offset -= number > 0;
}

static void skip(struct log_list *log, struct ratls_ima_slice *piece, unsigned number)
{
    (void)log;
    piece->offset += number > 0;
}

static void begin_again(struct log_list *log, struct ratls_ima_slice *piece, unsigned number)
{
    piece->offset = 0;
    if (number > 0)
        piece->entries = ratls_slice(log->p, log->len);
}

static void send_nothing(struct log_list *log, struct ratls_ima_slice *piece, unsigned number)
{
    (void)log;
    if (number > 0)
        piece->entries.len = 0;
}

static void send_garbage(struct log_list *log, struct ratls_ima_slice *piece, unsigned number)
{
    (void)log;
    if (number == 0)
        return;
    piece->entries = ratls_slice(garbage, sizeof garbage);
    piece->total = piece->offset + sizeof garbage;
}

static void send_half_an_entry(struct log_list *log, struct ratls_ima_slice *piece, unsigned number)
{
    (void)log;
    piece->entries.len -= number > 0;
}

static void change_algorithm(struct log_list *log, struct ratls_ima_slice *piece, unsigned number)
{
    (void)log;
    if (number > 0)
        piece->list_alg = RATLS_ALG_SHA1;
}

static void send_the_first_again(struct log_list *log, struct ratls_ima_slice *piece,
                                 unsigned number)
{
    if (number > 0)
        piece->entries = ratls_slice(log->p, piece->entries.len);
    piece->total = UINT64_MAX;
}

Test(tls_list_hostile, pieces_that_do_not_fit)
{
    static const struct {
        log_bend *bend;
        const char *check;
        unsigned most; /* connections */
    } rows[] = {
        {go_back, "ima.replay", 2},          {skip, "ima.replay", 2},
        {begin_again, "ima.replay", 2},      {send_nothing, "ima.replay", 2},
        {send_garbage, "ima.format", 2},     {send_half_an_entry, "ima.format", 3},
        {change_algorithm, "ima.replay", 2},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scene *s = new_scene(ENTRIES, NULL);

        cut(s, 5);
        s->log->bend = rows[i].bend;
        assert_refused_here(s, rows[i].check, "");
        cr_assert_leq(count_connections(s), rows[i].most, "row %zu", i);
        s->log->bend = NULL; /* what was fetched so does not stand in the way of an honest one */
        assert_accepted_here(s);
        free_scene(s);
    }
}

/* A server that goes on for ever is left when the time for all of it is over. */
Test(tls_list_hostile, list_without_an_end)
{
    struct scene *s = new_scene(ENTRIES, NULL);
    int64_t begin_ms = ratls_peer_now_ms();

    cut(s, ENTRIES);
    s->log->bend = send_the_first_again;
    ratls_tls_of_context(s->world->client)->sync.all_s = 1;
    cr_assert_not(shake_hands(s));
    cr_assert_lt(ratls_peer_now_ms() - begin_ms, 10000);
    free_scene(s);
}

/* It is said which entry, and nothing of such a list is acknowledged. */
Test(tls_list_hostile, denied_file_in_a_later_piece)
{
    struct scene *s = new_scene(ENTRIES, NULL);

    log_measure(s->log, EVIL);
    log_measure_many(s->log, 2 * ENTRIES);
    cut(s, 4);
    assert_refused_here(s, "ima.deny", EVIL);
    cr_assert_eq(count_connections(s), 4);
    assert_refused_here(s, "ima.deny", EVIL);
    free_scene(s);
}

/* A list that was acknowledged before the machine ran something does not hide it. */
Test(tls_list_hostile, denied_file_behind_what_is_known)
{
    struct scene *s = new_scene(ENTRIES, NULL);

    assert_accepted_here(s);
    log_measure(s->log, EVIL);
    assert_refused_here(s, "ima.deny", EVIL);
    log_measure(s->log, "/usr/bin/after");
    assert_refused_here(s, "ima.deny", EVIL);
    free_scene(s);
}
