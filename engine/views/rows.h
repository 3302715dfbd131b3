/*
 * Keys and values of the views.
 *
 * One ordered map; a key is a table byte and its parts. Numbers in keys are
 * big-endian; `inv n` is ~n, so that the newest sorts first. Every value ends in
 * a CRC32C (little-endian) over key and value, checked on each read.
 * `id` is a resource's id: the seq of the event that made it.
 *
 *   0  "meta"                                  applied seq, epoch, time, chain,
 *                                              digest, schema (rows.c)
 *   A  id                                      Attributes
 *   C  compartment text                        its id (seq of first mention)
 *   K                                          ClusterRow
 *   T  first 16 of SHA-256(principal 0 token)  TokenRow
 *   b  time ms                                 seq of the last event then
 *   e  deployment id, seq                      record type: events that touched it
 *   h  history id, inv seq                     pointer: latest from that seq on
 *   i  compartment id, kind, id                empty: list by time of creation
 *   l  lineage                                 head version, live, dead: small rows of
 *                                              many lineages on one page
 *   m  lineage, 'k', key, 0x00, inv version    model OCID; empty: removed
 *   m  lineage, 'o', model, 0x00, inv version  0 removed | 1 no key | 2 key text
 *   n  compartment id, kind, name[200], 0x00, 16 of SHA-256(name), id   empty
 *                                              (a deleted history: 0xff, id)
 *   o  OCID                                    kind, id
 *   r  id                                      Resource
 *   s  deployment id, inv seq                  pointer: serving from that seq on
 *   t  seq                                     time, key of the T row: expiry
 *   u  group id, deployment id                 empty: a live deployment names it
 *   v  history id, version id                  group id
 *
 * Node ids and the names of principals and policies are kept in `o` behind the prefixes
 * "node:", "principal:" and "policy:". Compartments and OCIDs over CADRE_TEXT_KEY_BYTES stand in keys as
 * their first CADRE_NAME_KEY_BYTES, 0x00 and their SHA-256. The digest is the sum of XXH3-128(key || value) over the tables
 * A K T h l m r s (version 1); the others follow from them.
 */
#ifndef CADRE_VIEWS_ROWS_H
#define CADRE_VIEWS_ROWS_H

#include "engine/base/bytes.h"
#include "engine/kv/kv.h"

#define CADRE_VIEWS_SCHEMA 1u
#define CADRE_DIGEST_VERSION 1u
#define CADRE_ROW_CRC_BYTES 4u
#define CADRE_NAME_KEY_BYTES 200u
#define CADRE_NAME_FREED 0xffu /* no id starts with it */
#define CADRE_TEXT_KEY_BYTES 255u
/* Of a member's OCID or key, so that their rows' keys fit. */
#define CADRE_MEMBER_KEY_BYTES_MAX (CADRE_KV_KEY_BYTES_MAX - 15u)

/* A key being built in place. */
struct cadre_row_key {
	uint8_t bytes[CADRE_KV_KEY_BYTES_MAX];
	size_t length;
};

static inline struct cadre_slice cadre_row_key_slice(const struct cadre_row_key *key)
{
	return cadre_slice(key->bytes, key->length);
}

/* Each starts a key with its table byte, or adds a part. Parts that do not fit
 * are a programming error (lengths are limited by the domain). */
void cadre_row_key_init(struct cadre_row_key *key, char table);
void cadre_row_key_u8(struct cadre_row_key *key, uint8_t part);
void cadre_row_key_u32(struct cadre_row_key *key, uint32_t part);
void cadre_row_key_u64(struct cadre_row_key *key, uint64_t part);
void cadre_row_key_bytes(struct cadre_row_key *key, const void *part, size_t length);
/* A compartment or OCID of any length. */
void cadre_row_key_text(struct cadre_row_key *key, struct cadre_slice text);
/* The name part of an `n` row: 200 bytes, 0x00, 16 bytes of its SHA-256. */
void cadre_row_key_name(struct cadre_row_key *key, struct cadre_slice name);

/* Splits a stored value: checks the CRC, returns the content.
 * Errors: CADRE_CORRUPT. */
CADRE_MUST_CHECK enum cadre_status cadre_row_check(struct cadre_slice key,
                                                   struct cadre_slice stored,
                                                   struct cadre_slice *ret_value);

/* The group that a history (latest) or deployment (serving) means from some seq
 * on, with what a member look-up needs. */
struct cadre_pointer {
	cadre_seq since; /* seq that set it */
	uint64_t group;  /* id; 0: none */
	uint64_t lineage;
	uint32_t version;    /* in the lineage */
	uint32_t generation; /* deployments */
};
#define CADRE_POINTER_BYTES 24u
void cadre_pointer_encode(const struct cadre_pointer *pointer,
                          uint8_t value[CADRE_POINTER_BYTES]);
CADRE_MUST_CHECK enum cadre_status
cadre_pointer_decode(struct cadre_slice value, struct cadre_pointer *ret_pointer);

/* Whether rows of the table count for the digest. */
bool cadre_row_in_digest(char table);

#endif
