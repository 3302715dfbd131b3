#include "tools/common/version_graph.h"

static unsigned column_for(struct cadre_graph *graph, uint64_t id)
{
	unsigned free_column = CADRE_GRAPH_COLUMNS_MAX;

	for (unsigned i = 0; i < graph->used; i++) {
		if (graph->waits[i] == id)
			return i;
		if (graph->waits[i] == 0 && free_column == CADRE_GRAPH_COLUMNS_MAX)
			free_column = i;
	}
	if (free_column < CADRE_GRAPH_COLUMNS_MAX)
		return free_column;
	if (graph->used < CADRE_GRAPH_COLUMNS_MAX)
		return graph->used++;
	/* Too many branches: the last column stands for all. */
	return CADRE_GRAPH_COLUMNS_MAX - 1;
}

/* The row that joins what ends in `column` ("|/"); false when nothing does. */
static bool draw_join(struct cadre_graph *graph, unsigned column, uint64_t id, char *text)
{
	bool joined = false;
	unsigned last = 0;

	for (unsigned i = 0; i < graph->used; i++) {
		bool ends = i != column && graph->waits[i] == id;

		if (ends) {
			text[i > 0 ? 2 * i - 1 : 0] = '/';
			graph->waits[i] = 0;
			joined = true;
		}
		text[2 * i] = !ends && (graph->waits[i] != 0 || i == column) ? '|' : ' ';
		text[2 * i + 1] = ' ';
		last = 2 * i + 2;
	}
	text[last] = '\0';
	while (graph->used > 0 && graph->waits[graph->used - 1] == 0 &&
	       graph->used - 1 != column)
		graph->used--;
	return joined;
}

static void draw_version(struct cadre_graph *graph, unsigned column, uint64_t source,
                         char *text)
{
	unsigned last = 0;

	for (unsigned i = 0; i < graph->used; i++) {
		text[2 * i] = i == column ? '*' : graph->waits[i] != 0 ? '|' : ' ';
		text[2 * i + 1] = ' ';
		last = 2 * i + 2;
	}
	text[last] = '\0';
	graph->waits[column] = source;
	while (graph->used > 0 && graph->waits[graph->used - 1] == 0)
		graph->used--;
}

bool cadre_graph_step(struct cadre_graph *graph, uint64_t id, uint64_t source,
                      char join[CADRE_GRAPH_BYTES], char line[CADRE_GRAPH_BYTES])
{
	unsigned column = column_for(graph, id);
	bool joined = draw_join(graph, column, id, join);

	draw_version(graph, column, source, line);
	return joined;
}
