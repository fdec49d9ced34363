/* Merkle tree of the statements of one quote (RFC 9162, 2.1; WIRE.md, 5). */
#ifndef RATLS_MERKLE_H
#define RATLS_MERKLE_H

#include <ratls/error.h>

#include "bytes.h"

#define RATLS_MERKLE_DEPTH_MAX 16
#define RATLS_MERKLE_LEAVES_MAX 65536

struct ratls_merkle_path {
    uint32_t leaf_index;
    uint32_t tree_size;
    size_t count;
    uint8_t hashes[RATLS_MERKLE_DEPTH_MAX][32];
};

/* SHA-256(0x00 || statement). */
RATLS_MUST_CHECK enum ratls_status ratls_merkle_leaf(struct ratls_slice statement,
                                                     uint8_t out[static 32],
                                                     struct ratls_error *err);
/*
 * The root that leaf and path give (RFC 9162, 2.1.3.2). *ret_valid is false, and out untouched, if
 * the path has another length than leaf_index and tree_size require.
 */
RATLS_MUST_CHECK enum ratls_status ratls_merkle_root(const uint8_t leaf[static 32],
                                                     const struct ratls_merkle_path *path,
                                                     bool *ret_valid, uint8_t out[static 32],
                                                     struct ratls_error *err);

/* How many nodes the tree over count leaves has, those that only go up a level counted again. */
size_t ratls_merkle_node_count(size_t count);

/*
 * The tree over count leaves (RFC 9162, 2.1.1), 1 to RATLS_MERKLE_LEAVES_MAX, from the leaves up,
 * level behind level: the leaves are the first of `nodes`, which has room for all, and the root is
 * the last. RATLS_LIMIT for another number of leaves.
 */
RATLS_MUST_CHECK enum ratls_status ratls_merkle_build(uint8_t (*nodes)[32], size_t count,
                                                      struct ratls_error *err);
/* The inclusion proof (RFC 9162, 2.1.3.1) of leaf index < count, in what build made. */
void ratls_merkle_path_of(const uint8_t (*nodes)[32], size_t count, size_t index,
                          struct ratls_merkle_path *ret_path);

#endif
