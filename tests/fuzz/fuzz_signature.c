/*
 * The Authorization header. Up to the first NUL byte the input is the header, behind it
 * are a target and a date. Whatever was parsed has its text made and is checked.
 */
#include <stdint.h>
#include <stdlib.h>

#include "engine/base/assert.h"
#include "tools/gateway/signature/signature.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *header(void *ctx, const char *name)
{
	CADRE_ASSERT(strlen(name) < 128);
	return name[0] == 'a' ? NULL : ctx;
}

static void use(const struct signature *signature, char *rest)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_buffer text = { 0 };
	const struct signed_request request = {
		.method = "GET", .target = rest, .header = header, .ctx = rest
	};
	cadre_time_ms date;

	CADRE_ASSERT(signature->name_count <= SIGNATURE_NAMES_MAX);
	CADRE_ASSERT(strlen(signature->fingerprint) == CADRE_FINGERPRINT_BYTES - 1);
	if (signature_text(signature, &request, rest, &text, &err) != CADRE_OK)
		CADRE_ASSERT(err.message[0]);
	if (signature_check(signature, &request, 0, &date, &err) != CADRE_OK)
		CADRE_ASSERT(err.status == CADRE_NOT_AUTHENTICATED);
	cadre_buffer_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct signature signature;
	const uint8_t *end = size ? memchr(data, 0, size) : NULL;
	size_t length = end ? (size_t)(end - data) : size;
	char *rest = calloc(1, size + 1);
	cadre_time_ms date;

	if (!rest)
		return 0;
	if (end)
		memcpy(rest, end + 1, size - length - 1);
	(void)!signature_date(rest, &date);
	if (signature_parse(cadre_slice(data, length), &signature, &err) == CADRE_OK)
		use(&signature, rest);
	else
		CADRE_ASSERT(err.status == CADRE_NOT_AUTHENTICATED && err.message[0]);
	free(rest);
	return 0;
}
