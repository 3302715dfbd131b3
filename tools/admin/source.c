#include "tools/admin/source.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/store/control.h"
#include "proto/codec/codec.h"

/* Look-ups of one command line. */
#define ARENA_BYTES (256u << 20)

enum cadre_status admin_progress(void *ctx, uint64_t done, uint64_t total)
{
	cadre_progress_show(ctx, done, total);
	return admin_check_signals(NULL);
}

enum cadre_status admin_views_path(const char *dir, char path[ADMIN_PATH_BYTES],
                                   struct cadre_error *err)
{
	struct cadre_env *env = cadre_env_real();
	struct cadre_place place;
	char text[512];
	char name[64];
	char boot[40];
	size_t length = 0;
	unsigned long long generation;
	unsigned clean;
	enum cadre_status status = admin_path(path, dir, "views/STATE", err);

	if (status == CADRE_OK)
		status = cadre_env_read_file(env, path, text, sizeof(text) - 1, &length,
		                             err);
	if (status != CADRE_OK)
		return status;
	text[length] = '\0';
	if (sscanf(text,
	           "format 0\ngeneration %llu\nboot %39s\ndevice %*u\ninode %*u\nclean %u",
	           &generation, boot, &clean) != 3)
		return cadre_error_set(err, CADRE_NOT_FOUND, "\"%s\" cannot be read",
		                       path);
	snprintf(name, sizeof(name), "views/%llu", generation);
	status = admin_path(path, dir, name, err);
	if (status == CADRE_OK)
		status = env->ops->place(env, path, &place, err);
	if (status == CADRE_OK && clean != 1 && strcmp(boot, place.boot_id) != 0)
		status = cadre_error_set(err, CADRE_NOT_FOUND,
		                         "\"%s\" is from before a crash of the machine",
		                         path);
	return status;
}

/* Another process has the directory: its views, read-only, and its log. */
static enum cadre_status open_beside(struct admin_source *source, const char *dir,
                                     struct cadre_error *err)
{
	struct cadre_env *env = cadre_env_real();
	struct cadre_kv_options kv_options = { .read_only = true };
	struct cadre_log_options log_options = { 0 };
	struct cadre_control control = { 0 };
	char path[ADMIN_PATH_BYTES];
	enum cadre_status status = admin_path(path, dir, "views", err);

	if (status == CADRE_OK)
		status = cadre_control_open(env, path, &control, err);
	if (status != CADRE_OK)
		return status;
	source->watermark_ms = atomic_load(&control.page->watermark_ms);
	if (atomic_load(&control.page->state) != CADRE_CONTROL_SERVING)
		status = cadre_error_set(
		        err, CADRE_UNAVAILABLE,
		        "the process that has \"%s\" open is rebuilding its views", dir);
	cadre_control_close(&control);
	if (status == CADRE_OK)
		status = admin_views_path(dir, path, err);
	if (status == CADRE_OK)
		status = cadre_kv_open_lmdb(path, &kv_options, &source->kv, err);
	if (status == CADRE_OK)
		status = admin_path(path, dir, "log", err);
	log_options.dir = path;
	if (status == CADRE_OK)
		status = cadre_log_open_read(env, &log_options, &source->log, NULL, err);
	return status;
}

enum cadre_status admin_source_open(struct admin_source *source, const char *dir,
                                    struct cadre_error *err)
{
	struct cadre_store_options options = { .dir = dir,
		                               .no_snapshots = true,
		                               .progress = admin_progress,
		                               .progress_ctx = &source->progress };
	enum cadre_status status;

	*source = (struct admin_source){ 0 };
	cadre_arena_init(&source->arena, ARENA_BYTES);
	cadre_progress_begin(&source->progress, "building views", "events");
	status = admin_store_open(&options, &source->store, err);
	cadre_progress_end(&source->progress);
	if (status == CADRE_OK) {
		source->kv = cadre_store_kv(source->store);
		source->log = cadre_store_log(source->store);
		source->watermark_ms = cadre_store_watermark(source->store);
	} else if (status == CADRE_CONFLICT) {
		status = open_beside(source, dir, err);
	}
	if (status == CADRE_OK)
		status = cadre_view_begin(&source->view, source->kv, CADRE_KV_READ,
		                          &source->arena, err);
	source->open = status == CADRE_OK;
	if (status != CADRE_OK)
		admin_source_close(source);
	return status;
}

void admin_source_close(struct admin_source *source)
{
	if (source->open)
		cadre_view_abort(&source->view);
	source->open = false;
	if (source->store) {
		cadre_store_close(source->store);
	} else {
		cadre_log_close(source->log);
		cadre_kv_close(source->kv);
	}
	source->store = NULL;
	source->log = NULL;
	source->kv = NULL;
	cadre_arena_fini(&source->arena);
}

const char *admin_kind_name(Cadre__V1__Kind kind)
{
	static const char *const names[] = { "resource",        "model group",
		                             "version history", "deployment",
		                             "model",           "node",
		                             "principal" };

	return (size_t)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : names[0];
}

static enum cadre_status keep_newest(void *ctx, const Cadre__V1__Resource *resource)
{
	uint64_t *newest = ctx;

	if (resource->id > *newest)
		*newest = resource->id;
	return CADRE_OK;
}

static unsigned kind_bit(Cadre__V1__Kind kind)
{
	return kind >= CADRE__V1__KIND__KIND_GROUP && kind <= CADRE__V1__KIND__KIND_MODEL
	               ? 1u << (kind - 1)
	               : 1u << 31; /* asked for by nothing but "all" */
}

