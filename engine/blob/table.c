/* Which uploads there are, who has them, and what may be added. */
#include "engine/blob/internal.h"

#include <inttypes.h>

#include "engine/base/assert.h"
#include "engine/base/bytes.h"

void blob_upload_name(const struct cadre_blob_upload *upload, uint8_t name[16])
{
	const struct cadre_slice parts[] = {
		cadre_slice(upload->owner, strlen(upload->owner) + 1),
		cadre_slice(upload->id, sizeof upload->id),
	};
	struct cadre_sha256 sum = cadre_sha256_parts(parts, 2);

	memcpy(name, sum.bytes, 16);
}

uint64_t blob_owner(const struct cadre_blob_upload *upload)
{
	return cadre_xxh128(upload->owner, strlen(upload->owner)).low;
}

/* ---- what was under way ---- */

static bool parse_upload(const char *text, struct blob_upload *upload)
{
	char name[33];
	uint8_t time[8];

	if (strlen(text) != BLOB_UPLOAD_CHARS || text[32] != '-')
		return false;
	memcpy(name, text, 32);
	name[32] = '\0';
	if (!cadre_hex_decode(name, upload->name, sizeof upload->name) ||
	    !cadre_hex_decode(text + 33, time, sizeof time))
		return false;
	upload->begun_ms = cadre_get_be64(time);
	return true;
}

static enum cadre_status find_size(struct cadre_blobs *blobs, struct blob_upload *upload,
                                   struct cadre_error *err)
{
	char path[BLOB_PATH_BYTES];
	struct cadre_file *file;
	enum cadre_status status = blob_upload_path(blobs, upload, path, err);

	if (status == CADRE_OK)
		status = cadre_file_open(blobs->env, path, CADRE_OPEN_READ, &file, err);
	if (status != CADRE_OK)
		return status;
	status = blobs->env->ops->size(file, &upload->have, err);
	cadre_file_close(file);
	return status;
}

struct finding {
	struct cadre_blobs *blobs;
	unsigned count;
	struct cadre_error *err;
};

/* More than there are places for are found when others have gone. */
static enum cadre_status find_one(void *ctx, const char *text)
{
	struct finding *finding = ctx;
	struct cadre_blobs *blobs = finding->blobs;
	struct blob_upload found = { .used = true };
	enum cadre_status status;

	if (!parse_upload(text, &found) || finding->count == blobs->options.uploads_max)
		return CADRE_OK;
	status = find_size(blobs, &found, finding->err);
	if (status == CADRE_OK)
		blobs->uploads[finding->count++] = found;
	return status == CADRE_NOT_FOUND ? CADRE_OK : status;
}

enum cadre_status blob_uploads_find(struct cadre_blobs *blobs, struct cadre_error *err)
{
	struct finding finding = { .blobs = blobs, .err = err };
	char path[BLOB_PATH_BYTES];
	enum cadre_status status = blob_upload_path(blobs, NULL, path, err);

	return status == CADRE_OK
	               ? blobs->env->ops->list(blobs->env, path, find_one, &finding, err)
	               : status;
}

/* ---- taken and released ---- */

/* Under the lock. */
static struct blob_upload *find(struct cadre_blobs *blobs, const uint8_t name[16])
{
	for (unsigned i = 0; i < blobs->options.uploads_max; i++) {
		struct blob_upload *upload = &blobs->uploads[i];
		if (upload->used && memcmp(upload->name, name, sizeof upload->name) == 0)
			return upload;
	}
	return NULL;
}

struct blob_upload *blob_upload_take(struct cadre_blobs *blobs, const uint8_t name[16])
{
	struct blob_upload *upload;

	pthread_mutex_lock(&blobs->lock);
	while ((upload = find(blobs, name)) && upload->busy)
		pthread_cond_wait(&blobs->idle, &blobs->lock);
	if (upload)
		upload->busy = true;
	pthread_mutex_unlock(&blobs->lock);
	return upload;
}

