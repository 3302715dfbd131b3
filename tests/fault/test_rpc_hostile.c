/*
 * What strangers do to an open port: probes, half messages, lies about lengths,
 * more connections than anybody needs, answers that are never read, and protobuf
 * made to hurt. The listener stays, memory stays bounded, others are served.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/bytes.h"
#include "replica/rpc/internal.h"
#include "tests/unit/rpc/rpc_node.h"
#include "tests/unit/rpc/rpc_ops.h"

#define CONNECTIONS_MAX 64u
/* Nothing here may make the process larger than that. */
#define GROWTH_BYTES_MAX ((size_t)200 << 20)

static const uint8_t handshake[8] = { 0, 'S', 'P', 0, 0, 0x30, 0, 0 };

struct bench {
	struct rpc_node node;
	struct rpc_ops ops;
	struct cadre_client *client;
	char *group;
	uint16_t port;
};

static int setup(void **state)
{
	static struct bench bench;

	*state = &bench;
	rpc_node_make(&bench.node);
	bench.node.options.connections_max = CONNECTIONS_MAX;
	rpc_node_start(&bench.node);
	rpc_ops_init(&bench.ops);
	bench.client = rpc_client(&bench.node, NULL);
	bench.port = cadre_rpc_address(bench.node.server)->port;
	bench.group =
	        rpc_do(&bench.ops, bench.client,
	               rpc_create_group(&bench.ops, "g",
	                                "ocid1.datasciencemodel.oc1.iad.of.a.length."
	                                "as.they.have.it.in.the.wild.aaaaaaaaaaaaa",
	                                1, 1000));
	return 0;
}

