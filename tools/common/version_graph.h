/*
 * Draws versions, newest first, with the line that leads from each to its source. A
 * column waits for one version; a version stands in the first column that waits for
 * it, and the others end there.
 */
#ifndef CADRE_TOOLS_VERSION_GRAPH_H
#define CADRE_TOOLS_VERSION_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#define CADRE_GRAPH_COLUMNS_MAX 16u
#define CADRE_GRAPH_BYTES (2u * CADRE_GRAPH_COLUMNS_MAX + 2u)

/* `{0}` is ready for use. Fields are private. */
struct cadre_graph {
	uint64_t waits[CADRE_GRAPH_COLUMNS_MAX]; /* ids, 0 for a free column */
	unsigned used;
};

/* The next version: `id` is not 0, `source` 0 when it has none in the drawing. Writes
 * what stands in front of its line, and returns whether a line belongs before it that
 * joins branches, in `join`. */
bool cadre_graph_step(struct cadre_graph *graph, uint64_t id, uint64_t source,
                      char join[CADRE_GRAPH_BYTES], char line[CADRE_GRAPH_BYTES]);

#endif
