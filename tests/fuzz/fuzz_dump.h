/* A dump of any bytes: read to its end or refused; what is handed out is whole. One
 * target a form. */
#ifndef TESTS_FUZZ_FUZZ_DUMP_H
#define TESTS_FUZZ_FUZZ_DUMP_H

#include "engine/base/assert.h"
#include "tools/common/dump.h"

struct input {
	struct cadre_slice left;
	size_t portion;
};

static enum cadre_status read_input(void *ctx, void *data, size_t capacity,
                                    size_t *ret_length, struct cadre_error *err)
{
	struct input *input = ctx;
	size_t length = input->left.length < capacity ? input->left.length : capacity;

	(void)err;
	if (length > input->portion)
		length = input->portion;
	if (length > 0)
		memcpy(data, input->left.data, length);
	input->left = cadre_slice(input->left.data + length, input->left.length - length);
	*ret_length = length;
	return CADRE_OK;
}

/* Events read; the chain holds unless any chain is taken. */
static uint64_t read_all(const uint8_t *data, size_t size, size_t portion, unsigned flags,
                         enum cadre_status *ret_status)
{
	struct input input = { cadre_slice(data, size), portion };
	struct cadre_dump_reader *reader = NULL;
	struct cadre_sha256 chain;
	struct cadre_batch batch;
	struct cadre_error err = CADRE_ERROR_INIT;
	uint64_t events = 0;

	*ret_status = cadre_dump_reader_open(read_input, &input, flags, &reader, &err);
	if (*ret_status == CADRE_OK)
		chain = cadre_dump_reader_header(reader)->chain_before;
	while (*ret_status == CADRE_OK) {
		*ret_status = cadre_dump_reader_next(reader, &batch, &err);
		if (*ret_status != CADRE_OK)
			break;
		CADRE_ASSERT(flags ||
		             cadre_batch_check_chain(&batch, &chain, NULL) == CADRE_OK);
		chain = batch.header.chain;
		events += batch.header.count;
	}
	CADRE_ASSERT(*ret_status == CADRE_END || err.message[0] != '\0');
	cadre_dump_reader_close(reader);
	return events;
}

static int fuzz_dump(bool binary, const uint8_t *data, size_t size)
{
	enum cadre_status whole;
	enum cadre_status portions;
	uint64_t events;

	if (size == 0 || (data[0] == 0xC4) != binary)
		return 0;
	events = read_all(data, size, SIZE_MAX, 0, &whole);
	CADRE_ASSERT(read_all(data, size, 13, 0, &portions) == events &&
	             portions == whole);
	(void)read_all(data, size, SIZE_MAX, CADRE_DUMP_ANY_CHAIN, &whole);
	return 0;
}

#endif
