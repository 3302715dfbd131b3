/*
 * What strangers do to the prediction port: probes, half messages, lies about lengths,
 * protobuf made to hurt, answers that are never read. The listener stays, memory stays
 * bounded, others are served.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/bytes.h"
#include "replica/agent/predict_internal.h"
#include "tests/unit/predict/predict_node.h"
#include "tests/unit/predict/raw_peer.h"

/* Nothing here may make the process larger than that. */
#define GROWTH_BYTES_MAX ((size_t)200 << 20)

static struct predict_node node;

static int setup(void **state)
{
	(void)state;
	predict_node_make(&node);
	predict_node_start(&node);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	predict_node_stop(&node);
	return 0;
}

static uint16_t port(void)
{
	return cadre_predict_address(node.server)->port;
}

static size_t resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%*u %lu", &pages), 1);
	(void)fclose(file);
	return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void test_probes_and_half_messages_leave_the_listener_alive(void **state)
{
	static const char http[] = "GET /predict HTTP/1.1\r\n\r\n";

	(void)state;
	for (unsigned i = 0; i < 400; i++) {
		struct linger hard = { .l_onoff = 1 };
		int fd = raw_dial(port());
		if (i % 5 == 1)
			raw_say(fd, raw_handshake, 3);
		if (i % 5 == 2)
			raw_say(fd, http, sizeof http - 1);
		if (i % 5 >= 3)
			raw_say(fd, raw_handshake, sizeof raw_handshake);
		if (i % 5 == 4)
			raw_say(fd, "\0\0\0\0\0\x10\0\0 half", 13);
		if (i % 2)
			(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
		(void)close(fd);
	}
	predict_is_served(&node);
}

static void test_lengths_over_the_limit_are_refused_and_take_no_memory(void **state)
{
	size_t before = resident_bytes();
	uint8_t header[8];

	(void)state;
	for (unsigned bits = 24; bits < 64; bits++) {
		int fd = raw_dial_req(port());
		cadre_put_be64(header, (uint64_t)1 << bits);
		raw_say(fd, header, sizeof header);
		raw_wait_until_closed(fd);
	}
	assert_true(resident_bytes() < before + GROWTH_BYTES_MAX);
	predict_is_served(&node);
}

/* What the node answers to these bytes. */
static enum cadre_status hear_status(int fd, const void *body, size_t length)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	const Cadre__V1__PredictAnswer *answer;
	struct cadre_arena arena;
	enum cadre_status status;
	uint8_t *bytes;

	raw_say_message(fd, body, length);
	bytes = raw_hear(fd, &length);
	assert_non_null(bytes);
	cadre_arena_init(&arena, CADRE_PREDICT_ARENA_BYTES_MAX);
	assert_ok(cadre_predict_unpack_answer(cadre_slice(bytes, length), &arena, &answer,
	                                      &err));
	status = (enum cadre_status)answer->status;
	cadre_arena_fini(&arena);
	free(bytes);
	return status;
}

static void test_messages_that_are_none_are_refused_one_by_one(void **state)
{
	struct test_random random = { .state = test_seed(1) };
	int fd = raw_dial_req(port());
	uint8_t bytes[512];

	(void)state;
	assert_int_equal(hear_status(fd, "", 0), CADRE_INVALID_PARAMETER);
	/* Two starts in one message, the second one empty. */
	assert_int_equal(hear_status(fd, "\x0a\x00\x0a\x00", 4), CADRE_INVALID_PARAMETER);
	/* A start that says it is longer than the message. */
	assert_int_equal(hear_status(fd, "\x0a\x7f\x0a\x01", 4), CADRE_INVALID_PARAMETER);
	for (unsigned k = 0; k < 500; k++) {
		size_t length = 1 + test_random_below(&random, sizeof bytes);
		for (size_t i = 0; i < length; i++)
			bytes[i] = (uint8_t)test_random_next(&random);
		bytes[0] = 0xff; /* a field number that no request has */
		assert_int_equal(hear_status(fd, bytes, length), CADRE_INVALID_PARAMETER);
	}
	(void)close(fd);
	assert_int_equal(node.routed, 0);
	predict_is_served(&node);
}

