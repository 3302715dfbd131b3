#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/cadred/daemon.h"
#include "tools/cadred/notify.h"
#include "tools/cadred/places.h"

/* A line about a long start. */
#define PROGRESS_LINE_NS UINT64_C(10000000000)

static void say_worker(struct cadred *daemon, const struct cadre_node_options *options)
{
	if (options->role != CADRE_NODE_FOLLOWER)
		return;
	if (options->agent.program.path)
		CADRED_SAY(&daemon->log, INFO, "daemon.worker", "program=\"%s\"",
		           options->agent.program.path);
	else
		CADRED_SAY(&daemon->log, WARN, "daemon.no_worker",
		           "meaning=\"this node loads no models and answers no "
		           "predictions\"");
}

void cadred_announce_start(struct cadred *daemon)
{
	char http[CADRE_ADDRESS_BYTES] = "none";
	const struct cadre_node_options *options = &daemon->edition->setup->options;

	if (daemon->http)
		cadred_http_text(&daemon->http_address, http);
	CADRED_SAY(&daemon->log, INFO, "daemon.start",
	           "version=%s role=%s data_dir=\"%s\" http=\"%s\"", CADRE_VERSION,
	           cadre_config_text(daemon->started, CADRED_ROLE), options->dir, http);
	say_worker(daemon, options);
	cadred_notify("STATUS=starting");
}

static bool reachable(const struct cadre_address *address)
{
	return address && !address->loopback;
}

/* Who may do what, as long as nobody has to prove who he is. */
static void say_security(struct cadred *daemon, const struct cadre_node *node)
{
	bool others = reachable(cadre_node_address(node, CADRE_NODE_RPC)) ||
	              reachable(cadre_node_address(node, CADRE_NODE_REPLICATION)) ||
	              reachable(cadre_node_address(node, CADRE_NODE_PREDICT)) ||
	              (daemon->http && !daemon->http_address.loopback);

	if (others)
		CADRED_SAY(
		        &daemon->log, WARN, "daemon.security",
		        "mode=open meaning=\"anyone who reaches these addresses may do "
		        "anything\"");
	else
		CADRED_SAY(&daemon->log, INFO, "daemon.security",
		           "mode=open meaning=\"anyone on this machine may do "
		           "anything\"");
}

static void say_address(struct cadred *daemon, const struct cadre_node *node,
                        enum cadre_node_socket socket, const char *name)
{
	const struct cadre_address *address = cadre_node_address(node, socket);
	char text[CADRE_ADDRESS_BYTES];

	if (!address)
		return;
	cadre_address_format(address, text);
	CADRED_SAY(&daemon->log, INFO, "daemon.listening", "socket=%s address=\"%s\"",
	           name, text);
}

/* An address that stands for all of the machine is no way to reach it. */
static void check_advertised(struct cadred *daemon, const struct cadre_node *node,
                             enum cadre_node_socket socket, const char *told,
                             const char *option)
{
	const struct cadre_address *address = cadre_node_address(node, socket);

	if (told || !address ||
	    (strcmp(address->host, "0.0.0.0") != 0 && strcmp(address->host, "::") != 0 &&
	     strcmp(address->host, "*") != 0))
		return;
	CADRED_SAY(&daemon->log, WARN, "daemon.not_advertised",
	           "listens_on=\"%s\" meaning=\"others are told an address that they "
	           "cannot use\" remedy=\"give --%s\"",
	           address->host, option);
}

static void say_advertised(struct cadred *daemon, const struct cadre_node *node)
{
	const struct cadre_node_options *options = &daemon->edition->setup->options;

	if (options->role == CADRE_NODE_LEADER)
		check_advertised(daemon, node, CADRE_NODE_RPC, options->advertise,
		                 "advertise");
	else
		check_advertised(daemon, node, CADRE_NODE_PREDICT,
		                 options->predict_advertise, "predict-advertise");
}

enum cadre_status cadred_announce_serving(struct cadred *daemon, struct cadre_error *err)
{
	const char *path = cadre_config_text(daemon->started, CADRED_READY_FILE);
	const struct cadre_node *node = cadred_runner_node(&daemon->runner);
	enum cadre_status status = CADRE_OK;

	say_address(daemon, node, CADRE_NODE_RPC, "rpc");
	say_address(daemon, node, CADRE_NODE_REPLICATION, "replication");
	say_address(daemon, node, CADRE_NODE_PREDICT, "predict");
	say_security(daemon, node);
	say_advertised(daemon, node);
	if (*path != '\0')
		status = cadred_ready_file_write(
		        path, node, cadre_config_text(daemon->started, CADRED_ROLE),
		        daemon->http ? &daemon->http_address : NULL, err);
	if (status == CADRE_OK)
		cadred_notify("READY=1\nSTATUS=serving");
	return status;
}

/* Only what is new: a state may last for days. */
static void say_change(struct cadred *daemon, const struct cadred_state *state)
{
	const char *now = state->ready ? "ready" : state->reason;

	if (strcmp(daemon->said, now) == 0)
		return;
	snprintf(daemon->said, sizeof daemon->said, "%s", now);
	if (state->ready)
		CADRED_SAY(&daemon->log, INFO, "daemon.ready", "answers=\"/readyz 200\"");
	else
		CADRED_SAY(&daemon->log, INFO, "daemon.not_ready", "reason=\"%s\"",
		           state->reason);
}

static void say_progress(struct cadred *daemon, const struct cadred_state *state)
{
	uint64_t now = daemon->health.env->ops->mono_ns(daemon->health.env);

	if (!state->percent_known || now - daemon->progress_ns < PROGRESS_LINE_NS)
		return;
	daemon->progress_ns = now;
	CADRED_SAY(&daemon->log, INFO, "daemon.progress",
	           "percent=%.0f seconds_left=%" PRIu64, state->percent, state->left_s);
}

void cadred_announce_state(struct cadred *daemon)
{
	struct cadred_state state;
	char text[400];

	cadred_health_state(&daemon->health, &state);
	say_change(daemon, &state);
	say_progress(daemon, &state);
	cadred_state_text(&state, text, sizeof text);
	if (strcmp(daemon->told, text) == 0)
		return;
	snprintf(daemon->told, sizeof daemon->told, "%s", text);
	cadred_notify("STATUS=%s", text);
}

static int exit_code_of(enum cadre_status status)
{
	/* A switch would have to name every status there is. */
	if (status == CADRE_INVALID_PARAMETER || status == CADRE_NOT_AUTHORIZED)
		return CADRED_EXIT_USAGE;
	if (status == CADRE_CONFLICT)
		return CADRED_EXIT_UNAVAILABLE;
	return cadre_status_exit_code(status);
}

int cadred_explain(struct cadred *daemon, struct cadre_error *err)
{
	const char *dir = daemon->edition->setup->options.dir;
	long owner = err->status == CADRE_CONFLICT ? cadred_lock_owner(dir) : 0;
	int code = exit_code_of(err->status);

	if (owner != 0)
		CADRED_SAY(&daemon->log, ERROR, "daemon.failed",
		           "exit=%d owner_pid=%ld reason=\"%s\"", code, owner,
		           err->message);
	else if (code == 6)
		CADRED_SAY(&daemon->log, ERROR, "daemon.failed",
		           "exit=%d remedy=\"cadre-admin verify %s\" reason=\"%s\"", code,
		           dir, err->message);
	else
		CADRED_SAY(&daemon->log, ERROR, "daemon.failed", "exit=%d reason=\"%s\"",
		           code, err->message);
	cadred_notify("STATUS=failed: %s", err->message);
	return code;
}
