/*
 * Addresses of sockets: `tcp://host:port` and `tls+tcp://host:port`. There is no
 * ipc: nng 1.5.2 loses an ipc listener for good to one probe that hangs up early.
 */
#ifndef CADRE_TRANSPORT_ADDRESS_H
#define CADRE_TRANSPORT_ADDRESS_H

#include "engine/base/status.h"
#include "engine/base/types.h"

#define CADRE_ADDRESS_HOST_BYTES 256u
/* Scheme, host in brackets, port, NUL. */
#define CADRE_ADDRESS_BYTES (CADRE_ADDRESS_HOST_BYTES + 24u)

struct cadre_address {
	char host[CADRE_ADDRESS_HOST_BYTES]; /* an IPv6 literal without brackets */
	uint16_t port;                       /* 0: the system chooses (listen only) */
	bool tls;
	bool loopback; /* 127.0.0.0/8, ::1 or localhost */
};

/* Reads `scheme://host:port`, `host:port` or `host`; without a scheme it is tcp,
 * without a port `default_port`.
 * Errors: CADRE_INVALID_PARAMETER, the text in quotes.
 * Threads: pure. */
CADRE_MUST_CHECK enum cadre_status cadre_address_parse(const char *text,
                                                       uint16_t default_port,
                                                       struct cadre_address *ret_address,
                                                       struct cadre_error *err);
/* CADRE_NOT_AUTHORIZED unless the address is loopback or TLS, or `insecure` says
 * that plain text to other machines is wanted. */
CADRE_MUST_CHECK enum cadre_status
cadre_address_check_exposure(const struct cadre_address *address, bool insecure,
                             struct cadre_error *err);
/* The form that parse reads back, with scheme and port. */
void cadre_address_format(const struct cadre_address *address,
                          char text[CADRE_ADDRESS_BYTES]);

#endif
