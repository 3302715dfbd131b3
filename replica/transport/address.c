#include "replica/transport/address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum cadre_status refuse(struct cadre_error *err, const char *text,
                                const char *why)
{
	return cadre_error_set(err, CADRE_INVALID_PARAMETER,
	                       "address \"%.200s\": %s; like tcp://127.0.0.1:7420", text,
	                       why);
}

static bool is_loopback(const char *host)
{
	return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
	       strcmp(host, "localhost") == 0;
}

static const char *skip_scheme(const char *text, bool *ret_tls)
{
	static const char tcp[] = "tcp://";
	static const char tls[] = "tls+tcp://";

	*ret_tls = strncmp(text, tls, sizeof tls - 1) == 0;
	if (*ret_tls)
		return text + sizeof tls - 1;
	if (strncmp(text, tcp, sizeof tcp - 1) == 0)
		return text + sizeof tcp - 1;
	return strstr(text, "://") ? NULL : text;
}

static bool parse_port(const char *text, uint16_t *ret_port)
{
	unsigned long value = 0;

	if (*text == '\0' || strlen(text) > 5 ||
	    strspn(text, "0123456789") != strlen(text))
		return false;
	value = strtoul(text, NULL, 10);
	*ret_port = (uint16_t)value;
	return value <= UINT16_MAX;
}

/* Host and what follows it; brackets around an IPv6 literal. */
static const char *split_host(const char *text, struct cadre_slice *ret_host)
{
	const char *end;

	if (*text == '[') {
		end = strchr(text, ']');
		if (!end)
			return NULL;
		*ret_host = cadre_slice(text + 1, (size_t)(end - text - 1));
		return end + 1;
	}
	end = text + strcspn(text, ":/");
	*ret_host = cadre_slice(text, (size_t)(end - text));
	return end;
}

enum cadre_status cadre_address_parse(const char *text, uint16_t default_port,
                                      struct cadre_address *ret_address,
                                      struct cadre_error *err)
{
	struct cadre_slice host = cadre_slice(NULL, 0);
	const char *rest;

	memset(ret_address, 0, sizeof *ret_address);
	ret_address->port = default_port;
	rest = skip_scheme(text, &ret_address->tls);
	if (!rest)
		return refuse(err, text, "neither tcp:// nor tls+tcp://");
	rest = split_host(rest, &host);
	if (!rest || host.length == 0 || host.length >= sizeof ret_address->host)
		return refuse(err, text, "no host");
	memcpy(ret_address->host, host.data, host.length);
	if (*rest == ':' && !parse_port(rest + 1, &ret_address->port))
		return refuse(err, text, "the port is not 0 to 65535");
	if (*rest != ':' && *rest != '\0')
		return refuse(err, text, "something stands behind host and port");
	ret_address->loopback = is_loopback(ret_address->host);
	return CADRE_OK;
}

enum cadre_status cadre_address_check_exposure(const struct cadre_address *address,
                                               bool insecure, struct cadre_error *err)
{
	if (address->loopback || address->tls || insecure)
		return CADRE_OK;
	return cadre_error_set(err, CADRE_NOT_AUTHORIZED,
	                       "address \"%s\" can be reached from other machines: use "
	                       "tls+tcp://, a loopback address, or --insecure",
	                       address->host);
}

void cadre_address_format(const struct cadre_address *address,
                          char text[CADRE_ADDRESS_BYTES])
{
	bool literal = strchr(address->host, ':') != NULL;

	(void)snprintf(text, CADRE_ADDRESS_BYTES, "%s://%s%s%s:%u",
	               address->tls ? "tls+tcp" : "tcp", literal ? "[" : "",
	               address->host, literal ? "]" : "", (unsigned)address->port);
}
