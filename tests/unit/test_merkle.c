#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "crypto.h"
#include "merkle.h"
#include "octets.h"

/* The example tree that implementations of RFC 9162 and RFC 6962 share. */
static const char *const LEAVES[] = {
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
};
static const char *const ROOTS[] = {
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

static void hash_leaf(const char *hex, uint8_t out[static 32])
{
    struct octets statement = octets_from_hex(hex);

    cr_assert_eq(ratls_merkle_leaf(octets_slice(statement), out, NULL), RATLS_OK);
    free(statement.p);
}

static void hash_pair(const uint8_t left[static 32], const uint8_t right[static 32],
                      uint8_t out[static 32])
{
    uint8_t node[65] = {0x01};

    memcpy(node + 1, left, 32);
    memcpy(node + 33, right, 32);
    cr_assert_eq(ratls_sha256(ratls_slice(node, sizeof node), out, NULL), RATLS_OK);
}

static size_t left_size(size_t count)
{
    size_t k = 1;

    while (2 * k < count)
        k *= 2;
    return k;
}

/* RFC 9162, 2.1.1, as it is written there: MTH. */
static void tree_hash(uint8_t (*leaves)[32], size_t count, uint8_t out[static 32])
{
    uint8_t left[32];
    uint8_t right[32];
    size_t k = left_size(count);

    if (count == 1) {
        memcpy(out, leaves[0], 32);
        return;
    }
    tree_hash(leaves, k, left);
    tree_hash(leaves + k, count - k, right);
    hash_pair(left, right, out);
}

/* RFC 9162, 2.1.3.1, as it is written there: PATH. */
static void tree_path(size_t m, uint8_t (*leaves)[32], size_t count, struct ratls_merkle_path *path)
{
    size_t k = left_size(count);

    if (count == 1)
        return;
    if (m < k) {
        tree_path(m, leaves, k, path);
        tree_hash(leaves + k, count - k, path->hashes[path->count++]);
    } else {
        tree_path(m - k, leaves + k, count - k, path);
        tree_hash(leaves, k, path->hashes[path->count++]);
    }
}

Test(merkle, a_leaf_is_hashed_with_its_prefix)
{
    struct octets expected = octets_from_hex(ROOTS[0]);
    uint8_t leaf[32];

    hash_leaf("", leaf);
    cr_assert_arr_eq(leaf, expected.p, 32, "SHA-256(00)");
    free(expected.p);
}

Test(merkle, roots_of_the_published_tree)
{
    uint8_t leaves[8][32];

    for (size_t i = 0; i < 8; i++)
        hash_leaf(LEAVES[i], leaves[i]);
    for (uint32_t size = 1; size <= 8; size++) {
        struct octets expected = octets_from_hex(ROOTS[size - 1]);

        for (uint32_t index = 0; index < size; index++) {
            struct ratls_merkle_path path = {.leaf_index = index, .tree_size = size};
            bool is_valid = false;
            uint8_t root[32] = {0};

            tree_path(index, leaves, size, &path);
            cr_assert_eq(ratls_merkle_root(leaves[index], &path, &is_valid, root, NULL), RATLS_OK);
            cr_expect(is_valid, "leaf %u of %u", index, size);
            cr_expect_arr_eq(root, expected.p, 32, "leaf %u of %u", index, size);
        }
        free(expected.p);
    }
}

Test(merkle, a_published_path)
{
    static const char *const hashes[] = {
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    };
    struct octets expected = octets_from_hex(ROOTS[7]);
    struct ratls_merkle_path path = {.leaf_index = 0, .tree_size = 8, .count = 3};
    bool is_valid = false;
    uint8_t leaf[32];
    uint8_t root[32];

    for (size_t i = 0; i < 3; i++)
        cr_assert(ratls_unhex(hashes[i], path.hashes[i], 32));
    hash_leaf("", leaf);
    cr_assert_eq(ratls_merkle_root(leaf, &path, &is_valid, root, NULL), RATLS_OK);
    cr_assert(is_valid);
    cr_assert_arr_eq(root, expected.p, 32);
    path.leaf_index = 1;
    cr_assert_eq(ratls_merkle_root(leaf, &path, &is_valid, root, NULL), RATLS_OK);
    cr_assert(is_valid, "the shape is right");
    cr_assert_arr_neq(root, expected.p, 32, "another leaf gives another root");
    free(expected.p);
}

Test(merkle, every_leaf_of_every_small_tree)
{
    static uint8_t leaves[40][32];

    for (size_t i = 0; i < 40; i++)
        leaves[i][0] = (uint8_t)i;
    for (uint32_t size = 1; size <= 40; size++) {
        uint8_t expected[32];

        tree_hash(leaves, size, expected);
        for (uint32_t index = 0; index < size; index++) {
            struct ratls_merkle_path path = {.leaf_index = index, .tree_size = size};
            bool is_valid = false;
            uint8_t root[32] = {0};

            tree_path(index, leaves, size, &path);
            cr_assert_eq(ratls_merkle_root(leaves[index], &path, &is_valid, root, NULL), RATLS_OK);
            cr_expect(is_valid && memcmp(root, expected, 32) == 0, "leaf %u of %u", index, size);
            path.count++;
            cr_assert_eq(ratls_merkle_root(leaves[index], &path, &is_valid, root, NULL), RATLS_OK);
            cr_expect_not(is_valid, "one hash more, leaf %u of %u", index, size);
            if (path.count < 2)
                continue;
            path.count -= 2;
            cr_assert_eq(ratls_merkle_root(leaves[index], &path, &is_valid, root, NULL), RATLS_OK);
            cr_expect_not(is_valid, "one hash less, leaf %u of %u", index, size);
        }
    }
}

Test(merkle, shapes)
{
    static const struct {
        const char *name;
        struct ratls_merkle_path path;
        bool is_valid;
    } cases[] = {
        {"one leaf", {.leaf_index = 0, .tree_size = 1, .count = 0}, true},
        {"one leaf, one hash", {.leaf_index = 0, .tree_size = 1, .count = 1}, false},
        {"no leaf", {.leaf_index = 0, .tree_size = 0, .count = 0}, false},
        {"index beyond the tree", {.leaf_index = 1, .tree_size = 1, .count = 0}, false},
        {"index far beyond", {.leaf_index = UINT32_MAX, .tree_size = 2, .count = 1}, false},
        {"two leaves, no hash", {.leaf_index = 0, .tree_size = 2, .count = 0}, false},
        {"last of three", {.leaf_index = 2, .tree_size = 3, .count = 1}, true},
        {"last of three, as of four", {.leaf_index = 2, .tree_size = 3, .count = 2}, false},
        {"the largest tree", {.leaf_index = 65535, .tree_size = 65536, .count = 16}, true},
        {"the largest tree, 15 hashes", {.leaf_index = 0, .tree_size = 65536, .count = 15}, false},
        {"a larger tree", {.leaf_index = 65536, .tree_size = 65537, .count = 1}, false},
        {"more hashes than there is room",
         {.leaf_index = 0, .tree_size = 65536, .count = 17},
         false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static const uint8_t leaf[32] = {1};
        uint8_t root[32];
        bool is_valid = !cases[i].is_valid;

        memset(root, 0x55, sizeof root);
        cr_assert_eq(ratls_merkle_root(leaf, &cases[i].path, &is_valid, root, NULL), RATLS_OK);
        cr_expect_eq(is_valid, cases[i].is_valid, "%s", cases[i].name);
        cr_expect(cases[i].is_valid || (root[0] == 0x55 && root[31] == 0x55), "%s: out written",
                  cases[i].name);
    }
}

/* A node offered as a leaf: the prefixes keep them apart (RFC 9162, 2.1.1). */
Test(merkle, a_node_is_no_leaf)
{
    uint8_t leaves[2][32] = {{1}, {2}};
    uint8_t both[64];
    uint8_t root[32];
    uint8_t leaf[32];

    memcpy(both, leaves, sizeof both);
    tree_hash(leaves, 2, root);
    cr_assert_eq(ratls_merkle_leaf(ratls_slice(both, sizeof both), leaf, NULL), RATLS_OK);
    cr_assert_arr_neq(leaf, root, 32);
}

/* Both children of a last leaf without sibling (CVE-2012-2459): another size, another root. */
Test(merkle, a_doubled_last_leaf_changes_the_root)
{
    uint8_t three[3][32] = {{1}, {2}, {3}};
    uint8_t four[4][32] = {{1}, {2}, {3}, {3}};
    uint8_t root_of_three[32];
    struct ratls_merkle_path path = {.leaf_index = 2, .tree_size = 4};
    bool is_valid = false;
    uint8_t root[32];

    tree_hash(three, 3, root_of_three);
    tree_path(2, four, 4, &path);
    cr_assert_eq(ratls_merkle_root(four[2], &path, &is_valid, root, NULL), RATLS_OK);
    cr_assert(is_valid);
    cr_assert_arr_neq(root, root_of_three, 32);
}

/* The tree from the leaves up is the one that RFC 9162 defines from the top down. */
Test(merkle, trees_of_every_size)
{
    static uint8_t leaves[70][32], nodes[2 * 70 + RATLS_MERKLE_DEPTH_MAX][32];
    struct ratls_merkle_path path, expected;

    for (size_t i = 0; i < 70; i++)
        leaves[i][0] = (uint8_t)(i + 1);
    for (size_t n = 1; n <= 70; n++) {
        uint8_t wanted[32], found[32];
        const uint8_t *root = nodes[ratls_merkle_node_count(n) - 1];
        bool is_valid;

        memset(nodes, 0xa5, sizeof nodes);
        memcpy(nodes, leaves, n * sizeof *nodes);
        cr_assert_eq(ratls_merkle_build(nodes, n, NULL), RATLS_OK);
        tree_hash(leaves, n, wanted);
        cr_assert_arr_eq(root, wanted, 32, "root of %zu leaves", n);
        for (size_t i = 0; i < n; i++) {
            memset(&expected, 0, sizeof expected);
            expected.leaf_index = (uint32_t)i;
            expected.tree_size = (uint32_t)n;
            tree_path(i, leaves, n, &expected);
            ratls_merkle_path_of((const uint8_t(*)[32])nodes, n, i, &path);
            cr_assert_eq(path.count, expected.count, "leaf %zu of %zu", i, n);
            cr_assert_arr_eq(path.hashes, expected.hashes, 32 * expected.count);
            cr_assert_eq(ratls_merkle_root(leaves[i], &path, &is_valid, found, NULL), RATLS_OK);
            cr_assert(is_valid);
            cr_assert_arr_eq(found, root, 32);
        }
    }
    cr_expect_eq(ratls_merkle_build(nodes, 0, NULL), RATLS_LIMIT);
    cr_expect_eq(ratls_merkle_build(nodes, RATLS_MERKLE_LEAVES_MAX + 1, NULL), RATLS_LIMIT);
}

/* The largest tree: its paths have 16 hashes, the most that a verifier takes. */
Test(merkle, the_largest_tree)
{
    const size_t all = RATLS_MERKLE_LEAVES_MAX, count = ratls_merkle_node_count(all);
    uint8_t(*nodes)[32] = calloc(count, sizeof *nodes);
    struct ratls_merkle_path path;
    uint8_t found[32];
    bool is_valid = false;

    cr_assert_not_null(nodes);
    cr_assert_eq(count, 2 * all - 1);
    for (size_t i = 0; i < all; i++)
        memcpy(nodes[i], &i, sizeof i);
    cr_assert_eq(ratls_merkle_build(nodes, all, NULL), RATLS_OK);
    for (size_t i = 0; i < all; i += all / 8 - 1) {
        ratls_merkle_path_of((const uint8_t(*)[32])nodes, all, i, &path);
        cr_assert_eq(path.count, RATLS_MERKLE_DEPTH_MAX);
        cr_assert_eq(ratls_merkle_root(nodes[i], &path, &is_valid, found, NULL), RATLS_OK);
        cr_assert(is_valid);
        cr_assert_arr_eq(found, nodes[count - 1], 32);
    }
    free(nodes);
}