static void test_ten_mebibytes_of_empty_fields_are_refused_within_bounds(void **state)
{
	size_t before = resident_bytes();
	int fd = raw_dial_req(port());
	size_t length = CADRE_PREDICT_BODY_BYTES_MAX;
	uint8_t *bytes = malloc(length);

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i + 1 < length; i += 2) {
		bytes[i] = 0x0a;
		bytes[i + 1] = 0;
	}
	assert_int_equal(hear_status(fd, bytes, length), CADRE_INVALID_PARAMETER);
	free(bytes);
	(void)close(fd);
	assert_true(resident_bytes() < before + GROWTH_BYTES_MAX);
	predict_is_served(&node);
}

static void test_streams_cannot_be_guessed(void **state)
{
	struct predict_said said;
	uint64_t id;

	(void)state;
	predict_say_start(&node, "wait", &said);
	id = said.answer->stream;
	predict_said_fini(&said);
	for (uint64_t guess = 0; guess < 200; guess++) {
		predict_say_next(&node, guess < 100 ? guess : id + guess - 99, 0, 0,
		                 &said);
		assert_int_equal(said.answer->status, CADRE_NOT_FOUND);
		predict_said_fini(&said);
	}
	predict_say_cancel(&node, id, &said);
	predict_said_fini(&said);
}

/* A stream whose chunk is large; its id, and the number of the chunk. */
static uint64_t start_large(uint32_t *ret_number)
{
	struct predict_said said;
	uint64_t id;
	uint32_t number;
	size_t bytes;

	predict_say_start(&node, "flood 20000", &said);
	assert_int_equal(said.answer->status, CADRE_OK);
	id = said.answer->stream;
	number = said.answer->chunk;
	predict_said_fini(&said);
	do {
		predict_say_next(&node, id, number, 10000, &said);
		assert_int_equal(said.answer->status, CADRE_OK);
		number += said.answer->chunk > 0;
		bytes = said.answer->data.len;
		predict_said_fini(&said);
	} while (bytes < 512 * 1024);
	*ret_number = number;
	return id;
}

static void test_a_peer_that_reads_nothing_is_closed_and_others_served(void **state)
{
	Cadre__V1__PredictRequest request = CADRE__V1__PREDICT_REQUEST__INIT;
	Cadre__V1__PredictNext next = CADRE__V1__PREDICT_NEXT__INIT;
	struct predict_said said;
	uint8_t body[64];
	size_t length;
	int fd;

	(void)state;
	next.stream = start_large(&next.after);
	next.after--;
	request.body_case = CADRE__V1__PREDICT_REQUEST__BODY_NEXT;
	request.next = &next;
	length = cadre__v1__predict_request__get_packed_size(&request);
	assert_true(length <= sizeof body);
	cadre__v1__predict_request__pack(&request, body);
	fd = raw_dial_req(port());
	for (unsigned i = 0; i < 60; i++)
		raw_say_message(fd, body, length);
	while (predict_metric(&node, METRIC_SLOW_PEERS) == 0)
		predict_is_served(&node);
	(void)close(fd);
	predict_say_cancel(&node, next.stream, &said);
	predict_said_fini(&said);
	predict_is_served(&node);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_probes_and_half_messages_leave_the_listener_alive),
		CASE(test_lengths_over_the_limit_are_refused_and_take_no_memory),
		CASE(test_messages_that_are_none_are_refused_one_by_one),
		CASE(test_ten_mebibytes_of_empty_fields_are_refused_within_bounds),
		CASE(test_streams_cannot_be_guessed),
		CASE(test_a_peer_that_reads_nothing_is_closed_and_others_served),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
