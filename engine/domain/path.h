/*
 * Where in a command something is wrong. Paths are chains of frames on the stack;
 * the text is made only when there is something to say.
 */
#ifndef CADRE_DOMAIN_PATH_H
#define CADRE_DOMAIN_PATH_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

#include "engine/base/status.h"

#define CADRE_PATH_NO_INDEX ((size_t)-1)
/* Holds every path of the schema, and prefixes of batches. */
#define CADRE_PATH_BYTES 192

struct cadre_path {
	const struct cadre_path *parent; /* NULL: the outermost field */
	const ProtobufCFieldDescriptor *field;
	size_t index; /* CADRE_PATH_NO_INDEX: not repeated */
};

/* `createGroup.members[17].inferenceKey` and a NUL. `path` may be NULL: "". */
void cadre_path_format(const struct cadre_path *path, char text[CADRE_PATH_BYTES]);

/* `inference_key` as `inferenceKey`, cut to `capacity` with the NUL. */
void cadre_path_camel(const char *name, char *text, size_t capacity);

/* Sets "<path>[.<tail>]: <message>"; `tail` may be NULL. Returns `status`. */
enum cadre_status cadre_path_refuse(const struct cadre_path *path, const char *tail,
                                    struct cadre_error *err, enum cadre_status status,
                                    const char *format, ...) CADRE_PRINTF(5, 6);

#endif
