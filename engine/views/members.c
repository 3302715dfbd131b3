#include "engine/views/members.h"

#include "engine/base/assert.h"

/* Behind table, lineage and part. */
#define MEMBER_NAME_AT 10u

struct cadre_row_key cadre_key_member(uint64_t lineage, char part,
                                      struct cadre_slice name, uint32_t version)
{
	struct cadre_row_key key;
	uint8_t *behind = key.bytes + MEMBER_NAME_AT + name.length;

	/* In place: every look-up and every row of a member comes by here. */
	CADRE_ASSERT(name.length <= sizeof key.bytes - MEMBER_NAME_AT - 5);
	key.bytes[0] = 'm';
	cadre_put_be64(key.bytes + 1, lineage);
	key.bytes[9] = (uint8_t)part;
	if (name.length > 0)
		memcpy(key.bytes + MEMBER_NAME_AT, name.data, name.length);
	behind[0] = 0;
	for (unsigned i = 0; i < 4; i++)
		behind[1 + i] = (uint8_t)(~version >> (24 - 8 * i));
	key.length = MEMBER_NAME_AT + name.length + 5;
	return key;
}

enum cadre_status cadre_member_seek(struct cadre_view *view,
                                    const struct cadre_row_key *key,
                                    struct cadre_slice *ret_value,
                                    struct cadre_error *err)
{
	struct cadre_slice found;
	enum cadre_status status = cadre_row_seek(view, key, key->length - 4, &found,
	                                          ret_value, err);

	/* A name with zeros inside may look like another's row, but for its length. */
	return status == CADRE_OK && found.length != key->length ? CADRE_NOT_FOUND
	                                                         : status;
}

enum cadre_status cadre_member_decode(struct cadre_slice value,
                                      struct cadre_member *io_member)
{
	if (value.length == 0 || value.data[0] == CADRE_MEMBER_REMOVED)
		return CADRE_NOT_FOUND;
	io_member->has_key = value.data[0] == CADRE_MEMBER_KEY;
	io_member->key = cadre_slice(value.data + 1, value.length - 1);
	return CADRE_OK;
}

enum cadre_status cadre_view_resolve(struct cadre_view *view, uint64_t lineage,
                                     uint32_t version, struct cadre_slice key,
                                     struct cadre_slice *ret_model_id,
                                     struct cadre_error *err)
{
	struct cadre_row_key row;
	struct cadre_slice value, found;
	enum cadre_status status;

	if (key.length - 1 >= CADRE_MEMBER_KEY_BYTES_MAX)
		return CADRE_NOT_FOUND;
	row = cadre_key_member(lineage, 'k', key, version);
	status = cadre_member_seek(view, &row, &value, err);
	if (status == CADRE_OK && value.length > 0) {
		*ret_model_id = value;
		return CADRE_OK;
	}
	if (status != CADRE_OK && status != CADRE_NOT_FOUND)
		return status;
	row = cadre_key_member(lineage, 'o', key, version);
	status = cadre_row_seek(view, &row, row.length - 4, &found, &value, err);
	if (status != CADRE_OK)
		return status;
	if (found.length != row.length || value.length == 0 ||
	    value.data[0] == CADRE_MEMBER_REMOVED)
		return CADRE_NOT_FOUND;
	*ret_model_id = cadre_slice(found.data + 10, key.length);
	return CADRE_OK;
}

enum cadre_status cadre_view_member_key(struct cadre_view *view, uint64_t lineage,
                                        uint32_t version, struct cadre_slice model_id,
                                        bool *ret_has_key, struct cadre_slice *ret_key,
                                        struct cadre_error *err)
{
	struct cadre_row_key row;
	struct cadre_member member;
	struct cadre_slice value;
	enum cadre_status status;

	if (model_id.length - 1 >= CADRE_MEMBER_KEY_BYTES_MAX)
		return CADRE_NOT_FOUND;
	row = cadre_key_member(lineage, 'o', model_id, version);
	status = cadre_member_seek(view, &row, &value, err);
	if (status == CADRE_OK)
		status = cadre_member_decode(value, &member);
	if (status != CADRE_OK)
		return status;
	*ret_has_key = member.has_key;
	*ret_key = member.key;
	return CADRE_OK;
}

/* ---- walks ---- */

static uint32_t get_be32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 |
	       at[3];
}

enum cadre_status cadre_member_walk_init(struct cadre_member_walk *walk,
                                         struct cadre_view *view, uint64_t lineage,
                                         uint32_t version, const char *after,
                                         struct cadre_error *err)
{
	struct cadre_row_key prefix = cadre_key_u64('m', lineage);
	struct cadre_slice name = cadre_slice_text(after);
	struct cadre_row_key behind = { .length = 0 };

	cadre_row_key_u8(&prefix, 'o');
	walk->version = version;
	walk->seen_length = SIZE_MAX;
	walk->rows.cursor = NULL;
	if (name.length > CADRE_MEMBER_KEY_BYTES_MAX)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "after: %zu bytes, at most %u", name.length,
		                       (unsigned)CADRE_MEMBER_KEY_BYTES_MAX);
	if (name.length > 0) {
		/* Behind version 0: behind every row of that name. */
		cadre_row_key_bytes(&behind, name.data, name.length);
		cadre_row_key_u8(&behind, 0);
		cadre_row_key_u32(&behind, UINT32_MAX);
	}
	return cadre_row_walk_init(&walk->rows, view, &prefix,
	                           cadre_row_key_slice(&behind), false, err);
}

/* Whether the row decides about a name not decided yet; then remembers it. */
static bool decides(struct cadre_member_walk *walk, struct cadre_slice name,
                    uint32_t version)
{
	if (version > walk->version)
		return false;
	if (walk->seen_length == name.length &&
	    memcmp(walk->seen, name.data, name.length) == 0)
		return false;
	memcpy(walk->seen, name.data, name.length);
	walk->seen_length = name.length;
	return true;
}

enum cadre_status cadre_member_walk_next(struct cadre_member_walk *walk,
                                         struct cadre_member *ret_member,
                                         struct cadre_error *err)
{
	struct cadre_slice rest, value;
	uint32_t version;

	for (;;) {
		enum cadre_status status = cadre_row_walk_next(&walk->rows, &rest, &value,
		                                               err);

		if (status != CADRE_OK)
			return status;
		if (rest.length < 6)
			return cadre_row_damaged(cadre_row_key_slice(&walk->rows.prefix),
			                         "a member row's key is short", err);
		version = ~get_be32(rest.data + rest.length - 4);
		ret_member->model_id = cadre_slice(rest.data, rest.length - 5);
		if (decides(walk, ret_member->model_id, version) &&
		    cadre_member_decode(value, ret_member) == CADRE_OK)
			return CADRE_OK;
	}
}

void cadre_member_walk_fini(struct cadre_member_walk *walk)
{
	cadre_row_walk_fini(&walk->rows);
}

enum cadre_status cadre_view_members(struct cadre_view *view, uint64_t lineage,
                                     uint32_t version, const char *after,
                                     cadre_member_fn fn, void *ctx,
                                     struct cadre_error *err)
{
	struct cadre_member_walk walk;
	struct cadre_member member;
	enum cadre_status status = cadre_member_walk_init(&walk, view, lineage, version,
	                                                  after, err);

	while (status == CADRE_OK) {
		status = cadre_member_walk_next(&walk, &member, err);
		if (status == CADRE_OK)
			status = fn(ctx, &member);
	}
	cadre_member_walk_fini(&walk);
	return status == CADRE_END ? CADRE_OK : status;
}
