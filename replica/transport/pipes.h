/*
 * The connections of a listener: how many there are, what each asks, and what waits to be
 * taken by it.
 *
 * Too many: those that were never asked anything on, then the longest silent one, give
 * their places up; a connection with a request under way keeps its own. Too many bytes of
 * replies: the connection that holds most of them gives up.
 *
 * Internal to replica/transport. Times are ms of one clock that never goes back.
 * Threads: the caller's lock.
 */
#ifndef CADRE_TRANSPORT_PIPES_H
#define CADRE_TRANSPORT_PIPES_H

#include "engine/base/status.h"
#include "engine/base/types.h"

/* Who connects asks within this, or has no right to a place that somebody wants. */
#define CADRE_PIPES_MUTE_MS 1000u
/* The same of who has asked before. */
#define CADRE_PIPES_SILENT_MS 10000u
/* Places made at once: a look at all costs more than one place is worth. */
#define CADRE_PIPES_ROOM 16u

/* After a look that found nobody. */
#define CADRE_PIPES_LOOK_MS 10u

struct cadre_pipe {
	uint32_t id;       /* nng's, 0: free */
	unsigned asking;   /* requests without an answer, and answers not taken yet */
	unsigned queued;   /* replies given to nng and not taken yet */
	size_t bytes;      /* of those */
	uint64_t heard_ms; /* connected, or the last request */
	bool asked;        /* ever */
	bool closing;      /* counts no more */
};

/* Open addressing. */
struct cadre_pipes {
	struct cadre_pipe *slots;
	unsigned mask;
	unsigned used;  /* slots */
	unsigned count; /* without those that are closing */
	unsigned count_max;
	size_t bytes; /* of all replies */
	size_t bytes_max;
	uint64_t look_ms; /* no look for silent ones before */
};

CADRE_MUST_CHECK enum cadre_status cadre_pipes_init(struct cadre_pipes *pipes,
                                                    unsigned count_max, size_t bytes_max,
                                                    struct cadre_error *err);
void cadre_pipes_fini(struct cadre_pipes *pipes);
/* False when there are `count_max` already. */
bool cadre_pipes_add(struct cadre_pipes *pipes, uint32_t id, uint64_t now_ms);
void cadre_pipes_remove(struct cadre_pipes *pipes, uint32_t id);
/* NULL when it is gone. */
struct cadre_pipe *cadre_pipes_find(struct cadre_pipes *pipes, uint32_t id);

/* A request came on it. */
void cadre_pipes_asked(struct cadre_pipes *pipes, uint32_t id, uint64_t now_ms);
/* Its reply goes out; NULL when the connection is gone. */
struct cadre_pipe *cadre_pipes_replying(struct cadre_pipes *pipes, uint32_t id,
                                        size_t bytes);
/* It was taken, or dropped. */
void cadre_pipes_replied(struct cadre_pipes *pipes, uint32_t id, size_t bytes);
/* To be closed: what it holds counts no more. */
void cadre_pipes_give_up(struct cadre_pipes *pipes, struct cadre_pipe *pipe);
/* Gives up the one that holds most replies when all hold more than `bytes_max`: its id,
 * else 0. */
uint32_t cadre_pipes_relieve(struct cadre_pipes *pipes);
/* Gives up silent ones when no place is free; their ids. */
unsigned cadre_pipes_make_room(struct cadre_pipes *pipes, uint64_t now_ms,
                               uint32_t ids[CADRE_PIPES_ROOM]);

#endif
