/*
 * A request and its answer. Everything they need lives in the request's arena, in the
 * answers of the cluster that it keeps, or in the answer's own buffer.
 *
 * Threads: one at a time: the HTTP library's until the request is queued, then the
 * pool's, then the library's again. Once a stream begins, both: the library has answer
 * and connection, the pool's thread all else.
 */
#ifndef CADRE_TOOLS_GATEWAY_REQUEST_H
#define CADRE_TOOLS_GATEWAY_REQUEST_H

#include <jansson.h>

#include "cadre/v1/rpc.pb-c.h"
#include "proto/codec/arena.h"
#include "tools/common/json_write.h"
#include "tools/gateway/gateway.h"

/* Request target: more fits into no header block. */
#define GATEWAY_IDS_MAX 1u
#define GATEWAY_QUERY_MAX 32u
/* Answers of the cluster that one request needs. */
#define GATEWAY_ANSWERS_MAX 24u
/* Names, values and the parsed body. */
#define GATEWAY_ARENA_BYTES ((size_t)32 << 20)
#define GATEWAY_REQUEST_ID_BYTES 160u
#define GATEWAY_POSITION_BYTES 56u
#define GATEWAY_HEADERS_MAX 10u

struct MHD_Connection;
struct gateway_route;
struct gateway_stream;

/* Who asks, as the authentication found. */
struct gateway_actor {
	bool local;          /* nobody had to prove anything */
	char principal[256]; /* unless local */
};

struct gateway_parameter {
	const char *name, *value; /* decoded */
};

struct gateway_header {
	const char *name;
	const char *value;
};

struct gateway_answer {
	unsigned http; /* 0: none yet */
	const char *type;
	struct cadre_json json; /* the body */
	struct gateway_header headers[GATEWAY_HEADERS_MAX];
	size_t header_count;
	struct gateway_stream *stream; /* instead of a body; a reference */
};

struct gateway_request {
	atomic_uint references; /* the library's, and the pool's while it runs */
	struct gateway *gateway;
	struct MHD_Connection *connection;
	struct cadre_arena arena;
	struct cadre_error err;
	struct gateway_actor actor;
	/* As they came. */
	const char *method;
	const char *target; /* path and query, not decoded */
	struct cadre_buffer body;
	/* What is made of them. */
	const struct gateway_route *route;
	const char *ids[GATEWAY_IDS_MAX]; /* of the path */
	struct gateway_parameter query[GATEWAY_QUERY_MAX];
	size_t query_count;
	char id[GATEWAY_REQUEST_ID_BYTES];     /* opc-request-id of the answer */
	char position[GATEWAY_POSITION_BYTES]; /* after the last answer of the cluster */
	json_t *json;                          /* the body; NULL: empty */
	/* What the cluster said. */
	struct cadre_client_answer *answers[GATEWAY_ANSWERS_MAX];
	size_t answer_count;
	struct gateway_answer answer;
	/* http.c */
	bool begun, queued, too_large, streaming;
	size_t dropped; /* bytes of a body that is too large */
	uint64_t began_ns;
};

/* One reference. `target` is copied. NULL: out of memory. */
struct gateway_request *gateway_request_create(struct gateway *gateway,
                                               const char *target);
struct gateway_request *gateway_request_ref(struct gateway_request *request);
/* The last one frees. Takes NULL. */
void gateway_request_unref(struct gateway_request *request);

/* A header as it came; NULL when there is none. Lives as long as the request. */
const char *gateway_header(const struct gateway_request *request, const char *name);
/* Zeroed bytes of the arena; NULL with request->err set. */
void *gateway_alloc(struct gateway_request *request, size_t bytes);
const char *gateway_text(struct gateway_request *request, const char *format, ...)
        CADRE_PRINTF(2, 3);

/* ---- the query ---- */

/* Decodes `%41` and `+`; a broken escape stands for itself. The NUL character and
 * other control characters are refused by gateway_query_read. `text` is written over. */
size_t gateway_decode(char *text, bool plus);
/* Fills request->query. Errors: CADRE_INVALID_PARAMETER. */
CADRE_MUST_CHECK enum cadre_status gateway_query_read(struct gateway_request *request);
/* NULL when it is absent or empty. */
const char *gateway_query(const struct gateway_request *request, const char *name);
/* `fallback` when absent. Errors: CADRE_INVALID_PARAMETER: no number, or not in
 * least..most. */
CADRE_MUST_CHECK enum cadre_status
gateway_query_number(struct gateway_request *request, const char *name, uint64_t fallback,
                     uint64_t least, uint64_t most, uint64_t *ret_number);
/* The index in `names` (up to NULL); `fallback` when absent. */
CADRE_MUST_CHECK enum cadre_status gateway_query_choice(struct gateway_request *request,
                                                        const char *name,
                                                        const char *const *names,
                                                        int fallback, int *ret_index);
CADRE_MUST_CHECK enum cadre_status gateway_query_required(struct gateway_request *request,
                                                          const char *name,
                                                          const char **ret_value);

/* ---- the body ---- */

/* Parses the body into request->json, an object or NULL. */
CADRE_MUST_CHECK enum cadre_status gateway_body_read(struct gateway_request *request);
/* The same, and an empty body is refused. */
CADRE_MUST_CHECK enum cadre_status gateway_body_required(struct gateway_request *request);

/* ---- the answer ---- */

/* One more header; the value is copied. NULL: none. */
void gateway_answer_header(struct gateway_request *request, const char *name,
                           const char *value);
/* A status without a body. */
enum cadre_status gateway_answer_empty(struct gateway_request *request, unsigned http);
/* The body begins: request->answer.json is to be written. */
struct cadre_json *gateway_answer_json(struct gateway_request *request, unsigned http);
/* {"code", "message"} instead of everything written so far. */
void gateway_answer_error(struct gateway_request *request, unsigned http,
                          const char *code, const char *message);
/* The same for a status of the cluster. */
void gateway_answer_status(struct gateway_request *request, enum cadre_status status);
/* The answer is made and there is nothing to add: what a handler returns when it
 * answered an error of HTTP's own. */
enum cadre_status gateway_refuse(struct gateway_request *request, unsigned http,
                                 const char *code, const char *format, ...)
        CADRE_PRINTF(4, 5);

#endif
