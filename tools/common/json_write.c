#include "tools/common/json_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/assert.h"

/* 9999-12-31T23:59:59.999Z */
#define LAST_ISO_MS 253402300799999u

static void put(struct cadre_json *json, const void *data, size_t length)
{
	if (!json->failed && cadre_buffer_append(&json->text, data, length) != CADRE_OK)
		json->failed = true;
}

static void before_value(struct cadre_json *json)
{
	if (json->comma)
		put(json, ",", 1);
	json->comma = true;
}

void cadre_json_fini(struct cadre_json *json)
{
	cadre_buffer_fini(&json->text);
	*json = (struct cadre_json){ 0 };
}

void cadre_json_clear(struct cadre_json *json)
{
	cadre_buffer_clear(&json->text);
	json->comma = false;
	json->failed = false;
}

enum cadre_status cadre_json_status(const struct cadre_json *json,
                                    struct cadre_error *err)
{
	if (json->failed)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "JSON text: out of memory");
	return CADRE_OK;
}

void cadre_json_begin(struct cadre_json *json, char bracket)
{
	before_value(json);
	put(json, &bracket, 1);
	json->comma = false;
}

void cadre_json_end(struct cadre_json *json, char bracket)
{
	put(json, &bracket, 1);
	json->comma = true;
}

static void put_escaped(struct cadre_json *json, uint8_t byte)
{
	static const char short_forms[] = "\b\f\n\r\t\"\\";
	static const char letters[] = "bfnrt\"\\";
	char text[8];

	for (size_t i = 0; i < sizeof(letters) - 1; i++) {
		if (byte != (uint8_t)short_forms[i])
			continue;
		text[0] = '\\';
		text[1] = letters[i];
		put(json, text, 2);
		return;
	}
	snprintf(text, sizeof(text), "\\u%04x", byte);
	put(json, text, 6);
}

static void put_quoted(struct cadre_json *json, struct cadre_slice value)
{
	size_t plain = 0;

	put(json, "\"", 1);
	for (size_t i = 0; i < value.length; i++) {
		uint8_t byte = value.data[i];

		if (byte >= 0x20 && byte != '"' && byte != '\\')
			continue;
		put(json, value.data + plain, i - plain);
		put_escaped(json, byte);
		plain = i + 1;
	}
	if (value.length > plain)
		put(json, value.data + plain, value.length - plain);
	put(json, "\"", 1);
}

void cadre_json_key(struct cadre_json *json, const char *name)
{
	before_value(json);
	put_quoted(json, cadre_slice_text(name));
	put(json, ":", 1);
	json->comma = false;
}

void cadre_json_string(struct cadre_json *json, struct cadre_slice value)
{
	before_value(json);
	put_quoted(json, value);
}

void cadre_json_text(struct cadre_json *json, const char *value)
{
	if (value) {
		cadre_json_string(json, cadre_slice_text(value));
		return;
	}
	before_value(json);
	put(json, "null", 4);
}

void cadre_json_u64(struct cadre_json *json, uint64_t value)
{
	char text[32];
	int length = value > INT64_MAX
	                     ? snprintf(text, sizeof(text), "\"%" PRIu64 "\"", value)
	                     : snprintf(text, sizeof(text), "%" PRIu64, value);

	before_value(json);
	put(json, text, (size_t)length);
}

void cadre_json_i64(struct cadre_json *json, int64_t value)
{
	char text[32];
	int length = snprintf(text, sizeof(text), "%" PRId64, value);

	before_value(json);
	put(json, text, (size_t)length);
}

void cadre_json_bool(struct cadre_json *json, bool value)
{
	before_value(json);
	put(json, value ? "true" : "false", value ? 4 : 5);
}

void cadre_json_real(struct cadre_json *json, double value)
{
	char text[48];
	int length = 0;

	for (int digits = 15; digits <= 17; digits++) {
		double back;

		length = snprintf(text, sizeof(text), "%.*g", digits, value);
		back = strtod(text, NULL);
		if (memcmp(&back, &value, sizeof(back)) == 0)
			break;
	}
	/* Without a point or exponent it would read back as an integer, and -0 as 0. */
	if (!strpbrk(text, ".e"))
		length += snprintf(text + length, sizeof(text) - (size_t)length, ".0");
	before_value(json);
	put(json, text, (size_t)length);
}

void cadre_json_hex(struct cadre_json *json, const void *data, size_t length)
{
	const uint8_t *bytes = data;

	before_value(json);
	put(json, "\"", 1);
	for (size_t at = 0; at < length;) {
		char text[129];
		size_t part = length - at < 64 ? length - at : 64;

		cadre_hex_encode(bytes + at, part, text);
		put(json, text, 2 * part);
		at += part;
	}
	put(json, "\"", 1);
}

void cadre_json_time(struct cadre_json *json, cadre_time_ms time)
{
	char text[32];

	if (time > LAST_ISO_MS) {
		cadre_json_u64(json, time);
		return;
	}
	cadre_time_format(time, text);
	cadre_json_text(json, text);
}

void cadre_json_raw(struct cadre_json *json, const char *text)
{
	put(json, text, strlen(text));
}

void cadre_json_key_text(struct cadre_json *json, const char *name, const char *value)
{
	cadre_json_key(json, name);
	cadre_json_text(json, value);
}

void cadre_json_key_u64(struct cadre_json *json, const char *name, uint64_t value)
{
	cadre_json_key(json, name);
	cadre_json_u64(json, value);
}

void cadre_json_key_bool(struct cadre_json *json, const char *name, bool value)
{
	cadre_json_key(json, name);
	cadre_json_bool(json, value);
}

void cadre_json_key_hex(struct cadre_json *json, const char *name, const void *data,
                        size_t length)
{
	cadre_json_key(json, name);
	cadre_json_hex(json, data, length);
}

void cadre_json_key_time(struct cadre_json *json, const char *name, cadre_time_ms time)
{
	cadre_json_key(json, name);
	cadre_json_time(json, time);
}
