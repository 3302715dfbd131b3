/*
 * node.meta: who this directory is. Text, one `key value` a line:
 *   format 0
 *   node <32 hex digits>
 * Written once, by init.
 */
#include "engine/store/internal.h"

#include <stdio.h>

#include "proto/codec/codec.h"

enum cadre_status cadre_store_path(char path[CADRE_PATH_BYTES], const char *dir,
                                   const char *name, struct cadre_error *err)
{
	int length = snprintf(path, CADRE_PATH_BYTES, "%s/%s", dir, name);

	if (length < 0 || (unsigned)length >= CADRE_PATH_BYTES)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "path \"%s/%s\": over %u bytes", dir, name,
		                       CADRE_PATH_BYTES - 1);
	return CADRE_OK;
}

enum cadre_status cadre_store_paths(struct store_paths *paths, const char *dir,
                                    struct cadre_error *err)
{
	int length = snprintf(paths->dir, sizeof paths->dir, "%s", dir);
	enum cadre_status status;

	/* Room for the longest name below. */
	if (length < 0 || (unsigned)length >= sizeof paths->dir - 128)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "data directory \"%s\": path over %u bytes", dir,
		                       CADRE_PATH_BYTES - 129);
	status = cadre_store_path(paths->log, dir, "log", err);
	if (status == CADRE_OK)
		status = cadre_store_path(paths->views, dir, "views", err);
	if (status == CADRE_OK)
		status = cadre_store_path(paths->snapshots, dir, "snapshots", err);
	if (status == CADRE_OK)
		status = cadre_store_path(paths->lost_found, dir, "lost+found", err);
	return status;
}

enum cadre_status cadre_node_read(struct cadre_env *env, const struct store_paths *paths,
                                  uint8_t node_id[16], struct cadre_error *err)
{
	char path[CADRE_PATH_BYTES];
	char text[256];
	char hex[33];
	size_t length;
	enum cadre_status status = cadre_store_path(path, paths->dir, "node.meta", err);

	if (status != CADRE_OK)
		return status;
	status = cadre_env_read_file(env, path, text, sizeof text - 1, &length, err);
	if (status == CADRE_NOT_FOUND)
		return cadre_error_set(
		        err, CADRE_NOT_FOUND,
		        "\"%s\" is no Cadre data directory (no node.meta); "
		        "make one with: cadre-admin init %s --cluster NAME",
		        paths->dir, paths->dir);
	if (status != CADRE_OK)
		return status;
	text[length] = '\0';
	if (sscanf(text, "format 0\nnode %32[0-9a-f]\n", hex) != 1 ||
	    !cadre_hex_decode(hex, node_id, 16))
		return cadre_error_set(err, CADRE_CORRUPT,
		                       "\"%s\" cannot be read as node.meta", path);
	return CADRE_OK;
}

/* Durability: the data directory's own name survives. Those in it are synced by
 * whoever puts something there. */
static enum cadre_status sync_parent(struct cadre_env *env, const char *dir,
                                     struct cadre_error *err)
{
	char parent[CADRE_PATH_BYTES];
	size_t length = strlen(dir);

	while (length > 0 && dir[length - 1] == '/')
		length--;
	while (length > 0 && dir[length - 1] != '/')
		length--;
	if (length == 0)
		return env->ops->sync_dir(env, ".", err);
	while (length > 1 && dir[length - 1] == '/')
		length--;
	memcpy(parent, dir, length);
	parent[length] = '\0';
	return env->ops->sync_dir(env, parent, err);
}

static enum cadre_status make_dirs(struct cadre_env *env, const struct store_paths *paths,
                                   struct cadre_error *err)
{
	const char *dirs[] = { paths->dir, paths->log, paths->views, paths->snapshots,
		               paths->lost_found };
	enum cadre_status status = CADRE_OK;

	for (size_t i = 0; i < sizeof dirs / sizeof dirs[0] && status == CADRE_OK; i++)
		status = env->ops->mkdir(env, dirs[i], err);
	return status == CADRE_OK ? sync_parent(env, paths->dir, err) : status;
}

/* node.meta last: a directory without it was never finished, and init may be
 * repeated. */
static enum cadre_status write_node(struct cadre_env *env,
                                    const struct store_paths *paths,
                                    struct cadre_error *err)
{
	uint8_t node_id[16];
	char hex[33];
	char text[64];
	int length;

	env->ops->random(env, node_id, sizeof node_id);
	cadre_hex_encode(node_id, sizeof node_id, hex);
	length = snprintf(text, sizeof text, "format 0\nnode %s\n", hex);
	return cadre_env_write_atomic(env, paths->dir, "node.meta", text, (size_t)length,
	                              err);
}

