/* Parts that several commands have. */
#ifndef TESTS_PROPERTY_GENERATE_PARTS_H
#define TESTS_PROPERTY_GENERATE_PARTS_H

#include "tests/property/generate.h"
#include "tests/support/events.h"

/* A message with its defaults. */
#define NEW(g, name) test_message((g)->arena, &cadre__v1__##name##__descriptor)

void generate_owner(struct generator *g, char **compartment, char **project);
char *generate_description(struct generator *g); /* or NULL */
/* Each absent, empty, or some; in one order. */
void generate_tags(struct generator *g, Cadre__V1__FreeformTags **freeform,
                   Cadre__V1__DefinedTags **defined);
Cadre__V1__CustomMetadata **generate_metadata(struct generator *g, size_t *ret_count);
char *generate_node_id(struct generator *g);

#endif
