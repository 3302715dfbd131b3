/*
 * A persistent AVL tree: every version is a root, versions share their nodes.
 *
 * A change copies the shared nodes on its path and alters in place those that
 * only this version has, so that a run of changes copies each node once.
 * Nodes for a change are put aside before it starts: it fails with
 * CADRE_OUT_OF_MEMORY and no effect, or not at all.
 * Threads: the counts are not atomic: all versions belong to one thread.
 */
#ifndef CADRE_KV_MEMORY_TREE_H
#define CADRE_KV_MEMORY_TREE_H

#include "engine/base/status.h"
#include "engine/base/types.h"

/* An AVL tree of 2^64 entries is lower than 1.45 * 64. */
#define TREE_HEIGHT_MAX 93

struct tree_entry {
	size_t refs;
	size_t key_length;
	size_t value_length;
	uint8_t bytes[]; /* the key, padding to 8 bytes, the value */
};

struct tree_node {
	struct tree_node *left; /* also links the nodes put aside */
	struct tree_node *right;
	struct tree_entry *entry;
	size_t refs;
	int height;
};

/* The nodes put aside for changes. `{0}` is empty. */
struct tree_pool {
	struct tree_node *free;
	size_t count;
};

/* One version. `{0}` is the empty one. */
struct tree {
	struct tree_node *root;
	uint64_t entries;
};

/* A path from the root: nodes[0..depth-1], the last is the position. */
struct tree_path {
	const struct tree_node *nodes[TREE_HEIGHT_MAX];
	int depth;
};

struct cadre_slice tree_key(const struct tree_node *node);
struct cadre_slice tree_value(const struct tree_node *node);

struct tree tree_ref(struct tree tree);
void tree_unref(struct tree *tree, struct tree_pool *pool);

const struct tree_node *tree_find(const struct tree *tree, struct cadre_slice key);
/* Puts `key` with a value of `length` bytes that the caller fills at once. */
CADRE_MUST_CHECK enum cadre_status tree_put(struct tree *tree, struct tree_pool *pool,
                                            struct cadre_slice key, size_t length,
                                            uint8_t **ret_value);
CADRE_MUST_CHECK enum cadre_status tree_del(struct tree *tree, struct tree_pool *pool,
                                            struct cadre_slice key);
void tree_pool_fini(struct tree_pool *pool);

/* Positions, false when there is none. An empty key: the first entry for seek,
 * the end for seek_before. */
bool tree_seek(const struct tree *tree, struct cadre_slice key, struct tree_path *path);
bool tree_seek_before(const struct tree *tree, struct cadre_slice key,
                      struct tree_path *path);
bool tree_next(struct tree_path *path);
bool tree_prev(struct tree_path *path);

#endif