static enum cadre_status refuse_present(struct cadre_env *env,
                                        const struct store_paths *paths,
                                        struct cadre_error *err)
{
	uint8_t node_id[16];
	enum cadre_status status = cadre_node_read(env, paths, node_id, NULL);

	if (status == CADRE_NOT_FOUND)
		return CADRE_OK;
	return cadre_error_set(err, CADRE_CONFLICT,
	                       "\"%s\" holds a Cadre data directory already", paths->dir);
}

enum cadre_status cadre_store_init_empty(struct cadre_env *env, const char *dir,
                                         struct cadre_error *err)
{
	struct store_paths paths;
	enum cadre_status status = cadre_store_paths(&paths, dir, err);

	if (status == CADRE_OK)
		status = refuse_present(env, &paths, err);
	if (status == CADRE_OK)
		status = make_dirs(env, &paths, err);
	if (status == CADRE_OK)
		status = write_node(env, &paths, err);
	return status;
}

/* The first batch: the cluster's configuration at seq 1. */
static enum cadre_status first_batch(struct cadre_env *env,
                                     const struct cadre_init_options *options,
                                     struct cadre_buffer *batch, struct cadre_error *err)
{
	uint8_t ids[32];
	Cadre__V1__ClusterConfigured cluster = CADRE__V1__CLUSTER_CONFIGURED__INIT;
	Cadre__V1__Event event = CADRE__V1__EVENT__INIT;
	struct cadre_buffer payload = { 0 };
	struct cadre_batch_builder builder;
	const struct cadre_sha256 zero = { { 0 } };
	enum cadre_status status;

	env->ops->random(env, ids, sizeof ids);
	cluster.cluster_id.data = ids;
	cluster.cluster_id.len = 16;
	cluster.timeline_id.data = ids + 16;
	cluster.timeline_id.len = 16;
	cluster.name = (char *)(uintptr_t)options->cluster_name;
	cluster.feature_level = CADRE_FEATURE_LEVEL;
	cluster.has_strict_members = options->strict_members;
	cluster.strict_members = options->strict_members;
	event.body_case = CADRE__V1__EVENT__BODY_CLUSTER_CONFIGURED;
	event.cluster_configured = &cluster;
	status = cadre_pack(&event.base, &payload, err);
	if (status == CADRE_OK)
		status = cadre_batch_begin(&builder, batch, 1, 1, env->ops->wall_ms(env));
	if (status == CADRE_OK)
		status = cadre_batch_add(&builder, (uint16_t)event.body_case,
		                         cadre_buffer_slice(&payload));
	if (status == CADRE_OK)
		cadre_batch_finish(&builder, &zero);
	cadre_buffer_fini(&payload);
	return status;
}

enum cadre_status cadre_store_init(struct cadre_env *env,
                                   const struct cadre_init_options *options,
                                   struct cadre_error *err)
{
	struct store_paths paths;
	struct cadre_log_options log_options = { 0 };
	struct cadre_log *log = NULL;
	struct cadre_buffer batch = { 0 };
	size_t name_points = 0;
	enum cadre_status status = cadre_store_paths(&paths, options->dir, err);

	if (status != CADRE_OK)
		return status;
	if (!cadre_utf8_check(options->cluster_name, strlen(options->cluster_name),
	                      &name_points) ||
	    name_points < 1 || name_points > 255)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "cluster name: %zu characters, 1 to 255 allowed",
		                       name_points);
	status = refuse_present(env, &paths, err);
	if (status == CADRE_OK)
		status = make_dirs(env, &paths, err);
	if (status != CADRE_OK)
		return status;
	log_options.dir = paths.log;
	log_options.lost_found_dir = paths.lost_found;
	log_options.segment_bytes = options->segment_bytes;
	status = cadre_log_open(env, &log_options, &log, NULL, err);
	if (status == CADRE_OK && cadre_log_head(log).last_seq == 0) {
		status = first_batch(env, options, &batch, err);
		if (status == CADRE_OK)
			status = cadre_log_append(log, cadre_buffer_slice(&batch), 0,
			                          err);
		if (status == CADRE_OK)
			status = cadre_log_sync(log, err);
		if (status == CADRE_OK)
			status = cadre_log_seal_mark(log, 1, err);
	}
	cadre_log_close(log);
	cadre_buffer_fini(&batch);
	if (status == CADRE_OK)
		status = write_node(env, &paths, err);
	return status;
}
