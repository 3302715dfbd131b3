/* Keys that apply and the look-ups share, and the two smallest look-ups. */
#include "engine/base/checksum.h"
#include "engine/views/rowio.h"

struct cadre_row_key cadre_key_u64(char table, uint64_t part)
{
	struct cadre_row_key key;

	cadre_row_key_init(&key, table);
	cadre_row_key_u64(&key, part);
	return key;
}

struct cadre_row_key cadre_key_u64_u64(char table, uint64_t first, uint64_t second)
{
	struct cadre_row_key key = cadre_key_u64(table, first);

	cadre_row_key_u64(&key, second);
	return key;
}

struct cadre_row_key cadre_key_text(char table, struct cadre_slice text)
{
	struct cadre_row_key key;

	cadre_row_key_init(&key, table);
	cadre_row_key_text(&key, text);
	return key;
}

struct cadre_row_key cadre_key_listed(char table, uint64_t compartment,
                                      Cadre__V1__Kind kind)
{
	struct cadre_row_key key = cadre_key_u64(table, compartment);

	cadre_row_key_u8(&key, (uint8_t)kind);
	return key;
}

struct cadre_row_key cadre_key_token(const char *principal, const char *token)
{
	struct cadre_slice parts[3] = { cadre_slice_text(principal), cadre_slice("", 1),
		                        cadre_slice_text(token) };
	struct cadre_sha256 hash = cadre_sha256_parts(parts, 3);
	struct cadre_row_key key;

	cadre_row_key_init(&key, 'T');
	cadre_row_key_bytes(&key, hash.bytes, 16);
	return key;
}

enum cadre_status cadre_view_compartment(struct cadre_view *view, const char *compartment,
                                         uint64_t *ret_id, struct cadre_error *err)
{
	struct cadre_row_key key = cadre_key_text('C', cadre_slice_text(compartment));
	struct cadre_slice value;
	enum cadre_status status = cadre_row_get(view, &key, &value, err);

	if (status != CADRE_OK)
		return status;
	if (value.length != 8)
		return cadre_row_damaged(cadre_row_key_slice(&key), "not an id", err);
	*ret_id = cadre_get_le64(value.data);
	return CADRE_OK;
}

enum cadre_status cadre_view_find(struct cadre_view *view, const char *ocid,
                                  Cadre__V1__Kind *ret_kind, uint64_t *ret_id,
                                  struct cadre_error *err)
{
	struct cadre_row_key key = cadre_key_text('o', cadre_slice_text(ocid));
	struct cadre_slice value;
	enum cadre_status status = cadre_row_get(view, &key, &value, err);

	if (status != CADRE_OK)
		return status;
	if (value.length != 9)
		return cadre_row_damaged(cadre_row_key_slice(&key), "not kind and id",
		                         err);
	*ret_kind = (Cadre__V1__Kind)value.data[0];
	*ret_id = cadre_get_le64(value.data + 1);
	return CADRE_OK;
}
