#include "engine/kv/memory_tree.h"

#include <stdlib.h>

#include "engine/base/assert.h"

/* Nodes one change may need: each level of the path, and on each the sibling
 * and its inner child when a deletion rotates. */
#define NODES_PER_LEVEL 3

static size_t value_offset(size_t key_length)
{
	return (key_length + 7) & ~(size_t)7;
}

struct cadre_slice tree_key(const struct tree_node *node)
{
	return cadre_slice(node->entry->bytes, node->entry->key_length);
}

struct cadre_slice tree_value(const struct tree_node *node)
{
	const struct tree_entry *entry = node->entry;

	return cadre_slice(entry->bytes + value_offset(entry->key_length),
	                   entry->value_length);
}

/* Entries and nodes */

static struct tree_entry *entry_create(struct cadre_slice key, size_t value_length)
{
	size_t offset = value_offset(key.length);
	struct tree_entry *entry;

	if (value_length > SIZE_MAX - sizeof *entry - offset)
		return NULL;
	entry = malloc(sizeof *entry + offset + value_length);
	if (!entry)
		return NULL;
	entry->refs = 1;
	entry->key_length = key.length;
	entry->value_length = value_length;
	memcpy(entry->bytes, key.data, key.length);
	return entry;
}

static void entry_unref(struct tree_entry *entry)
{
	if (--entry->refs == 0)
		free(entry);
}

static int height_of(const struct tree_node *node)
{
	return node ? node->height : 0;
}

static size_t nodes_for(const struct tree *tree)
{
	return NODES_PER_LEVEL * ((size_t)height_of(tree->root) + 2);
}

static bool pool_fill(struct tree_pool *pool, size_t count)
{
	while (pool->count < count) {
		struct tree_node *node = malloc(sizeof *node);
		if (!node)
			return false;
		node->left = pool->free;
		pool->free = node;
		pool->count++;
	}
	return true;
}

static struct tree_node *pool_take(struct tree_pool *pool)
{
	struct tree_node *node = pool->free;

	CADRE_ASSERT(node);
	pool->free = node->left;
	pool->count--;
	return node;
}

static void pool_give(struct tree_pool *pool, struct tree_node *node)
{
	if (pool->count >= NODES_PER_LEVEL * TREE_HEIGHT_MAX) {
		free(node);
		return;
	}
	node->left = pool->free;
	pool->free = node;
	pool->count++;
}

void tree_pool_fini(struct tree_pool *pool)
{
	while (pool->count > 0)
		free(pool_take(pool));
}

/* As deep as the tree is high. */
static void node_unref(struct tree_node *node, struct tree_pool *pool)
{
	if (!node || --node->refs > 0)
		return;
	node_unref(node->left, pool);
	node_unref(node->right, pool);
	entry_unref(node->entry);
	pool_give(pool, node);
}

struct tree tree_ref(struct tree tree)
{
	if (tree.root)
		tree.root->refs++;
	return tree;
}

void tree_unref(struct tree *tree, struct tree_pool *pool)
{
	node_unref(tree->root, pool);
	*tree = (struct tree){ 0 };
}

static struct tree_node *node_create(struct tree_pool *pool, struct tree_entry *entry)
{
	struct tree_node *node = pool_take(pool);

	*node = (struct tree_node){ .entry = entry, .refs = 1, .height = 1 };
	return node;
}

/* Turns the caller's reference to a node into a node that it alone has. */
static struct tree_node *own(struct tree_pool *pool, struct tree_node *node)
{
	struct tree_node *copy;

	if (node->refs == 1)
		return node;
	copy = pool_take(pool);
	*copy = *node;
	copy->refs = 1;
	copy->entry->refs++;
	if (copy->left)
		copy->left->refs++;
	if (copy->right)
		copy->right->refs++;
	node->refs--;
	return copy;
}

/* Balance. `node` is owned; its new root is returned. */

static void update_height(struct tree_node *node)
{
	int left = height_of(node->left);
	int right = height_of(node->right);

	node->height = 1 + (left > right ? left : right);
}

static struct tree_node *rotate_right(struct tree_pool *pool, struct tree_node *node)
{
	struct tree_node *up = own(pool, node->left);

	node->left = up->right;
	up->right = node;
	update_height(node);
	update_height(up);
	return up;
}

static struct tree_node *rotate_left(struct tree_pool *pool, struct tree_node *node)
{
	struct tree_node *up = own(pool, node->right);

	node->right = up->left;
	up->left = node;
	update_height(node);
	update_height(up);
	return up;
}

static struct tree_node *balance(struct tree_pool *pool, struct tree_node *node)
{
	int lean = height_of(node->left) - height_of(node->right);

	CADRE_ASSERT(lean >= -2 && lean <= 2);
	if (lean == 2) {
		node->left = own(pool, node->left);
		if (height_of(node->left->left) < height_of(node->left->right))
			node->left = rotate_left(pool, node->left);
		return rotate_right(pool, node);
	}
	if (lean == -2) {
		node->right = own(pool, node->right);
		if (height_of(node->right->right) < height_of(node->right->left))
			node->right = rotate_right(pool, node->right);
		return rotate_left(pool, node);
	}
	update_height(node);
	return node;
}

/* Changes, recursive: as deep as the tree is high. */

