#include "engine/store/store.h"
#include "tools/admin/admin.h"
#include "tools/admin/secure.h"

/* Beside the data directory, not in it: copies of the data hold no key. */
#define KEY_SUFFIX "-admin.pem"

enum { KEY_CLUSTER = 0x200, KEY_STRICT, KEY_SECURE };

static const struct argp_option options[] = {
	{ "cluster", KEY_CLUSTER, "NAME", 0, "Name of the cluster (required)", 0 },
	{ "strict", KEY_STRICT, NULL, 0, "Members must be registered models", 0 },
	{ "secure", KEY_SECURE, NULL, 0,
	  "Make principal \"admin\"; its private key goes to DIR" KEY_SUFFIX, 0 },
	{ 0 }
};

struct init_args {
	struct admin_args common;
	const char *cluster;
	bool strict;
	bool secure;
	char key_path[1024]; /* "": not secure */
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct init_args *args = state->input;

	switch (key) {
	case KEY_CLUSTER:
		args->cluster = arg;
		return 0;
	case KEY_STRICT:
		args->strict = true;
		return 0;
	case KEY_SECURE:
		args->secure = true;
		return 0;
	case ARGP_KEY_END:
		if (!args->cluster)
			argp_error(state, "--cluster NAME is missing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void print(const struct init_args *args, const struct cadre_store_status *status)
{
	struct cadre_json json = { 0 };
	char cluster[33];
	char node[33];

	cadre_hex_encode(status->cluster_id, 16, cluster);
	cadre_hex_encode(status->node_id, 16, node);
	switch (args->common.mode) {
	case CADRE_OUTPUT_QUIET:
		printf("%s\n", cluster);
		break;
	case CADRE_OUTPUT_JSON:
		cadre_json_begin(&json, '{');
		cadre_json_key_text(&json, "directory", args->common.words[0]);
		cadre_json_key_text(&json, "cluster", args->cluster);
		cadre_json_key_text(&json, "clusterId", cluster);
		cadre_json_key_text(&json, "nodeId", node);
		cadre_json_key_u64(&json, "seq", status->view.applied_seq);
		if (args->secure)
			cadre_json_key_text(&json, "adminKey", args->key_path);
		cadre_json_end(&json, '}');
		admin_print_json(&json);
		cadre_json_fini(&json);
		break;
	case CADRE_OUTPUT_TEXT:
	default:
		printf("made %s: cluster \"%s\" (%s), node %s\n", args->common.words[0],
		       args->cluster, cluster, node);
		if (args->secure)
			printf("principal \"admin\", its private key: %s\n",
			       args->key_path);
		break;
	}
}

/* DIR without slashes at its end, and the suffix. */
static enum cadre_status set_key_path(struct init_args *args, struct cadre_error *err)
{
	const char *dir = args->common.words[0];
	size_t length = strlen(dir);
	int wrote;

	while (length > 1 && dir[length - 1] == '/')
		length--;
	wrote = snprintf(args->key_path, sizeof args->key_path, "%.*s%s", (int)length,
	                 dir, KEY_SUFFIX);
	if (wrote > 0 && (size_t)wrote < sizeof args->key_path)
		return CADRE_OK;
	return cadre_error_set(err, CADRE_INVALID_PARAMETER, "\"%.300s\": too long", dir);
}

int admin_init(const struct admin_verb *verb, int argc, char **argv)
{
	const struct admin_syntax syntax = { options, parse, 1, 1 };
	struct init_args args = { 0 };
	struct cadre_init_options init = { 0 };
	struct cadre_store_options open = { .no_snapshots = true };
	struct cadre_store_status store_status;
	struct cadre_store *store = NULL;
	struct cadre_error err = CADRE_ERROR_INIT;

	admin_parse(verb, &syntax, argc, argv, &args.common);
	init.dir = open.dir = args.common.words[0];
	init.cluster_name = args.cluster;
	init.strict_members = args.strict;
	if (cadre_store_init(cadre_env_real(), &init, &err) != CADRE_OK ||
	    admin_store_open(&open, &store, &err) != CADRE_OK)
		return admin_fail(&args.common, &err);
	if (args.secure && (set_key_path(&args, &err) != CADRE_OK ||
	                    admin_secure(store, args.key_path, &err) != CADRE_OK)) {
		cadre_store_close(store);
		return admin_fail(&args.common, &err);
	}
	cadre_store_status(store, &store_status);
	print(&args, &store_status);
	cadre_store_close(store);
	return 0;
}
