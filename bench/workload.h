/*
 * The workload `mms`: version histories of model groups under change, as a stream
 * of commands. The same seed gives the same commands.
 *
 * First every history is made with its first group (and a deployment, when asked
 * for), then the mix runs: a history is drawn from a Zipf distribution and its
 * latest group patched (1 to 4 members change) or cloned, or a group of no history
 * made from a new member list. Groups have 1 to 500 members, median 50; OCIDs and inference
 * keys have the lengths that they have in production.
 *
 * Threads: one at a time per struct.
 */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include "cadre/v1/command.pb-c.h"
#include "engine/base/status.h"
#include "engine/domain/domain.h"
#include "engine/store/store.h"
#include "proto/codec/arena.h"

struct bench_workload;

/* splitmix64: numbers that depend on nothing but the seed. */
static inline uint64_t bench_mix(uint64_t x)
{
	x += UINT64_C(0x9E3779B97F4A7C15);
	x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
	return x ^ x >> 31;
}

struct bench_workload_options {
	uint64_t seed;
	unsigned histories;       /* at least 1 */
	unsigned members;         /* of every group; 0: 1..500, median 50 */
	unsigned changed_members; /* of every patch; 0: 1..4; all: UINT_MAX */
	unsigned clone_percent;   /* of the mix */
	unsigned create_percent;  /* of the mix; the rest are patches */
	bool deployments;         /* each history gets one, cut over to its first group */
	bool in_turn;             /* one history after the other, not from Zipf */
	bool retry_tokens;        /* each command carries one */
};
/* 80 % patches, 10 % clones, 10 % creates. */
struct bench_workload_options bench_workload_mms(uint64_t seed, unsigned histories);

CADRE_MUST_CHECK enum cadre_status
bench_workload_create(const struct bench_workload_options *options,
                      struct bench_workload **ret_workload);
/* A second one that goes on as the first will. */
CADRE_MUST_CHECK enum cadre_status
bench_workload_clone(const struct bench_workload *from,
                     struct bench_workload **ret_workload);
void bench_workload_destroy(struct bench_workload *workload); /* takes NULL */

enum bench_kind {
	BENCH_CREATE_HISTORY,
	BENCH_CREATE_GROUP, /* the first of a history */
	BENCH_CREATE_OTHER, /* a group of no history */
	BENCH_CREATE_DEPLOYMENT,
	BENCH_CUT_OVER,
	BENCH_PATCH,
	BENCH_CLONE
};
struct bench_command {
	Cadre__V1__Command *command; /* lives in the arena */
	char *token;                 /* for a batch of this command alone; or NULL */
	enum bench_kind kind;
	unsigned history;
};

/* The next command. CADRE_UNAVAILABLE: it depends on answers that are still to be
 * learned. CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status bench_workload_next(struct bench_workload *workload,
                                                       struct cadre_arena *arena,
                                                       struct bench_command *ret_command);
/* What a command made. Every command must be learned, in order. */
void bench_workload_learn(struct bench_workload *workload,
                          const struct bench_command *command,
                          const struct cadre_result *result);
/* Whether the histories are made and the mix runs. */
bool bench_workload_mixing(const struct bench_workload *workload);
/* Commands before the mix. */
uint64_t bench_workload_setup_commands(const struct bench_workload_options *options);

/* What the workload knows of a history: OCIDs as learned, "" before. */
struct bench_history {
	char ocid[CADRE_OCID_BYTES];
	char deployment[CADRE_OCID_BYTES];
	char group[CADRE_OCID_BYTES];       /* latest */
	char first_group[CADRE_OCID_BYTES]; /* version 1 */
	uint32_t *models;                   /* numbers of the members */
	uint32_t *keys;                     /* numbers of their keys, same order */
	unsigned member_count;
};
unsigned bench_workload_histories(const struct bench_workload *workload);
const struct bench_history *bench_workload_history(const struct bench_workload *workload,
                                                   unsigned index);

#define BENCH_MODEL_BYTES 96u
#define BENCH_KEY_BYTES 33u
/* Texts of a number, with a NUL; the key's length is returned. */
void bench_model_text(uint64_t seed, uint32_t number, char text[BENCH_MODEL_BYTES]);
size_t bench_key_text(uint64_t seed, uint32_t number, char text[BENCH_KEY_BYTES]);

#endif
