/* The Authorization header: parameters by name, in any order. */
#include <ctype.h>

#include "engine/base/base64.h"
#include "tools/gateway/signature/signature.h"

enum parameter { VERSION, KEY_ID, ALGORITHM, HEADERS, SIGNATURE, PARAMETER_COUNT };

static const char *const parameter_names[PARAMETER_COUNT] = {
	"version", "keyId", "algorithm", "headers", "signature",
};

static enum cadre_status refuse(struct cadre_error *err, const char *what)
{
	return cadre_error_set(err, CADRE_NOT_AUTHENTICATED, "authorization: %s", what);
}

static bool same_text(struct cadre_slice slice, const char *text)
{
	if (slice.length != strlen(text))
		return false;
	for (size_t i = 0; i < slice.length; i++) {
		if (tolower(slice.data[i]) != tolower((unsigned char)text[i]))
			return false;
	}
	return true;
}

static void skip(struct cadre_slice *in, const char *characters)
{
	while (in->length > 0 && in->data[0] && strchr(characters, in->data[0]))
		*in = cadre_slice(in->data + 1, in->length - 1);
}

/* Up to `end`, which is taken too; false without one. */
static bool take_until(struct cadre_slice *in, char end, struct cadre_slice *ret)
{
	const uint8_t *at = in->length ? memchr(in->data, end, in->length) : NULL;

	if (!at)
		return false;
	*ret = cadre_slice(in->data, (size_t)(at - in->data));
	*in = cadre_slice(at + 1, in->length - ret->length - 1);
	return true;
}

/* name="value", and the comma behind it. */
static enum cadre_status take_parameter(struct cadre_slice *in,
                                        struct cadre_slice values[PARAMETER_COUNT],
                                        struct cadre_error *err)
{
	struct cadre_slice name, value;

	if (!take_until(in, '=', &name) || in->length == 0 || in->data[0] != '"')
		return refuse(err, "expected name=\"value\"");
	*in = cadre_slice(in->data + 1, in->length - 1);
	if (!take_until(in, '"', &value))
		return refuse(err, "a value does not end");
	for (size_t i = 0; i < PARAMETER_COUNT; i++) {
		if (!same_text(name, parameter_names[i]))
			continue;
		if (values[i].data)
			return refuse(err, "a parameter stands twice");
		values[i] = value;
	}
	skip(in, " \t");
	if (in->length > 0 && in->data[0] != ',')
		return refuse(err, "expected a comma between parameters");
	skip(in, " \t,");
	return CADRE_OK;
}

static enum cadre_status take_names(struct cadre_slice list, struct signature *out,
                                    struct cadre_error *err)
{
	skip(&list, " ");
	while (list.length > 0) {
		size_t length = 0;
		while (length < list.length && list.data[length] != ' ')
			length++;
		if (out->name_count == SIGNATURE_NAMES_MAX)
			return refuse(err, "headers: more than 16 names");
		out->names[out->name_count++] = cadre_slice(list.data, length);
		list = cadre_slice(list.data + length, list.length - length);
		skip(&list, " ");
	}
	return CADRE_OK;
}

/* The last part of the key's id. */
static enum cadre_status take_fingerprint(struct cadre_slice key_id,
                                          struct signature *out, struct cadre_error *err)
{
	size_t length = CADRE_FINGERPRINT_BYTES - 1;
	const uint8_t *at;

	if (key_id.length >= 3 && memcmp(key_id.data, "ST$", 3) == 0)
		return refuse(err, "keyId: session tokens are not known here");
	if (key_id.length <= length || key_id.data[key_id.length - length - 1] != '/')
		return refuse(err, "keyId: expected tenancy/user/fingerprint");
	at = key_id.data + key_id.length - length;
	for (size_t i = 0; i < length; i++) {
		if (i % 3 == 2 ? at[i] != ':' : !isxdigit(at[i]))
			return refuse(err, "keyId: the fingerprint is not aa:bb:…");
		out->fingerprint[i] = (char)tolower(at[i]);
	}
	return CADRE_OK;
}

static enum cadre_status
check_parameters(const struct cadre_slice values[PARAMETER_COUNT],
                 struct cadre_error *err)
{
	for (size_t i = 0; i < PARAMETER_COUNT; i++) {
		if (!values[i].data)
			return cadre_error_set(err, CADRE_NOT_AUTHENTICATED,
			                       "authorization: no %s",
			                       parameter_names[i]);
	}
	if (!same_text(values[VERSION], "1"))
		return refuse(err, "version: expected \"1\"");
	if (!same_text(values[ALGORITHM], "rsa-sha256"))
		return refuse(err, "algorithm: expected \"rsa-sha256\"");
	return CADRE_OK;
}

enum cadre_status signature_parse(struct cadre_slice authorization,
                                  struct signature *ret_signature,
                                  struct cadre_error *err)
{
	static const char scheme[] = "Signature ";
	struct cadre_slice values[PARAMETER_COUNT] = { 0 };
	struct cadre_slice in = authorization;
	enum cadre_status status = CADRE_OK;

	memset(ret_signature, 0, sizeof *ret_signature);
	if (in.length > SIGNATURE_HEADER_BYTES_MAX)
		return refuse(err, "longer than 8192 bytes");
	if (in.length < sizeof scheme ||
	    !same_text(cadre_slice(in.data, sizeof scheme - 1), scheme))
		return refuse(err, "expected the scheme Signature");
	in = cadre_slice(in.data + sizeof scheme - 1, in.length - (sizeof scheme - 1));
	skip(&in, " \t");
	while (status == CADRE_OK && in.length > 0)
		status = take_parameter(&in, values, err);
	if (status == CADRE_OK)
		status = check_parameters(values, err);
	if (status != CADRE_OK)
		return status;
	ret_signature->key_id = values[KEY_ID];
	if (!cadre_base64_decode(values[SIGNATURE], ret_signature->bytes,
	                         sizeof ret_signature->bytes, &ret_signature->length))
		return refuse(err, "signature: no base64, or longer than any key");
	status = take_fingerprint(values[KEY_ID], ret_signature, err);
	if (status == CADRE_OK)
		status = take_names(values[HEADERS], ret_signature, err);
	return status;
}
