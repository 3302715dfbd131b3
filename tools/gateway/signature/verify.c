/* What must be signed, what was signed, and by whom. */
#include <ctype.h>
#include <inttypes.h>
#include <strings.h>

#include "engine/base/base64.h"
#include "engine/base/checksum.h"
#include "tools/gateway/signature/signature.h"

#define NAME_BYTES_MAX 128u
#define TARGET "(request-target)"

static enum cadre_status refuse(struct cadre_error *err, const char *what)
{
	return cadre_error_set(err, CADRE_NOT_AUTHENTICATED, "%s", what);
}

static bool is_name(struct cadre_slice slice, const char *name)
{
	return slice.length == strlen(name) &&
	       strncasecmp((const char *)slice.data, name, slice.length) == 0;
}

static bool signs(const struct signature *signature, const char *name)
{
	for (size_t i = 0; i < signature->name_count; i++) {
		if (is_name(signature->names[i], name))
			return true;
	}
	return false;
}

/* ---- the text ---- */

static enum cadre_status add(struct cadre_buffer *out, const void *data, size_t length,
                             struct cadre_error *err)
{
	if (cadre_buffer_append(out, data, length) == CADRE_OK)
		return CADRE_OK;
	return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for a signed text");
}

static enum cadre_status add_lower(struct cadre_buffer *out, struct cadre_slice text,
                                   struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;

	for (size_t i = 0; i < text.length && status == CADRE_OK; i++) {
		char lower = (char)tolower(text.data[i]);
		status = add(out, &lower, 1, err);
	}
	return status;
}

static enum cadre_status add_target(const struct signed_request *request,
                                    const char *target, struct cadre_buffer *out,
                                    struct cadre_error *err)
{
	enum cadre_status status = add_lower(out, cadre_slice_text(request->method), err);

	if (status == CADRE_OK)
		status = add(out, " ", 1, err);
	if (status == CADRE_OK)
		status = add(out, target, strlen(target), err);
	return status;
}

static enum cadre_status add_header(const struct signed_request *request,
                                    struct cadre_slice name, struct cadre_buffer *out,
                                    struct cadre_error *err)
{
	char text[NAME_BYTES_MAX];
	const char *value;

	if (name.length >= sizeof text)
		return refuse(err, "authorization: a header name of over 127 bytes");
	memcpy(text, name.data, name.length);
	text[name.length] = '\0';
	value = request->header(request->ctx, text);
	if (!value)
		return cadre_error_set(err, CADRE_NOT_AUTHENTICATED,
		                       "authorization: signs \"%s\", which is absent",
		                       text);
	return add(out, value, strlen(value), err);
}

enum cadre_status signature_text(const struct signature *signature,
                                 const struct signed_request *request, const char *target,
                                 struct cadre_buffer *out, struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;

	for (size_t i = 0; i < signature->name_count && status == CADRE_OK; i++) {
		struct cadre_slice name = signature->names[i];
		if (i > 0)
			status = add(out, "\n", 1, err);
		if (status == CADRE_OK)
			status = add_lower(out, name, err);
		if (status == CADRE_OK)
			status = add(out, ": ", 2, err);
		if (status == CADRE_OK)
			status = is_name(name, TARGET)
			                 ? add_target(request, target, out, err)
			                 : add_header(request, name, out, err);
	}
	return status;
}

/* ---- what must be signed ---- */

static bool has_signed_body(const struct signed_request *request)
{
	return !request->body_unsigned &&
	       (strcasecmp(request->method, "POST") == 0 ||
	        strcasecmp(request->method, "PUT") == 0 ||
	        strcasecmp(request->method, "PATCH") == 0 || request->body.length > 0);
}

static enum cadre_status check_names(const struct signature *signature,
                                     const struct signed_request *request,
                                     struct cadre_error *err)
{
	static const char *const always[] = { TARGET, "host" };
	static const char *const body[] = { "content-length", "content-type",
		                            "x-content-sha256" };
	const char *missing = NULL;

	for (size_t i = 0; i < sizeof always / sizeof *always; i++) {
		if (!signs(signature, always[i]))
			missing = always[i];
	}
	for (size_t i = 0; i < sizeof body / sizeof *body; i++) {
		if (has_signed_body(request) && !signs(signature, body[i]))
			missing = body[i];
	}
	if (!signs(signature, "date") && !signs(signature, "x-date"))
		missing = "date or x-date";
	if (!missing)
		return CADRE_OK;
	return cadre_error_set(err, CADRE_NOT_AUTHENTICATED,
	                       "authorization: headers do not name %s", missing);
}

/* Of two signed dates x-date counts: it is there because the other one is not the
 * client's. */
