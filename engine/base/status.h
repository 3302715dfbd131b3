/*
 * Outcomes. Every fallible function returns `enum cadre_status`; where the
 * cause matters it also fills a `struct cadre_error`.
 *
 * One table (status.c) gives each status its name, its HTTP status with the
 * OCI error code, and the exit code of a command-line program.
 */
#ifndef CADRE_BASE_STATUS_H
#define CADRE_BASE_STATUS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define CADRE_MUST_CHECK __attribute__((warn_unused_result))
#define CADRE_PRINTF(fmt_index, first_arg) \
	__attribute__((format(printf, fmt_index, first_arg)))

enum cadre_status {
	CADRE_OK = 0,
	/* Refused by the rules of the domain. */
	CADRE_INVALID_PARAMETER,
	CADRE_MISSING_PARAMETER,
	CADRE_LIMIT_EXCEEDED,
	CADRE_RELATED_NOT_FOUND, /* an id in the body is unknown */
	CADRE_NOT_FOUND,         /* an id in the path is unknown, or hidden */
	CADRE_NOT_AUTHENTICATED,
	CADRE_NOT_AUTHORIZED,
	CADRE_CONFLICT,        /* lasting: sending again cannot help */
	CADRE_INCORRECT_STATE, /* passing: OCI SDKs send again by themselves */
	CADRE_INVALIDATED_RETRY_TOKEN,
	CADRE_ETAG_MISMATCH,
	CADRE_TOO_LARGE,
	CADRE_TOO_MANY_REQUESTS,
	/* The cluster cannot answer now. */
	CADRE_NOT_LEADER,
	CADRE_LAGGING,
	CADRE_TOKEN_LOST,
	CADRE_NO_QUORUM,
	CADRE_FENCED,
	CADRE_OUT_OF_SPACE,
	CADRE_UNAVAILABLE,
	CADRE_DEADLINE, /* the outcome is unknown: ask by retry token */
	/* Something is wrong with the data or with us. */
	CADRE_CORRUPT,
	CADRE_DIVERGED,
	CADRE_IO_ERROR,
	CADRE_OUT_OF_MEMORY,
	CADRE_INTERNAL,
	/* Expected outcomes of internal calls; never sent to a client. */
	CADRE_END,  /* no more items */
	CADRE_TORN, /* the tail of the log was never durable */
	CADRE_STATUS_COUNT
};

/*
 * One message, made where the failure happens: the object in double quotes,
 * values with units, the field path first when a field is at fault
 * (`memberModelEntries.memberModelDetails[17].inferenceKey: 33 characters, at
 * most 32`). Callers may prefix it with cadre_error_prefix().
 * Ownership: plain storage of the caller, nothing to free.
 */
struct cadre_error {
	enum cadre_status status;
	char message[512];
};

#define CADRE_ERROR_INIT                          \
	{                                         \
		.status = CADRE_OK, .message = "" \
	}

/* Records `status` and the message; returns `status`. `err` may be NULL. */
enum cadre_status cadre_error_set(struct cadre_error *err, enum cadre_status status,
                                  const char *format, ...) CADRE_PRINTF(3, 4);

/* As cadre_error_set(), appending ": " and strerror(errno_value). ENOSPC and
 * EDQUOT become CADRE_OUT_OF_SPACE, ENOMEM CADRE_OUT_OF_MEMORY, anything else
 * CADRE_IO_ERROR. */
enum cadre_status cadre_error_errno(struct cadre_error *err, int errno_value,
                                    const char *format, ...) CADRE_PRINTF(3, 4);

#ifdef __clang_analyzer__
/* The analyzer cannot see that these never return CADRE_OK. */
#define cadre_error_set(err, status, ...) \
	((void)(cadre_error_set)(err, status, __VA_ARGS__), (status))
#define cadre_error_errno(err, errno_value, ...) \
	((void)(cadre_error_errno)(err, errno_value, __VA_ARGS__), CADRE_IO_ERROR)
#endif

/* Puts text in front of the message ("while opening \"x\": " + message). */
void cadre_error_prefix(struct cadre_error *err, const char *format, ...)
        CADRE_PRINTF(2, 3);

/* "INVALID_PARAMETER"; never NULL. */
const char *cadre_status_name(enum cadre_status status);

/* The OCI error code ("InvalidParameter") and HTTP status for a status. */
const char *cadre_status_oci_code(enum cadre_status status);
int cadre_status_http(enum cadre_status status);

/* Exit code: 0 done, 1 refused, 3 not found, 4 conflict, 5 unavailable or
 * outcome unknown, 6 damaged data. (2 is a usage error.) */
int cadre_status_exit_code(enum cadre_status status);

#endif