void blob_upload_release(struct cadre_blobs *blobs, struct blob_upload *upload)
{
	pthread_mutex_lock(&blobs->lock);
	upload->touched_ns = blobs->env->ops->mono_ns(blobs->env);
	upload->busy = false;
	pthread_cond_broadcast(&blobs->idle);
	pthread_mutex_unlock(&blobs->lock);
}

void blob_upload_drop(struct cadre_blobs *blobs, struct blob_upload *upload)
{
	char path[BLOB_PATH_BYTES];

	if (blob_upload_path(blobs, upload, path, NULL) == CADRE_OK)
		(void)!blobs->env->ops->remove(blobs->env, path, NULL);
	pthread_mutex_lock(&blobs->lock);
	*upload = (struct blob_upload){ .used = false };
	pthread_cond_broadcast(&blobs->idle);
	pthread_mutex_unlock(&blobs->lock);
}

bool blob_is_publishing(struct cadre_blobs *blobs, const struct cadre_sha256 *sha256)
{
	bool publishing = false;

	pthread_mutex_lock(&blobs->lock);
	for (unsigned i = 0; i < blobs->options.uploads_max && !publishing; i++)
		publishing = blobs->uploads[i].publishing &&
		             memcmp(blobs->uploads[i].sha256.bytes, sha256->bytes,
		                    sizeof sha256->bytes) == 0;
	pthread_mutex_unlock(&blobs->lock);
	return publishing;
}

/* ---- limits ---- */

/* Under the lock. */
static unsigned count_of(const struct cadre_blobs *blobs, uint64_t owner)
{
	unsigned count = 0;

	for (unsigned i = 0; i < blobs->options.uploads_max; i++) {
		const struct blob_upload *upload = &blobs->uploads[i];
		count += upload->used && upload->known && upload->owner == owner;
	}
	return count;
}

/* Under the lock. */
static struct blob_upload *find_place(struct cadre_blobs *blobs,
                                      const struct cadre_blob_upload *from)
{
	unsigned max = blobs->options.uploads_max;

	if (!from->shared_owner && count_of(blobs, blob_owner(from)) >= (max + 3) / 4)
		return NULL;
	for (unsigned i = 0; i < max; i++) {
		if (!blobs->uploads[i].used)
			return &blobs->uploads[i];
	}
	return NULL;
}

enum cadre_status blob_upload_make(struct cadre_blobs *blobs,
                                   const struct cadre_blob_upload *from,
                                   const uint8_t name[16],
                                   struct blob_upload **ret_upload,
                                   struct cadre_error *err)
{
	struct blob_upload *upload;

	pthread_mutex_lock(&blobs->lock);
	/* Somebody else may have begun it meanwhile. */
	while ((upload = find(blobs, name)) && upload->busy)
		pthread_cond_wait(&blobs->idle, &blobs->lock);
	if (!upload) {
		upload = find_place(blobs, from);
		if (upload) {
			*upload = (struct blob_upload){ .used = true };
			memcpy(upload->name, name, sizeof upload->name);
			upload->begun_ms = blobs->env->ops->wall_ms(blobs->env);
			cadre_sha256_init(&upload->stream);
		}
	}
	if (upload)
		upload->busy = true;
	pthread_mutex_unlock(&blobs->lock);
	*ret_upload = upload;
	if (upload)
		return CADRE_OK;
	return cadre_error_set(
	        err, CADRE_TOO_MANY_REQUESTS,
	        "%u uploads are under way here%s: finish some, or come "
	        "again later",
	        blobs->options.uploads_max,
	        from->shared_owner ? "" : ", or a quarter of that by this principal");
}

