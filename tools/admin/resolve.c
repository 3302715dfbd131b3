#include <inttypes.h>

#include "tools/admin/source.h"

#define KEY_AT 0x200

static const struct argp_option options[] = {
	{ "at", KEY_AT, "SEQ|TIME", 0, "As it was after that event, or at that time", 0 },
	{ 0 }
};

struct resolve_args {
	struct admin_args common;
	struct admin_moment at;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct resolve_args *args = state->input;

	if (key != KEY_AT)
		return ARGP_ERR_UNKNOWN;
	if (!admin_parse_moment(arg, &args->at))
		argp_error(state,
		           "--at %s: neither a seq nor a time like 2026-11-22T14:40:24Z",
		           arg);
	return 0;
}

struct answer {
	const Cadre__V1__Resource *target;
	const Cadre__V1__Resource *group;
	struct cadre_pointer pointer;
	char model[CADRE_OCID_BYTES];
};

static void print(const struct resolve_args *args, const struct answer *answer)
{
	struct cadre_json json = { 0 };

	switch (args->common.mode) {
	case CADRE_OUTPUT_QUIET:
		printf("%s\n", answer->model);
		break;
	case CADRE_OUTPUT_JSON:
		cadre_json_begin(&json, '{');
		cadre_json_key_text(&json, "key", args->common.words[2]);
		cadre_json_key_text(&json, "modelId", answer->model);
		cadre_json_key_text(&json, "targetId", answer->target->ocid);
		cadre_json_key_text(&json, "modelGroupId", answer->group->ocid);
		cadre_json_key_text(&json, "displayName", answer->group->display_name);
		cadre_json_key_u64(&json, "versionId", answer->group->group->version_id);
		cadre_json_key_u64(&json, "sinceSeq", answer->pointer.since);
		cadre_json_end(&json, '}');
		admin_print_json(&json);
		cadre_json_fini(&json);
		break;
	case CADRE_OUTPUT_TEXT:
	default:
		printf("%s\n", answer->model);
		printf("  of version %" PRIu64 " \"%s\" (%s), since seq %" PRIu64 "\n",
		       answer->group->group->version_id,
		       answer->group->display_name ? answer->group->display_name : "",
		       answer->group->ocid, answer->pointer.since);
		break;
	}
}

static enum cadre_status resolve(struct admin_source *source,
                                 const struct resolve_args *args, struct answer *answer,
                                 struct cadre_error *err)
{
	const char *key = args->common.words[2];
	struct cadre_slice model = { 0 };
	Cadre__V1__Resource *target = NULL;
	Cadre__V1__Resource *group = NULL;
	cadre_seq at = CADRE_SEQ_MAX;
	enum cadre_status status =
	        admin_find(&source->view, args->common.compartment, args->common.words[1],
	                   ADMIN_GROUP | ADMIN_HISTORY | ADMIN_DEPLOYMENT, &target, err);

	if (status != CADRE_OK)
		return status;
	admin_note_name(&args->common, args->common.words[1], target);
	status = admin_moment_seq(source, &args->at, &at, err);
	if (status == CADRE_OK)
		status = admin_group_of(&source->view, target, at, &answer->pointer,
		                        &group, err);
	if (status != CADRE_OK)
		return status;
	answer->target = target;
	answer->group = group;
	status = cadre_view_resolve(&source->view, answer->pointer.lineage,
	                            answer->pointer.version, cadre_slice_text(key),
	                            &model, err);
	if (status == CADRE_NOT_FOUND)
		return cadre_error_set(
		        err, status,
		        "version %" PRIu64 " of \"%s\" has no key or model \"%s\"",
		        group->group->version_id, args->common.words[1], key);
	if (status == CADRE_OK)
		snprintf(answer->model, sizeof(answer->model), "%.*s", (int)model.length,
		         (const char *)model.data);
	return status;
}

int admin_resolve(const struct admin_verb *verb, int argc, char **argv)
{
	const struct admin_syntax syntax = { options, parse, 3, 3 };
	struct resolve_args args = { 0 };
	struct answer answer = { 0 };
	struct admin_source source;
	struct cadre_error err = CADRE_ERROR_INIT;
	int code = 0;

	admin_parse(verb, &syntax, argc, argv, &args.common);
	if (admin_source_open(&source, args.common.words[0], &err) != CADRE_OK)
		return admin_fail(&args.common, &err);
	if (resolve(&source, &args, &answer, &err) == CADRE_OK)
		print(&args, &answer);
	else
		code = admin_fail(&args.common, &err);
	admin_source_close(&source);
	return code;
}
