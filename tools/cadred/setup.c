/* From options to what a node is started with. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/cadred/options.h"

static enum cadre_status out_of_memory(struct cadre_error *err)
{
	return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "options: out of memory");
}

/* NAME=VALUE as the table has checked it. */
static enum cadre_status add_label(struct cadred_setup *setup, const char *text,
                                   struct cadre_error *err)
{
	size_t at = setup->options.label_count;
	size_t length = strcspn(text, "=");
	char *copy = strdup(text);

	if (!copy)
		return out_of_memory(err);
	copy[length] = '\0';
	cadre__v1__name_value__init(&setup->labels[at]);
	setup->labels[at].name = copy;
	setup->labels[at].value = copy + length + 1;
	setup->label_names[at] = copy;
	setup->label_list[at] = &setup->labels[at];
	setup->options.label_count++;
	return CADRE_OK;
}

static enum cadre_status add_labels(const struct cadre_config *config,
                                    struct cadred_setup *setup, struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;

	for (size_t i = 0;
	     status == CADRE_OK && i < cadre_config_count(config, CADRED_LABEL); i++)
		status = add_label(setup, cadre_config_item(config, CADRED_LABEL, i),
		                   err);
	setup->options.labels = setup->label_list;
	return status;
}

/* All texts of worker-args in one, parted by a space. Ownership: the caller frees. */
static char *joined_words(const struct cadre_config *config)
{
	size_t count = cadre_config_count(config, CADRED_WORKER_ARGS);
	size_t room = 1;
	char *text;

	for (size_t i = 0; i < count; i++)
		room += strlen(cadre_config_item(config, CADRED_WORKER_ARGS, i)) + 1;
	text = calloc(1, room);
	for (size_t i = 0, used = 0; text && i < count; i++)
		used += (size_t)snprintf(
		        text + used, room - used, "%s ",
		        cadre_config_item(config, CADRED_WORKER_ARGS, i));
	return text;
}

static enum cadre_status split_words(const struct cadre_config *config,
                                     struct cadred_setup *setup, struct cadre_error *err)
{
	size_t count = 0;
	char *rest = setup->worker_text = joined_words(config);
	char *word;

	if (!rest)
		return out_of_memory(err);
	while ((word = strsep(&rest, " "))) {
		if (*word == '\0')
			continue;
		if (count == CADRED_WORDS_MAX)
			return cadre_error_set(err, CADRE_INVALID_PARAMETER,
			                       "worker-args: more than %d words",
			                       CADRED_WORDS_MAX);
		setup->worker_words[count++] = word;
	}
	setup->options.agent.program.arguments = setup->worker_words;
	return CADRE_OK;
}

/* The worker that comes with cadred: "" when it is not there. */
static void find_worker(char path[CADRED_PATH_BYTES])
{
	static const char *const places[] = { "cadre-worker-llama",
		                              "../libexec/cadre/cadre-worker-llama" };
	char own[CADRED_PATH_BYTES / 2];
	ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);

	path[0] = '\0';
	if (length <= 0)
		return;
	own[length] = '\0';
	*(strrchr(own, '/') + 1) = '\0';
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		snprintf(path, CADRED_PATH_BYTES, "%s%s", own, places[i]);
		if (access(path, X_OK) == 0)
			return;
	}
	path[0] = '\0';
}

static enum cadre_status choose_worker(const struct cadre_config *config,
                                       struct cadred_setup *setup,
                                       struct cadre_error *err)
{
	const char *text = cadre_config_text(config, CADRED_WORKER);

	if (setup->options.role != CADRE_NODE_FOLLOWER || strcmp(text, "none") == 0)
		return CADRE_OK;
	if (*text == '\0')
		find_worker(setup->worker);
	else if (access(text, X_OK) != 0)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "worker: \"%.300s\" is no program that can be "
		                       "run; \"none\" does without",
		                       text);
	else
		snprintf(setup->worker, sizeof setup->worker, "%s", text);
	if (setup->worker[0] != '\0')
		setup->options.agent.program.path = setup->worker;
	return split_words(config, setup, err);
}

/* Refuses an address that others can reach, unless that is wanted. */
static enum cadre_status check_exposure(const struct cadre_config *config,
                                        enum cadred_option row, bool insecure,
                                        struct cadre_error *err)
{
	const char *text = cadre_config_text(config, row);
	struct cadre_address address;
	enum cadre_status status;

