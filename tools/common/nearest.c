#include "tools/common/nearest.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* A third of the letters may be wrong, and always two. */
static size_t limit_for(const char *text)
{
	size_t third = strlen(text) / 3;

	return third > 2 ? third : 2;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Levenshtein distance, letter case ignored; both shorter than CADRE_NEAREST_BYTES. */
static size_t distance(const char *a, const char *b)
{
	size_t row[CADRE_NEAREST_BYTES];
	size_t length = strlen(b);

	for (size_t j = 0; j <= length; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= length; j++) {
			size_t above = row[j];
			int same = tolower((unsigned char)a[i - 1]) ==
			           tolower((unsigned char)b[j - 1]);

			row[j] = least(diagonal + (same ? 0 : 1),
			               least(above, row[j - 1]) + 1);
			diagonal = above;
		}
	}
	return row[length];
}

void cadre_nearest_init(struct cadre_nearest *nearest, const char *text)
{
	nearest->text = text;
	nearest->distance = limit_for(text) + 1;
	nearest->name[0] = '\0';
}

void cadre_nearest_offer(struct cadre_nearest *nearest, const char *candidate)
{
	size_t edits;

	if (strlen(nearest->text) >= CADRE_NEAREST_BYTES ||
	    strlen(candidate) >= CADRE_NEAREST_BYTES)
		return;
	edits = distance(nearest->text, candidate);
	if (edits >= nearest->distance || edits >= strlen(candidate))
		return;
	nearest->distance = edits;
	memcpy(nearest->name, candidate, strlen(candidate) + 1);
}

const char *cadre_nearest_hint(const struct cadre_nearest *nearest, char text[96])
{
	text[0] = '\0';
	if (nearest->name[0] != '\0')
		snprintf(text, 96, ", did you mean \"%s\"?", nearest->name);
	return text;
}
