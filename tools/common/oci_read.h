/*
 * Reading OCI bodies: getters that latch the first failure, so that a body is read
 * straight down and the status looked at once.
 */
#ifndef CADRE_TOOLS_OCI_READ_H
#define CADRE_TOOLS_OCI_READ_H

#include "tools/common/oci_json.h"

#define CADRE_OCI_PATH_BYTES 160u

struct oci_reader {
	struct cadre_arena *arena;
	struct cadre_error *err;
	enum cadre_status status;
};

/* A value and where it stands. `value` NULL: absent; every getter then says absent. */
struct oci_at {
	const json_t *value;
	char path[CADRE_OCI_PATH_BYTES]; /* "" for the body itself */
};

/* Records the first failure, `path.field: message` (field may be NULL). */
void oci_fail(struct oci_reader *reader, const struct oci_at *at, const char *field,
              enum cadre_status status, const char *format, ...) CADRE_PRINTF(5, 6);
/* Zeroed bytes of the arena; NULL latches. */
void *oci_alloc(struct oci_reader *reader, size_t bytes);

/* An object or array member; null is absent, another type latches. */
struct oci_at oci_object(struct oci_reader *reader, const struct oci_at *at,
                         const char *field);
struct oci_at oci_array(struct oci_reader *reader, const struct oci_at *at,
                        const char *field);
/* Element of an array; must be an object. */
struct oci_at oci_element(struct oci_reader *reader, const struct oci_at *at,
                          size_t index);
bool oci_present(const struct oci_at *at);
void oci_require(struct oci_reader *reader, const struct oci_at *parent,
                 const char *field);

/* NULL when absent. */
char *oci_text(struct oci_reader *reader, const struct oci_at *at, const char *field);
/* `fallback` (may be NULL) when absent; without one, latches "missing". */
char *oci_required_text(struct oci_reader *reader, const struct oci_at *at,
                        const char *field, const char *fallback);
bool oci_u32(struct oci_reader *reader, const struct oci_at *at, const char *field,
             uint32_t *ret_number);
bool oci_real(struct oci_reader *reader, const struct oci_at *at, const char *field,
              double *ret_number);
char **oci_texts(struct oci_reader *reader, const struct oci_at *at, const char *field,
                 size_t *ret_count);
char *oci_copy(struct oci_reader *reader, const char *text);

/* customMetadataList of `at`. */
Cadre__V1__CustomMetadata **oci_metadata(struct oci_reader *reader,
                                         const struct oci_at *at, size_t *ret_count);

/* NULL when absent. Sorted by key: a map has no order, and equal maps must make equal
 * commands. */
Cadre__V1__FreeformTags *oci_freeform_tags(struct oci_reader *reader,
                                           const struct oci_at *at);
Cadre__V1__DefinedTags *oci_defined_tags(struct oci_reader *reader,
                                         const struct oci_at *at);
/* A map of text to text as a list, sorted by name. */
Cadre__V1__NameValue **oci_name_values(struct oci_reader *reader, const struct oci_at *at,
                                       const char *field, size_t *ret_count);

#endif
