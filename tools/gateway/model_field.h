/*
 * The member "model" of a JSON object, found without building anything: bodies of
 * predictions are large and go on as they came.
 *
 * Threads: pure.
 */
#ifndef CADRE_TOOLS_GATEWAY_MODEL_FIELD_H
#define CADRE_TOOLS_GATEWAY_MODEL_FIELD_H

#include "engine/base/types.h"

#define GATEWAY_MODEL_BYTES 1024u

/* Looks through the members of the outermost object only. A body that is one JSON string
 * (what a client makes of text) is looked into when it holds an object.
 * false: no such text, or no object. */
bool gateway_model_field(struct cadre_slice body, char model[GATEWAY_MODEL_BYTES]);

#endif
