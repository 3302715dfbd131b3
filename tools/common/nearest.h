/* "Did you mean": the candidate nearest to what was typed. */
#ifndef CADRE_TOOLS_NEAREST_H
#define CADRE_TOOLS_NEAREST_H

#include <stddef.h>

#define CADRE_NEAREST_BYTES 64u

/* Usage: init, offer every candidate, take name. Candidates longer than the room are
 * left out. */
struct cadre_nearest {
	const char *text;
	size_t distance;                /* edits from text to name */
	char name[CADRE_NEAREST_BYTES]; /* "" while nothing came near */
};

void cadre_nearest_init(struct cadre_nearest *nearest, const char *text);
void cadre_nearest_offer(struct cadre_nearest *nearest, const char *candidate);
/* `, did you mean "x"?`, or "" when nothing is near. `text` holds 96 bytes. */
const char *cadre_nearest_hint(const struct cadre_nearest *nearest, char text[96]);

#endif
