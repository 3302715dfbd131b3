/*
 * Retry tokens: a T row by the hash of principal and token, a t row by seq that
 * says when it expires.
 *
 * Each event deletes at most TOKENS_EXPIRED_MAX rows, so apply stays bounded while
 * deleting faster than rows are made. The oldest row's time is kept in the view:
 * 0 means unknown, UINT64_MAX none; the common event then reads nothing.
 */
#include "engine/views/apply.h"

#define TOKENS_EXPIRED_MAX 8
#define T_KEY_BYTES 17u
#define EXPIRY_BYTES (8u + T_KEY_BYTES)
#define NO_TOKENS UINT64_MAX

static enum cadre_status put_expiry(struct cadre_apply *apply,
                                    const struct cadre_row_key *key)
{
	struct cadre_view *view = apply->view;
	struct cadre_row_key row = cadre_key_u64('t', apply->seq);
	uint8_t value[EXPIRY_BYTES];

	cadre_put_le64(value, apply->time_ms);
	memcpy(value + 8, key->bytes, T_KEY_BYTES);
	if (view->oldest_token_ms == NO_TOKENS)
		view->oldest_token_ms = apply->time_ms;
	return cadre_row_put(view, &row, cadre_slice(value, sizeof value),
	                     &cadre_row_absent, apply->err);
}

enum cadre_status cadre_apply_token(struct cadre_apply *apply)
{
	const Cadre__V1__RetryToken *token = apply->event->retry_token;
	Cadre__V1__TokenRow row = CADRE__V1__TOKEN_ROW__INIT;
	struct cadre_row_key key;
	enum cadre_status status;

	if (!token)
		return CADRE_OK;
	if (!apply->event->actor)
		return cadre_apply_diverged(
		        apply, "retry token \"%.64s\" without an actor", token->token);
	row.seq = apply->seq;
	row.time_ms = apply->time_ms;
	row.command_sha256 = token->command_sha256;
	row.has_resource = apply->resource != 0;
	row.resource = apply->resource;
	row.has_version_id = apply->version_id != 0;
	row.version_id = apply->version_id;
	row.has_etag_seq = apply->etag_seq != 0;
	row.etag_seq = apply->etag_seq;
	row.has_count = token->has_events;
	row.count = token->events;
	row.n_answers = token->n_answers;
	row.answers = token->answers;
	key = cadre_key_token(apply->event->actor->principal, token->token);
	/* An expired row of the same token may still be there. */
	status = cadre_row_put_message(apply->view, &key, &row.base, NULL, apply->err);
	if (status != CADRE_OK)
		return status;
	return put_expiry(apply, &key);
}

/* Deletes the T row unless a later event took the same token again. */
static enum cadre_status drop_token(struct cadre_apply *apply, struct cadre_slice t_key,
                                    cadre_seq seq)
{
	struct cadre_view *view = apply->view;
	struct cadre_row_key key = { .length = 0 };
	struct cadre_slice value;
	ProtobufCMessage *message;
	enum cadre_status status;

	cadre_row_key_bytes(&key, t_key.data, t_key.length);
	status = cadre_row_get(view, &key, &value, apply->err);
	if (status != CADRE_OK)
		return cadre_apply_required(apply, status, "row of", "an expiring token");
	status = cadre_row_unpack(&key, &cadre__v1__token_row__descriptor, value,
	                          view->arena, &message, apply->err);
	if (status != CADRE_OK || ((Cadre__V1__TokenRow *)(void *)message)->seq != seq)
		return status;
	return cadre_row_del(view, &key, apply->err);
}

/* The oldest t row; `*ret_expired` false when it is young or there is none. */
static enum cadre_status find_expired(struct cadre_apply *apply,
                                      struct cadre_row_key *key,
                                      struct cadre_slice *value, bool *ret_expired)
{
	struct cadre_view *view = apply->view;
	struct cadre_row_key first;
	struct cadre_slice found;
	enum cadre_status status;

	*ret_expired = false;
	cadre_row_key_init(&first, 't');
	status = cadre_row_seek(view, &first, 1, &found, value, apply->err);
	if (status == CADRE_NOT_FOUND) {
		view->oldest_token_ms = NO_TOKENS;
		return CADRE_OK;
	}
	if (status != CADRE_OK)
		return status;
	if (found.length != 9 || value->length != EXPIRY_BYTES)
		return cadre_row_damaged(found, "wrong size", apply->err);
	key->length = 0;
	cadre_row_key_bytes(key, found.data, found.length);
	view->oldest_token_ms = cadre_get_le64(value->data);
	*ret_expired = apply->time_ms > view->oldest_token_ms &&
	               apply->time_ms - view->oldest_token_ms > CADRE_TOKEN_AGE_MS;
	return CADRE_OK;
}

enum cadre_status cadre_apply_expire_tokens(struct cadre_apply *apply)
{
	struct cadre_view *view = apply->view;
	struct cadre_row_key key;
	struct cadre_slice value;

	if (apply->time_ms < view->oldest_token_ms ||
	    (view->oldest_token_ms != 0 &&
	     apply->time_ms - view->oldest_token_ms <= CADRE_TOKEN_AGE_MS))
		return CADRE_OK;
	for (int i = 0; i < TOKENS_EXPIRED_MAX; i++) {
		bool expired;
		enum cadre_status status = find_expired(apply, &key, &value, &expired);

		if (status != CADRE_OK || !expired)
			return status;
		status = drop_token(apply, cadre_slice(value.data + 8, T_KEY_BYTES),
		                    cadre_get_be64(key.bytes + 1));
		if (status == CADRE_OK)
			status = cadre_row_del(view, &key, apply->err);
		if (status != CADRE_OK)
			return status;
		view->oldest_token_ms = 0;
	}
	return CADRE_OK;
}
