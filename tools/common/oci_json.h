/*
 * Request bodies of OCI's model-group API as commands.
 *
 * Unknown fields are ignored and null means absent, as OCI does; an unknown
 * discriminator (createType, modelGroupCloneSourceType, operation, type,
 * deploymentType, …) is refused. Lengths, counts and characters are checked by
 * cadre_command_check().
 *
 * Ownership: everything a command points to lives in the arena.
 * Errors: CADRE_INVALID_PARAMETER, CADRE_MISSING_PARAMETER, with OCI's path first
 * (`memberModelEntries.memberModelDetails[17].modelId: missing`); CADRE_TOO_LARGE
 * (the arena's cap), CADRE_OUT_OF_MEMORY.
 */
#ifndef CADRE_TOOLS_OCI_JSON_H
#define CADRE_TOOLS_OCI_JSON_H

#include <jansson.h>

#include "cadre/v1/command.pb-c.h"
#include "engine/base/status.h"
#include "proto/codec/arena.h"

/* What a body may leave out when a person gives it otherwise; each may be NULL. */
struct cadre_oci_defaults {
	const char *compartment_id;
	const char *project_id;
	const char *type;         /* HOMOGENEOUS, … */
	const char *display_name; /* of what is made */
	const char *history;      /* clone source, or the history of a new group */
};

enum cadre_oci_body {
	CADRE_OCI_UNKNOWN,
	CADRE_OCI_CREATE_GROUP, /* CREATE, CLONE, or a fragment of either */
	CADRE_OCI_CREATE_HISTORY,
	CADRE_OCI_CREATE_DEPLOYMENT
};
/* What the body looks like, by its fields. */
enum cadre_oci_body cadre_oci_guess(const json_t *body);

/* `defaults` NULL: the body is complete, or refused. With defaults also fragments are
 * taken: `memberModelEntries` alone, a clone source alone,
 * `patchModelGroupMemberModelDetails` alone. `command` is initialised here. */
CADRE_MUST_CHECK enum cadre_status
cadre_oci_create_group(const json_t *body, const struct cadre_oci_defaults *defaults,
                       struct cadre_arena *arena, Cadre__V1__Command *command,
                       struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status
cadre_oci_create_history(const json_t *body, const struct cadre_oci_defaults *defaults,
                         struct cadre_arena *arena, Cadre__V1__Command *command,
                         struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status
cadre_oci_create_deployment(const json_t *body, const struct cadre_oci_defaults *defaults,
                            struct cadre_arena *arena, Cadre__V1__Command *command,
                            struct cadre_error *err);

/* OCI's body of a model, and what Cadre has besides: framework, kind (BASE, LORA, ONNX,
 * OTHER), artifactUri, artifactSha256 (hex digits), artifactBytes, id. */
CADRE_MUST_CHECK enum cadre_status cadre_oci_create_model(const json_t *body,
                                                          struct cadre_arena *arena,
                                                          Cadre__V1__Command *command,
                                                          struct cadre_error *err);
/* The body of changeCompartment. */
CADRE_MUST_CHECK enum cadre_status cadre_oci_read_compartment(const json_t *body,
                                                              struct cadre_arena *arena,
                                                              char **ret_compartment,
                                                              struct cadre_error *err);

/* PUT bodies; `body` NULL (no content) changes nothing. `id` must outlive the
 * command. */
CADRE_MUST_CHECK enum cadre_status
cadre_oci_update_group(const json_t *body, const char *id, struct cadre_arena *arena,
                       Cadre__V1__Command *command, struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status
cadre_oci_update_history(const json_t *body, const char *id, struct cadre_arena *arena,
                         Cadre__V1__Command *command, struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status
cadre_oci_update_deployment(const json_t *body, const char *id, struct cadre_arena *arena,
                            Cadre__V1__Command *command, struct cadre_error *err);

#endif
