#include "engine/env/sim_disk.h"

#include "engine/base/assert.h"

#include <stdlib.h>

#define LIMIT_BYTES_DEFAULT (16ull << 30)

void sim_disk_init(struct sim_disk *disk)
{
	memset(disk, 0, sizeof *disk);
	disk->limit_bytes = LIMIT_BYTES_DEFAULT;
	disk->next_id = 1;
}

static void free_names(struct sim_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i].path);
	free(names->items);
	memset(names, 0, sizeof *names);
}

static void free_change(struct sim_change *change)
{
	free(change->directory);
	free(change->from);
	free(change->to);
}

static void free_node(struct sim_node *node)
{
	free(node->data);
	free(node->durable);
	free(node->sectors);
	free(node);
}

void sim_disk_fini(struct sim_disk *disk)
{
	free_names(&disk->names);
	free_names(&disk->durable);
	for (size_t i = 0; i < disk->change_count; i++)
		free_change(&disk->changes[i]);
	free(disk->changes);
	while (disk->nodes) {
		struct sim_node *node = disk->nodes;
		disk->nodes = node->next;
		CADRE_ASSERT(node->opens == 0);
		free_node(node);
	}
}

static char *copy_text(const char *text, size_t length)
{
	char *copy = malloc(length + 1);

	CADRE_ASSERT(copy);
	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

static struct sim_name *find_name(const struct sim_names *names, const char *path)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->items[i].path, path) == 0)
			return &names->items[i];
	return NULL;
}

static void put_name(struct sim_names *names, const char *path, struct sim_node *node)
{
	struct sim_name *name = find_name(names, path);

	if (name) {
		name->node = node;
		return;
	}
	if (names->count == names->capacity) {
		names->capacity = names->capacity ? 2 * names->capacity : 16;
		names->items = realloc(names->items,
		                       names->capacity * sizeof *names->items);
		CADRE_ASSERT(names->items);
	}
	names->items[names->count++] = (struct sim_name){ copy_text(path, strlen(path)),
		                                          node };
}

static void drop_name(struct sim_names *names, const char *path)
{
	struct sim_name *name = find_name(names, path);

	if (!name)
		return;
	free(name->path);
	*name = names->items[--names->count];
}

struct sim_node *sim_disk_find(const struct sim_disk *disk, const char *path)
{
	struct sim_name *name = find_name(&disk->names, path);

	return name ? name->node : NULL;
}

size_t sim_path_directory(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) : 0;
}

static bool is_in(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return sim_path_directory(path) == length &&
	       strncmp(path, directory, length) == 0 && path[length] == '/';
}

bool sim_disk_has_entries(const struct sim_disk *disk, const char *path)
{
	for (size_t i = 0; i < disk->names.count; i++)
		if (is_in(disk->names.items[i].path, path))
			return true;
	return false;
}

/* `*path` below directory `from` becomes the same below `to`. */
static void move_below(char **path, const char *from, const char *to)
{
	size_t from_length = strlen(from);
	size_t to_length = strlen(to);
	size_t rest;
	char *moved;

	if (!*path || strncmp(*path, from, from_length) != 0 ||
	    ((*path)[from_length] != '/' && (*path)[from_length] != '\0'))
		return;
	rest = strlen(*path) - from_length;
	moved = malloc(to_length + rest + 1);
	CADRE_ASSERT(moved);
	memcpy(moved, to, to_length);
	memcpy(moved + to_length, *path + from_length, rest + 1);
	free(*path);
	*path = moved;
}

static void apply(struct sim_names *names, const struct sim_change *change)
{
	if (change->from)
		drop_name(names, change->from);
	if (change->from && change->to && change->node->directory)
		for (size_t i = 0; i < names->count; i++)
			move_below(&names->items[i].path, change->from, change->to);
	if (change->to)
		put_name(names, change->to, change->node);
}

static void record(struct sim_disk *disk, const char *from, const char *to,
                   struct sim_node *node)
{
	const char *path = to ? to : from;
	struct sim_change change = {
		.directory = copy_text(path, sim_path_directory(path)),
		.from = from ? copy_text(from, strlen(from)) : NULL,
		.to = to ? copy_text(to, strlen(to)) : NULL,
		.node = node,
	};

	if (disk->change_count == disk->change_capacity) {
		disk->change_capacity = disk->change_capacity ? 2 * disk->change_capacity
		                                              : 16;
		disk->changes = realloc(disk->changes,
		                        disk->change_capacity * sizeof *disk->changes);
		CADRE_ASSERT(disk->changes);
	}
	apply(&disk->names, &change);
	/* Nobody syncs the root: its entries are durable at once. */
	if (change.directory[0] == '\0') {
		apply(&disk->durable, &change);
		free_change(&change);
		return;
	}
	disk->changes[disk->change_count++] = change;
}

struct sim_node *sim_disk_create(struct sim_disk *disk, const char *path, bool directory)
{
	struct sim_node *node = calloc(1, sizeof *node);

	CADRE_ASSERT(node);
	node->id = disk->next_id++;
	node->directory = directory;
	node->next = disk->nodes;
	disk->nodes = node;
	record(disk, NULL, path, node);
	return node;
}