static int teardown(void **state)
{
	struct bench *bench = *state;

	cadre_client_close(bench->client);
	rpc_ops_fini(&bench->ops);
	rpc_node_remove(&bench->node);
	return 0;
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

/* -1 when the machine gives no more. */
static int dial(const struct bench *bench)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_port = htons(bench->port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		return -1;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static void say(int fd, const void *data, size_t length)
{
	(void)!send(fd, data, length, MSG_NOSIGNAL);
}

/* Dials and shakes hands as a REQ socket does. */
static int dial_req(const struct bench *bench)
{
	int fd = dial(bench);
	uint8_t theirs[8];

	assert_true(fd >= 0);
	say(fd, handshake, sizeof handshake);
	assert_int_equal(recv(fd, theirs, sizeof theirs, MSG_WAITALL), sizeof theirs);
	return fd;
}

/* A request id of nng's, with its last-hop bit, before every body. */
static void say_message(int fd, const void *body, size_t length)
{
	uint8_t *bytes = malloc(12 + length);

	assert_non_null(bytes);
	cadre_put_be64(bytes, length + 4);
	memcpy(bytes + 8, "\x80\0\0\1", 4);
	if (length > 0)
		memcpy(bytes + 12, body, length);
	say(fd, bytes, 12 + length);
	free(bytes);
}

static void wait_until_closed(int fd)
{
	uint8_t bytes[4096];

	while (recv(fd, bytes, sizeof bytes, 0) > 0)
		;
	(void)close(fd);
}

/* One answer of the server; its status. */
static uint32_t read_status(int fd)
{
	uint8_t head[12];
	size_t length;
	uint8_t *body;
	Cadre__V1__Response *response;
	uint32_t status;

	assert_int_equal(recv(fd, head, sizeof head, MSG_WAITALL), sizeof head);
	length = (size_t)cadre_get_be64(head) - 4;
	body = malloc(length + 1);
	assert_non_null(body);
	assert_int_equal(recv(fd, body, length, MSG_WAITALL), length);
	response = cadre__v1__response__unpack(NULL, length, body);
	assert_non_null(response);
	status = response->has_status ? response->status : 0;
	cadre__v1__response__free_unpacked(response, NULL);
	free(body);
	return status;
}

static void others_are_served(struct bench *bench)
{
	struct cadre_client *fresh = rpc_client(&bench->node, NULL);
	char model[256];

	assert_int_equal(cadre_client_resolve(bench->client, bench->group, "k7", 0, model,
	                                      sizeof model, NULL),
	                 CADRE_CLIENT_DONE);
	assert_int_equal(cadre_client_resolve(fresh, bench->group, "k7", 0, model,
	                                      sizeof model, NULL),
	                 CADRE_CLIENT_DONE);
	cadre_client_close(fresh);
}

static void test_probes_and_half_messages_leave_the_listener_alive(void **state)
{
	struct bench *bench = *state;
	static const char http[] = "GET / HTTP/1.1\r\n\r\n";

	for (unsigned i = 0; i < 400; i++) {
		struct linger hard = { .l_onoff = 1 };
		int fd = dial(bench);
		assert_true(fd >= 0);
		if (i % 5 == 1)
			say(fd, handshake, 3);
		if (i % 5 == 2)
			say(fd, http, sizeof http - 1);
		if (i % 5 == 3)
			say(fd, handshake, sizeof handshake);
		if (i % 5 == 4) {
			say(fd, handshake, sizeof handshake);
			say(fd, "\0\0\0\0\0\0\1\0 half", 13);
		}
		if (i % 2)
			(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
		(void)close(fd);
	}
	others_are_served(bench);
}

static void test_a_length_of_2_to_the_36_is_refused_and_takes_no_memory(void **state)
{
	struct bench *bench = *state;
	size_t before = resident_bytes();
	uint8_t header[8];

	for (unsigned bits = 23; bits < 64; bits += 1) {
		int fd = dial_req(bench);
		cadre_put_be64(header, (uint64_t)1 << bits);
		say(fd, header, sizeof header);
		wait_until_closed(fd);
	}
	assert_true(resident_bytes() < before + GROWTH_BYTES_MAX);
	others_are_served(bench);
}

static unsigned count_open(const int *fds, unsigned count)
{
	unsigned open = 0;

	for (unsigned i = 0; i < count; i++) {
		uint8_t bytes[16];
		ssize_t got = 1;
		while (got > 0)
			got = recv(fds[i], bytes, sizeof bytes, MSG_DONTWAIT);
		open += got < 0 && errno == EAGAIN ? 1 : 0;
	}
	return open;
}

/* The silent ones give way: whoever asks something gets in. */
static void test_a_crowd_over_the_cap_is_closed_and_others_served(void **state)
{
	struct bench *bench = *state;
	static int fds[4000];
	const unsigned attempts = sizeof fds / sizeof *fds;
	unsigned made = 0;

	for (unsigned i = 0; i < attempts; i++) {
		fds[made] = dial(bench);
		if (fds[made] < 0)
			continue;
		say(fds[made++], handshake, sizeof handshake);
		if (i % 500 == 0)
			others_are_served(bench);
	}
	assert_true(made > attempts / 2);
	while (count_open(fds, made) > CONNECTIONS_MAX)
		others_are_served(bench);
	others_are_served(bench);
	while (made > 0)
		(void)close(fds[--made]);
	others_are_served(bench);
}

/* Fifty pages of 1,000 members: about 4 MiB an answer. */
static Cadre__V1__Request *large_question(struct bench *bench)
{
	struct rpc_ops *ops = &bench->ops;
	Cadre__V1__Request *request = rpc_request(ops, rpc_op_members(ops, bench->group));
	const size_t count = 25;

	request->n_ops = count;
	request->ops = rpc_alloc(ops, count * sizeof *request->ops);
	for (size_t i = 0; i < count; i++)
		request->ops[i] = rpc_op_members(ops, bench->group);
	return request;
}

static uint64_t slow_peers(struct bench *bench)
{
	return cadre_metric_value(cadre_rpc_metrics(bench->node.server),
	                          METRIC_SLOW_PEERS);
}

static void test_peers_that_read_nothing_are_closed_and_others_served(void **state)
{
	struct bench *bench = *state;
	Cadre__V1__Request *request = large_question(bench);
	size_t length = cadre__v1__request__get_packed_size(request);
	uint8_t *body = malloc(length);
	char model[256];
	int peers[4];

	assert_non_null(body);
	cadre__v1__request__pack(request, body);
	for (unsigned i = 0; i < 4; i++)
		peers[i] = dial_req(bench);
	for (unsigned k = 0; k < 40; k++) {
		for (unsigned i = 0; i < 4; i++)
			say_message(peers[i], body, length);
		assert_int_equal(cadre_client_resolve(bench->client, bench->group, "k7",
		                                      0, model, sizeof model, NULL),
		                 CADRE_CLIENT_DONE);
	}
	/* Closed by the server within its send time-out; all the while others are served. */
	while (slow_peers(bench) < 4)
		assert_int_equal(cadre_client_resolve(bench->client, bench->group, "k7",
		                                      0, model, sizeof model, NULL),
		                 CADRE_CLIENT_DONE);
	for (unsigned i = 0; i < 4; i++)
		(void)close(peers[i]);
	free(body);
	others_are_served(bench);
}

static void expect_refused(int fd, const void *body, size_t length)
{
	uint32_t status;

	say_message(fd, body, length);
	status = read_status(fd);
	assert_true(status == CADRE_INVALID_PARAMETER || status == CADRE_TOO_LARGE);
}

/* Messages inside each other, `depth` deep, each the `tag` field of the last. */
static size_t nest(uint8_t *out, size_t capacity, uint8_t tag, size_t depth)
{
	size_t length = 0;

	for (size_t i = 0; i < depth && length + 6 < capacity; i++) {
		uint8_t head[6];
		size_t n = 0;
		size_t value = length;
		head[n++] = tag;
		for (; value >= 0x80; value >>= 7)
			head[n++] = (uint8_t)(value | 0x80);
		head[n++] = (uint8_t)value;
		memmove(out + n, out, length);
		memcpy(out, head, n);
		length += n;
	}
	return length;
}

static void test_protobuf_made_to_hurt_is_refused_within_bounds(void **state)
{
	struct bench *bench = *state;
	const size_t capacity = (size_t)4 << 20;
	uint8_t *bytes = malloc(capacity);
	size_t before = resident_bytes();
	struct test_random random = { .state = test_seed(1) };
	int fd = dial_req(bench);

	assert_non_null(bytes);
	expect_refused(fd, "", 0);
	expect_refused(fd, bytes, nest(bytes, 60000, 0x52, 14000));
	/* A million empty operations. */
	for (size_t i = 0; i + 2 < 2000000; i += 2) {
		bytes[i] = 0x52;
		bytes[i + 1] = 0;
	}
	expect_refused(fd, bytes, 2000000);
	/* A singular message again and again. */
	for (size_t i = 0; i + 2 < 400000; i += 2) {
		bytes[i] = 0x22;
		bytes[i + 1] = 0;
	}
	expect_refused(fd, bytes, 400000);
	for (unsigned k = 0; k < 200; k++) {
		size_t length = 1 + test_random_below(&random, 2000);
		for (size_t i = 0; i < length; i++)
			bytes[i] = (uint8_t)test_random_next(&random);
		bytes[0] = 0xff; /* a field number that no request has */
		expect_refused(fd, bytes, length);
	}
	free(bytes);
	(void)close(fd);
	assert_true(resident_bytes() < before + GROWTH_BYTES_MAX);
	others_are_served(bench);
}

static void test_an_answer_without_its_request_id_is_no_harm(void **state)
{
	struct bench *bench = *state;
	int fd = dial_req(bench);
	uint8_t bytes[10] = { 0, 0, 0, 0, 0, 0, 0, 2, 1, 2 };

	/* Two bytes are no hop: nng closes or ignores it. */
	say(fd, bytes, sizeof bytes);
	(void)close(fd);
	others_are_served(bench);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_probes_and_half_messages_leave_the_listener_alive),
		CASE(test_a_length_of_2_to_the_36_is_refused_and_takes_no_memory),
		CASE(test_a_crowd_over_the_cap_is_closed_and_others_served),
		CASE(test_peers_that_read_nothing_are_closed_and_others_served),
		CASE(test_protobuf_made_to_hurt_is_refused_within_bounds),
		CASE(test_an_answer_without_its_request_id_is_no_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
