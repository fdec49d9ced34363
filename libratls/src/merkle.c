#include "merkle.h"

#include <string.h>

#include "crypto.h"
#include "fail.h"

#define NODE_LEN 32

/* RFC 9162, 2.1.1: different first bytes, so that a node can never be taken for a leaf. */
static const uint8_t LEAF_PREFIX[] = {0x00};
static const uint8_t NODE_PREFIX[] = {0x01};

enum ratls_status ratls_merkle_leaf(struct ratls_slice statement, uint8_t out[static 32],
                                    struct ratls_error *err)
{
    const struct ratls_slice parts[] = {ratls_slice(LEAF_PREFIX, sizeof LEAF_PREFIX), statement};

    return ratls_digest(RATLS_ALG_SHA256, parts, sizeof parts / sizeof *parts, out, err);
}

/* out may be left or right. */
static enum ratls_status hash_node(const uint8_t left[static NODE_LEN],
                                   const uint8_t right[static NODE_LEN],
                                   uint8_t out[static NODE_LEN], struct ratls_error *err)
{
    const struct ratls_slice parts[] = {ratls_slice(NODE_PREFIX, sizeof NODE_PREFIX),
                                        ratls_slice(left, NODE_LEN), ratls_slice(right, NODE_LEN)};
    uint8_t node[NODE_LEN];
    enum ratls_status status =
        ratls_digest(RATLS_ALG_SHA256, parts, sizeof parts / sizeof *parts, node, err);

    if (status == RATLS_OK)
        memcpy(out, node, sizeof node);
    return status;
}

/* One step of RFC 9162, 2.1.3.2, 4: whether the next hash of the path is the left child. */
static bool climb(uint32_t *fn, uint32_t *sn)
{
    bool sibling_is_left = (*fn & 1) != 0 || *fn == *sn;

    /* A right edge without sibling goes up by itself until it is a right child. */
    while (sibling_is_left && (*fn & 1) == 0 && *fn != 0) {
        *fn >>= 1;
        *sn >>= 1;
    }
    *fn >>= 1;
    *sn >>= 1;
    return sibling_is_left;
}

static bool is_shape_valid(const struct ratls_merkle_path *path)
{
    uint32_t fn = path->leaf_index;
    uint32_t sn = path->tree_size - 1;

    if (path->tree_size < 1 || path->tree_size > RATLS_MERKLE_LEAVES_MAX ||
        path->leaf_index >= path->tree_size || path->count > RATLS_MERKLE_DEPTH_MAX)
        return false;
    for (size_t i = 0; i < path->count; i++) {
        if (sn == 0)
            return false;
        climb(&fn, &sn);
    }
    return sn == 0;
}

enum ratls_status ratls_merkle_root(const uint8_t leaf[static 32],
                                    const struct ratls_merkle_path *path, bool *ret_valid,
                                    uint8_t out[static 32], struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;
    uint32_t fn = path->leaf_index;
    uint32_t sn = path->tree_size - 1;
    uint8_t node[NODE_LEN];

    if (!is_shape_valid(path)) {
        *ret_valid = false;
        return RATLS_OK;
    }
    memcpy(node, leaf, sizeof node);
    for (size_t i = 0; status == RATLS_OK && i < path->count; i++) {
        if (climb(&fn, &sn))
            status = hash_node(path->hashes[i], node, node, err);
        else
            status = hash_node(node, path->hashes[i], node, err);
    }
    if (status != RATLS_OK)
        return status;
    memcpy(out, node, sizeof node);
    *ret_valid = true;
    return RATLS_OK;
}

size_t ratls_merkle_node_count(size_t count)
{
    size_t sum = count;

    for (size_t width = count; width > 1; sum += width)
        width = (width + 1) / 2;
    return sum;
}

/*
 * A last node without sibling goes up as it is: that is the same tree as the one that RFC 9162
 * splits from the top at powers of two.
 */
enum ratls_status ratls_merkle_build(uint8_t (*nodes)[32], size_t count, struct ratls_error *err)
{
    enum ratls_status status = RATLS_OK;

    if (count < 1 || count > RATLS_MERKLE_LEAVES_MAX)
        return ratls_fail(err, RATLS_LIMIT, "a tree of %zu leaves", count);
    for (size_t width = count; width > 1 && status == RATLS_OK; width = (width + 1) / 2) {
        uint8_t(*parents)[NODE_LEN] = nodes + width;

        for (size_t i = 0; status == RATLS_OK && i < width / 2; i++)
            status = hash_node(nodes[2 * i], nodes[2 * i + 1], parents[i], err);
        if (width % 2 == 1)
            memcpy(parents[width / 2], nodes[width - 1], NODE_LEN);
        nodes = parents;
    }
    return status;
}

void ratls_merkle_path_of(const uint8_t (*nodes)[32], size_t count, size_t index,
                          struct ratls_merkle_path *ret_path)
{
    ret_path->leaf_index = (uint32_t)index;
    ret_path->tree_size = (uint32_t)count;
    ret_path->count = 0;
    for (size_t width = count; width > 1; width = (width + 1) / 2) {
        if ((index ^ 1) < width)
            memcpy(ret_path->hashes[ret_path->count++], nodes[index ^ 1], NODE_LEN);
        nodes += width;
        index /= 2;
    }
}
