/*
 * Where scopes live. A look-up reads one cache line of its scope; the lines of 64
 * scopes fill one page, and what only opening and a new generation need lies behind
 * it: a process with a hundred thousand scopes looks through 6 MB, not through 40.
 *
 * A block's first page holds the lines, so a line's address gives its block.
 */
#include <stdlib.h>

#include "engine/base/assert.h"
#include "engine/reader/internal.h"

#define BLOCK_LINES 64u
#define BLOCK_ALIGN ((size_t)BLOCK_LINES * READER_CACHE_LINE)

struct scope_block {
	struct cadre_scope lines[BLOCK_LINES];
	struct scope_block *next; /* of the reader */
	struct scope_block *next_free;
	uint64_t used; /* a bit a line */
	char ocids[BLOCK_LINES][READER_OCID_BYTES];
};

_Static_assert(sizeof(struct cadre_scope) == READER_CACHE_LINE, "one line a scope");

static struct scope_block *block_of(const struct cadre_scope *scope, size_t *ret_line)
{
	uintptr_t address = (uintptr_t)scope;

	*ret_line = address % BLOCK_ALIGN / READER_CACHE_LINE;
	return (struct scope_block *)(address - address % BLOCK_ALIGN);
}

static struct scope_block *add_block(struct cadre_reader *reader)
{
	size_t bytes = (sizeof(struct scope_block) + BLOCK_ALIGN - 1) / BLOCK_ALIGN *
	               BLOCK_ALIGN;
	struct scope_block *block = aligned_alloc(BLOCK_ALIGN, bytes);

	if (!block)
		return NULL;
	block->used = 0;
	block->next = reader->blocks;
	block->next_free = NULL;
	reader->blocks = block;
	reader->free_blocks = block;
	return block;
}

struct cadre_scope *reader_scope_create(struct cadre_reader *reader, const char *ocid)
{
	struct scope_block *block = reader->free_blocks;
	struct cadre_scope *scope;
	size_t line;

	if (!block)
		block = add_block(reader);
	if (!block)
		return NULL;
	line = (size_t)__builtin_ctzll(~block->used);
	block->used |= UINT64_C(1) << line;
	if (block->used == UINT64_MAX)
		reader->free_blocks = block->next_free;
	scope = &block->lines[line];
	memset(scope, 0, sizeof *scope);
	scope->reader = reader;
	memcpy(block->ocids[line], ocid, strlen(ocid) + 1);
	return scope;
}

void reader_scope_destroy(struct cadre_scope *scope)
{
	struct cadre_reader *reader = scope->reader;
	size_t line;
	struct scope_block *block = block_of(scope, &line);

	CADRE_ASSERT(block->used >> line & 1);
	if (block->used == UINT64_MAX) {
		block->next_free = reader->free_blocks;
		reader->free_blocks = block;
	}
	block->used &= ~(UINT64_C(1) << line);
}

const char *reader_scope_ocid(const struct cadre_scope *scope)
{
	size_t line;
	const struct scope_block *block = block_of(scope, &line);

	return block->ocids[line];
}

void reader_scopes_forget(struct cadre_reader *reader)
{
	for (struct scope_block *block = reader->blocks; block; block = block->next) {
		for (size_t line = 0; line < BLOCK_LINES; line++)
			block->lines[line].found = false;
	}
}

void reader_scopes_free(struct cadre_reader *reader)
{
	while (reader->blocks) {
		struct scope_block *block = reader->blocks;

		reader->blocks = block->next;
		free(block);
	}
	reader->free_blocks = NULL;
}
