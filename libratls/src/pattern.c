#include "pattern.h"

#include <string.h>

#define STATE_COUNT (RATLS_PATTERN_MAX + 1)
#define WORD_BITS 64
#define WORD_COUNT ((STATE_COUNT + WORD_BITS - 1) / WORD_BITS)

/*
 * The offsets in the pattern at which the match can stand after what was read of the text. A byte
 * moves each of them once, so no byte costs more than the pattern is long, and none is read twice.
 */
struct states {
    uint64_t words[WORD_COUNT];
    size_t word_count; /* those that this pattern needs */
    bool is_empty;
    bool takes_the_rest; /* the match stands before a final "**" */
};

static const uint8_t *find_star(struct ratls_slice text)
{
    return text.len == 0 ? NULL : memchr(text.p, '*', text.len);
}

const char *ratls_pattern_init(enum ratls_pattern_kind kind, struct ratls_slice text,
                               struct ratls_pattern *ret_pattern)
{
    size_t stars = 0;

    if (text.len == 0)
        return "the pattern is empty";
    if (text.len > RATLS_PATTERN_MAX)
        return "the pattern is longer than 2048 bytes";
    if (memchr(text.p, '\0', text.len) != NULL)
        return "the pattern has a NUL byte";
    for (size_t i = 0; i < text.len; i++) {
        stars = text.p[i] == '*' ? stars + 1 : 0;
        if (stars > 2)
            return "the pattern has more than two * in a row";
    }
    *ret_pattern =
        (struct ratls_pattern){.kind = kind, .is_exact = find_star(text) == NULL, .text = text};
    return NULL;
}

_Static_assert(RATLS_PATTERN_MAX == 2048, "the words of ratls_pattern_init() say so");

struct ratls_pattern ratls_pattern_exact(enum ratls_pattern_kind kind, struct ratls_slice text)
{
    return (struct ratls_pattern){.kind = kind, .is_exact = true, .text = text};
}

static size_t star_len(struct ratls_slice pattern, size_t at)
{
    return at + 1 < pattern.len && pattern.p[at + 1] == '*' ? 2 : 1;
}

/*
 * What ends a word of a command line, or how far it goes: the kernel's isspace() (lib/ctype.c), of
 * bytes, whatever the encoding is; the quotation mark, behind which blanks end nothing
 * (lib/cmdline.c, next_arg()), so that it could swallow the words that follow; and NUL.
 */
static bool ends_word(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r') || byte == 0xa0 || byte == '"' ||
           byte == '\0';
}

static bool star_takes(const struct ratls_pattern *pattern, size_t at, uint8_t byte)
{
    if (star_len(pattern->text, at) == 2)
        return true;
    return pattern->kind == RATLS_PATTERN_PATH ? byte != '/' && byte != '\0' : !ends_word(byte);
}

static void set_state(struct states *states, size_t at)
{
    states->words[at / WORD_BITS] |= UINT64_C(1) << at % WORD_BITS;
    states->is_empty = false;
}

/* A star may stand for nothing: what follows it can begin as well. */
static void add_state(struct ratls_slice pattern, size_t at, struct states *states)
{
    size_t len;

    set_state(states, at);
    if (at == pattern.len || pattern.p[at] != '*')
        return;
    len = star_len(pattern, at);
    set_state(states, at + len);
    if (len == 2 && at + len == pattern.len)
        states->takes_the_rest = true;
}

static void clear_states(struct states *states)
{
    memset(states->words, 0, states->word_count * sizeof *states->words);
    states->is_empty = true;
    states->takes_the_rest = false;
}

/* What a byte of the text makes of one state. */
static void move_state(const struct ratls_pattern *pattern, size_t at, uint8_t byte,
                       struct states *to)
{
    if (at == pattern->text.len)
        return; /* the pattern is at its end, the text is not */
    if (pattern->text.p[at] == '*') {
        if (star_takes(pattern, at, byte))
            add_state(pattern->text, at, to);
    } else if (pattern->text.p[at] == byte) {
        add_state(pattern->text, at + 1, to);
    }
}

static void move_states(const struct ratls_pattern *pattern, const struct states *from,
                        uint8_t byte, struct states *to)
{
    clear_states(to);
    for (size_t i = 0; i < from->word_count; i++)
        for (uint64_t word = from->words[i]; word != 0; word &= word - 1)
            move_state(pattern, i * WORD_BITS + (size_t)__builtin_ctzll(word), byte, to);
}

/* After what comes before the first star, which has matched. */
static bool match_stars(const struct ratls_pattern *pattern, size_t at, struct ratls_slice text)
{
    struct states sets[2];
    struct states *now = &sets[0], *next = &sets[1];
    size_t end = pattern->text.len;

    now->word_count = next->word_count = end / WORD_BITS + 1;
    clear_states(now);
    add_state(pattern->text, at, now);
    for (size_t i = at; i < text.len && !now->is_empty && !now->takes_the_rest; i++) {
        struct states *old = now;

        move_states(pattern, now, text.p[i], next);
        now = next;
        next = old;
    }
    return now->takes_the_rest || (now->words[end / WORD_BITS] >> end % WORD_BITS & 1) != 0;
}

bool ratls_pattern_match(const struct ratls_pattern *pattern, struct ratls_slice text)
{
    const uint8_t *star = pattern->is_exact ? NULL : find_star(pattern->text);
    size_t plain_len = star == NULL ? pattern->text.len : (size_t)(star - pattern->text.p);

    if (text.len < plain_len || (plain_len > 0 && memcmp(text.p, pattern->text.p, plain_len) != 0))
        return false;
    return star == NULL ? text.len == plain_len : match_stars(pattern, plain_len, text);
}
