/*
 * Random commands, weighted to what breaks lineages and pointers. They fit the model
 * that the generator looks at, mostly; a good share does not, on purpose.
 */
#ifndef TESTS_PROPERTY_GENERATE_H
#define TESTS_PROPERTY_GENERATE_H

#include "engine/base/bytes.h"
#include "tests/support/model_state.h"
#include "tests/support/testing.h"

#define GENERATED_COMPARTMENTS 5
#define GENERATED_PROJECTS 3
#define GENERATED_PRINCIPALS 3
#define REMEMBERED 64

/* A command that was sent with a retry token. */
struct remembered {
	struct cadre_buffer packed;
	unsigned principal;
};

struct generator {
	struct test_random random;
	struct model_state *model;
	struct cadre_arena *arena; /* of commands; the caller resets it */
	struct remembered remembered[REMEMBERED];
	size_t remembered_count;
	unsigned names; /* numbers given to names and tokens */
};

struct generated {
	Cadre__V1__Command *command;
	unsigned principal;
	bool malformed; /* cadre_command_check() must refuse it */
};

void generator_fini(struct generator *g);
struct generated generate_command(struct generator *g);
/* Refused whatever state it meets. */
Cadre__V1__Command *generate_impossible(struct generator *g);
/* The command comes back some time, with its token. */
void generator_remember(struct generator *g, const struct generated *generated);

const char *generated_compartment(unsigned number);
const char *generated_project(unsigned number);
const char *generated_principal(unsigned number);
/* A display name out of the pool. */
char *generated_name(struct generator *g);
/* A member's OCID and a key out of the pools; a key may be NULL. */
char *generated_model(struct generator *g);
char *generated_key(struct generator *g);

/* true in `percent` of 100 cases */
bool chance(struct generator *g, unsigned percent);
uint64_t below(struct generator *g, uint64_t bound);

/* A resource of the kind, NULL when none was found; recent ones more often. */
struct model_resource *pick(struct generator *g, Cadre__V1__Kind kind, bool live);
/* Mostly the id of a live one; sometimes deleted, of another kind, or nowhere. */
char *pick_id(struct generator *g, Cadre__V1__Kind kind);

/* Instructions on a source's members (generate_patch.c). */
Cadre__V1__PatchInstruction **generate_patch(struct generator *g,
                                             const struct model_resource *source,
                                             size_t *ret_count);
/* A list for a new group. */
Cadre__V1__Member **generate_members(struct generator *g, size_t *ret_count);

#endif
