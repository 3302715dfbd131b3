/*
 * Generations of the views: views/<n>/ is never changed in place by a rebuild; a
 * rebuild goes into the next and then switches.
 *
 * The boot-id rule. LMDB runs without syncs, so after an OS crash its file is
 * garbage that may look sound. views/STATE remembers boot id, device and inode
 * and whether the last close synced. Clean, or dirty with all of them equal (the
 * process died, the page cache lived): use. Anything else: rebuild from the
 * newest snapshot and the log. STATE says dirty, durably, before the first write.
 */
#include "engine/store/internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/store/guard.h"

struct state_file {
	uint64_t generation;
	struct cadre_place place;
	bool clean;
};

static enum cadre_status generation_path(const struct cadre_store *store,
                                         uint64_t generation, char path[CADRE_PATH_BYTES],
                                         struct cadre_error *err)
{
	char name[32];

	snprintf(name, sizeof name, "%llu", (unsigned long long)generation);
	return cadre_store_path(path, store->paths.views, name, err);
}

/* CADRE_NOT_FOUND for anything that cannot be believed: the remedy is the same. */
static enum cadre_status state_read(struct cadre_store *store, struct state_file *state)
{
	char path[CADRE_PATH_BYTES];
	char text[512];
	size_t length;
	unsigned long long generation;
	unsigned long long device;
	unsigned long long inode;
	unsigned clean;
	enum cadre_status status = cadre_store_path(path, store->paths.views, "STATE",
	                                            NULL);

	if (status == CADRE_OK)
		status = cadre_env_read_file(store->env, path, text, sizeof text - 1,
		                             &length, NULL);
	if (status != CADRE_OK)
		return CADRE_NOT_FOUND;
	text[length] = '\0';
	memset(state, 0, sizeof *state);
	if (sscanf(text,
	           "format 0\ngeneration %llu\nboot %39s\ndevice %llu\ninode %llu\nclean %u\n",
	           &generation, state->place.boot_id, &device, &inode, &clean) != 5)
		return CADRE_NOT_FOUND;
	state->generation = generation;
	state->place.device = device;
	state->place.inode = inode;
	state->clean = clean == 1;
	return CADRE_OK;
}

/* Durability: as cadre_env_write_atomic(). */
static enum cadre_status state_write(struct cadre_store *store, bool clean,
                                     struct cadre_error *err)
{
	char path[CADRE_PATH_BYTES];
	char text[512];
	struct cadre_place place;
	int length;
	enum cadre_status status = generation_path(store, store->generation, path, err);

	if (status == CADRE_OK)
		status = store->env->ops->place(store->env, path, &place, err);
	if (status != CADRE_OK)
		return status;
	length = snprintf(
	        text, sizeof text,
	        "format 0\ngeneration %llu\nboot %s\ndevice %llu\ninode %llu\nclean "
	        "%u\n",
	        (unsigned long long)store->generation, place.boot_id,
	        (unsigned long long)place.device, (unsigned long long)place.inode,
	        clean ? 1u : 0u);
	return cadre_env_write_atomic(store->env, store->paths.views, "STATE", text,
	                              (size_t)length, err);
}

static enum cadre_status open_kv(struct cadre_store *store, struct cadre_error *err)
{
	char path[CADRE_PATH_BYTES];
	struct cadre_kv_options options = { .map_bytes = store->options.map_bytes };
	enum cadre_status status;

	if (store->options.memory_views)
		return cadre_kv_open_memory(&store->kv, err);
	status = generation_path(store, store->generation, path, err);
	if (status == CADRE_OK)
		status = cadre_kv_open_lmdb(path, &options, &store->kv, err);
	return status;
}

static bool place_believed(struct cadre_store *store, const struct state_file *state)
{
	char path[CADRE_PATH_BYTES];
	struct cadre_place now;

	if (generation_path(store, state->generation, path, NULL) != CADRE_OK ||
	    store->env->ops->place(store->env, path, &now, NULL) != CADRE_OK)
		return false;
	return state->clean ||
	       (strcmp(now.boot_id, state->place.boot_id) == 0 &&
	        now.boot_id[0] != '\0' && now.device == state->place.device &&
	        now.inode == state->place.inode);
}