/* A directory takes its entries along, those not yet durable too. */
void sim_disk_rename(struct sim_disk *disk, const char *from, const char *to)
{
	struct sim_node *node = sim_disk_find(disk, from);

	CADRE_ASSERT(node);
	for (size_t i = 0; node->directory && i < disk->change_count; i++) {
		struct sim_change *change = &disk->changes[i];
		if (strncmp(change->directory, from, strlen(from)) != 0)
			continue;
		move_below(&change->directory, from, to);
		move_below(&change->from, from, to);
		move_below(&change->to, from, to);
	}
	record(disk, from, to, node);
	sim_disk_collect(disk);
}

void sim_disk_remove(struct sim_disk *disk, const char *path)
{
	record(disk, path, NULL, NULL);
	sim_disk_collect(disk);
}

void sim_disk_sync_dir(struct sim_disk *disk, const char *path)
{
	size_t kept = 0;

	for (size_t i = 0; i < disk->change_count; i++) {
		struct sim_change *change = &disk->changes[i];
		if (strcmp(change->directory, path) == 0) {
			apply(&disk->durable, change);
			free_change(change);
		} else {
			disk->changes[kept++] = *change;
		}
	}
	disk->change_count = kept;
	sim_disk_collect(disk);
}

uint64_t sim_disk_used(const struct sim_disk *disk)
{
	uint64_t used = 0;

	for (size_t i = 0; i < disk->names.count; i++)
		used += disk->names.items[i].node->size;
	return used;
}

static void crash_content(struct sim_disk *disk, struct sim_node *node)
{
	uint64_t count = node->capacity / SIM_SECTOR_BYTES;
	uint64_t size = node->size;

	if (node->size != node->durable_size && disk->random(disk->random_ctx) % 2 == 0)
		size = node->durable_size;
	for (uint64_t i = 0; i < count; i++) {
		if (node->sectors[i] != SIM_CLEAN &&
		    disk->random(disk->random_ctx) % 2 == 0)
			memcpy(node->durable + i * SIM_SECTOR_BYTES,
			       node->data + i * SIM_SECTOR_BYTES, SIM_SECTOR_BYTES);
		node->sectors[i] = SIM_CLEAN;
	}
	if (size < node->capacity)
		memset(node->durable + size, 0, (size_t)(node->capacity - size));
	if (node->capacity > 0)
		memcpy(node->data, node->durable, (size_t)node->capacity);
	node->size = size;
	node->durable_size = size;
	node->locked = false;
}

/* For each directory the changes up to a random one happened. */
static void crash_names(struct sim_disk *disk)
{
	for (size_t i = 0; i < disk->change_count; i++) {
		struct sim_change *change = &disk->changes[i];
		bool lost = disk->random(disk->random_ctx) % 3 == 0;
		if (!change->directory)
			continue;
		if (!lost) {
			apply(&disk->durable, change);
			continue;
		}
		for (size_t j = disk->change_count; j-- > i;) {
			struct sim_change *later = &disk->changes[j];
			if (later->directory &&
			    (j == i ||
			     strcmp(later->directory, change->directory) == 0)) {
				free_change(later);
				memset(later, 0, sizeof *later);
			}
		}
	}
	for (size_t i = 0; i < disk->change_count; i++)
		free_change(&disk->changes[i]);
	disk->change_count = 0;
	free_names(&disk->names);
}

static bool has_directory(const struct sim_names *names, const char *path)
{
	char *directory = copy_text(path, sim_path_directory(path));
	bool found = directory[0] == '\0' || find_name(names, directory);

	free(directory);
	return found;
}

/* Entries of directories that were lost are lost. */
static void drop_orphans(struct sim_names *names)
{
	for (size_t i = 0; i < names->count;) {
		if (has_directory(names, names->items[i].path)) {
			i++;
			continue;
		}
		drop_name(names, names->items[i].path);
		i = 0;
	}
}

void sim_disk_crash(struct sim_disk *disk)
{
	for (struct sim_node *node = disk->nodes; node; node = node->next)
		crash_content(disk, node);
	crash_names(disk);
	drop_orphans(&disk->durable);
	for (size_t i = 0; i < disk->durable.count; i++)
		put_name(&disk->names, disk->durable.items[i].path,
		         disk->durable.items[i].node);
	sim_disk_collect(disk);
}

/* Frees nodes that no name, no pending change and no open file refers to. */
void sim_disk_collect(struct sim_disk *disk)
{
	struct sim_node **link = &disk->nodes;

	for (struct sim_node *node = disk->nodes; node; node = node->next)
		node->marked = node->opens > 0 || node->maps > 0;
	for (size_t i = 0; i < disk->names.count; i++)
		disk->names.items[i].node->marked = true;
	for (size_t i = 0; i < disk->durable.count; i++)
		disk->durable.items[i].node->marked = true;
	for (size_t i = 0; i < disk->change_count; i++)
		if (disk->changes[i].node)
			disk->changes[i].node->marked = true;
	while (*link) {
		struct sim_node *node = *link;
		if (node->marked) {
			link = &node->next;
			continue;
		}
		*link = node->next;
		free_node(node);
	}
}
