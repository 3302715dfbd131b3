#include "engine/domain/check_metadata.h"

#include <stdio.h>
#include <string.h>

#include "engine/domain/field_rules.h"
#include "proto/codec/limits.h"

enum {
	CARDS_MAX = 64,
	CARD_BYTES_MAX = 64, /* a MIG uuid has 40 */
};

static size_t text_bytes(const char *text)
{
	return text ? strlen(text) : 0;
}

static bool is_index(const char *card, size_t length)
{
	if (length == 0 || length > 3 || (length > 1 && card[0] == '0'))
		return false;
	for (size_t i = 0; i < length; i++) {
		if (card[i] < '0' || card[i] > '9')
			return false;
	}
	return true;
}

static bool is_uuid(const char *card, size_t length)
{
	static const char allowed[] = "0123456789abcdefABCDEF-/";

	if (length <= 4 || length > CARD_BYTES_MAX ||
	    (strncmp(card, "GPU-", 4) != 0 && strncmp(card, "MIG-", 4) != 0))
		return false;
	for (size_t i = 4; i < length; i++) {
		/* Older MIG names hold the card's: MIG-GPU-<uuid>/1/0. */
		if (!strchr(allowed, card[i]) && strncmp(card, "MIG-GPU-", 8) != 0)
			return false;
	}
	return true;
}

/* NULL, or what is wrong with `0`, `0,1`, `GPU-…,GPU-…` or `any`. */
static const char *cards_wrong(const char *value)
{
	const char *cards[CARDS_MAX];
	size_t lengths[CARDS_MAX];
	size_t count = 0;

	if (strcmp(value, "any") == 0)
		return NULL;
	for (const char *at = value;; at++) {
		size_t length = strcspn(at, ",");
		if (!is_index(at, length) && !is_uuid(at, length))
			return "is no list of card numbers or uuids, nor `any`";
		if (count == CARDS_MAX)
			return "names more than 64 cards";
		for (size_t i = 0; i < count; i++) {
			if (lengths[i] == length && memcmp(cards[i], at, length) == 0)
				return "names a card twice";
		}
		cards[count] = at;
		lengths[count++] = length;
		at += length;
		if (*at == '\0')
			return NULL;
	}
}

static const char *gpu_row_wrong(const Cadre__V1__CustomMetadata *row, const char **field)
{
	*field = "key";
	if (!row->key)
		return "is required in category \"" CADRE_CATEGORY_GPU "\"";
	if (strcmp(row->key, "gpu") == 0 ||
	    (strncmp(row->key, "gpu/", 4) == 0 && row->key[4] != '\0')) {
		*field = "value";
		return row->value ? cards_wrong(row->value) : "is required";
	}
	if (strncmp(row->key, "pin/", 4) == 0 && row->key[4] != '\0') {
		*field = "value";
		if (row->value && (strcmp(row->value, "never-evict") == 0 ||
		                   strcmp(row->value, "lru") == 0))
			return NULL;
		return "is neither never-evict nor lru";
	}
	return "is none of gpu, gpu/<member>, pin/<member>";
}

static bool is_gpu_row(const Cadre__V1__CustomMetadata *row)
{
	return row->category && strcmp(row->category, CADRE_CATEGORY_GPU) == 0;
}

enum cadre_status cadre_check_metadata(Cadre__V1__CustomMetadata **rows, size_t count,
                                       const struct cadre_path *path,
                                       struct cadre_error *err)
{
	size_t bytes = 0;
	char tail[64];

	for (size_t i = 0; i < count; i++) {
		const char *field;
		const char *wrong;
		bytes += text_bytes(rows[i]->key) + text_bytes(rows[i]->value) +
		         text_bytes(rows[i]->description) + text_bytes(rows[i]->category);
		if (!is_gpu_row(rows[i]))
			continue;
		wrong = gpu_row_wrong(rows[i], &field);
		if (!wrong)
			continue;
		snprintf(tail, sizeof tail, "customMetadataList[%zu].%s", i, field);
		return cadre_path_refuse(path, tail, err, CADRE_INVALID_PARAMETER, "%s",
		                         wrong);
	}
	if (bytes > CADRE_CUSTOM_METADATA_BYTES_MAX)
		return cadre_path_refuse(path, "customMetadataList", err,
		                         CADRE_LIMIT_EXCEEDED, "%zu bytes, at most %d",
		                         bytes, CADRE_CUSTOM_METADATA_BYTES_MAX);
	return CADRE_OK;
}
