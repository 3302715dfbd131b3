#include "replica/transport/pipes.h"

#include <stdlib.h>

enum cadre_status cadre_pipes_init(struct cadre_pipes *pipes, unsigned count_max,
                                   size_t bytes_max, struct cadre_error *err)
{
	unsigned slots = 4;

	while (slots < 2 * count_max)
		slots *= 2;
	pipes->slots = calloc(slots, sizeof *pipes->slots);
	if (!pipes->slots)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for %u connections", count_max);
	pipes->mask = slots - 1;
	pipes->count_max = count_max;
	pipes->bytes_max = bytes_max;
	return CADRE_OK;
}

void cadre_pipes_fini(struct cadre_pipes *pipes)
{
	free(pipes->slots);
	pipes->slots = NULL;
}

static unsigned home(const struct cadre_pipes *pipes, uint32_t id)
{
	return (id * 2654435761u >> 7) & pipes->mask;
}

/* The slot of `id`, or the free one where it belongs. */
static unsigned locate(const struct cadre_pipes *pipes, uint32_t id)
{
	unsigned at = home(pipes, id);

	while (pipes->slots[at].id != 0 && pipes->slots[at].id != id)
		at = (at + 1) & pipes->mask;
	return at;
}

bool cadre_pipes_add(struct cadre_pipes *pipes, uint32_t id, uint64_t now_ms)
{
	/* Those that are closing keep their slots until they are gone. */
	if (pipes->count >= pipes->count_max || pipes->used >= pipes->mask / 4 * 3)
		return false;
	pipes->slots[locate(pipes, id)] = (struct cadre_pipe){ .id = id,
		                                               .heard_ms = now_ms };
	pipes->used++;
	pipes->count++;
	return true;
}

void cadre_pipes_remove(struct cadre_pipes *pipes, uint32_t id)
{
	unsigned hole = locate(pipes, id);
	unsigned at = hole;

	if (pipes->slots[hole].id == 0)
		return;
	cadre_pipes_give_up(pipes, &pipes->slots[hole]);
	pipes->used--;
	/* What probed past the hole moves up, so that a search never stops early. */
	for (;;) {
		unsigned wanted;
		pipes->slots[hole].id = 0;
		do {
			at = (at + 1) & pipes->mask;
			if (pipes->slots[at].id == 0)
				return;
			wanted = home(pipes, pipes->slots[at].id);
		} while (((at - wanted) & pipes->mask) < ((at - hole) & pipes->mask));
		pipes->slots[hole] = pipes->slots[at];
		hole = at;
	}
}

struct cadre_pipe *cadre_pipes_find(struct cadre_pipes *pipes, uint32_t id)
{
	struct cadre_pipe *pipe = &pipes->slots[locate(pipes, id)];

	return pipe->id == 0 ? NULL : pipe;
}

/* ---- what each holds ---- */

void cadre_pipes_asked(struct cadre_pipes *pipes, uint32_t id, uint64_t now_ms)
{
	struct cadre_pipe *pipe = cadre_pipes_find(pipes, id);

	if (!pipe)
		return;
	pipe->asking++;
	pipe->asked = true;
	pipe->heard_ms = now_ms;
}

struct cadre_pipe *cadre_pipes_replying(struct cadre_pipes *pipes, uint32_t id,
                                        size_t bytes)
{
	struct cadre_pipe *pipe = cadre_pipes_find(pipes, id);

	if (!pipe || pipe->closing)
		return NULL;
	pipe->queued++;
	pipe->bytes += bytes;
	pipes->bytes += bytes;
	return pipe;
}

void cadre_pipes_replied(struct cadre_pipes *pipes, uint32_t id, size_t bytes)
{
	struct cadre_pipe *pipe = cadre_pipes_find(pipes, id);

	if (!pipe || pipe->closing)
		return;
	pipe->queued -= pipe->queued > 0 ? 1 : 0;
	pipe->asking -= pipe->asking > 0 ? 1 : 0;
	bytes = bytes < pipe->bytes ? bytes : pipe->bytes;
	pipe->bytes -= bytes;
	pipes->bytes -= bytes;
}

/* ---- giving up ---- */

void cadre_pipes_give_up(struct cadre_pipes *pipes, struct cadre_pipe *pipe)
{
	if (pipe->closing)
		return;
	pipe->closing = true;
	pipes->count--;
	pipes->bytes -= pipe->bytes;
	pipe->bytes = 0;
}

uint32_t cadre_pipes_relieve(struct cadre_pipes *pipes)
{
	struct cadre_pipe *most = NULL;

	if (pipes->bytes <= pipes->bytes_max)
		return 0;
	for (unsigned i = 0; i <= pipes->mask; i++) {
		struct cadre_pipe *pipe = &pipes->slots[i];
		if (pipe->id != 0 && pipe->bytes > (most ? most->bytes : 0))
			most = pipe;
	}
	if (!most)
		return 0;
	cadre_pipes_give_up(pipes, most);
	return most->id;
}

static bool is_idle(const struct cadre_pipe *pipe, uint64_t now_ms, uint64_t silent_ms)
{
	return pipe->id != 0 && !pipe->closing && pipe->asking == 0 &&
	       now_ms - pipe->heard_ms >= silent_ms;
}

static struct cadre_pipe *longest_silent(struct cadre_pipes *pipes, uint64_t now_ms)
{
	struct cadre_pipe *found = NULL;

	for (unsigned i = 0; i <= pipes->mask; i++) {
		struct cadre_pipe *pipe = &pipes->slots[i];
		if (is_idle(pipe, now_ms, CADRE_PIPES_SILENT_MS) &&
		    (!found || pipe->heard_ms < found->heard_ms))
			found = pipe;
	}
	return found;
}

unsigned cadre_pipes_make_room(struct cadre_pipes *pipes, uint64_t now_ms,
                               uint32_t ids[CADRE_PIPES_ROOM])
{
	unsigned count = 0;
	struct cadre_pipe *silent;

	if (pipes->count < pipes->count_max || now_ms < pipes->look_ms)
		return 0;
	for (unsigned i = 0; i <= pipes->mask && count < CADRE_PIPES_ROOM; i++) {
		struct cadre_pipe *pipe = &pipes->slots[i];
		if (pipe->asked || !is_idle(pipe, now_ms, CADRE_PIPES_MUTE_MS))
			continue;
		cadre_pipes_give_up(pipes, pipe);
		ids[count++] = pipe->id;
	}
	silent = count == 0 ? longest_silent(pipes, now_ms) : NULL;
	if (silent) {
		cadre_pipes_give_up(pipes, silent);
		ids[count++] = silent->id;
	}
	/* A crowd of new ones does not make every one of them a search. */
	pipes->look_ms = count == 0 ? now_ms + CADRE_PIPES_LOOK_MS : now_ms;
	return count;
}