const struct tree_node *tree_find(const struct tree *tree, struct cadre_slice key)
{
	const struct tree_node *node = tree->root;

	while (node) {
		int order = cadre_slice_compare(key, tree_key(node));
		if (order == 0)
			break;
		node = order < 0 ? node->left : node->right;
	}
	return node;
}

/* Takes over `entry`; an entry with its key is replaced. */
static struct tree_node *insert(struct tree_pool *pool, struct tree_node *node,
                                struct tree_entry *entry)
{
	int order;

	if (!node)
		return node_create(pool, entry);
	node = own(pool, node);
	order = cadre_slice_compare(cadre_slice(entry->bytes, entry->key_length),
	                            tree_key(node));
	if (order == 0) {
		entry_unref(node->entry);
		node->entry = entry;
		return node;
	}
	if (order < 0)
		node->left = insert(pool, node->left, entry);
	else
		node->right = insert(pool, node->right, entry);
	return balance(pool, node);
}

enum cadre_status tree_put(struct tree *tree, struct tree_pool *pool,
                           struct cadre_slice key, size_t length, uint8_t **ret_value)
{
	struct tree_entry *entry = entry_create(key, length);

	if (!entry)
		return CADRE_OUT_OF_MEMORY;
	if (!pool_fill(pool, nodes_for(tree))) {
		entry_unref(entry);
		return CADRE_OUT_OF_MEMORY;
	}
	if (!tree_find(tree, key))
		tree->entries++;
	*ret_value = entry->bytes + value_offset(key.length);
	tree->root = insert(pool, tree->root, entry);
	return CADRE_OK;
}

/* Drops an owned node that has at most one child, and returns the child. */
static struct tree_node *lift_child(struct tree_pool *pool, struct tree_node *node)
{
	struct tree_node *child = node->left ? node->left : node->right;

	node->left = NULL;
	node->right = NULL;
	node_unref(node, pool);
	return child;
}

/* Takes the first entry out of the tree below `node`. */
static struct tree_node *remove_first(struct tree_pool *pool, struct tree_node *node,
                                      struct tree_entry **ret_entry)
{
	node = own(pool, node);
	if (!node->left) {
		*ret_entry = node->entry;
		node->entry->refs++;
		return lift_child(pool, node);
	}
	node->left = remove_first(pool, node->left, ret_entry);
	return balance(pool, node);
}

/* `key` is present. */
static struct tree_node *remove_key(struct tree_pool *pool, struct tree_node *node,
                                    struct cadre_slice key)
{
	struct tree_entry *entry;
	int order;

	node = own(pool, node);
	order = cadre_slice_compare(key, tree_key(node));
	if (order < 0) {
		node->left = remove_key(pool, node->left, key);
	} else if (order > 0) {
		node->right = remove_key(pool, node->right, key);
	} else if (!node->left || !node->right) {
		return lift_child(pool, node);
	} else {
		node->right = remove_first(pool, node->right, &entry);
		entry_unref(node->entry);
		node->entry = entry;
	}
	return balance(pool, node);
}

enum cadre_status tree_del(struct tree *tree, struct tree_pool *pool,
                           struct cadre_slice key)
{
	if (!tree_find(tree, key))
		return CADRE_NOT_FOUND;
	if (!pool_fill(pool, nodes_for(tree)))
		return CADRE_OUT_OF_MEMORY;
	tree->root = remove_key(pool, tree->root, key);
	tree->entries--;
	return CADRE_OK;
}

/* Positions */

static void push(struct tree_path *path, const struct tree_node *node)
{
	CADRE_ASSERT(path->depth < TREE_HEIGHT_MAX);
	path->nodes[path->depth++] = node;
}

/* Follows the search for `key` down and keeps the path to the last turn in the
 * wanted direction: the nearest entry at or behind `key`, or before it. */
static bool search(const struct tree *tree, struct cadre_slice key, bool before,
                   struct tree_path *path)
{
	const struct tree_node *node = tree->root;
	int found = 0;

	path->depth = 0;
	while (node) {
		bool is_before = cadre_slice_compare(tree_key(node), key) < 0;
		push(path, node);
		if (is_before == before)
			found = path->depth;
		node = is_before ? node->right : node->left;
	}
	path->depth = found;
	return found > 0;
}

bool tree_seek(const struct tree *tree, struct cadre_slice key, struct tree_path *path)
{
	return search(tree, key, false, path);
}

bool tree_seek_before(const struct tree *tree, struct cadre_slice key,
                      struct tree_path *path)
{
	if (key.length > 0)
		return search(tree, key, true, path);
	path->depth = 0;
	for (const struct tree_node *node = tree->root; node; node = node->right)
		push(path, node);
	return path->depth > 0;
}

/* The neighbour: the near end of the subtree on that side, else the first
 * ancestor whose other side this is. */
static bool step(struct tree_path *path, bool forward)
{
	const struct tree_node *node = path->nodes[path->depth - 1];
	const struct tree_node *child = forward ? node->right : node->left;

	if (child) {
		for (; child; child = forward ? child->left : child->right)
			push(path, child);
		return true;
	}
	while (--path->depth > 0) {
		const struct tree_node *up = path->nodes[path->depth - 1];
		if (node == (forward ? up->left : up->right))
			return true;
		node = up;
	}
	return false;
}

bool tree_next(struct tree_path *path)
{
	return step(path, true);
}

bool tree_prev(struct tree_path *path)
{
	return step(path, false);
}
