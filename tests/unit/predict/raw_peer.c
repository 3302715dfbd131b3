#include "tests/unit/predict/raw_peer.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/bytes.h"
#include "tests/support/testing.h"

/* nng puts the message's length and the request's id before every body. */
#define HEAD_BYTES 12u

const uint8_t raw_handshake[8] = { 0, 'S', 'P', 0, 0, 0x30, 0, 0 };

int raw_dial(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address),
	                 0);
	return fd;
}

int raw_dial_req(uint16_t port)
{
	int fd = raw_dial(port);
	uint8_t theirs[8];

	raw_say(fd, raw_handshake, sizeof raw_handshake);
	assert_int_equal(recv(fd, theirs, sizeof theirs, MSG_WAITALL), sizeof theirs);
	return fd;
}

void raw_say(int fd, const void *data, size_t length)
{
	(void)!send(fd, data, length, MSG_NOSIGNAL);
}

void raw_say_message(int fd, const void *body, size_t length)
{
	uint8_t *bytes = malloc(HEAD_BYTES + length);

	assert_non_null(bytes);
	cadre_put_be64(bytes, length + 4);
	memcpy(bytes + 8, "\x80\0\0\1", 4);
	if (length > 0)
		memcpy(bytes + HEAD_BYTES, body, length);
	raw_say(fd, bytes, HEAD_BYTES + length);
	free(bytes);
}

void raw_wait_until_closed(int fd)
{
	uint8_t bytes[65536];

	while (recv(fd, bytes, sizeof bytes, 0) > 0)
		;
	(void)close(fd);
}

uint8_t *raw_hear(int fd, size_t *ret_length)
{
	uint8_t head[HEAD_BYTES];
	uint8_t *body;

	if (recv(fd, head, sizeof head, MSG_WAITALL) != (ssize_t)sizeof head)
		return NULL;
	*ret_length = (size_t)cadre_get_be64(head) - 4;
	body = malloc(*ret_length + 1);
	assert_non_null(body);
	assert_int_equal(recv(fd, body, *ret_length, MSG_WAITALL), *ret_length);
	return body;
}
