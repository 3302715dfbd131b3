#include "engine/views/rows.h"

#include "engine/base/assert.h"
#include "engine/base/checksum.h"

void cadre_row_key_init(struct cadre_row_key *key, char table)
{
	key->bytes[0] = (uint8_t)table;
	key->length = 1;
}

void cadre_row_key_bytes(struct cadre_row_key *key, const void *part, size_t length)
{
	CADRE_ASSERT(length <= sizeof key->bytes - key->length);
	if (length > 0)
		memcpy(key->bytes + key->length, part, length);
	key->length += length;
}

void cadre_row_key_u8(struct cadre_row_key *key, uint8_t part)
{
	cadre_row_key_bytes(key, &part, 1);
}

void cadre_row_key_u32(struct cadre_row_key *key, uint32_t part)
{
	uint8_t bytes[4] = { (uint8_t)(part >> 24), (uint8_t)(part >> 16),
		             (uint8_t)(part >> 8), (uint8_t)part };

	cadre_row_key_bytes(key, bytes, sizeof bytes);
}

void cadre_row_key_u64(struct cadre_row_key *key, uint64_t part)
{
	uint8_t bytes[8];

	cadre_put_be64(bytes, part);
	cadre_row_key_bytes(key, bytes, sizeof bytes);
}

void cadre_row_key_text(struct cadre_row_key *key, struct cadre_slice text)
{
	struct cadre_sha256 hash;

	if (text.length <= CADRE_TEXT_KEY_BYTES) {
		cadre_row_key_bytes(key, text.data, text.length);
		return;
	}
	hash = cadre_sha256(text.data, text.length);
	cadre_row_key_bytes(key, text.data, CADRE_NAME_KEY_BYTES);
	cadre_row_key_u8(key, 0);
	cadre_row_key_bytes(key, hash.bytes, sizeof hash.bytes);
}

void cadre_row_key_name(struct cadre_row_key *key, struct cadre_slice name)
{
	struct cadre_sha256 hash = cadre_sha256(name.data, name.length);
	size_t length = name.length;

	if (length > CADRE_NAME_KEY_BYTES)
		length = CADRE_NAME_KEY_BYTES;
	cadre_row_key_bytes(key, name.data, length);
	cadre_row_key_u8(key, 0);
	cadre_row_key_bytes(key, hash.bytes, 16);
}

enum cadre_status cadre_row_check(struct cadre_slice key, struct cadre_slice stored,
                                  struct cadre_slice *ret_value)
{
	size_t length;
	uint32_t crc;

	if (stored.length < CADRE_ROW_CRC_BYTES)
		return CADRE_CORRUPT;
	length = stored.length - CADRE_ROW_CRC_BYTES;
	crc = cadre_crc32c(cadre_crc32c(0, key.data, key.length), stored.data, length);
	if (crc != cadre_get_le32(stored.data + length))
		return CADRE_CORRUPT;
	*ret_value = cadre_slice(stored.data, length);
	return CADRE_OK;
}

void cadre_pointer_encode(const struct cadre_pointer *pointer,
                          uint8_t value[CADRE_POINTER_BYTES])
{
	cadre_put_le64(value, pointer->group);
	cadre_put_le64(value + 8, pointer->lineage);
	cadre_put_le32(value + 16, pointer->version);
	cadre_put_le32(value + 20, pointer->generation);
}

enum cadre_status cadre_pointer_decode(struct cadre_slice value,
                                       struct cadre_pointer *ret_pointer)
{
	if (value.length != CADRE_POINTER_BYTES)
		return CADRE_CORRUPT;
	*ret_pointer = (struct cadre_pointer){
		.group = cadre_get_le64(value.data),
		.lineage = cadre_get_le64(value.data + 8),
		.version = cadre_get_le32(value.data + 16),
		.generation = cadre_get_le32(value.data + 20),
	};
	return CADRE_OK;
}

bool cadre_row_in_digest(char table)
{
	switch (table) {
	case 'A':
	case 'K':
	case 'T':
	case 'h':
	case 'l':
	case 'm':
	case 'r':
	case 's':
		return true;
	default:
		return false;
	}
}
