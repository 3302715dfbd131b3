/* The versions of a history, newest first, with the line that leads from each to its
 * source. */
#include <inttypes.h>
#include <stdlib.h>

#include "tools/admin/source.h"
#include "tools/common/version_graph.h"

#define PAGE_ROWS 500u
#define SERVING_MAX 64u

struct version {
	uint64_t id;
	uint64_t source; /* group id; 0: none, or in another history */
	uint64_t version_id;
	uint64_t added, removed;
	cadre_time_ms time_ms;
	bool latest, serving, deleted;
	char *label, *name, *who, *ocid;
};

struct versions {
	struct version *list;
	size_t count, capacity;
	enum cadre_status status;
	uint64_t serving[SERVING_MAX];
	size_t serving_count;
};

static char *copy(const char *text)
{
	return strdup(text ? text : "");
}

static enum cadre_status add_version(void *ctx, const Cadre__V1__Resource *resource)
{
	struct versions *versions = ctx;
	const Cadre__V1__GroupState *group = resource->group;
	struct version *version;

	if (versions->count == versions->capacity) {
		size_t capacity = versions->capacity ? 2 * versions->capacity : 64;
		struct version *list = realloc(versions->list, capacity * sizeof(*list));

		if (!list)
			return CADRE_OUT_OF_MEMORY;
		versions->list = list;
		versions->capacity = capacity;
	}
	version = &versions->list[versions->count++];
	*version = (struct version){ .id = resource->id,
		                     .source = group->source_group,
		                     .version_id = group->version_id,
		                     .time_ms = resource->time_created_ms,
		                     .label = copy(group->version_label),
		                     .name = copy(resource->display_name),
		                     .who = copy(resource->created_by),
		                     .ocid = copy(resource->ocid) };
	version->deleted = resource->lifecycle_state ==
	                   CADRE__V1__LIFECYCLE_STATE__DELETED;
	return version->label && version->name && version->who && version->ocid
	               ? CADRE_OK
	               : CADRE_OUT_OF_MEMORY;
}

static enum cadre_status add_serving(void *ctx, const Cadre__V1__Resource *resource)
{
	struct versions *versions = ctx;

	if (resource->deployment->has_serving_group &&
	    versions->serving_count < SERVING_MAX)
		versions->serving[versions->serving_count++] =
		        resource->deployment->serving_group;
	return CADRE_OK;
}

static enum cadre_status list_all(struct admin_source *source,
                                  struct cadre_list_query query, cadre_resource_fn fn,
                                  void *ctx, struct cadre_error *err)
{
	struct cadre_buffer after = { 0 };
	struct cadre_buffer next = { 0 };
	enum cadre_status status;

	query.limit = PAGE_ROWS;
	do {
		cadre_buffer_clear(&next);
		query.after = cadre_buffer_slice(&after);
		status = cadre_view_list(&source->view, &query, fn, ctx, &next, err);
		cadre_buffer_clear(&after);
		if (status == CADRE_OK)
			status = cadre_buffer_append(&after, next.data, next.length);
	} while (status == CADRE_OK && next.length > 0);
	cadre_buffer_fini(&after);
	cadre_buffer_fini(&next);
	return status;
}

static enum cadre_status count_change(void *ctx, const struct cadre_member *before,
                                      const struct cadre_member *after)
{
	struct version *version = ctx;

	version->added += after != NULL;
	version->removed += before != NULL;
	return CADRE_OK;
}

static bool in_list(const struct versions *versions, uint64_t id)
{
	for (size_t i = 0; i < versions->count; i++)
		if (versions->list[i].id == id)
			return true;
	return false;
}

/* What each version changed against its source; without one, all it has is new. */
static enum cadre_status compare(struct admin_source *source, struct versions *versions,
                                 struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;

	for (size_t i = 0; i < versions->count && status == CADRE_OK; i++) {
		struct version *version = &versions->list[i];
		Cadre__V1__Resource *to = NULL;
		Cadre__V1__Resource *from = NULL;

		cadre_arena_reset(&source->arena);
		status = cadre_view_by_id(&source->view, version->id, &to, err);
		if (status == CADRE_OK && version->source == 0) {
			version->added = to->group->member_count;
			continue;
		}
		if (status == CADRE_OK)
			status = cadre_view_by_id(&source->view, version->source, &from,
			                          err);
		if (status == CADRE_OK)
			status = cadre_view_diff(&source->view, from->group, to->group,
			                         count_change, version, err);
		if (status == CADRE_OK)
			status = admin_check_signals(err);
		if (!in_list(versions, version->source))
			version->source = 0;
	}
	return status;
}

static void mark(struct versions *versions, uint64_t latest)
{
	for (size_t i = 0; i < versions->count; i++) {
		struct version *version = &versions->list[i];

		version->latest = version->id == latest;
		for (size_t j = 0; j < versions->serving_count; j++)
			version->serving |= versions->serving[j] == version->id;
	}
}

static enum cadre_status collect(struct admin_source *source,
                                 const Cadre__V1__Resource *history,
                                 struct versions *versions, struct cadre_error *err)
{
	char compartment[CADRE_OCID_BYTES * 4]; /* listing may empty the arena */
	struct cadre_list_query query = { .kind = CADRE__V1__KIND__KIND_GROUP,
		                          .compartment_id = compartment,
		                          .history = history->id };
	uint64_t latest = history->history->has_latest_group
	                          ? history->history->latest_group
	                          : 0;
	enum cadre_status status;

