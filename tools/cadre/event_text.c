#include "tools/cadre/event_text.h"

#include <inttypes.h>
#include <stdio.h>

#include "tools/common/json_message.h"

/* The rest of a line, written piece by piece. */
struct line {
	char *text;
	size_t length;
};

static void put(struct line *line, const char *format, ...) CADRE_PRINTF(2, 3);

static void put(struct line *line, const char *format, ...)
{
	size_t room = CLI_EVENT_BYTES - line->length;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(line->text + line->length, room, format, args);
	va_end(args);
	if (length > 0)
		line->length += (size_t)length < room ? (size_t)length : room - 1;
}

static void put_link(struct line *line, const Cadre__V1__HistoryLink *link)
{
	if (link)
		put(line, ", version %" PRIu64 " of %s%s", link->version_id,
		    link->history_id, link->latest ? " (latest)" : "");
}

static void put_derived(struct line *line, const Cadre__V1__GroupDerived *event)
{
	put(line, " %s \"%s\" from %s, +%zu -%zu", event->id, event->display_name,
	    event->source_group_id, event->n_inserted, event->n_removed);
	put_link(line, event->link);
}

static void put_group(struct line *line, const Cadre__V1__GroupCreated *event)
{
	put(line, " %s \"%s\", %zu members", event->id,
	    event->group->display_name ? event->group->display_name : "",
	    event->group->n_members);
	put_link(line, event->link);
}

static void put_history(struct line *line, const Cadre__V1__HistoryCreated *event)
{
	put(line, " %s \"%s\"", event->id,
	    event->history->display_name ? event->history->display_name : "");
	if (event->latest_group_id)
		put(line, ", latest %s", event->latest_group_id);
}

static void put_deployment(struct line *line, const Cadre__V1__DeploymentCreated *event)
{
	put(line, " %s \"%s\" of %s", event->id,
	    event->deployment->display_name ? event->deployment->display_name : "",
	    event->deployment->model_group_id);
}

static void put_update(struct line *line, const Cadre__V1__DeploymentUpdated *event)
{
	put(line, " %s", event->changes->id);
	if (event->changes->model_group_id)
		put(line, " to %s, generation %" PRIu64, event->changes->model_group_id,
		    event->generation);
}

static void put_history_update(struct line *line, const Cadre__V1__HistoryUpdated *event)
{
	put(line, " %s", event->changes->id);
	if (event->changes->latest_model_group_id)
		put(line, ", latest %s", event->changes->latest_model_group_id);
}

/* Resource and the little that matters of it. */
static void put_resource(struct line *line, const Cadre__V1__Event *event)
{
	switch ((int)event->body_case) {
	case CADRE__V1__EVENT__BODY_GROUP_CREATED:
		put_group(line, event->group_created);
		break;
	case CADRE__V1__EVENT__BODY_GROUP_CLONED:
		put_derived(line, event->group_cloned);
		break;
	case CADRE__V1__EVENT__BODY_GROUP_PATCHED:
		put_derived(line, event->group_patched);
		break;
	case CADRE__V1__EVENT__BODY_GROUP_UPDATED:
		put(line, " %s", event->group_updated->changes->id);
		put_link(line, event->group_updated->link);
		break;
	case CADRE__V1__EVENT__BODY_HISTORY_CREATED:
		put_history(line, event->history_created);
		break;
	case CADRE__V1__EVENT__BODY_HISTORY_UPDATED:
		put_history_update(line, event->history_updated);
		break;
	case CADRE__V1__EVENT__BODY_MODEL_REGISTERED:
		put(line, " %s", event->model_registered->id);
		break;
	case CADRE__V1__EVENT__BODY_DEPLOYMENT_CREATED:
		put_deployment(line, event->deployment_created);
		break;
	case CADRE__V1__EVENT__BODY_DEPLOYMENT_UPDATED:
		put_update(line, event->deployment_updated);
		break;
	default:
		break;
	}
}

static void put_reference(struct line *line, const Cadre__V1__Event *event)
{
	switch ((int)event->body_case) {
	case CADRE__V1__EVENT__BODY_GROUP_ACTIVATED:
	case CADRE__V1__EVENT__BODY_GROUP_DEACTIVATED:
	case CADRE__V1__EVENT__BODY_GROUP_DELETED:
	case CADRE__V1__EVENT__BODY_HISTORY_DELETED:
	case CADRE__V1__EVENT__BODY_MODEL_RETIRED:
	case CADRE__V1__EVENT__BODY_DEPLOYMENT_ACTIVATED:
	case CADRE__V1__EVENT__BODY_DEPLOYMENT_DEACTIVATED:
	case CADRE__V1__EVENT__BODY_DEPLOYMENT_DELETED:
		put(line, " %s", event->group_activated->id);
		break;
	case CADRE__V1__EVENT__BODY_GROUP_MOVED:
	case CADRE__V1__EVENT__BODY_HISTORY_MOVED:
		put(line, " %s to compartment %s", event->group_moved->id,
		    event->group_moved->compartment_id);
		break;
	case CADRE__V1__EVENT__BODY_CUT_OVER:
		put(line, " %s to %s, generation %" PRIu64,
		    event->cut_over->deployment_id, event->cut_over->group_id,
		    event->cut_over->generation);
		break;
	case CADRE__V1__EVENT__BODY_CUT_OVER_FINISHED:
		put(line, " %s, generation %" PRIu64,
		    event->cut_over_finished->deployment_id,
		    event->cut_over_finished->generation);
		break;
	case CADRE__V1__EVENT__BODY_DEPLOYMENT_PLACED:
		put(line, " %s on %zu nodes", event->deployment_placed->deployment_id,
		    event->deployment_placed->n_nodes);
		break;
	case CADRE__V1__EVENT__BODY_NODE_REGISTERED:
		put(line, " %s", event->node_registered->node_id);
		break;
	case CADRE__V1__EVENT__BODY_NODE_RETIRED:
		put(line, " %s", event->node_retired->node_id);
		break;
	default:
		put_resource(line, event);
		break;
	}
}

const char *cli_event_text(const Cadre__V1__Event *event, char text[CLI_EVENT_BYTES])
{
	const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(
	        &cadre__v1__event__descriptor, (unsigned)event->body_case);
	struct line line = { .text = text };
	char name[CADRE_JSON_NAME_BYTES] = "unknown";

	if (field)
		cadre_json_name(field->name, name);
	text[0] = '\0';
	put(&line, "%s", name);
	put_reference(&line, event);
	for (char *at = text; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7F)
			*at = '?';
	return text;
}
