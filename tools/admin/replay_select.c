/*
 * --only: which events belong to one group or history. A first reading notes of every
 * group its source and the histories that it joined; then the marks go from the wanted
 * groups backward along the sources. A group is remembered by the hash of its OCID:
 * 48 bytes whatever the length.
 */
#include <stdlib.h>

#include "engine/base/checksum.h"
#include "proto/codec/codec.h"
#include "tools/admin/replay.h"

struct entry {
	struct cadre_hash128 id;
	struct cadre_hash128 source; /* zeros: none */
	bool wanted;
};

struct replay_selection {
	struct cadre_hash128 target;
	bool is_history;
	bool found;
	struct entry *entries;
	size_t count, capacity;
	size_t *slots; /* open addressing: index + 1 */
	size_t slot_count;
};

static struct cadre_hash128 hash_of(const char *ocid)
{
	return cadre_xxh128(ocid, strlen(ocid));
}

static size_t *slot_for(const struct replay_selection *selection, struct cadre_hash128 id)
{
	size_t at = (size_t)id.low & (selection->slot_count - 1);

	while (selection->slots[at] != 0 &&
	       !cadre_hash128_equal(selection->entries[selection->slots[at] - 1].id, id))
		at = (at + 1) & (selection->slot_count - 1);
	return &selection->slots[at];
}

static enum cadre_status grow(struct replay_selection *selection, struct cadre_error *err)
{
	size_t capacity = selection->capacity ? 2 * selection->capacity : 1024;
	struct entry *entries = realloc(selection->entries, capacity * sizeof(*entries));
	size_t *slots = calloc(2 * capacity, sizeof(*slots));

	if (entries)
		selection->entries = entries;
	if (!entries || !slots) {
		free(slots);
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "--only: out of memory");
	}
	free(selection->slots);
	selection->slots = slots;
	selection->slot_count = 2 * capacity;
	selection->capacity = capacity;
	for (size_t i = 0; i < selection->count; i++)
		*slot_for(selection, selection->entries[i].id) = i + 1;
	return CADRE_OK;
}

static struct entry *find(const struct replay_selection *selection,
                          struct cadre_hash128 id)
{
	size_t slot = selection->slot_count > 0 ? *slot_for(selection, id) : 0;

	return slot > 0 ? &selection->entries[slot - 1] : NULL;
}

static bool is_target(const struct replay_selection *selection, const char *ocid)
{
	return cadre_hash128_equal(hash_of(ocid), selection->target);
}

static enum cadre_status add_group(struct replay_selection *selection, const char *id,
                                   const char *source, const Cadre__V1__HistoryLink *link,
                                   struct cadre_error *err)
{
	struct entry entry = { .id = hash_of(id) };
	enum cadre_status status = CADRE_OK;

	if (selection->count == selection->capacity)
		status = grow(selection, err);
	if (status != CADRE_OK)
		return status;
	if (source)
		entry.source = hash_of(source);
	entry.wanted = is_target(selection, id) ||
	               (link && is_target(selection, link->history_id));
	selection->found |= is_target(selection, id);
	selection->entries[selection->count] = entry;
	*slot_for(selection, entry.id) = ++selection->count;
	return CADRE_OK;
}

static void want(struct replay_selection *selection, const char *id)
{
	struct entry *entry = id ? find(selection, hash_of(id)) : NULL;

	if (entry)
		entry->wanted = true;
}

static enum cadre_status note_event(struct replay_selection *selection,
                                    const Cadre__V1__Event *event,
                                    struct cadre_error *err)
{
	const Cadre__V1__GroupDerived *derived;

	if (event->body_case == CADRE__V1__EVENT__BODY_GROUP_CREATED)
		return add_group(selection, event->group_created->id, NULL,
		                 event->group_created->link, err);
	if (event->body_case == CADRE__V1__EVENT__BODY_GROUP_CLONED ||
	    event->body_case == CADRE__V1__EVENT__BODY_GROUP_PATCHED) {
		derived = event->body_case == CADRE__V1__EVENT__BODY_GROUP_CLONED
		                  ? event->group_cloned
		                  : event->group_patched;
		return add_group(selection, derived->id, derived->source_group_id,
		                 derived->link, err);
	}
	if (event->body_case == CADRE__V1__EVENT__BODY_GROUP_UPDATED &&
	    event->group_updated->link &&
	    is_target(selection, event->group_updated->link->history_id))
		want(selection, event->group_updated->changes->id);
	if (event->body_case == CADRE__V1__EVENT__BODY_HISTORY_CREATED &&
	    is_target(selection, event->history_created->id)) {
		selection->is_history = true;
		selection->found = true;
		want(selection, event->history_created->latest_group_id);
	}
	if (event->body_case == CADRE__V1__EVENT__BODY_HISTORY_UPDATED &&
	    is_target(selection, event->history_updated->changes->id))
		want(selection, event->history_updated->changes->latest_model_group_id);
	return CADRE_OK;
}

static enum cadre_status note_batch(struct replay_selection *selection,
                                    const struct cadre_batch *batch,
                                    struct cadre_arena *arena, struct cadre_error *err)
{
	struct cadre_record record = { 0 };
	size_t offset = 0;
	enum cadre_status status;