static enum cadre_status check_date(const struct signature *signature,
                                    const struct signed_request *request,
                                    cadre_time_ms now_ms, cadre_time_ms *ret_date_ms,
                                    struct cadre_error *err)
{
	const char *name = signs(signature, "x-date") ? "x-date" : "date";
	const char *text = request->header(request->ctx, name);
	uint64_t apart_ms;

	if (!text || !signature_date(text, ret_date_ms))
		return cadre_error_set(err, CADRE_NOT_AUTHENTICATED,
		                       "%s: absent or not like \"Sun, 22 Nov 2026 "
		                       "14:40:24 GMT\"",
		                       name);
	apart_ms = *ret_date_ms > now_ms ? *ret_date_ms - now_ms : now_ms - *ret_date_ms;
	if (apart_ms <= SIGNATURE_SKEW_MS)
		return CADRE_OK;
	return cadre_error_set(err, CADRE_NOT_AUTHENTICATED,
	                       "%s: %" PRIu64 " s from this server's clock, at most %u s",
	                       name, apart_ms / 1000, SIGNATURE_SKEW_MS / 1000);
}

/* Wherever the digest is signed it must be the body's, also where it need not be. */
static enum cadre_status check_body(const struct signature *signature,
                                    const struct signed_request *request,
                                    struct cadre_error *err)
{
	struct cadre_sha256 hash;
	char expected[CADRE_BASE64_CHARS(sizeof hash.bytes) + 1];
	const char *given;

	if (request->body_unsigned || !signs(signature, "x-content-sha256"))
		return CADRE_OK;
	given = request->header(request->ctx, "x-content-sha256");
	hash = cadre_sha256(request->body.data, request->body.length);
	cadre_base64_encode(hash.bytes, sizeof hash.bytes, expected);
	if (given && strcmp(given, expected) == 0)
		return CADRE_OK;
	return refuse(err, "x-content-sha256: not the SHA-256 of this body");
}

enum cadre_status signature_check(const struct signature *signature,
                                  const struct signed_request *request,
                                  cadre_time_ms now_ms, cadre_time_ms *ret_date_ms,
                                  struct cadre_error *err)
{
	enum cadre_status status = check_names(signature, request, err);

	if (status == CADRE_OK)
		status = check_date(signature, request, now_ms, ret_date_ms, err);
	if (status == CADRE_OK)
		status = check_body(signature, request, err);
	return status;
}

/* ---- by whom ---- */

static int hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit = (char)tolower((unsigned char)digit);
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* The bytes of a query that are not ASCII, decoded; `*ret_any`: there are some. */
static enum cadre_status decode_query(const char *target, struct cadre_buffer *out,
                                      bool *ret_any, struct cadre_error *err)
{
	enum cadre_status status = CADRE_OK;
	bool in_query = false;

	*ret_any = false;
	for (const char *at = target; *at && status == CADRE_OK; at++) {
		int high = in_query && *at == '%' ? hex_value(at[1]) : -1;
		int low = high >= 8 ? hex_value(at[2]) : -1;
		char byte = *at;
		in_query = in_query || *at == '?';
		if (low >= 0) {
			byte = (char)(high << 4 | low);
			at += 2;
			*ret_any = true;
		}
		status = add(out, &byte, 1, err);
	}
	if (status == CADRE_OK)
		status = add(out, "", 1, err);
	return status;
}

/* CADRE_END: not by this key. */
static enum cadre_status try_target(const struct signature *signature,
                                    const struct signed_request *request,
                                    const struct cadre_rsa_key *key, const char *target,
                                    struct cadre_error *err)
{
	struct cadre_buffer text = { 0 };
	enum cadre_status status = signature_text(signature, request, target, &text, err);

	if (status == CADRE_OK &&
	    !cadre_rsa_verify(key, cadre_buffer_slice(&text),
	                      cadre_slice(signature->bytes, signature->length)))
		status = CADRE_END;
	cadre_buffer_fini(&text);
	return status;
}

enum cadre_status signature_verify(const struct signature *signature,
                                   const struct signed_request *request,
                                   const struct cadre_rsa_key *key,
                                   struct cadre_error *err)
{
	struct cadre_buffer decoded = { 0 };
	bool any = false;
	enum cadre_status status = try_target(signature, request, key, request->target,
	                                      err);

	if (status != CADRE_END)
		return status;
	if (decode_query(request->target, &decoded, &any, err) != CADRE_OK)
		status = CADRE_OUT_OF_MEMORY;
	else if (any)
		status = try_target(signature, request, key, (char *)decoded.data, err);
	cadre_buffer_fini(&decoded);
	return status == CADRE_END
	               ? refuse(err, "the signature was not made with this key for this "
	                             "request")
	               : status;
}
