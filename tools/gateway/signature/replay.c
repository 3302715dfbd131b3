#include "tools/gateway/signature/replay.h"

#include <pthread.h>
#include <stdlib.h>

#include "engine/base/assert.h"
#include "engine/base/checksum.h"

/* Entries among which one signature has its place. */
#define WAYS 16u

struct entry {
	uint8_t signature[16]; /* of its SHA-256 */
	uint8_t token[8];      /* of the retry token's; zero: none was sent */
	cadre_time_ms until_ms;
};

struct replay {
	pthread_mutex_t lock;
	size_t sets;
	struct entry entries[]; /* lock */
};

enum cadre_status replay_create(size_t entries, struct replay **ret_replay,
                                struct cadre_error *err)
{
	struct replay *replay;

	CADRE_ASSERT(entries >= WAYS && (entries & (entries - 1)) == 0);
	replay = calloc(1, sizeof *replay + entries * sizeof *replay->entries);
	if (!replay)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "no memory for %zu signatures", entries);
	pthread_mutex_init(&replay->lock, NULL);
	replay->sets = entries / WAYS;
	*ret_replay = replay;
	return CADRE_OK;
}

void replay_destroy(struct replay **replay)
{
	if (*replay) {
		pthread_mutex_destroy(&(*replay)->lock);
		free(*replay);
	}
	*replay = NULL;
}

static struct entry make_entry(const struct signature *signature, const char *retry_token,
                               cadre_time_ms date_ms)
{
	struct cadre_sha256 hash = cadre_sha256(signature->bytes, signature->length);
	struct entry entry = { .until_ms = date_ms + SIGNATURE_SKEW_MS };

	memcpy(entry.signature, hash.bytes, sizeof entry.signature);
	if (retry_token) {
		hash = cadre_sha256(retry_token, strlen(retry_token));
		memcpy(entry.token, hash.bytes, sizeof entry.token);
	}
	return entry;
}

static bool has_token(const struct entry *entry)
{
	static const uint8_t none[sizeof entry->token];

	return memcmp(entry->token, none, sizeof none) != 0;
}

static enum cadre_status note(struct entry *set, const struct entry *new_one,
                              cadre_time_ms now_ms, struct cadre_error *err)
{
	struct entry *free_one = NULL;

	for (size_t i = 0; i < WAYS; i++) {
		struct entry *old = &set[i];
		if (old->until_ms < now_ms) {
			free_one = old;
			continue;
		}
		if (memcmp(old->signature, new_one->signature, sizeof old->signature) !=
		    0)
			continue;
		if (has_token(old) &&
		    memcmp(old->token, new_one->token, sizeof old->token) == 0)
			return CADRE_OK;
		return cadre_error_set(err, CADRE_NOT_AUTHENTICATED,
		                       "this signature was used before: sign again, with "
		                       "a new date");
	}
	if (!free_one)
		return cadre_error_set(
		        err, CADRE_TOO_MANY_REQUESTS,
		        "more signed changes than can be told from copies");
	*free_one = *new_one;
	return CADRE_OK;
}

enum cadre_status replay_note(struct replay *replay, const struct signature *signature,
                              const char *retry_token, cadre_time_ms date_ms,
                              cadre_time_ms now_ms, struct cadre_error *err)
{
	struct entry entry = make_entry(signature, retry_token, date_ms);
	uint32_t set;
	enum cadre_status status;

	memcpy(&set, entry.signature, sizeof set);
	pthread_mutex_lock(&replay->lock);
	status = note(&replay->entries[set % replay->sets * WAYS], &entry, now_ms, err);
	pthread_mutex_unlock(&replay->lock);
	return status;
}