	while ((status = cadre_batch_next_record(batch, &offset, &record)) == CADRE_OK) {
		ProtobufCMessage *message = NULL;

		if (record.type > CADRE__V1__EVENT__BODY_HISTORY_MOVED)
			continue;
		cadre_arena_reset(arena);
		status = cadre_unpack(&cadre__v1__event__descriptor, record.payload,
		                      arena, &message, err);
		if (status == CADRE_OK)
			status = note_event(selection, (void *)message, err);
		if (status != CADRE_OK)
			return status;
	}
	return status == CADRE_END ? CADRE_OK : status;
}

/* A source stands before what was made from it: one walk backward reaches all. */
static void mark_sources(struct replay_selection *selection)
{
	for (size_t i = selection->count; i > 0; i--) {
		struct entry *source;

		if (!selection->entries[i - 1].wanted)
			continue;
		source = find(selection, selection->entries[i - 1].source);
		if (source)
			source->wanted = true;
	}
}

enum cadre_status replay_select(struct cadre_dump_reader *reader, const char *ocid,
                                struct replay_selection **ret_selection,
                                struct cadre_error *err)
{
	struct replay_selection *selection = calloc(1, sizeof(*selection));
	struct cadre_arena arena;
	struct cadre_batch batch;
	enum cadre_status status = CADRE_OK;

	if (!selection)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "--only: out of memory");
	*ret_selection = selection;
	selection->target = hash_of(ocid);
	cadre_arena_init(&arena, CADRE_ARENA_BYTES_MAX);
	while (status == CADRE_OK) {
		status = cadre_dump_reader_next(reader, &batch, err);
		if (status == CADRE_OK)
			status = note_batch(selection, &batch, &arena, err);
		if (status == CADRE_OK)
			status = admin_check_signals(err);
	}
	cadre_arena_fini(&arena);
	if (status != CADRE_END)
		return status;
	if (!selection->found)
		return cadre_error_set(err, CADRE_NOT_FOUND,
		                       "the dump makes no group or history \"%s\"", ocid);
	mark_sources(selection);
	return CADRE_OK;
}

void replay_selection_free(struct replay_selection *selection)
{
	if (!selection)
		return;
	free(selection->entries);
	free(selection->slots);
	free(selection);
}

static bool wanted(const struct replay_selection *selection, const char *id)
{
	const struct entry *entry = find(selection, hash_of(id));

	return entry && entry->wanted;
}

/* Links to histories that are left out go. */
static void keep_link(const struct replay_selection *selection,
                      Cadre__V1__HistoryLink **link)
{
	if (*link && !is_target(selection, (*link)->history_id))
		*link = NULL;
}

static bool keep_update(const struct replay_selection *selection,
                        Cadre__V1__GroupUpdated *updated)
{
	Cadre__V1__UpdateGroup *changes = updated->changes;

	keep_link(selection, &updated->link);
	if (!updated->link && changes->model_group_version_history_id &&
	    !(selection->is_history && *changes->model_group_version_history_id == '\0'))
		changes->model_group_version_history_id = NULL;
	return wanted(selection, changes->id);
}

/* The id of the resource that an event of an existing one is about. */
static bool keep_other(const struct replay_selection *selection,
                       const Cadre__V1__Event *event)
{
	switch ((int)event->body_case) {
	case CADRE__V1__EVENT__BODY_GROUP_ACTIVATED:
	case CADRE__V1__EVENT__BODY_GROUP_DEACTIVATED:
	case CADRE__V1__EVENT__BODY_GROUP_DELETED:
		return wanted(selection, event->group_activated->id);
	case CADRE__V1__EVENT__BODY_GROUP_MOVED:
		return wanted(selection, event->group_moved->id);
	case CADRE__V1__EVENT__BODY_ARTIFACT_PUT:
		return wanted(selection, event->artifact_put->id);
	case CADRE__V1__EVENT__BODY_HISTORY_CREATED:
		return is_target(selection, event->history_created->id);
	case CADRE__V1__EVENT__BODY_HISTORY_UPDATED:
		return is_target(selection, event->history_updated->changes->id);
	case CADRE__V1__EVENT__BODY_HISTORY_DELETED:
		return is_target(selection, event->history_deleted->id);
	case CADRE__V1__EVENT__BODY_HISTORY_MOVED:
		return is_target(selection, event->history_moved->id);
	case CADRE__V1__EVENT__BODY_CLUSTER_CONFIGURED:
	case CADRE__V1__EVENT__BODY_EPOCH_STARTED:
	case CADRE__V1__EVENT__BODY_FEATURE_LEVEL_RAISED:
		return true;
	default:
		return false;
	}
}

bool replay_keep_event(const struct replay_selection *selection, Cadre__V1__Event *event)
{
	/* A token's batch is no longer whole. */
	event->retry_token = NULL;
	switch ((int)event->body_case) {
	case CADRE__V1__EVENT__BODY_GROUP_CREATED:
		keep_link(selection, &event->group_created->link);
		return wanted(selection, event->group_created->id);
	case CADRE__V1__EVENT__BODY_GROUP_CLONED:
		keep_link(selection, &event->group_cloned->link);
		return wanted(selection, event->group_cloned->id);
	case CADRE__V1__EVENT__BODY_GROUP_PATCHED:
		keep_link(selection, &event->group_patched->link);
		return wanted(selection, event->group_patched->id);
	case CADRE__V1__EVENT__BODY_GROUP_UPDATED:
		return keep_update(selection, event->group_updated);
	default:
		return keep_other(selection, event);
	}
}
