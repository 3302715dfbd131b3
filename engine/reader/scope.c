/*
 * Look-ups.
 *
 * Why a kept pointer is right. The writer raises control.pointer_epoch to an odd
 * value, commits, raises it again; it does so around every commit that changes a
 * pointer, and around no other.
 *   Keeping: the reader loads an even value E, then begins its snapshot and reads
 * the pointer P in it. Commits that ended before the load are in the snapshot. One
 * that started since has raised the value above E first: then P may be newer than
 * E says, and is never used again, since the value never comes back.
 *   Using: the reader loads the value again and finds E. So no pointer commit has
 * started since the first load, and P is the pointer of every snapshot from then
 * until this load: it is current at a moment inside this call. A commit between
 * this load and the snapshot that looks the key up does no harm: versions of a
 * lineage never change, the answer is that of the moment of the load.
 *   Never back: P changes only by reading it in a later snapshot of the same
 * environment, and a call that used P did so before it saw another value.
 * The load is an acquire (load_position() in reader.c), so the snapshot's begin cannot move before it; the
 * writer's raise comes before its commit's writes (a read-modify-write, then
 * system calls).
 *
 * Times. The watermark is raised after the commit whose events it covers, and
 * loaded before the snapshot begins: all events stamped at or before it are in.
 */
#include "engine/reader/internal.h"
#include <inttypes.h>

#define NO_POINTER 1u /* an odd epoch: nothing is kept under it */

/* ---- the target ---- */

static bool is_target(Cadre__V1__Kind kind)
{
	return kind == CADRE__V1__KIND__KIND_GROUP ||
	       kind == CADRE__V1__KIND__KIND_HISTORY ||
	       kind == CADRE__V1__KIND__KIND_DEPLOYMENT;
}

/* Inside a snapshot. Once a generation. */
static enum cadre_status find_target(struct cadre_scope *scope)
{
	struct cadre_reader *reader = scope->reader;
	struct cadre_view *view = &reader->view;
	Cadre__V1__Resource *resource;
	enum cadre_status status;

	cadre_arena_reset(&reader->arena);
	status = cadre_view_by_ocid(view, reader_scope_ocid(scope), &resource,
	                            &reader->err);
	if (status == CADRE_NOT_FOUND)
		return cadre_error_set(&reader->err, status, "no \"%s\" here",
		                       reader_scope_ocid(scope));
	if (status != CADRE_OK)
		return status;
	if (!is_target(resource->kind))
		return cadre_error_set(
		        &reader->err, CADRE_INVALID_PARAMETER,
		        "\"%s\" is no group, version history or deployment",
		        reader_scope_ocid(scope));
	scope->kind = resource->kind;
	scope->id = resource->id;
	scope->pointer_epoch = NO_POINTER;
	if (scope->kind == CADRE__V1__KIND__KIND_GROUP)
		status = cadre_view_pointer(view, scope->kind, scope->id, CADRE_SEQ_MAX,
		                            &scope->pointer, &reader->err);
	scope->found = status == CADRE_OK;
	return status;
}

static enum cadre_status no_pointer(struct cadre_scope *scope, enum cadre_status status)
{
	if (status == CADRE_NOT_FOUND)
		return cadre_error_set(&scope->reader->err, status,
		                       "\"%s\" means no group at that moment",
		                       reader_scope_ocid(scope));
	return status;
}

/* LMDB looks at the page its cursor stands on before it searches: two cache misses
 * for nothing when the next key lies elsewhere. */
static enum cadre_status forget_position(struct cadre_reader *reader)
{
	return cadre_kv_cursor_renew(reader->view.cursor, reader->view.txn);
}

static enum cadre_status pointer_now(struct cadre_scope *scope)
{
	uint64_t epoch = scope->reader->pointer_epoch;
	enum cadre_status status;

	if (scope->kind == CADRE__V1__KIND__KIND_GROUP ||
	    ((epoch & 1) == 0 && scope->pointer_epoch == epoch))
		return CADRE_OK;
	scope->pointer_epoch = NO_POINTER;
	status = cadre_view_pointer(&scope->reader->view, scope->kind, scope->id,
	                            CADRE_SEQ_MAX, &scope->pointer, &scope->reader->err);
	if (status == CADRE_OK && (epoch & 1) == 0)
		scope->pointer_epoch = epoch;
	if (status == CADRE_OK)
		status = forget_position(scope->reader);
	return no_pointer(scope, status);
}

static enum cadre_status pointer_at(struct cadre_scope *scope, cadre_seq at,
                                    struct cadre_pointer *ret_pointer)
{
	struct cadre_reader *reader = scope->reader;
	enum cadre_status status;

	if (scope->kind == CADRE__V1__KIND__KIND_GROUP && at >= scope->id) {
		*ret_pointer = scope->pointer;
		return CADRE_OK;
	}
	status = cadre_view_pointer(&reader->view, scope->kind, scope->id, at,
	                            ret_pointer, &reader->err);
	if (status == CADRE_OK)
		status = forget_position(reader);
	return no_pointer(scope, status);
}

/* ---- one look-up ---- */

struct query {
	const char *key;
	size_t key_length;
	char *model_ocid;
	size_t capacity;
	uint64_t *ret_group_seq;
};

