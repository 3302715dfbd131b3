/* Models, and the small bodies of actions. */
#include "engine/base/bytes.h"
#include "tools/common/oci_read.h"

#define SHA256_BYTES 32u

/* OCI has no such field: BASE is MODEL_BASE and so on. */
static void read_kind(struct oci_reader *reader, const struct oci_at *at,
                      Cadre__V1__RegisterModel *model)
{
	static const struct {
		const char *name;
		Cadre__V1__ModelKind kind;
	} kinds[] = {
		{ "OTHER", CADRE__V1__MODEL_KIND__MODEL_OTHER },
		{ "BASE", CADRE__V1__MODEL_KIND__MODEL_BASE },
		{ "LORA", CADRE__V1__MODEL_KIND__MODEL_LORA },
		{ "ONNX", CADRE__V1__MODEL_KIND__MODEL_ONNX },
	};
	const char *name = oci_text(reader, at, "kind");
	const char *bare = name && strncmp(name, "MODEL_", 6) == 0 ? name + 6 : name;

	if (!name)
		return;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].name, bare) == 0) {
			model->has_kind = true;
			model->kind = kinds[i].kind;
			return;
		}
	oci_fail(reader, at, "kind", CADRE_INVALID_PARAMETER,
	         "\"%.64s\" is none of BASE, LORA, ONNX, OTHER", name);
}

static void read_artifact(struct oci_reader *reader, const struct oci_at *at,
                          Cadre__V1__RegisterModel *model)
{
	const char *digits = oci_text(reader, at, "artifactSha256");
	const json_t *bytes = json_object_get(at->value, "artifactBytes");
	uint8_t *sha256 = digits ? oci_alloc(reader, SHA256_BYTES) : NULL;

	model->artifact_uri = oci_text(reader, at, "artifactUri");
	if (sha256) {
		if (!cadre_hex_decode(digits, sha256, SHA256_BYTES))
			oci_fail(reader, at, "artifactSha256", CADRE_INVALID_PARAMETER,
			         "\"%.80s\": not 64 hex digits", digits);
		model->has_artifact_sha256 = true;
		model->artifact_sha256.data = sha256;
		model->artifact_sha256.len = SHA256_BYTES;
	}
	if (!bytes || json_is_null(bytes))
		return;
	if (!json_is_integer(bytes) || json_integer_value(bytes) < 0)
		oci_fail(reader, at, "artifactBytes", CADRE_INVALID_PARAMETER,
		         "expected a number of bytes");
	model->has_artifact_bytes = true;
	model->artifact_bytes = (uint64_t)json_integer_value(bytes);
}

enum cadre_status cadre_oci_create_model(const json_t *body, struct cadre_arena *arena,
                                         Cadre__V1__Command *command,
                                         struct cadre_error *err)
{
	struct oci_reader reader = { .arena = arena, .err = err };
	struct oci_at at = { .value = body };
	Cadre__V1__RegisterModel *model = oci_alloc(&reader, sizeof(*model));

	cadre__v1__command__init(command);
	if (!model)
		return reader.status;
	cadre__v1__register_model__init(model);
	model->compartment_id = oci_required_text(&reader, &at, "compartmentId", NULL);
	model->project_id = oci_required_text(&reader, &at, "projectId", NULL);
	model->id = oci_text(&reader, &at, "id");
	model->display_name = oci_text(&reader, &at, "displayName");
	model->description = oci_text(&reader, &at, "description");
	model->framework = oci_text(&reader, &at, "framework");
	read_kind(&reader, &at, model);
	read_artifact(&reader, &at, model);
	model->custom_metadata_list = oci_metadata(&reader, &at,
	                                           &model->n_custom_metadata_list);
	model->freeform_tags = oci_freeform_tags(&reader, &at);
	model->defined_tags = oci_defined_tags(&reader, &at);
	command->body_case = CADRE__V1__COMMAND__BODY_REGISTER_MODEL;
	command->register_model = model;
	return reader.status;
}

enum cadre_status cadre_oci_read_compartment(const json_t *body,
                                             struct cadre_arena *arena,
                                             char **ret_compartment,
                                             struct cadre_error *err)
{
	struct oci_reader reader = { .arena = arena, .err = err };
	struct oci_at at = { .value = body };

	*ret_compartment = oci_required_text(&reader, &at, "compartmentId", NULL);
	return reader.status;
}
