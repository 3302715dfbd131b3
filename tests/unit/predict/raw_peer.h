/* A peer below nng: bytes on a TCP connection to a listener on this machine. */
#ifndef TESTS_UNIT_PREDICT_RAW_PEER_H
#define TESTS_UNIT_PREDICT_RAW_PEER_H

#include <stddef.h>
#include <stdint.h>

/* Fails the test when there is no connection. */
int raw_dial(uint16_t port);
/* Dials and shakes hands as a REQ socket does. */
int raw_dial_req(uint16_t port);
/* What cannot be sent any more is no failure: the other side may have hung up. */
void raw_say(int fd, const void *data, size_t length);
/* The same with nng's length and request id in front. */
void raw_say_message(int fd, const void *body, size_t length);
/* Reads until the other side has closed, then closes. */
void raw_wait_until_closed(int fd);
/* The body of one message, to be freed; NULL when the connection ended instead. */
uint8_t *raw_hear(int fd, size_t *ret_length);
/* The first bytes of any connection. */
extern const uint8_t raw_handshake[8];

#endif