	if (cadred_is_none(text))
		return CADRE_OK;
	status = cadre_address_parse(text, 1, &address, err);
	if (status == CADRE_OK)
		status = cadre_address_check_exposure(&address, insecure, err);
	if (status != CADRE_OK)
		cadre_error_prefix(err, "%s: ", cadred_options.rows[row].name);
	return status;
}

static enum cadre_status check_network(const struct cadre_config *config,
                                       const struct cadred_setup *setup,
                                       struct cadre_error *err)
{
	bool leader = setup->options.role == CADRE_NODE_LEADER;
	bool insecure = setup->options.insecure;
	enum cadre_status status;

	if (!leader && !setup->options.join)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "a follower needs --join with the leader's "
		                       "replication address, such as "
		                       "--join tcp://127.0.0.1:7421");
	status = check_exposure(config, CADRED_LISTEN, insecure, err);
	if (status == CADRE_OK)
		status = check_exposure(config,
		                        leader ? CADRED_REPLICATION_LISTEN
		                               : CADRED_PREDICT_LISTEN,
		                        insecure, err);
	if (status == CADRE_OK)
		status = check_exposure(config, CADRED_HTTP_LISTEN, insecure, err);
	return status;
}

static const char *text_or_null(const struct cadre_config *config, enum cadred_option row)
{
	const char *text = cadre_config_text(config, row);

	return *text == '\0' ? NULL : text;
}

static void fill(const struct cadre_config *config, struct cadred_setup *setup)
{
	bool leader = cadred_role_bit(config) == 1u << CADRE_NODE_LEADER;

	setup->options = (struct cadre_node_options){
		.dir = cadre_config_text(config, CADRED_DATA_DIR),
		.role = leader ? CADRE_NODE_LEADER : CADRE_NODE_FOLLOWER,
		.listen = text_or_null(config, CADRED_LISTEN),
		.replication_listen = text_or_null(config, CADRED_REPLICATION_LISTEN),
		.predict_listen = text_or_null(config, CADRED_PREDICT_LISTEN),
		.advertise = text_or_null(config, CADRED_ADVERTISE),
		.predict_advertise = text_or_null(config, CADRED_PREDICT_ADVERTISE),
		.join = text_or_null(config, CADRED_JOIN),
		.name = text_or_null(config, CADRED_NAME),
		.insecure = cadre_config_on(config, CADRED_INSECURE),
		.segment_bytes = cadre_config_number(config, CADRED_SEGMENT_SIZE),
		.map_bytes = cadre_config_number(config, CADRED_MAP_SIZE),
		.snapshots_kept = (unsigned)cadre_config_number(config,
		                                                CADRED_SNAPSHOTS_KEPT),
		.rebuild_views = cadre_config_on(config, CADRED_REBUILD_VIEWS),
		.guard_crashes = true,
	};
	setup->options.agent.linger_ms = (uint32_t)cadre_config_number(config,
	                                                               CADRED_LINGER);
}

enum cadre_status cadred_setup_create(const struct cadre_config *config,
                                      struct cadred_setup **ret_setup,
                                      struct cadre_error *err)
{
	unsigned role = cadred_role_bit(config);
	struct cadred_setup *setup;
	enum cadre_status status;

	if (role == 0)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "no role: say \"cadred leader\" or \"cadred "
		                       "follower\", or role = leader in the file");
	status = cadre_config_check_role(config, role, err);
	if (status != CADRE_OK)
		return status;
	setup = calloc(1, sizeof *setup);
	if (!setup)
		return out_of_memory(err);
	fill(config, setup);
	status = check_network(config, setup, err);
	if (status == CADRE_OK)
		status = add_labels(config, setup, err);
	if (status == CADRE_OK)
		status = choose_worker(config, setup, err);
	if (status == CADRE_OK)
		*ret_setup = setup;
	else
		cadred_setup_destroy(&setup);
	return status;
}

void cadred_setup_destroy(struct cadred_setup **setup)
{
	if (!setup || !*setup)
		return;
	for (size_t i = 0; i < (*setup)->options.label_count; i++)
		free((*setup)->label_names[i]);
	free((*setup)->worker_text);
	free(*setup);
	*setup = NULL;
}
