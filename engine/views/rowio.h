/*
 * Rows in and out of a view: checksums on every read, and on every write the
 * checksum and the digest's books (digest -= term of the old row, += term of the
 * new one).
 *
 * Internal to engine/views. Errors: CADRE_NOT_FOUND (no message) for an absent
 * row; CADRE_CORRUPT, with the row in the message, for a bad checksum.
 */
#ifndef CADRE_VIEWS_ROWIO_H
#define CADRE_VIEWS_ROWIO_H

#include "engine/base/checksum.h"
#include "engine/views/views.h"

/* Checked content; lives until the view writes or ends. */
CADRE_MUST_CHECK enum cadre_status cadre_row_get(struct cadre_view *view,
                                                 const struct cadre_row_key *key,
                                                 struct cadre_slice *ret_value,
                                                 struct cadre_error *err);
/* The message in a row, in `arena`. Rows are trusted behind their checksum: no
 * scan. */
CADRE_MUST_CHECK enum cadre_status
cadre_row_unpack(const struct cadre_row_key *key, const ProtobufCMessageDescriptor *type,
                 struct cadre_slice value, struct cadre_arena *arena,
                 ProtobufCMessage **ret_message, struct cadre_error *err);
/* The row's share of the digest; zero for tables outside it. `value` may lie in
 * the map. */
CADRE_MUST_CHECK enum cadre_status cadre_row_term(struct cadre_view *view,
                                                  const struct cadre_row_key *key,
                                                  struct cadre_slice value,
                                                  struct cadre_hash128 *ret_term,
                                                  struct cadre_error *err);

/* For a key that is known to be absent. */
extern const struct cadre_hash128 cadre_row_absent;

/* Writes a row. `old_term` is the present row's share of the digest
 * (cadre_row_absent when there is none); NULL: looked up here. */
CADRE_MUST_CHECK enum cadre_status cadre_row_put(struct cadre_view *view,
                                                 const struct cadre_row_key *key,
                                                 struct cadre_slice value,
                                                 const struct cadre_hash128 *old_term,
                                                 struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status
cadre_row_put_message(struct cadre_view *view, const struct cadre_row_key *key,
                      const ProtobufCMessage *message,
                      const struct cadre_hash128 *old_term, struct cadre_error *err);
/* Errors: CADRE_NOT_FOUND. */
CADRE_MUST_CHECK enum cadre_status cadre_row_del(struct cadre_view *view,
                                                 const struct cadre_row_key *key,
                                                 struct cadre_error *err);

/* The view's own cursor, opened when needed. */
CADRE_MUST_CHECK enum cadre_status cadre_view_cursor(struct cadre_view *view,
                                                     struct cadre_kv_cursor **ret_cursor,
                                                     struct cadre_error *err);
/* The first row at or after `key` whose key starts with key's first
 * `prefix_length` bytes, checked. CADRE_NOT_FOUND when none. */
CADRE_MUST_CHECK enum cadre_status
cadre_row_seek(struct cadre_view *view, const struct cadre_row_key *key,
               size_t prefix_length, struct cadre_slice *ret_key,
               struct cadre_slice *ret_value, struct cadre_error *err);

/* CADRE_CORRUPT naming the row. */
enum cadre_status cadre_row_damaged(struct cadre_slice key, const char *how,
                                    struct cadre_error *err);

/* A walk over the rows whose keys start with a prefix, forward or backward, with
 * a cursor of its own. fini always. */
struct cadre_row_walk {
	struct cadre_kv_cursor *cursor;
	struct cadre_row_key prefix;
	struct cadre_row_key from; /* where to start: see init */
	bool backward;
	bool started;
};
/* `behind` (may be empty): the key's rest behind `prefix` of the last row not to
 * be returned again. */
CADRE_MUST_CHECK enum cadre_status
cadre_row_walk_init(struct cadre_row_walk *walk, struct cadre_view *view,
                    const struct cadre_row_key *prefix, struct cadre_slice behind,
                    bool backward, struct cadre_error *err);
/* CADRE_END behind the last. `*ret_rest` is the key behind the prefix. */
CADRE_MUST_CHECK enum cadre_status cadre_row_walk_next(struct cadre_row_walk *walk,
                                                       struct cadre_slice *ret_rest,
                                                       struct cadre_slice *ret_value,
                                                       struct cadre_error *err);
void cadre_row_walk_fini(struct cadre_row_walk *walk);

/* Keys of a table and its parts. */
struct cadre_row_key cadre_key_u64(char table, uint64_t part);
struct cadre_row_key cadre_key_u64_u64(char table, uint64_t first, uint64_t second);
struct cadre_row_key cadre_key_text(char table, struct cadre_slice text);
/* compartment, kind: the prefix of `i` and `n` rows. */
struct cadre_row_key cadre_key_listed(char table, uint64_t compartment,
                                      Cadre__V1__Kind kind);
struct cadre_row_key cadre_key_token(const char *principal, const char *token);

/* Compartment text -> id; CADRE_NOT_FOUND before its first mention. */
CADRE_MUST_CHECK enum cadre_status cadre_view_compartment(struct cadre_view *view,
                                                          const char *compartment,
                                                          uint64_t *ret_id,
                                                          struct cadre_error *err);
/* OCID -> kind and id. */
CADRE_MUST_CHECK enum cadre_status
cadre_view_find(struct cadre_view *view, const char *ocid, Cadre__V1__Kind *ret_kind,
                uint64_t *ret_id, struct cadre_error *err);

#endif