static enum cadre_status answer(struct cadre_scope *scope,
                                const struct cadre_pointer *pointer,
                                const struct query *query)
{
	struct cadre_error *err = &scope->reader->err;
	struct cadre_slice model;
	enum cadre_status status = cadre_view_resolve(
	        &scope->reader->view, pointer->lineage, pointer->version,
	        cadre_slice(query->key, query->key_length), &model, err);

	if (status == CADRE_NOT_FOUND)
		return cadre_error_set(
		        err, status, "no member \"%.*s\" in \"%s\"",
		        (int)(query->key_length < 255 ? query->key_length : 255),
		        query->key, reader_scope_ocid(scope));
	if (status != CADRE_OK)
		return status;
	if (model.length >= query->capacity)
		return cadre_error_set(
		        err, CADRE_TOO_LARGE,
		        "a model OCID of %zu bytes and a NUL in a buffer of %zu",
		        model.length, query->capacity);
	memcpy(query->model_ocid, model.data, model.length);
	query->model_ocid[model.length] = '\0';
	if (query->ret_group_seq)
		*query->ret_group_seq = pointer->group;
	return CADRE_OK;
}

static bool query_valid(const struct cadre_scope *scope, const struct query *query)
{
	if (!scope)
		return false;
	if (query->key && query->model_ocid)
		return true;
	cadre_error_set(&scope->reader->err, CADRE_INVALID_PARAMETER, "a NULL argument");
	return false;
}

static enum cadre_status enter(struct cadre_scope *scope)
{
	enum cadre_status status = reader_enter(scope->reader);

	if (status != CADRE_OK || scope->found)
		return status;
	status = find_target(scope);
	if (status != CADRE_OK)
		reader_leave(scope->reader);
	return status;
}

/* ---- the public calls ---- */

int cadre_scope_open(struct cadre_reader *reader, const char *target_ocid,
                     struct cadre_scope **ret_scope)
{
	struct cadre_scope *scope;
	enum cadre_status status;

	if (!reader)
		return CADRE_READER_INVALID;
	if (!target_ocid || !ret_scope || strlen(target_ocid) >= READER_OCID_BYTES) {
		cadre_error_set(&reader->err, CADRE_INVALID_PARAMETER,
		                "no target, or an OCID longer than 255 bytes");
		return CADRE_READER_INVALID;
	}
	scope = reader_scope_create(reader, target_ocid);
	if (!scope) {
		cadre_error_set(&reader->err, CADRE_OUT_OF_MEMORY,
		                "no memory for a scope");
		return CADRE_READER_NO_MEMORY;
	}
	status = enter(scope);
	if (status != CADRE_OK) {
		reader_scope_destroy(scope);
		return reader_result(status);
	}
	reader_leave(reader);
	*ret_scope = scope;
	return CADRE_READER_OK;
}

void cadre_scope_close(struct cadre_scope *scope)
{
	if (scope)
		reader_scope_destroy(scope);
}

int cadre_scope_resolve(struct cadre_scope *scope, const char *key, size_t key_length,
                        char *model_ocid, size_t capacity, uint64_t *ret_group_seq)
{
	struct query query = { key, key_length, model_ocid, capacity, ret_group_seq };
	enum cadre_status status;

	if (!query_valid(scope, &query))
		return CADRE_READER_INVALID;
	status = enter(scope);
	if (status != CADRE_OK)
		return reader_result(status);
	status = pointer_now(scope);
	if (status == CADRE_OK)
		status = answer(scope, &scope->pointer, &query);
	reader_leave(scope->reader);
	return reader_result(status);
}

static int resolve_past(struct cadre_scope *scope, const struct query *query,
                        cadre_seq seq)
{
	struct cadre_pointer pointer;
	enum cadre_status status = pointer_at(scope, seq, &pointer);

	if (status == CADRE_OK)
		status = answer(scope, &pointer, query);
	reader_leave(scope->reader);
	return reader_result(status);
}

int cadre_scope_resolve_at(struct cadre_scope *scope, const char *key, size_t key_length,
                           uint64_t seq, char *model_ocid, size_t capacity,
                           uint64_t *ret_group_seq)
{
	struct query query = { key, key_length, model_ocid, capacity, ret_group_seq };
	enum cadre_status status;

	if (!query_valid(scope, &query))
		return CADRE_READER_INVALID;
	status = enter(scope);
	if (status != CADRE_OK)
		return reader_result(status);
	if (seq > scope->reader->applied_seq) {
		reader_leave(scope->reader);
		return reader_result(cadre_error_set(&scope->reader->err, CADRE_LAGGING,
		                                     "seq %" PRIu64
		                                     " is not applied here yet, "
		                                     "the last is %" PRIu64,
		                                     seq, scope->reader->applied_seq));
	}
	return resolve_past(scope, &query, seq);
}

int cadre_scope_resolve_at_time(struct cadre_scope *scope, const char *key,
                                size_t key_length, uint64_t time_ms, char *model_ocid,
                                size_t capacity, uint64_t *ret_group_seq)
{
	struct query query = { key, key_length, model_ocid, capacity, ret_group_seq };
	enum cadre_status status;
	cadre_seq seq = 0;

	if (!query_valid(scope, &query))
		return CADRE_READER_INVALID;
	status = enter(scope);
	if (status != CADRE_OK)
		return reader_result(status);
	if (time_ms > scope->reader->watermark_ms)
		status = cadre_error_set(&scope->reader->err, CADRE_LAGGING,
		                         "time %" PRIu64
		                         " ms is not settled here yet, times "
		                         "until %" PRIu64 " ms are",
		                         time_ms, scope->reader->watermark_ms);
	if (status == CADRE_OK)
		status = cadre_view_seq_at(&scope->reader->view, time_ms, &seq,
		                           &scope->reader->err);
	if (status != CADRE_OK) {
		reader_leave(scope->reader);
		return reader_result(status);
	}
	return resolve_past(scope, &query, seq);
}
