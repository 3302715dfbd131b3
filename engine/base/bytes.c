#include "engine/base/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int cadre_slice_compare(struct cadre_slice a, struct cadre_slice b)
{
	size_t shared = a.length < b.length ? a.length : b.length;
	int order = shared ? memcmp(a.data, b.data, shared) : 0;

	if (order != 0)
		return order;
	return (a.length > b.length) - (a.length < b.length);
}

void cadre_buffer_fini(struct cadre_buffer *buffer)
{
	if (!buffer)
		return;
	free(buffer->data);
	memset(buffer, 0, sizeof *buffer);
}

enum cadre_status cadre_buffer_reserve(struct cadre_buffer *buffer, size_t extra)
{
	size_t capacity = buffer->capacity ? buffer->capacity : 256;
	uint8_t *data;

	if (extra > SIZE_MAX / 4 || buffer->length > SIZE_MAX / 4)
		return CADRE_OUT_OF_MEMORY;
	if (buffer->length + extra <= buffer->capacity)
		return CADRE_OK;
	while (capacity < buffer->length + extra)
		capacity *= 2;
	data = realloc(buffer->data, capacity);
	if (!data)
		return CADRE_OUT_OF_MEMORY;
	buffer->data = data;
	buffer->capacity = capacity;
	return CADRE_OK;
}

enum cadre_status cadre_buffer_append(struct cadre_buffer *buffer, const void *data,
                                      size_t length)
{
	enum cadre_status status = cadre_buffer_reserve(buffer, length);

	if (status != CADRE_OK)
		return status;
	if (length > 0)
		memcpy(buffer->data + buffer->length, data, length);
	buffer->length += length;
	return CADRE_OK;
}

enum cadre_status cadre_buffer_append_zeros(struct cadre_buffer *buffer, size_t length)
{
	enum cadre_status status = cadre_buffer_reserve(buffer, length);

	if (status != CADRE_OK)
		return status;
	if (length > 0)
		memset(buffer->data + buffer->length, 0, length);
	buffer->length += length;
	return CADRE_OK;
}

void cadre_hex_encode(const void *data, size_t length, char *text)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *bytes = data;

	for (size_t i = 0; i < length; i++) {
		*text++ = digits[bytes[i] >> 4];
		*text++ = digits[bytes[i] & 15];
	}
	*text = '\0';
}

static int hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

bool cadre_hex_decode(const char *text, void *data, size_t length)
{
	uint8_t *bytes = data;

	if (strlen(text) != 2 * length)
		return false;
	for (size_t i = 0; i < length; i++) {
		int high = hex_value(text[2 * i]);
		int low = hex_value(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static void base32(const uint8_t *bytes, size_t length, const char *alphabet, char *text)
{
	uint32_t bits = 0;
	unsigned held = 0;

	for (size_t i = 0; i < length; i++) {
		bits = bits << 8 | bytes[i];
		held += 8;
		while (held >= 5) {
			held -= 5;
			*text++ = alphabet[bits >> held & 31];
		}
		bits &= (1u << held) - 1;
	}
	if (held > 0)
		*text++ = alphabet[bits << (5 - held) & 31];
	*text = '\0';
}

void cadre_base32_encode(const void *data, size_t length, char *text)
{
	base32(data, length, "abcdefghijklmnopqrstuvwxyz234567", text);
}

void cadre_base32hex_encode(const void *data, size_t length, char *text)
{
	base32(data, length, "0123456789abcdefghijklmnopqrstuv", text);
}

/* Length of the sequence that starts with `lead`, 0 when it cannot start one. */
static size_t utf8_length(uint8_t lead)
{
	if (lead < 0x80)
		return 1;
	if (lead >= 0xC2 && lead <= 0xDF)
		return 2;
	if (lead >= 0xE0 && lead <= 0xEF)
		return 3;
	if (lead >= 0xF0 && lead <= 0xF4)
		return 4;
	return 0;
}

static bool utf8_second_ok(uint8_t lead, uint8_t second)
{
	if ((second & 0xC0) != 0x80)
		return false;
	switch (lead) {
	case 0xE0:
		return second >= 0xA0;
	case 0xED:
		return second <= 0x9F;
	case 0xF0:
		return second >= 0x90;
	case 0xF4:
		return second <= 0x8F;
	default:
		return true;
	}
}

bool cadre_utf8_check(const void *data, size_t length, size_t *ret_points)
{
	const uint8_t *at = data;
	size_t points = 0;

	for (size_t i = 0; i < length; points++) {
		size_t width = utf8_length(at[i]);
		if (width == 0 || width > length - i)
			return false;
		if (width > 1 && !utf8_second_ok(at[i], at[i + 1]))
			return false;
		for (size_t k = 2; k < width; k++) {
			if ((at[i + k] & 0xC0) != 0x80)
				return false;
		}
		i += width;
	}
	if (ret_points)
		*ret_points = points;
	return true;
}

void cadre_time_format(cadre_time_ms time, char *text)
{
	/* The last millisecond of year 9999: later times do not fit the form. */
	const cadre_time_ms time_max = 253402300799999u;
	time_t seconds;
	struct tm parts;
	size_t length;

	if (time > time_max)
		time = time_max;
	seconds = (time_t)(time / 1000);
	gmtime_r(&seconds, &parts);
	length = strftime(text, 21, "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(text + length, 6, ".%03uZ", (unsigned)(time % 1000));
}

/* Text must have the shape "####-##-##T##:##:##". */
static bool time_shape_ok(const char *text)
{
	static const char shape[] = "0000-00-00T00:00:00";

	for (size_t i = 0; shape[i]; i++) {
		if (shape[i] == '0' ? text[i] < '0' || text[i] > '9'
		                    : text[i] != shape[i])
			return false;
	}
	return true;
}

static int two_digits(const char *at)
{
	return (at[0] - '0') * 10 + (at[1] - '0');
}

/* Seconds since 1970; -1 for a day or an hour that does not exist. */
static time_t parse_seconds(const char *text)
{
	struct tm parts = {
		.tm_year = two_digits(text) * 100 + two_digits(text + 2) - 1900,
		.tm_mon = two_digits(text + 5) - 1,
		.tm_mday = two_digits(text + 8),
		.tm_hour = two_digits(text + 11),
		.tm_min = two_digits(text + 14),
		.tm_sec = two_digits(text + 17),
	};
	struct tm asked = parts;
	time_t seconds = timegm(&parts);

	/* timegm carries what is too large into the next unit. */
	if (parts.tm_mon != asked.tm_mon || parts.tm_mday != asked.tm_mday ||
	    parts.tm_hour != asked.tm_hour || parts.tm_min != asked.tm_min ||
	    parts.tm_sec != asked.tm_sec)
		return -1;
	return seconds;
}

bool cadre_time_parse(const char *text, cadre_time_ms *ret_time)
{
	unsigned millis = 0;
	unsigned scale = 100;
	const char *rest;
	time_t seconds;

	if (!time_shape_ok(text))
		return false;
	rest = text + 19;
	if (*rest == '.') {
		rest++;
		if (*rest < '0' || *rest > '9')
			return false;
		for (; *rest >= '0' && *rest <= '9'; rest++, scale /= 10)
			millis += (unsigned)(*rest - '0') * scale;
	}
	if (strcmp(rest, "Z") != 0)
		return false;
	seconds = parse_seconds(text);
	if (seconds < 0)
		return false;
	*ret_time = (cadre_time_ms)seconds * 1000 + millis;
	return true;
}
