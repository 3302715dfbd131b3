/*
 * Every change of a key in a target: the pointers of the target are walked backward,
 * and the key looked up in each version. A change is where the answer differs from the
 * one before.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "tools/admin/source.h"

struct entry {
	cadre_seq seq;
	uint64_t group;
	char model[CADRE_OCID_BYTES]; /* "": no such key */
};

struct key_log {
	struct entry *entries; /* newest first */
	size_t count, capacity;
};

static enum cadre_status add(struct key_log *log, const struct entry *entry,
                             struct cadre_error *err)
{
	/* The same answer from an older version: the change was there. */
	if (log->count > 0 &&
	    strcmp(log->entries[log->count - 1].model, entry->model) == 0) {
		log->entries[log->count - 1] = *entry;
		return CADRE_OK;
	}
	if (log->count == log->capacity) {
		size_t capacity = log->capacity ? 2 * log->capacity : 64;
		struct entry *entries = realloc(log->entries,
		                                capacity * sizeof(*entries));

		if (!entries)
			return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
			                       "key log: out of memory");
		log->entries = entries;
		log->capacity = capacity;
	}
	log->entries[log->count++] = *entry;
	return CADRE_OK;
}

static enum cadre_status look_up(struct cadre_view *view,
                                 const struct cadre_pointer *pointer, const char *key,
                                 struct entry *entry, struct cadre_error *err)
{
	struct cadre_slice model = { 0 };
	enum cadre_status status = CADRE_NOT_FOUND;

	*entry = (struct entry){ .seq = pointer->since, .group = pointer->group };
	if (pointer->group != 0)
		status = cadre_view_resolve(view, pointer->lineage, pointer->version,
		                            cadre_slice_text(key), &model, err);
	if (status == CADRE_OK)
		snprintf(entry->model, sizeof(entry->model), "%.*s", (int)model.length,
		         (const char *)model.data);
	return status == CADRE_NOT_FOUND ? CADRE_OK : status;
}

static enum cadre_status collect(struct admin_source *source,
                                 const Cadre__V1__Resource *target, const char *key,
                                 struct key_log *log, struct cadre_error *err)
{
	struct cadre_view *view = &source->view;
	struct cadre_pointer pointer;
	struct entry entry;
	enum cadre_status status = cadre_view_pointer(view, target->kind, target->id,
	                                              CADRE_SEQ_MAX, &pointer, err);

	if (status == CADRE_NOT_FOUND && target->kind != CADRE__V1__KIND__KIND_GROUP)
		status = cadre_view_pointer_before(view, target->kind, target->id,
		                                   CADRE_SEQ_MAX, &pointer, err);
	while (status == CADRE_OK) {
		status = look_up(view, &pointer, key, &entry, err);
		if (status == CADRE_OK)
			status = add(log, &entry, err);
		if (status == CADRE_OK)
			status = admin_check_signals(err);
		if (status != CADRE_OK || target->kind == CADRE__V1__KIND__KIND_GROUP)
			break;
		status = cadre_view_pointer_before(view, target->kind, target->id,
		                                   pointer.since, &pointer, err);
	}
	/* An oldest answer "no such key" is no change. */
	if (log->count > 0 && log->entries[log->count - 1].model[0] == '\0')
		log->count--;
	return status == CADRE_END || status == CADRE_NOT_FOUND ? CADRE_OK : status;
}

struct change {
	const struct entry *entry;
	const char *from;
	char who[CADRE_OCID_BYTES];
	cadre_time_ms time_ms;
	uint64_t version_id;
};

static void describe(struct admin_source *source, struct change *change)
{
	Cadre__V1__Event *event = NULL;
	Cadre__V1__Resource *group = NULL;

	if (admin_event_at(source->log, change->entry->seq, &source->arena, &event,
	                   &change->time_ms, NULL) == CADRE_OK &&
	    event->actor)
		snprintf(change->who, sizeof(change->who), "%s", event->actor->principal);
	if (change->entry->group != 0 &&
	    cadre_view_by_id(&source->view, change->entry->group, &group, NULL) ==
	            CADRE_OK &&
	    group->detail_case == CADRE__V1__RESOURCE__DETAIL_GROUP)
		change->version_id = group->group->version_id;
}

