/*
 * STUB of replica/node/node.h, for tests of the daemon around a node: it holds no store
 * and does what one line in `<dir>/stub` says, looked at again each time:
 *
 *   starting DONE TOTAL   start goes on, and tells that progress
 *   error STATUS TEXT     start ends with that status number and message
 *   serving               it serves and is ready
 *   lagging TEXT          it serves, and is not ready because of TEXT
 *   failed                the log failed
 *   stuck                 stop does not return
 *   assert                a promise is broken
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assert.h"
#include "replica/node/node.h"

struct cadre_node {
	const struct cadre_node_options *options;
	struct cadre_env *env;
	struct cadre_address addresses[3];
};

static const char *script(const struct cadre_node_options *options, char line[200])
{
	char path[1100];
	FILE *file;

	snprintf(path, sizeof path, "%s/stub", options->dir);
	file = fopen(path, "re");
	if (!file || !fgets(line, 200, file))
		snprintf(line, 200, "serving");
	if (file)
		fclose(file);
	line[strcspn(line, "\n")] = '\0';
	return line;
}

static bool says(const struct cadre_node_options *options, const char *word)
{
	char line[200];

	return strncmp(script(options, line), word, strlen(word)) == 0;
}

/* Until the script is read again. */
static void wait_a_little(void)
{
	(void)poll(NULL, 0, 5);
}

static enum cadre_status wait_to_serve(const struct cadre_node_options *options,
                                       struct cadre_error *err)
{
	char line[200];
	uint64_t done, total;
	unsigned status;
	int used = 0;

	while (sscanf(script(options, line), "starting %" SCNu64 " %" SCNu64, &done,
	              &total) == 2) {
		if (options->progress(options->progress_ctx, done, total) != CADRE_OK)
			return cadre_error_set(err, CADRE_UNAVAILABLE, "told to stop");
		wait_a_little();
	}
	if (sscanf(line, "error %u %n", &status, &used) == 1)
		return cadre_error_set(err, (enum cadre_status)status, "%s", line + used);
	CADRE_ASSERT(strcmp(line, "assert") != 0);
	return CADRE_OK;
}

enum cadre_status cadre_node_start(struct cadre_env *env,
                                   const struct cadre_node_options *options,
                                   struct cadre_node **ret_node, struct cadre_error *err)
{
	const char *texts[] = { options->listen, options->replication_listen,
		                options->predict_listen };
	enum cadre_status status = wait_to_serve(options, err);
	struct cadre_node *node;

	if (status != CADRE_OK)
		return status;
	node = calloc(1, sizeof *node);
	CADRE_ASSERT(node);
	node->options = options;
	node->env = env;
	for (unsigned i = 0; i < 3; i++)
		CADRE_ASSERT(cadre_address_parse(texts[i], 7420, &node->addresses[i],
		                                 err) == CADRE_OK);
	cadre_log_line(options->sink, env->ops->wall_ms(env), CADRE_LOG_DEBUG,
	               "stub.started", "labels=%zu", options->label_count);
	for (const char *const *word = options->agent.program.arguments; word && *word;
	     word++)
		cadre_log_line(options->sink, env->ops->wall_ms(env), CADRE_LOG_INFO,
		               "stub.worker_word", "word=\"%s\"", *word);
	*ret_node = node;
	return CADRE_OK;
}

void cadre_node_stop(struct cadre_node **node)
{
	while (says((*node)->options, "stuck"))
		wait_a_little();
	free(*node);
	*node = NULL;
}

bool cadre_node_failed(struct cadre_node *node)
{
	return says(node->options, "failed");
}

const struct cadre_address *cadre_node_address(const struct cadre_node *node,
                                               enum cadre_node_socket socket)
{
	bool leader = node->options->role == CADRE_NODE_LEADER;

	if (socket == (leader ? CADRE_NODE_PREDICT : CADRE_NODE_REPLICATION))
		return NULL;
	return &node->addresses[socket];
}

bool cadre_node_ready(struct cadre_node *node, char *why, size_t capacity)
{
	char line[200];

	if (strncmp(script(node->options, line), "lagging ", 8) != 0)
		return true;
	snprintf(why, capacity, "%s", line + 8);
	return false;
}

enum cadre_status cadre_node_metrics_text(struct cadre_node *node,
                                          struct cadre_buffer *out)
{
	static const char text[] = "cadre_stub 1\n";

	(void)node;
	return cadre_buffer_append(out, text, sizeof text - 1);
}

void cadre_node_reload(struct cadre_node *node, const struct cadre_node_options *options)
{
	cadre_log_line(node->options->sink, node->env->ops->wall_ms(node->env),
	               CADRE_LOG_INFO, "stub.reloaded",
	               "labels=%zu first=\"%s\" linger=%u", options->label_count,
	               options->label_count ? options->labels[0]->value : "",
	               options->agent.linger_ms);
}
