/* What quote.extraData says, and paths through trees that were never made. */
#include <string.h>

#include "rows.h"

/* Longer: with zeros behind it. */
static void change_extra_length(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_QUOTE)
        draft->extra_data.len = (size_t) * (int *)arg;
}

static void change_extra(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_QUOTE)
        draft->extra_data.p[*(int *)arg] ^= 1;
}

/* As tools do that quote a nonce: the statement's hash without the prefix of a leaf. */
static void quote_plain_hash(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    (void)arg;
    if (stage == FAKE_QUOTE)
        fake_digest(RATLS_ALG_SHA256,
                    ratls_slice(draft->statement_cbor.p, draft->statement_cbor.len),
                    draft->extra_data.p);
}

/* As a whole batch would: the quote is over a tree in which our leaf never was. */
static void show_other_leaf(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_LEAF) {
        draft->path = (struct ratls_merkle_path){.leaf_index = 1, .tree_size = 2, .count = 1};
        memset(draft->path.hashes[0], 0x77, 32);
    } else if (stage == FAKE_SIGNED) {
        draft->evidence.path.hashes[0][*(int *)arg] ^= 1;
    }
}

/* The right hashes at another place of the tree. */
static void move_leaf(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_LEAF)
        draft->path = (struct ratls_merkle_path){.leaf_index = 1, .tree_size = 4, .count = 2};
    else if (stage == FAKE_SIGNED)
        draft->evidence.path.leaf_index = (uint32_t) * (int *)arg;
}

/*
 * A node taken for a leaf: without the prefixes, a statement that is left || right would hash to
 * their parent. Here the quote is over that parent.
 */
static void quote_node(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    uint8_t node[1 + 64] = {0x01};

    (void)arg;
    if (stage != FAKE_QUOTE)
        return;
    memcpy(node + 1, draft->statement_cbor.p, 64);
    fake_digest(RATLS_ALG_SHA256, ratls_slice(node, sizeof node), draft->extra_data.p);
}

/* A last leaf that is paired with itself, as in Bitcoin's tree: the RFC's has three leaves. */
static void double_last_leaf(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    uint8_t leaf[1 + sizeof draft->statement_cbor.p] = {0x00};

    (void)arg;
    if (stage != FAKE_LEAF)
        return;
    memcpy(leaf + 1, draft->statement_cbor.p, draft->statement_cbor.len);
    draft->path = (struct ratls_merkle_path){.leaf_index = 2, .tree_size = 3, .count = 2};
    fake_digest(RATLS_ALG_SHA256, ratls_slice(leaf, 1 + draft->statement_cbor.len),
                draft->path.hashes[0]);
}

static void lengthen_path(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_LEAF)
        draft->path = (struct ratls_merkle_path){.tree_size = 1, .count = (size_t) * (int *)arg};
}

static void shorten_path(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_LEAF)
        draft->path = (struct ratls_merkle_path){.tree_size = (uint32_t) * (int *)arg};
}

static void leave_tree(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_LEAF)
        draft->path = (struct ratls_merkle_path){
            .leaf_index = (uint32_t) * (int *)arg, .tree_size = 2, .count = 1};
}

/* The quote is over another batch of the same shape. */
static void quote_other_root(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    show_other_leaf(stage, draft, arg);
    if (stage == FAKE_QUOTE)
        fake_digest(RATLS_ALG_SHA256, ratls_slice(draft->path.hashes[0], 32), draft->extra_data.p);
    if (stage == FAKE_SIGNED)
        draft->evidence.path = draft->path;
}

/* The last leaf of three has one hash on its path; in another tree it would have more. */
static void resize_tree(enum fake_stage stage, struct fake_draft *draft, void *arg)
{
    if (stage == FAKE_LEAF) {
        draft->path = (struct ratls_merkle_path){.leaf_index = 2, .tree_size = 3, .count = 1};
        memset(draft->path.hashes[0], 0x77, 32);
    } else if (stage == FAKE_SIGNED) {
        draft->evidence.path.tree_size = (uint32_t) * (int *)arg;
    }
}

static const struct row rows[] = {
    {.name = "no extraData",
     .check = RATLS_CHECK_QUOTE_EXTRA_DATA,
     .tamper = change_extra_length,
     .param = 0,
     .at = "quote.attest.extraData",
     .actual = "empty"},
    {.name = "extraData of one byte",
     .check = RATLS_CHECK_QUOTE_EXTRA_DATA,
     .tamper = change_extra_length,
     .param = 1},
    {.name = "extraData without its last byte",
     .check = RATLS_CHECK_QUOTE_EXTRA_DATA,
     .tamper = change_extra_length,
     .param = 31},
    {.name = "extraData with a byte more",
     .check = RATLS_CHECK_QUOTE_EXTRA_DATA,
     .tamper = change_extra_length,
     .param = 33},
    {.name = "the last bit of extraData",
     .check = RATLS_CHECK_QUOTE_EXTRA_DATA,
     .tamper = change_extra,
     .param = 31},
    {.name = "a plain hash of the statement",
     .check = RATLS_CHECK_QUOTE_EXTRA_DATA,
     .tamper = quote_plain_hash},
    {.name = "a leaf of another tree",
     .check = RATLS_CHECK_QUOTE_EXTRA_DATA,
     .tamper = show_other_leaf,
     .param = 0},
    {.name = "the root of another tree",
     .check = RATLS_CHECK_QUOTE_EXTRA_DATA,
     .tamper = quote_other_root},
    {.name = "a larger tree",
     .check = RATLS_CHECK_QUOTE_EXTRA_DATA,
     .tamper = resize_tree,
     .param = 4,
     .at = "quote.path",
     .actual = "leaf 2 of 4 with 1 hashes"},
    {.name = "a smaller tree",
     .check = RATLS_CHECK_QUOTE_EXTRA_DATA,
     .tamper = resize_tree,
     .param = 2,
     .actual = "leaf 2 of 2 with 1 hashes"},
    {.name = "a leaf at another place",
     .check = RATLS_CHECK_QUOTE_EXTRA_DATA,
     .tamper = move_leaf,
     .param = 2},
    {.name = "a node for a leaf", .check = RATLS_CHECK_QUOTE_EXTRA_DATA, .tamper = quote_node},
    {.name = "a last leaf twice",
     .check = RATLS_CHECK_QUOTE_EXTRA_DATA,
     .tamper = double_last_leaf,
     .at = "quote.path",
     .expected = "a path as long as its tree requires",
     .actual = "leaf 2 of 3 with 2 hashes"},
    {.name = "a path of 16 hashes in a tree of one leaf",
     .check = RATLS_CHECK_QUOTE_EXTRA_DATA,
     .tamper = lengthen_path,
     .param = RATLS_MERKLE_DEPTH_MAX},
    {.name = "a path without hashes in a tree of two leaves",
     .check = RATLS_CHECK_QUOTE_EXTRA_DATA,
     .tamper = shorten_path,
     .param = 2},
    {.name = "a path without hashes in the largest tree",
     .check = RATLS_CHECK_QUOTE_EXTRA_DATA,
     .tamper = shorten_path,
     .param = RATLS_MERKLE_LEAVES_MAX},
    {.name = "a leaf beyond the tree",
     .check = RATLS_CHECK_QUOTE_EXTRA_DATA,
     .tamper = leave_tree,
     .param = 2,
     .actual = "leaf 2 of 2 with 1 hashes"},
};

const struct rows rows_binding = {rows, sizeof rows / sizeof rows[0]};