enum cadre_status admin_find(struct cadre_view *view, const char *compartment,
                             const char *text, unsigned kinds,
                             Cadre__V1__Resource **ret_resource, struct cadre_error *err)
{
	static const Cadre__V1__Kind order[] = { CADRE__V1__KIND__KIND_HISTORY,
		                                 CADRE__V1__KIND__KIND_GROUP,
		                                 CADRE__V1__KIND__KIND_DEPLOYMENT,
		                                 CADRE__V1__KIND__KIND_MODEL };

	if (strncmp(text, "ocid1.", 6) == 0) {
		enum cadre_status status = cadre_view_by_ocid(view, text, ret_resource,
		                                              err);

		if (status == CADRE_OK && !(kinds & kind_bit((*ret_resource)->kind)))
			return cadre_error_set(err, CADRE_NOT_FOUND, "\"%s\" is a %s",
			                       text,
			                       admin_kind_name((*ret_resource)->kind));
		if (status == CADRE_NOT_FOUND)
			cadre_error_set(err, status, "nothing has the OCID \"%s\"", text);
		return status;
	}
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		uint64_t newest = 0;
		enum cadre_status status;

		if (!(kinds & kind_bit(order[i])))
			continue;
		status = cadre_view_by_name(view, order[i], compartment, text,
		                            keep_newest, &newest, err);
		if (status != CADRE_OK && status != CADRE_NOT_FOUND)
			return status;
		if (newest > 0)
			return cadre_view_by_id(view, newest, ret_resource, err);
	}
	return cadre_error_set(
	        err, CADRE_NOT_FOUND,
	        "nothing is named \"%s\" in the compartment \"%s\" (another: "
	        "--compartment)",
	        text, compartment);
}

void admin_note_name(const struct admin_args *args, const char *text,
                     const Cadre__V1__Resource *resource)
{
	if (strcmp(text, resource->ocid) != 0)
		admin_note(args, "\"%s\" is the %s %s", text,
		           admin_kind_name(resource->kind), resource->ocid);
}

enum cadre_status admin_group_of(struct cadre_view *view,
                                 const Cadre__V1__Resource *target, cadre_seq at,
                                 struct cadre_pointer *ret_pointer,
                                 Cadre__V1__Resource **ret_group, struct cadre_error *err)
{
	enum cadre_status status = cadre_view_pointer(view, target->kind, target->id, at,
	                                              ret_pointer, NULL);

	if (status == CADRE_NOT_FOUND || (status == CADRE_OK && ret_pointer->group == 0))
		return cadre_error_set(
		        err, CADRE_NOT_FOUND, "the %s \"%s\" meant no group %s",
		        admin_kind_name(target->kind),
		        target->display_name ? target->display_name : target->ocid,
		        at == CADRE_SEQ_MAX ? "yet" : "at that moment");
	if (status != CADRE_OK)
		return cadre_error_set(err, status, "looking up \"%s\" failed",
		                       target->ocid);
	return cadre_view_by_id(view, ret_pointer->group, ret_group, err);
}

enum cadre_status admin_moment_seq(struct admin_source *source,
                                   const struct admin_moment *moment, cadre_seq *ret_seq,
                                   struct cadre_error *err)
{
	cadre_seq applied = source->view.head.applied_seq;
	char text[32];

	*ret_seq = CADRE_SEQ_MAX;
	if (!moment->given)
		return CADRE_OK;
	if (moment->is_time) {
		if (moment->time_ms > source->watermark_ms) {
			cadre_time_format(source->watermark_ms, text);
			return cadre_error_set(
			        err, CADRE_LAGGING,
			        "events can still come for that moment; settled "
			        "is what was until %s",
			        text);
		}
		return cadre_view_seq_at(&source->view, moment->time_ms, ret_seq, err);
	}
	if (moment->seq > applied)
		return cadre_error_set(err, CADRE_LAGGING,
		                       "seq %" PRIu64
		                       " is not there yet: the last is %" PRIu64,
		                       moment->seq, applied);
	*ret_seq = moment->seq;
	return CADRE_OK;
}

static void close_cursor(struct cadre_log_cursor **cursor)
{
	cadre_log_cursor_close(*cursor);
}

enum cadre_status admin_event_at(struct cadre_log *log, cadre_seq seq,
                                 struct cadre_arena *arena, Cadre__V1__Event **ret_event,
                                 cadre_time_ms *ret_time, struct cadre_error *err)
{
	__attribute__((cleanup(close_cursor))) struct cadre_log_cursor *cursor = NULL;
	struct cadre_record record = { 0 };
	struct cadre_batch batch;
	ProtobufCMessage *message = NULL;
	size_t offset = 0;
	enum cadre_status status = cadre_log_cursor_open(log, seq, &cursor, err);

	if (status == CADRE_OK)
		status = cadre_log_cursor_next(cursor, &batch, err);
	while (status == CADRE_OK && record.seq != seq)
		status = cadre_batch_next_record(&batch, &offset, &record);
	if (status == CADRE_END)
		return cadre_error_set(err, CADRE_NOT_FOUND,
		                       "seq %" PRIu64 " is not in the log", seq);
	if (status == CADRE_OK)
		status = cadre_unpack(&cadre__v1__event__descriptor, record.payload,
		                      arena, &message, err);
	if (status != CADRE_OK)
		return status;
	*ret_event = (Cadre__V1__Event *)(void *)message;
	*ret_time = batch.header.time_ms;
	return CADRE_OK;
}
