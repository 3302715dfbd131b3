#include "engine/base/base64.h"

static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void cadre_base64_encode(const void *data, size_t length, char *text)
{
	const uint8_t *in = data;

	for (size_t i = 0; i < length; i += 3) {
		size_t left = length - i;
		uint32_t bits = (uint32_t)in[i] << 16;
		if (left > 1)
			bits |= (uint32_t)in[i + 1] << 8;
		if (left > 2)
			bits |= in[i + 2];
		*text++ = digits[bits >> 18];
		*text++ = digits[bits >> 12 & 63];
		*text++ = left > 1 ? digits[bits >> 6 & 63] : '=';
		*text++ = left > 2 ? digits[bits & 63] : '=';
	}
	*text = '\0';
}

static int value_of(uint8_t character)
{
	const char *at = character ? strchr(digits, character) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Four characters of which `count` are digits. */
static bool decode_four(const uint8_t *in, size_t count, uint32_t *ret_bits)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < 4; i++) {
		int value = i < count ? value_of(in[i]) : 0;
		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
	}
	*ret_bits = bits;
	/* What the padding leaves over must be zero: one text for one value. */
	return count == 4 || (bits & (count == 3 ? 0xFFu : 0xFFFFu)) == 0;
}

bool cadre_base64_decode(struct cadre_slice text, uint8_t *data, size_t capacity,
                         size_t *ret_length)
{
	size_t padding = 0;
	size_t length;
	uint32_t bits;

	if (text.length % 4 != 0)
		return false;
	if (text.length > 0 && text.data[text.length - 1] == '=')
		padding = text.data[text.length - 2] == '=' ? 2 : 1;
	length = text.length / 4 * 3 - padding;
	if (length > capacity)
		return false;
	for (size_t i = 0, out = 0; i < text.length; i += 4) {
		size_t count = i + 4 == text.length ? 4 - padding : 4;
		if (!decode_four(text.data + i, count, &bits))
			return false;
		for (int shift = 16; shift >= 0 && out < length; shift -= 8)
			data[out++] = (uint8_t)(bits >> shift);
	}
	*ret_length = length;
	return true;
}
