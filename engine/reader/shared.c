#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/reader/internal.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct shared_views *first;

enum cadre_status shared_views_permission(const char *views_dir, const char *name,
                                          int mode, struct cadre_error *err)
{
	char path[READER_PATH_BYTES + 64];

	(void)snprintf(path, sizeof path, "%s/%s", views_dir, name);
	/* access(), not open(): closing any descriptor of lock.mdb would drop every
	 * LMDB lock this process has on it. */
	if (access(path, mode) == 0 || errno != EACCES)
		return CADRE_OK;
	return cadre_error_set(
	        err, CADRE_INVALID_PARAMETER,
	        "\"%s\": no permission to %s: join the daemon's group, or "
	        "look keys up by RPC",
	        path, mode & W_OK ? "write (readers enter themselves there)" : "read");
}

static enum cadre_status open_kv(const char *dir, struct cadre_kv **ret_kv,
                                 struct cadre_error *err)
{
	const struct cadre_kv_options options = { .read_only = true };
	enum cadre_status status = shared_views_permission(dir, "data.mdb", R_OK, err);

	if (status == CADRE_OK)
		status = shared_views_permission(dir, "lock.mdb", R_OK | W_OK, err);
	if (status != CADRE_OK)
		return status;
	status = cadre_kv_open_lmdb(dir, &options, ret_kv, err);
	if (status == CADRE_CONFLICT)
		return cadre_error_set(
		        err, CADRE_INVALID_PARAMETER,
		        "\"%s\" is open in this process already, by something "
		        "else than a reader",
		        dir);
	if (status == CADRE_NOT_FOUND || status == CADRE_IO_ERROR)
		return cadre_error_set(err, CADRE_UNAVAILABLE,
		                       "\"%s\" cannot be opened now: %s", dir,
		                       err->message);
	return status;
}

static enum cadre_status make(const char *views_dir, uint64_t generation,
                              struct shared_views **ret_views, struct cadre_error *err)
{
	size_t length = strlen(views_dir) + 1;
	struct shared_views *views = calloc(1, sizeof *views + length);
	char dir[READER_PATH_BYTES + 32];
	enum cadre_status status;

	if (!views)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for a reader");
	(void)snprintf(dir, sizeof dir, "%s/%" PRIu64, views_dir, generation);
	status = open_kv(dir, &views->kv, err);
	if (status != CADRE_OK) {
		free(views);
		return status;
	}
	memcpy(views->views_dir, views_dir, length);
	views->generation = generation;
	views->refs = 1;
	views->next = first;
	first = views;
	*ret_views = views;
	return CADRE_OK;
}

enum cadre_status shared_views_ref(const char *views_dir, uint64_t generation,
                                   struct shared_views **ret_views,
                                   struct cadre_error *err)
{
	struct shared_views *views;
	enum cadre_status status = CADRE_OK;

	pthread_mutex_lock(&lock);
	for (views = first; views; views = views->next)
		if (views->generation == generation &&
		    strcmp(views->views_dir, views_dir) == 0)
			break;
	if (views) {
		views->refs++;
		*ret_views = views;
	} else {
		status = make(views_dir, generation, ret_views, err);
	}
	pthread_mutex_unlock(&lock);
	return status;
}

void shared_views_unref(struct shared_views *views)
{
	if (!views)
		return;
	pthread_mutex_lock(&lock);
	if (--views->refs == 0) {
		struct shared_views **at = &first;
		while (*at != views)
			at = &(*at)->next;
		*at = views->next;
		cadre_kv_close(views->kv);
		free(views);
	}
	pthread_mutex_unlock(&lock);
}
