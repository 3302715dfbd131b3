/*
 * What a command needs: which verbs on which resources. Pure; the table of docs/SECURITY.md.
 */
#ifndef CADRE_DOMAIN_NEEDS_H
#define CADRE_DOMAIN_NEEDS_H

#include "cadre/v1/command.pb-c.h"
#include "engine/domain/policy.h"

/* One need. Of a resource that exists (`id`), or of a kind in a compartment. */
struct cadre_need {
	enum cadre_verb verb;
	unsigned resources;      /* 0: what `id` turns out to be */
	const char *id;          /* OCID; NULL: none is named */
	const char *compartment; /* without id; NULL: in none */
	const char *field;       /* "createGroup.compartmentId" */
	const char *what;        /* "model group" */
	bool related;            /* besides the one that the command is about */
};

/* Anything but CADRE_OK ends the walk and is its result. */
typedef enum cadre_status (*cadre_need_fn)(void *ctx, const struct cadre_need *need);

/* Calls `fn` for each need of a checked command. References to the batch's earlier
 * commands (`$0`) need nothing: who made it may. */
CADRE_MUST_CHECK enum cadre_status cadre_command_needs(const Cadre__V1__Command *command,
                                                       cadre_need_fn fn, void *ctx);

#endif
