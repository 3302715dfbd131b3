#include "replica/transport/pipes.h"

#include <stdlib.h>

enum cadre_status cadre_pipes_init(struct cadre_pipes *pipes, unsigned count_max,
                                   struct cadre_error *err)
{
	unsigned slots = 2;

	while (slots < 2 * count_max)
		slots *= 2;
	pipes->slots = calloc(slots, sizeof *pipes->slots);
	if (!pipes->slots)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for %u connections", count_max);
	pipes->mask = slots - 1;
	pipes->count = 0;
	pipes->count_max = count_max;
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

bool cadre_pipes_add(struct cadre_pipes *pipes, uint32_t id)
{
	if (pipes->count >= pipes->count_max)
		return false;
	pipes->slots[locate(pipes, id)] = (struct cadre_pipe){ .id = id };
	pipes->count++;
	return true;
}

void cadre_pipes_remove(struct cadre_pipes *pipes, uint32_t id)
{
	unsigned hole = locate(pipes, id);
	unsigned at = hole;

	if (pipes->slots[hole].id == 0)
		return;
	pipes->count--;
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
