#include "replica/transport/nng_error.h"

#include <nng/nng.h>

static enum cadre_status status_of(int code)
{
	switch (code) {
	case NNG_ENOMEM:
	case NNG_ENOFILES:
		return CADRE_OUT_OF_MEMORY;
	case NNG_ETIMEDOUT:
		return CADRE_DEADLINE;
	case NNG_EADDRINUSE:
		return CADRE_CONFLICT;
	case NNG_EINVAL:
	case NNG_EADDRINVAL:
	case NNG_ENOTSUP:
		return CADRE_INVALID_PARAMETER;
	case NNG_EMSGSIZE:
		return CADRE_TOO_LARGE;
	case NNG_EPERM:
		return CADRE_NOT_AUTHORIZED;
	default:
		return CADRE_UNAVAILABLE;
	}
}

enum cadre_status cadre_nng_error(struct cadre_error *err, int code, const char *what)
{
	return cadre_error_set(err, status_of(code), "%s: %s", what, nng_strerror(code));
}
