/* The table of verbs. */
#include <string.h>

#include "tools/cadre/cli.h"

#define COMMON                                                                    \
	(CLI_BIT(CLI_HELP) | CLI_BIT(CLI_JSON) | CLI_BIT(CLI_QUIET) |             \
	 CLI_BIT(CLI_CONTEXT) | CLI_BIT(CLI_ADDRESS) | CLI_BIT(CLI_COMPARTMENT) | \
	 CLI_BIT(CLI_PROJECT) | CLI_BIT(CLI_TIMEOUT) | CLI_BIT(CLI_AS) |          \
	 CLI_BIT(CLI_PRINCIPAL) | CLI_BIT(CLI_KEY))
#define LOCAL (CLI_BIT(CLI_HELP) | CLI_BIT(CLI_JSON) | CLI_BIT(CLI_QUIET))
#define READS (COMMON | CLI_BIT(CLI_AFTER))
#define LISTS (READS | CLI_BIT(CLI_NAME) | CLI_BIT(CLI_STATE) | CLI_BIT(CLI_LIMIT))
#define CHANGES                                                   \
	(COMMON | CLI_BIT(CLI_AFTER) | CLI_BIT(CLI_RETRY_TOKEN) | \
	 CLI_BIT(CLI_IF_MATCH) | CLI_BIT(CLI_ACK) | CLI_BIT(CLI_DRY_RUN))
#define MAKES                                                                      \
	(CHANGES | CLI_BIT(CLI_FROM_JSON) | CLI_BIT(CLI_SET) | CLI_BIT(CLI_NAME) | \
	 CLI_BIT(CLI_DESCRIPTION) | CLI_BIT(CLI_TAG))
#define GROUP_DETAILS                                                    \
	(CLI_BIT(CLI_TYPE) | CLI_BIT(CLI_BASE) | CLI_BIT(CLI_METADATA) | \
	 CLI_BIT(CLI_LABEL))
#define PATCHES (CLI_BIT(CLI_INSERT) | CLI_BIT(CLI_REMOVE))
#define DEPLOYMENT_DETAILS                                              \
	(CLI_BIT(CLI_GROUP) | CLI_BIT(CLI_SHAPE) | CLI_BIT(CLI_OCPUS) | \
	 CLI_BIT(CLI_MEMORY) | CLI_BIT(CLI_INSTANCES) | CLI_BIT(CLI_ENV))

static const struct {
	const char *noun;
	const char *summary;
} nouns[] = {
	{ "group", "model groups: immutable, versioned sets of models" },
	{ "history", "version histories: named lines of groups with a latest" },
	{ "model", "registered models" },
	{ "deployment", "deployments: groups on nodes" },
	{ "node", "nodes of the cluster" },
	{ "principal", "who may ask, and with which key" },
	{ "policy", "who may do what" },
	{ "config", "contexts: where to ask, and where names are looked up" },
};

