/*
 * What to do next with the models of a worker: pure, without clock, lock or thread.
 *
 *	ABSENT -> FETCHING -> LOADING -> READY -> DRAINING -> ABSENT
 *	             \-> FAILED <-/        back to ABSENT at its next try
 *
 * LOADING: the artifact is here and verified; waits for its base, its turn or the worker,
 * or is being loaded. A worker's death takes READY back to LOADING.
 *
 * A base is loaded before its adapters and unloaded behind them. What is no longer
 * wanted goes at once when it never answered requests; else once it is routed to no
 * more, its linger is over and no request holds it.
 */
#ifndef CADRE_AGENT_PLAN_H
#define CADRE_AGENT_PLAN_H

#include "engine/base/types.h"

enum plan_state {
	PLAN_ABSENT,
	PLAN_FETCHING,
	PLAN_LOADING,
	PLAN_READY,
	PLAN_DRAINING,
	PLAN_FAILED,
	PLAN_STATES
};

enum plan_event {
	PLAN_FETCH_BEGUN,
	PLAN_FETCHED,
	PLAN_LOADED,
	PLAN_UNLOAD_BEGUN,
	PLAN_UNLOADED,
	PLAN_BROKE,   /* a fetch or load failed */
	PLAN_RETRIED, /* the time of the next try has come */
	PLAN_DROPPED, /* no longer wanted, and not in the worker */
	PLAN_LOST,    /* the worker died */
	PLAN_EVENTS
};

struct plan_model {
	struct plan_model *base; /* of an adapter */
	enum plan_state state;
	bool wanted;  /* a generation that is served or prepared has it */
	bool serving; /* of those, one that is served: goes first */
	bool routed;  /* new requests may go to it */
	bool asked;   /* the worker may know its name */
	bool busy;    /* a thread works on it */
	unsigned held;
	uint32_t attempts; /* failed ones in a row */
	uint64_t linger_until_ms;
	uint64_t
	        until_ms; /* FAILED: next try (UINT64_MAX: none); DRAINING: next question */
	/* The step's. */
	unsigned adapters; /* in the worker */
};

struct plan_facts {
	uint64_t now_ms;
	bool worker_up;
	bool may_fetch; /* the fetching thread is idle */
	bool may_load;  /* the loading thread is idle */
};

/* One thing for each idle thread; NULL: nothing. */
struct plan_step {
	struct plan_model *fetch;
	struct plan_model *load;
	struct plan_model *unload;   /* instead of a load */
	struct plan_model *no_fetch; /* is being fetched, and need not be any more */
	bool moved;                  /* a state changed by time alone */
	uint64_t wake_ms; /* when to ask again if nothing happens; UINT64_MAX */
};

/* Moves to the state that `event` leads to. An event that the state does not know is a
 * failed assertion. */
void plan_move(struct plan_model *model, enum plan_event event);

/* Also moves what time alone moves: next tries, and dropping what nobody wants. */
void plan_next(struct plan_model *const *models, size_t count,
               const struct plan_facts *facts, struct plan_step *ret_step);

/* `min_ms` doubled for each attempt after the first, at most `max_ms`. */
uint64_t plan_back_off_ms(uint32_t attempts, uint32_t min_ms, uint32_t max_ms);
/* For what took the worker and all others with it: not less than that; from the second
 * time on `max_ms`, then doubled each time, at most 64 times that. */
uint64_t plan_crash_back_off_ms(uint32_t crashes, uint32_t min_ms, uint32_t max_ms);

/* "READY"; never NULL. */
const char *plan_state_name(enum plan_state state);

#endif
