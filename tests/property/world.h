/*
 * The engine on an LMDB map and on one in memory, in lock step, beside the naive
 * model; and the log that all three came from.
 */
#ifndef TESTS_PROPERTY_WORLD_H
#define TESTS_PROPERTY_WORLD_H

#include "engine/base/checksum.h"
#include "engine/log/batch.h"
#include "engine/views/views.h"
#include "tests/property/compare.h"
#include "tests/property/generate.h"

#define TWINS 2 /* LMDB, memory */

struct twin {
	struct cadre_kv *kv;
	struct cadre_arena arena;
	struct cadre_view view; /* of the batch under way */
};

/* The first answer to a retry token. */
struct answer {
	const char *principal;
	const char *token;
	struct cadre_decision decision; /* without its event */
};

struct tally {
	unsigned events;
	unsigned refused;
	unsigned nothing;
	unsigned repeated;
	unsigned malformed;
	unsigned batches;
	unsigned undone;
};

struct world {
	char dir[256];
	struct twin twins[TWINS];
	struct model_state model;
	struct cadre_arena model_arena;   /* of decisions on the model */
	struct cadre_arena command_arena; /* of the generator */
	struct generator generator;
	struct test_random random; /* of all but the commands */
	struct cadre_buffer log;   /* whole batches */
	struct cadre_batch_builder builder;
	struct cadre_sha256 chain;
	cadre_seq next_seq;
	cadre_time_ms time_ms;
	uint8_t fresh[16]; /* the command's random bytes */
	struct moment *moments;
	size_t moment_count;
	struct touch *touches;
	size_t touch_count;
	struct answer *answers;
	size_t answer_count;
	struct tally tally;
};

void world_init(struct world *w, uint64_t seed, bool strict_members);
void world_fini(struct world *w);

/* Time passes, a batch of the log begins, commands are decided, it ends. */
void world_begin(struct world *w);
void world_single(struct world *w);
void world_batch(struct world *w);
void world_end(struct world *w);

/* world_apply.c, for the two above. */

/* Decides on both maps and on the model, which must agree. `*ret_event` is packed,
 * empty for none. */
struct deciding_in {
	const Cadre__V1__Command *command;
	const char *principal;
	const char *const *batch_ids; /* NULL: a single command */
	size_t batch_ids_count;
	bool with_model; /* the model is where the maps are */
};
enum cadre_status world_decide(struct world *w, const struct deciding_in *in,
                               struct cadre_decision *ret_decision,
                               struct cadre_buffer *event);
/* Gives the packed event the next seq in the batch and on both maps. */
void world_apply(struct world *w, struct cadre_slice event);
/* The same on the model; the maps have it already. */
void world_apply_model(struct world *w, struct cadre_slice event);

#endif