/* Under the lock. What is still to come, of others; and what one owner declared. */
static void add_up(const struct cadre_blobs *blobs, const struct blob_upload *but,
                   uint64_t *ret_to_come, uint64_t *ret_owned)
{
	*ret_to_come = 0;
	*ret_owned = 0;
	for (unsigned i = 0; i < blobs->options.uploads_max; i++) {
		const struct blob_upload *upload = &blobs->uploads[i];
		if (!upload->used || !upload->known || upload == but)
			continue;
		if (upload->have < upload->bytes)
			*ret_to_come += upload->bytes - upload->have;
		if (upload->owner == but->owner)
			*ret_owned += upload->bytes;
	}
}

enum cadre_status blob_upload_admit(struct cadre_blobs *blobs, struct blob_upload *upload,
                                    uint64_t bytes, struct cadre_error *err)
{
	uint64_t need;
	uint64_t owned;
	struct cadre_space space;
	enum cadre_status status;

	pthread_mutex_lock(&blobs->lock);
	add_up(blobs, upload, &need, &owned);
	pthread_mutex_unlock(&blobs->lock);
	if (!upload->shared_owner && (owned > blobs->options.owner_bytes_max ||
	                              bytes > blobs->options.owner_bytes_max - owned))
		return cadre_error_set(err, CADRE_LIMIT_EXCEEDED,
		                       "bytes: %" PRIu64 " beside %" PRIu64
		                       " that this principal has under way, at "
		                       "most %" PRIu64,
		                       bytes, owned, blobs->options.owner_bytes_max);
	status = blobs->env->ops->space(blobs->env, blobs->dir, &space, err);
	if (status != CADRE_OK)
		return status;
	need += bytes > upload->have ? bytes - upload->have : 0;
	if (space.free_bytes < CADRE_BLOB_RESERVE_BYTES ||
	    need > space.free_bytes - CADRE_BLOB_RESERVE_BYTES)
		return cadre_error_set(
		        err, CADRE_OUT_OF_SPACE,
		        "\"%.300s\": uploads need %" PRIu64 " MiB beside a reserve of "
		        "%" PRIu64 ", %" PRIu64 " are free",
		        blobs->dir, need >> 20, CADRE_BLOB_RESERVE_BYTES >> 20,
		        space.free_bytes >> 20);
	return CADRE_OK;
}

/* ---- what was abandoned ---- */

/* Under the lock. */
static bool is_abandoned(const struct blob_upload *upload, cadre_time_ms wall_ms,
                         uint64_t mono_ns)
{
	return upload->used && !upload->busy && wall_ms > upload->begun_ms &&
	       wall_ms - upload->begun_ms > CADRE_BLOB_ABANDONED_MS &&
	       (!upload->known ||
	        mono_ns - upload->touched_ns > CADRE_BLOB_IDLE_MS * 1000000u);
}

enum cadre_status cadre_blobs_tend(struct cadre_blobs *blobs, unsigned *ret_removed,
                                   struct cadre_error *err)
{
	cadre_time_ms wall_ms = blobs->env->ops->wall_ms(blobs->env);
	uint64_t mono_ns = blobs->env->ops->mono_ns(blobs->env);
	char path[BLOB_PATH_BYTES];
	enum cadre_status status;

	*ret_removed = 0;
	for (unsigned i = 0; i < blobs->options.uploads_max; i++) {
		struct blob_upload *upload = &blobs->uploads[i];
		bool abandoned;

		pthread_mutex_lock(&blobs->lock);
		abandoned = is_abandoned(upload, wall_ms, mono_ns);
		upload->busy = upload->busy || abandoned;
		pthread_mutex_unlock(&blobs->lock);
		if (!abandoned)
			continue;
		status = blob_upload_path(blobs, upload, path, err);
		if (status == CADRE_OK)
			status = blobs->env->ops->remove(blobs->env, path, err);
		if (status != CADRE_OK && status != CADRE_NOT_FOUND) {
			blob_upload_release(blobs, upload);
			return status;
		}
		blob_upload_drop(blobs, upload);
		(*ret_removed)++;
	}
	return CADRE_OK;
}
