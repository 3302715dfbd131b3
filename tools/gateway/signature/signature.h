/*
 * OCI's HTTP signatures ("version 1", after draft-cavage-http-signatures-08): pure, from
 * texts to a verdict.
 *
 *   Authorization: Signature version="1",keyId="<tenancy>/<user>/<fingerprint>",
 *     algorithm="rsa-sha256",headers="date (request-target) host",signature="<base64>"
 *
 * Normal sequence: parse the header; find the key by its fingerprint; check what must be
 * signed, the date and the body; verify. What was verified and changes something must
 * not have been seen before (replay.h).
 *
 * Errors: CADRE_NOT_AUTHENTICATED with the reason; messages hold neither signature nor
 * body. Threads: all functions are pure.
 */
#ifndef CADRE_TOOLS_GATEWAY_SIGNATURE_H
#define CADRE_TOOLS_GATEWAY_SIGNATURE_H

#include "engine/base/bytes.h"
#include "engine/base/rsa.h"

/* Of the Authorization header: more fits into no header block that is read. */
#define SIGNATURE_HEADER_BYTES_MAX 8192u
/* Names in headers="…"; the SDKs sign up to six. */
#define SIGNATURE_NAMES_MAX 16u
/* How far the signed date may be from now, as OCI has it. */
#define SIGNATURE_SKEW_MS (5u * 60u * 1000u)

struct signature {
	/* Slices of the header that was parsed. */
	struct cadre_slice key_id;
	char fingerprint
	        [CADRE_FINGERPRINT_BYTES]; /* the last part of key_id, lower case */
	struct cadre_slice names[SIGNATURE_NAMES_MAX];
	size_t name_count;
	uint8_t bytes[CADRE_RSA_SIGNATURE_BYTES_MAX];
	size_t length;
};

/* What was signed. */
struct signed_request {
	const char *method;
	const char *target; /* path and query as they came */
	/* A header's value as it came, whatever case `name` has (a NUL ends it); NULL:
	 * absent. */
	const char *(*header)(void *ctx, const char *name);
	void *ctx;
	struct cadre_slice body;
	/* A body that is no part of the signature: uploads of artifacts. */
	bool body_unsigned;
};

CADRE_MUST_CHECK enum cadre_status signature_parse(struct cadre_slice authorization,
                                                   struct signature *ret_signature,
                                                   struct cadre_error *err);
/* That everything is signed that must be, the date is near `now_ms` and the body is the
 * one that was signed. `*ret_date_ms` is the signed date. */
CADRE_MUST_CHECK enum cadre_status signature_check(const struct signature *signature,
                                                   const struct signed_request *request,
                                                   cadre_time_ms now_ms,
                                                   cadre_time_ms *ret_date_ms,
                                                   struct cadre_error *err);
/* That `key` signed it. A query with characters outside ASCII is also tried in the
 * form that OCI's TypeScript SDK signs: not percent-encoded.
 * Errors: also CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status signature_verify(const struct signature *signature,
                                                    const struct signed_request *request,
                                                    const struct cadre_rsa_key *key,
                                                    struct cadre_error *err);

/* The text that is signed; `target` instead of the request's.
 * Errors: CADRE_NOT_AUTHENTICATED: a named header is absent; CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status
signature_text(const struct signature *signature, const struct signed_request *request,
               const char *target, struct cadre_buffer *out, struct cadre_error *err);
/* "Sun, 22 Nov 2026 14:40:24 GMT" (RFC 9110, IMF-fixdate); false on anything else. */
CADRE_MUST_CHECK bool signature_date(const char *text, cadre_time_ms *ret_ms);

#endif