static void print_change(struct cadre_json *json, struct cadre_table *table,
                         const struct change *change)
{
	const char *to = change->entry->model;
	char time[32];

	cadre_time_format(change->time_ms, time);
	cadre_table_cell(table, "%" PRIu64, change->entry->seq);
	cadre_table_cell(table, "%s", time);
	cadre_table_cell(table, "%s", change->who);
	cadre_table_cell(table, "%" PRIu64, change->version_id);
	cadre_table_cell(table, "%s", *change->from ? change->from : "-");
	cadre_table_cell(table, "%s", *to ? to : "-");
	cadre_json_begin(json, '{');
	cadre_json_key_u64(json, "seq", change->entry->seq);
	cadre_json_key_time(json, "time", change->time_ms);
	cadre_json_key_text(json, "principal", change->who);
	cadre_json_key_u64(json, "versionId", change->version_id);
	cadre_json_key_text(json, "from", *change->from ? change->from : NULL);
	cadre_json_key_text(json, "to", *to ? to : NULL);
	cadre_json_end(json, '}');
}

static void print(struct admin_source *source, const struct admin_args *args,
                  const struct key_log *log)
{
	static const char *const titles[] = { "SEQ",     "TIME", "WHO",
		                              "VERSION", "FROM", "TO" };
	struct cadre_json json = { 0 };
	struct cadre_table table;

	cadre_table_init(&table, 6, 1u | 1u << 3, titles);
	cadre_json_begin(&json, '{');
	cadre_json_key_text(&json, "key", args->words[2]);
	cadre_json_key(&json, "changes");
	cadre_json_begin(&json, '[');
	for (size_t i = log->count; i > 0; i--) {
		struct change change = { .entry = &log->entries[i - 1],
			                 .from = i < log->count ? log->entries[i].model
			                                        : "" };

		describe(source, &change);
		print_change(&json, &table, &change);
		if (args->mode == CADRE_OUTPUT_QUIET)
			printf("%s\n", *change.entry->model ? change.entry->model : "-");
	}
	cadre_json_end(&json, ']');
	cadre_json_end(&json, '}');
	if (args->mode == CADRE_OUTPUT_JSON)
		admin_print_json(&json);
	else if (args->mode == CADRE_OUTPUT_TEXT)
		cadre_table_print(&table, stdout);
	cadre_table_fini(&table);
	cadre_json_fini(&json);
}

int admin_key_log(const struct admin_verb *verb, int argc, char **argv)
{
	const struct admin_syntax syntax = { NULL, NULL, 3, 3 };
	struct admin_args args = { 0 };
	struct admin_source source;
	struct key_log log = { 0 };
	Cadre__V1__Resource *target = NULL;
	struct cadre_error err = CADRE_ERROR_INIT;
	enum cadre_status status;
	int code = 0;

	admin_parse(verb, &syntax, argc, argv, &args);
	if (admin_source_open(&source, args.words[0], &err) != CADRE_OK)
		return admin_fail(&args, &err);
	status = admin_find(&source.view, args.compartment, args.words[1],
	                    ADMIN_GROUP | ADMIN_HISTORY | ADMIN_DEPLOYMENT, &target,
	                    &err);
	if (status == CADRE_OK) {
		admin_note_name(&args, args.words[1], target);
		status = collect(&source, target, args.words[2], &log, &err);
	}
	if (status == CADRE_OK && log.count == 0)
		status = cadre_error_set(&err, CADRE_NOT_FOUND,
		                         "\"%s\" never had a key \"%s\"", args.words[1],
		                         args.words[2]);
	if (status == CADRE_OK)
		print(&source, &args, &log);
	else
		code = admin_fail(&args, &err);
	free(log.entries);
	admin_source_close(&source);
	return code;
}