const struct cli_verb cli_verbs[] = {
	{ "group", "create", "", "a new group from a full member list",
	  "cadre group create --name scoring-1 --member key1=ocid1.datasciencemodel.oc1..a",
	  0, 0, MAKES | GROUP_DETAILS | CLI_BIT(CLI_MEMBER) | CLI_BIT(CLI_HISTORY),
	  cli_group_create },
	{ "group", "clone", "[SOURCE]",
	  "a new group from a group, or from the latest of a history",
	  "cadre group clone scoring --insert key2=ocid1.datasciencemodel.oc1..b", 0, 1,
	  MAKES | GROUP_DETAILS | PATCHES | CLI_BIT(CLI_HISTORY), cli_group_clone },
	{ "group", "patch", "SOURCE", "the next version: members come and go",
	  "cadre group patch scoring --insert key2=ocid1.datasciencemodel.oc1..b --remove key1",
	  1, 1, MAKES | GROUP_DETAILS | PATCHES | CLI_BIT(CLI_BRANCH), cli_group_patch },
	{ "group", "update", "GROUP", "name, description, label, tags, history",
	  "cadre group update scoring-1 --label 'first try'", 1, 1,
	  MAKES | CLI_BIT(CLI_LABEL) | CLI_BIT(CLI_HISTORY) | CLI_BIT(CLI_UNLINK),
	  cli_group_update },
	{ "group", "show", "GROUP", "one group with its members",
	  "cadre group show scoring", 1, 1, READS, cli_group_show },
	{ "group", "list", "", "groups of the compartment",
	  "cadre group list --history scoring", 0, 0, LISTS | CLI_BIT(CLI_HISTORY),
	  cli_group_list },
	{ "group", "members", "GROUP", "members with their keys",
	  "cadre group members scoring", 1, 1, READS, cli_group_members },
	{ "group", "diff", "A B", "members that differ between two groups",
	  "cadre group diff scoring-1 scoring", 2, 2, READS, cli_diff },
	{ "group", "artifact", "put|get GROUP FILE",
	  "store a file as a group's artifact, or fetch it (FILE -: standard output)",
	  "cadre group artifact put scoring-1 ./artifact.zip", 3, 3, CHANGES,
	  cli_group_artifact },
	{ "group", "activate", "GROUP", "make an inactive group usable again",
	  "cadre group activate scoring-1", 1, 1, CHANGES, cli_group_activate },
	{ "group", "deactivate", "GROUP", "take a group out of use",
	  "cadre group deactivate scoring-1", 1, 1, CHANGES, cli_group_deactivate },
	{ "group", "delete", "GROUP", "end a group; it stays readable",
	  "cadre group delete scoring-1", 1, 1, CHANGES, cli_group_delete },
	{ "group", "move", "GROUP COMPARTMENT", "to another compartment",
	  "cadre group move scoring-1 ocid1.compartment.oc1..d", 2, 2, CHANGES,
	  cli_group_move },

	{ "history", "create", "", "a new version history",
	  "cadre history create --name scoring --latest scoring-1", 0, 0,
	  MAKES | CLI_BIT(CLI_LATEST), cli_history_create },
	{ "history", "show", "HISTORY", "one history", "cadre history show scoring", 1, 1,
	  READS, cli_history_show },
	{ "history", "list", "", "histories of the compartment", "cadre history list", 0,
	  0, LISTS, cli_history_list },
	{ "history", "log", "HISTORY", "draw the line of versions, newest first",
	  "cadre history log scoring", 1, 1, READS | CLI_BIT(CLI_LIMIT),
	  cli_history_log },
	{ "history", "rollback", "HISTORY", "make an earlier version the latest",
	  "cadre history rollback scoring --to 1", 1, 1, CHANGES | CLI_BIT(CLI_TO),
	  cli_history_rollback },
	{ "history", "update", "HISTORY", "description, tags, latest",
	  "cadre history update scoring --description 'credit scoring'", 1, 1,
	  MAKES | CLI_BIT(CLI_LATEST), cli_history_update },
	{ "history", "delete", "HISTORY", "end a history without live groups",
	  "cadre history delete scoring", 1, 1, CHANGES, cli_history_delete },
	{ "history", "move", "HISTORY COMPARTMENT", "to another compartment",
	  "cadre history move scoring ocid1.compartment.oc1..d", 2, 2, CHANGES,
	  cli_history_move },

	{ "model", "register", "", "tell the cluster of a model",
	  "cadre model register --name base-7b --kind base --artifact ./base.gguf", 0, 0,
	  MAKES | CLI_BIT(CLI_ID) | CLI_BIT(CLI_FRAMEWORK) | CLI_BIT(CLI_KIND) |
	          CLI_BIT(CLI_ARTIFACT) | CLI_BIT(CLI_UPLOAD) | CLI_BIT(CLI_URI) |
	          CLI_BIT(CLI_SHA256) | CLI_BIT(CLI_BYTES) | CLI_BIT(CLI_METADATA),
	  cli_model_register },
	{ "model", "show", "MODEL", "one model", "cadre model show base-7b", 1, 1, READS,
	  cli_model_show },
	{ "model", "list", "", "models of the compartment", "cadre model list", 0, 0,
	  LISTS, cli_model_list },
	{ "model", "retire", "MODEL", "take a model out of use",
	  "cadre model retire base-7b", 1, 1, CHANGES, cli_model_retire },

	{ "deployment", "create", "", "bind a group to nodes",
	  "cadre deployment create --name live --group scoring --instances 1", 0, 0,
	  MAKES | DEPLOYMENT_DETAILS, cli_deployment_create },
	{ "deployment", "update", "DEPLOYMENT", "another group, or other settings",
	  "cadre deployment update live --group scoring", 1, 1,
	  MAKES | DEPLOYMENT_DETAILS | CLI_BIT(CLI_UPDATE_TYPE), cli_deployment_update },
	{ "deployment", "show", "DEPLOYMENT", "one deployment",
	  "cadre deployment show live", 1, 1, READS, cli_deployment_show },
	{ "deployment", "list", "", "deployments of the compartment",
	  "cadre deployment list", 0, 0, LISTS, cli_deployment_list },
	{ "deployment", "models", "DEPLOYMENT", "state of every member on every node",
	  "cadre deployment models live", 1, 1, READS, cli_deployment_models },
	{ "deployment", "wait", "DEPLOYMENT", "until it serves its group everywhere",
	  "cadre deployment wait live --timeout 60", 1, 1, READS, cli_deployment_wait },
	{ "deployment", "rollback", "DEPLOYMENT", "back to the group it had before",
	  "cadre deployment rollback live", 1, 1, CHANGES | CLI_BIT(CLI_TO),
	  cli_deployment_rollback },
	{ "deployment", "activate", "DEPLOYMENT", "serve again",
	  "cadre deployment activate live", 1, 1, CHANGES, cli_deployment_activate },
	{ "deployment", "deactivate", "DEPLOYMENT", "stop serving",
	  "cadre deployment deactivate live", 1, 1, CHANGES, cli_deployment_deactivate },
	{ "deployment", "delete", "DEPLOYMENT", "end a deployment",
	  "cadre deployment delete live", 1, 1, CHANGES, cli_deployment_delete },

	{ "node", "list", "", "nodes, how far each is", "cadre node list", 0, 0, LISTS,
	  cli_node_list },
	{ "node", "show", "NODE", "one node, with the members it holds",
	  "cadre node show worker-1", 1, 1, READS, cli_node_show },
	{ "node", "retire", "NODE", "forget a node that does not come back",
	  "cadre node retire worker-1", 1, 1, CHANGES, cli_node_retire },

	{ "principal", "put", "NAME", "let somebody in, or change key and groups",
	  "cadre principal put ann --public-key ann.pem --group Scientists", 1, 1,
	  CHANGES | CLI_BIT(CLI_PUBLIC_KEY) | CLI_BIT(CLI_GROUP) | CLI_BIT(CLI_GATEWAY),
	  cli_principal_put },
	{ "principal", "list", "", "principals with groups and keys",
	  "cadre principal list", 0, 0, READS, cli_principal_list },
	{ "principal", "remove", "NAME", "let somebody out", "cadre principal remove ann",
	  1, 1, CHANGES, cli_principal_remove },

	{ "policy", "put", "NAME", "statements of a policy, in place of earlier ones",
	  "cadre policy put science --statement 'allow group Scientists to manage "
	  "data-science-family in compartment lab'",
	  1, 1, CHANGES | CLI_BIT(CLI_STATEMENT), cli_policy_put },
	{ "policy", "list", "", "policies with their statements", "cadre policy list", 0,
	  0, READS, cli_policy_list },
	{ "policy", "remove", "NAME", "take a policy away", "cadre policy remove science",
	  1, 1, CHANGES, cli_policy_remove },
	{ "policy", "check", "PRINCIPAL VERB RESOURCE COMPARTMENT|tenancy",
	  "which statement lets somebody do something",
	  "cadre policy check ann use data-science-model-groups lab", 4, 4, READS,
	  cli_policy_check },

	{ NULL, "resolve", "TARGET KEY", "model of an inference key, now or in the past",
	  "cadre resolve scoring key1 --at 5", 2, 2, READS | CLI_BIT(CLI_AT),
	  cli_resolve },
	{ NULL, "key-log", "TARGET KEY", "every change of a key: when, who, from, to",
	  "cadre key-log scoring key1", 2, 2, READS | CLI_BIT(CLI_LIMIT), cli_key_log },
	{ NULL, "diff", "A B", "members that differ between two groups or histories",
	  "cadre diff scoring-1 scoring", 2, 2, READS, cli_diff },
	{ NULL, "apply", "FILE…", "bring a history to the members that a file wants",
	  "cadre apply scoring.json", 1, CLI_WORDS_MAX,
	  CHANGES | CLI_BIT(CLI_YES) | CLI_BIT(CLI_SET), cli_apply },
	{ NULL, "import", "FILE…", "recreate groups and histories that OCI listed",
	  "cadre import groups.json histories.json", 1, CLI_WORDS_MAX,
	  COMMON | CLI_BIT(CLI_ACK) | CLI_BIT(CLI_DRY_RUN), cli_import },
	{ NULL, "watch", "", "events as they commit", "cadre watch --from 1", 0, 0,
	  COMMON | CLI_BIT(CLI_FROM) | CLI_BIT(CLI_LIMIT), cli_watch },
	{ NULL, "predict", "DEPLOYMENT KEY", "ask a model; the answer as it comes",
	  "echo '{\"prompt\": \"hi\"}' | cadre predict live key1", 2, 2,
	  (COMMON & ~(CLI_BIT(CLI_JSON))) | CLI_BIT(CLI_DATA), cli_predict },
	{ NULL, "status", "", "role, positions, alarms and nodes",
	  "cadre status --explain", 0, 0, READS | CLI_BIT(CLI_EXPLAIN), cli_status },
	{ NULL, "outcome", "TOKEN", "what became of a change, by its retry token",
	  "cadre outcome 5f0c", 1, 1, READS, cli_outcome },

	{ "config", "use", "CONTEXT", "choose a context; make or change it with flags",
	  "cadre config use local --address tcp://127.0.0.1:7420", 1, 1,
	  LOCAL | CLI_BIT(CLI_ADDRESS) | CLI_BIT(CLI_COMPARTMENT) | CLI_BIT(CLI_PROJECT) |
	          CLI_BIT(CLI_PRINCIPAL) | CLI_BIT(CLI_KEY),
	  cli_config_use },
	{ "config", "show", "", "contexts of the configuration file", "cadre config show",
	  0, 0, LOCAL, cli_config_show },
	{ NULL, "help", "[VERB…]", "help for everything, a noun or a verb",
	  "cadre help group patch", 0, 2, CLI_BIT(CLI_HELP), cli_help },
	{ NULL, "manual", "", "the manual page, as troff", "cadre manual > cadre.1", 0, 0,
	  CLI_BIT(CLI_HELP), cli_manual },
	{ NULL, "completion", "", "completion for bash", "eval \"$(cadre completion)\"",
	  0, 0, CLI_BIT(CLI_HELP), cli_completion },
};
const size_t cli_verbs_count = sizeof(cli_verbs) / sizeof(cli_verbs[0]);

const char *cli_noun_summary(const char *noun)
{
	for (size_t i = 0; i < sizeof(nouns) / sizeof(nouns[0]); i++)
		if (strcmp(nouns[i].noun, noun) == 0)
			return nouns[i].summary;
	return NULL;
}