enum cadre_status cadre_generation_open(struct cadre_store *store, bool *ret_usable,
                                        struct cadre_error *err)
{
	struct state_file state;
	enum cadre_status status;
	cadre_time_ms now = store->env->ops->wall_ms(store->env);

	*ret_usable = false;
	if (store->options.memory_views || state_read(store, &state) != CADRE_OK)
		return CADRE_OK;
	store->generation = state.generation;
	if (store->options.rebuild_views || !place_believed(store, &state) ||
	    cadre_guard_tripped(store->control.page, now))
		return CADRE_OK;
	/* Dirty and believed: it says so already. */
	if (state.clean) {
		status = state_write(store, false, err);
		if (status == CADRE_OUT_OF_SPACE && cadre_ballast_release(store))
			status = state_write(store, false, err);
		if (status != CADRE_OK)
			return status;
	}
	/* Whatever is wrong with the file, the log can make it again. */
	*ret_usable = open_kv(store, err) == CADRE_OK;
	return CADRE_OK;
}

static enum cadre_status drop_other(void *ctx, const char *name)
{
	struct cadre_store *store = ctx;
	char path[CADRE_PATH_BYTES];
	char *end;
	unsigned long long generation = strtoull(name, &end, 10);

	if (*end != '\0' || end == name || generation == store->generation)
		return CADRE_OK;
	if (generation_path(store, generation, path, NULL) == CADRE_OK &&
	    cadre_env_remove_tree(store->env, path, NULL) != CADRE_OK)
		return CADRE_OK; /* tried again at the next switch */
	return CADRE_OK;
}

static void drop_others(struct cadre_store *store)
{
	if (store->env->ops->list(store->env, store->paths.views, drop_other, store,
	                          NULL) != CADRE_OK)
		return; /* tried again at the next switch */
}

/* Readers may still be in a generation that served. One that never did is closed: it
 * would keep its space on a full disk. */
static void retire_kv(struct cadre_store *store)
{
	if (store->served || store->options.memory_views) {
		cadre_kv_close(store->retired_kv);
		store->retired_kv = store->kv;
	} else {
		cadre_kv_close(store->kv);
	}
	store->kv = NULL;
	store->served = false;
}

enum cadre_status cadre_generation_next(struct cadre_store *store,
                                        struct cadre_error *err)
{
	char path[CADRE_PATH_BYTES];
	enum cadre_status status;

	retire_kv(store);
	store->generation++;
	if (store->options.memory_views)
		return open_kv(store, err);
	/* Nobody believes the others: what they take may be what is missing. */
	drop_others(store);
	status = generation_path(store, store->generation, path, err);
	if (status == CADRE_OK)
		status = cadre_env_remove_tree(store->env, path, err);
	if (status == CADRE_OK)
		status = store->env->ops->mkdir(store->env, path, err);
	if (status == CADRE_OK)
		status = state_write(store, false, err);
	if (status == CADRE_OK)
		status = open_kv(store, err);
	if (status == CADRE_OK) {
		atomic_store(&store->control.page->crash_count, 0);
		atomic_store(&store->control.page->crash_first_ms, 0);
	}
	return status;
}

/* Readers that still map an older generation keep their pages: removing a name
 * does not take the file from them. */
void cadre_generation_serve(struct cadre_store *store)
{
	struct cadre_control_page *page = store->control.page;

	if (page) {
		atomic_store(&page->generation, store->generation);
		atomic_store(&page->state, CADRE_CONTROL_SERVING);
	}
	store->served = true;
	if (!store->options.memory_views)
		drop_others(store);
}

void cadre_generation_close(struct cadre_store *store, bool clean)
{
	bool synced = clean && store->kv && !store->options.memory_views &&
	              cadre_kv_sync(store->kv, NULL) == CADRE_OK;

	if (store->control.page)
		atomic_store(&store->control.page->state, CADRE_CONTROL_CLOSED);
	cadre_kv_close(store->kv);
	cadre_kv_close(store->retired_kv);
	store->kv = NULL;
	store->retired_kv = NULL;
	/* Without the mark the next open falls back to the boot-id rule. */
	if (synced && state_write(store, true, NULL) != CADRE_OK)
		return;
}
