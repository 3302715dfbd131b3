#include "engine/base/status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#undef cadre_error_set
#undef cadre_error_errno

struct status_row {
	const char *name;
	int http;
	const char *oci_code;
	int exit_code;
};

static const struct status_row rows[CADRE_STATUS_COUNT] = {
	[CADRE_OK] = { "OK", 200, "OK", 0 },
	[CADRE_INVALID_PARAMETER] = { "INVALID_PARAMETER", 400, "InvalidParameter", 1 },
	[CADRE_MISSING_PARAMETER] = { "MISSING_PARAMETER", 400, "MissingParameter", 1 },
	[CADRE_LIMIT_EXCEEDED] = { "LIMIT_EXCEEDED", 400, "LimitExceeded", 1 },
	[CADRE_RELATED_NOT_FOUND] = { "RELATED_NOT_FOUND", 400,
	                              "RelatedResourceNotAuthorizedOrNotFound", 3 },
	[CADRE_NOT_FOUND] = { "NOT_FOUND", 404, "NotAuthorizedOrNotFound", 3 },
	[CADRE_NOT_AUTHENTICATED] = { "NOT_AUTHENTICATED", 401, "NotAuthenticated", 1 },
	[CADRE_NOT_AUTHORIZED] = { "NOT_AUTHORIZED", 403, "NotAuthorized", 1 },
	[CADRE_CONFLICT] = { "CONFLICT", 409, "Conflict", 4 },
	[CADRE_INCORRECT_STATE] = { "INCORRECT_STATE", 409, "IncorrectState", 4 },
	[CADRE_INVALIDATED_RETRY_TOKEN] = { "INVALIDATED_RETRY_TOKEN", 409,
	                                    "InvalidatedRetryToken", 4 },
	[CADRE_ETAG_MISMATCH] = { "ETAG_MISMATCH", 412, "NoEtagMatch", 4 },
	[CADRE_TOO_LARGE] = { "TOO_LARGE", 413, "PayloadTooLarge", 1 },
	[CADRE_TOO_MANY_REQUESTS] = { "TOO_MANY_REQUESTS", 429, "TooManyRequests", 5 },
	[CADRE_NOT_LEADER] = { "NOT_LEADER", 503, "ServiceUnavailable", 5 },
	[CADRE_LAGGING] = { "LAGGING", 503, "ServiceUnavailable", 5 },
	[CADRE_TOKEN_LOST] = { "TOKEN_LOST", 409, "Conflict", 4 },
	[CADRE_NO_QUORUM] = { "NO_QUORUM", 503, "ServiceUnavailable", 5 },
	[CADRE_FENCED] = { "FENCED", 503, "ServiceUnavailable", 5 },
	[CADRE_OUT_OF_SPACE] = { "OUT_OF_SPACE", 503, "ServiceUnavailable", 5 },
	[CADRE_UNAVAILABLE] = { "UNAVAILABLE", 503, "ServiceUnavailable", 5 },
	[CADRE_DEADLINE] = { "DEADLINE", 504, "GatewayTimeout", 5 },
	[CADRE_CORRUPT] = { "CORRUPT", 500, "InternalServerError", 6 },
	[CADRE_DIVERGED] = { "DIVERGED", 500, "InternalServerError", 6 },
	[CADRE_IO_ERROR] = { "IO_ERROR", 500, "InternalServerError", 5 },
	[CADRE_OUT_OF_MEMORY] = { "OUT_OF_MEMORY", 503, "ServiceUnavailable", 5 },
	[CADRE_INTERNAL] = { "INTERNAL", 500, "InternalServerError", 5 },
	[CADRE_END] = { "END", 500, "InternalServerError", 5 },
	[CADRE_TORN] = { "TORN", 500, "InternalServerError", 6 },
};

static const struct status_row *row_of(enum cadre_status status)
{
	if ((unsigned)status >= CADRE_STATUS_COUNT)
		status = CADRE_INTERNAL;
	return &rows[status];
}

const char *cadre_status_name(enum cadre_status status)
{
	return row_of(status)->name;
}

const char *cadre_status_oci_code(enum cadre_status status)
{
	return row_of(status)->oci_code;
}

int cadre_status_http(enum cadre_status status)
{
	return row_of(status)->http;
}

int cadre_status_exit_code(enum cadre_status status)
{
	return row_of(status)->exit_code;
}

enum cadre_status cadre_error_set(struct cadre_error *err, enum cadre_status status,
                                  const char *format, ...)
{
	if (err) {
		va_list args;
		err->status = status;
		va_start(args, format);
		vsnprintf(err->message, sizeof err->message, format, args);
		va_end(args);
	}
	return status;
}

enum cadre_status cadre_error_errno(struct cadre_error *err, int errno_value,
                                    const char *format, ...)
{
	enum cadre_status status = CADRE_IO_ERROR;

	if (errno_value == ENOSPC || errno_value == EDQUOT)
		status = CADRE_OUT_OF_SPACE;
	else if (errno_value == ENOMEM)
		status = CADRE_OUT_OF_MEMORY;
	if (err) {
		char text[384];
		char storage[96];
		const char *cause = strerror_r(errno_value, storage, sizeof storage);
		va_list args;
		va_start(args, format);
		vsnprintf(text, sizeof text, format, args);
		va_end(args);
		cadre_error_set(err, status, "%s: %s", text, cause);
	}
	return status;
}

void cadre_error_prefix(struct cadre_error *err, const char *format, ...)
{
	char text[sizeof err->message];
	va_list args;
	size_t length;

	if (!err)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	length = strlen(text);
	snprintf(text + length, sizeof text - length, "%.*s",
	         (int)(sizeof text - length - 1), err->message);
	memcpy(err->message, text, sizeof text);
}