	snprintf(compartment, sizeof(compartment), "%s", history->compartment_id);
	status = list_all(source, query, add_version, versions, err);
	query = (struct cadre_list_query){ .kind = CADRE__V1__KIND__KIND_DEPLOYMENT,
		                           .compartment_id = compartment };
	if (status == CADRE_OK)
		status = list_all(source, query, add_serving, versions, err);
	mark(versions, latest);
	return status == CADRE_OK ? compare(source, versions, err) : status;
}

static void marks_text(const struct version *version, char text[64])
{
	snprintf(text, 64, "%s%s%s", version->latest ? " latest" : "",
	         version->serving ? " serving" : "", version->deleted ? " deleted" : "");
}

static void table_row(struct cadre_table *table, const char *graph,
                      const struct version *version)
{
	char time[32];
	char marks[64];

	cadre_time_format(version->time_ms, time);
	marks_text(version, marks);
	cadre_table_cell(table, "%s", graph);
	cadre_table_cell(table, "%" PRIu64, version->version_id);
	cadre_table_cell(table, "%s", version->label);
	cadre_table_cell(table, "%s", version->name);
	cadre_table_cell(table, "%s", version->who);
	cadre_table_cell(table, "%s", time);
	cadre_table_cell(table, "+%" PRIu64, version->added);
	cadre_table_cell(table, "-%" PRIu64, version->removed);
	cadre_table_cell(table, "%s", marks[0] ? marks + 1 : "");
}

static void print_drawing(const struct versions *versions)
{
	static const char *const titles[] = { "",      "VERSION", "LABEL",
		                              "NAME",  "WHO",     "CREATED",
		                              "ADDED", "REMOVED", "" };
	struct cadre_graph drawing = { 0 };
	struct cadre_table table;

	cadre_table_init(&table, 9, 1u << 1 | 1u << 6 | 1u << 7, titles);
	for (size_t i = versions->count; i > 0; i--) {
		const struct version *version = &versions->list[i - 1];
		char join[CADRE_GRAPH_BYTES];
		char graph[CADRE_GRAPH_BYTES];

		if (cadre_graph_step(&drawing, version->id, version->source, join,
		                     graph)) {
			cadre_table_cell(&table, "%s", join);
			for (int cell = 1; cell < 9; cell++)
				cadre_table_cell(&table, "%s", "");
		}
		table_row(&table, graph, version);
	}
	cadre_table_print(&table, stdout);
	cadre_table_fini(&table);
}

static void print_json(const Cadre__V1__Resource *history,
                       const struct versions *versions)
{
	struct cadre_json json = { 0 };

	cadre_json_begin(&json, '{');
	cadre_json_key_text(&json, "historyId", history->ocid);
	cadre_json_key(&json, "versions");
	cadre_json_begin(&json, '[');
	for (size_t i = 0; i < versions->count; i++) {
		const struct version *version = &versions->list[i];

		cadre_json_begin(&json, '{');
		cadre_json_key_u64(&json, "versionId", version->version_id);
		cadre_json_key_text(&json, "id", version->ocid);
		cadre_json_key_text(&json, "versionLabel", version->label);
		cadre_json_key_text(&json, "displayName", version->name);
		cadre_json_key_text(&json, "createdBy", version->who);
		cadre_json_key_time(&json, "timeCreated", version->time_ms);
		cadre_json_key_u64(&json, "added", version->added);
		cadre_json_key_u64(&json, "removed", version->removed);
		cadre_json_key_bool(&json, "latest", version->latest);
		cadre_json_key_bool(&json, "serving", version->serving);
		cadre_json_key_bool(&json, "deleted", version->deleted);
		cadre_json_end(&json, '}');
	}
	cadre_json_end(&json, ']');
	cadre_json_end(&json, '}');
	admin_print_json(&json);
	cadre_json_fini(&json);
}

static void print(const struct admin_args *args, const Cadre__V1__Resource *history,
                  const struct versions *versions)
{
	if (args->mode == CADRE_OUTPUT_JSON) {
		print_json(history, versions);
	} else if (args->mode == CADRE_OUTPUT_QUIET) {
		for (size_t i = 0; i < versions->count; i++)
			printf("%s\n", versions->list[i].ocid);
	} else {
		print_drawing(versions);
	}
}

static void versions_fini(struct versions *versions)
{
	for (size_t i = 0; i < versions->count; i++) {
		free(versions->list[i].label);
		free(versions->list[i].name);
		free(versions->list[i].who);
		free(versions->list[i].ocid);
	}
	free(versions->list);
}

int admin_history(const struct admin_verb *verb, int argc, char **argv)
{
	const struct admin_syntax syntax = { NULL, NULL, 2, 2 };
	struct admin_args args = { 0 };
	struct admin_source source;
	struct versions versions = { 0 };
	Cadre__V1__Resource *history = NULL;
	struct cadre_error err = CADRE_ERROR_INIT;
	enum cadre_status status;
	int code = 0;

	admin_parse(verb, &syntax, argc, argv, &args);
	if (admin_source_open(&source, args.words[0], &err) != CADRE_OK)
		return admin_fail(&args, &err);
	status = admin_find(&source.view, args.compartment, args.words[1], ADMIN_HISTORY,
	                    &history, &err);
	if (status == CADRE_OK) {
		admin_note_name(&args, args.words[1], history);
		status = collect(&source, history, &versions, &err);
	}
	/* The arena was emptied on the way: the history again, for its OCID. */
	if (status == CADRE_OK)
		status = admin_find(&source.view, args.compartment, args.words[1],
		                    ADMIN_HISTORY, &history, &err);
	if (status == CADRE_OK)
		print(&args, history, &versions);
	else
		code = admin_fail(&args, &err);
	versions_fini(&versions);
	admin_source_close(&source);
	return code;
}
