/* The disk of the simulated machine: contents and names, each twice. */
#ifndef CADRE_ENV_SIM_DISK_H
#define CADRE_ENV_SIM_DISK_H

#include "engine/base/types.h"

#define SIM_SECTOR_BYTES 512u

/* A file's content. `data` is what reads see, `durable` what survives. */
struct sim_node {
	uint64_t id;
	bool directory;
	bool locked;
	unsigned opens;
	unsigned maps;
	uint8_t *data;
	uint64_t size;
	uint8_t *durable;
	uint64_t durable_size;
	uint64_t capacity; /* bytes of data and durable */
	uint8_t *sectors;  /* enum sim_sector, capacity / SIM_SECTOR_BYTES */
	bool marked;       /* while unreachable nodes are collected */
	struct sim_node *next;
};

enum sim_sector {
	SIM_CLEAN, /* durable equals data */
	SIM_DIRTY, /* written, not synced */
	SIM_LOST   /* a sync failed: clean for the kernel, yet not on disk */
};

struct sim_name {
	char *path;
	struct sim_node *node;
};
struct sim_names {
	struct sim_name *items;
	size_t count;
	size_t capacity;
};

/* A change of names that its directory's sync has not made durable. */
struct sim_change {
	char *directory;
	char *from; /* taken away; NULL: nothing */
	char *to;   /* given to `node`; NULL: nothing */
	struct sim_node *node;
};

struct sim_disk {
	struct sim_node *nodes;
	struct sim_names names;     /* what lookups see */
	struct sim_names durable;   /* what survives */
	struct sim_change *changes; /* in order */
	size_t change_count;
	size_t change_capacity;
	uint64_t next_id;
	uint64_t limit_bytes;
	uint64_t (*random)(void *ctx);
	void *random_ctx;
};

/* Memory running out in the simulator itself stops the test (assertion). */
void sim_disk_init(struct sim_disk *disk);
void sim_disk_fini(struct sim_disk *disk);
struct sim_node *sim_disk_find(const struct sim_disk *disk, const char *path);
/* The length of the directory part of `path`; 0 when it has none. */
size_t sim_path_directory(const char *path);
bool sim_disk_has_entries(const struct sim_disk *disk, const char *path);
/* `path` is free and its directory exists. */
struct sim_node *sim_disk_create(struct sim_disk *disk, const char *path, bool directory);
void sim_disk_rename(struct sim_disk *disk, const char *from, const char *to);
void sim_disk_remove(struct sim_disk *disk, const char *path);
void sim_disk_sync_dir(struct sim_disk *disk, const char *path);
void sim_disk_crash(struct sim_disk *disk);
uint64_t sim_disk_used(const struct sim_disk *disk);
void sim_disk_collect(struct sim_disk *disk);

/* Content. resize fills with zeros and is false when the disk would be over its
 * limit; size changes are durable with the next sync. */
bool sim_node_resize(struct sim_disk *disk, struct sim_node *node, uint64_t size);
void sim_node_write(struct sim_node *node, uint64_t offset, const void *data,
                    size_t length);
void sim_node_sync(struct sim_node *node);
void sim_node_fail_sync(struct sim_node *node);

#endif
