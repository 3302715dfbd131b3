/*
 * Instructions on a member list, applied in order, and the net difference they make.
 *
 * Only touched members are known: each text that an instruction names is a `name`,
 * which may stand for a member (an OCID) and for a key, and learns from the state
 * what it was when it is first needed. The work follows the patch, not the group.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/assert.h"
#include "engine/base/checksum.h"
#include "engine/domain/deciding.h"
#include "proto/codec/limits.h"

#define TABLE_SLOTS_MIN 64

struct name {
	const char *text;
	uint64_t hash;
	/* As a model OCID. */
	bool model_known;
	bool was; /* a member of the source */
	bool is;  /* now */
	const char *old_key;
	const char *new_key;
	size_t instruction; /* that touched it last */
	size_t value;
	/* As a key: the OCID of the member that has it now. */
	bool key_known;
	const char *owner;
};

struct patching {
	struct cadre_deciding *d;
	const Cadre__V1__GroupState *source;
	struct name **slots; /* open addressing, a power of two */
	size_t slot_count;
	size_t name_count;
	size_t member_count; /* after the instructions so far */
	size_t instruction;  /* in hand */
	size_t value;
};

/* Seeded by the decision's random bytes: colliding names cannot be prepared. */
static uint64_t hash_text(const struct patching *p, const char *text)
{
	uint8_t bytes[8 + CADRE_OCID_BYTES];
	size_t length = strlen(text);

	CADRE_ASSERT(length < CADRE_OCID_BYTES);
	memcpy(bytes, p->d->in->random + 8, 8);
	memcpy(bytes + 8, text, length);
	return cadre_xxh128(bytes, 8 + length).low;
}

static struct name **find_slot(const struct patching *p, const char *text, uint64_t hash)
{
	size_t at = hash & (p->slot_count - 1);

	while (p->slots[at] &&
	       (p->slots[at]->hash != hash || strcmp(p->slots[at]->text, text) != 0))
		at = (at + 1) & (p->slot_count - 1);
	return &p->slots[at];
}

static enum cadre_status grow(struct patching *p)
{
	struct name **old = p->slots;
	size_t old_count = p->slot_count;
	enum cadre_status status;

	p->slot_count = old_count ? 2 * old_count : TABLE_SLOTS_MIN;
	status = cadre_new_array(p->d, p->slot_count, sizeof *p->slots, &p->slots);
	if (status != CADRE_OK)
		return status;
	for (size_t i = 0; i < old_count; i++) {
		if (old[i])
			*find_slot(p, old[i]->text, old[i]->hash) = old[i];
	}
	return CADRE_OK;
}

static enum cadre_status find_name(struct patching *p, const char *text,
                                   struct name **ret_name)
{
	uint64_t hash = hash_text(p, text);
	struct name **slot;
	enum cadre_status status;

	if (2 * (p->name_count + 1) > p->slot_count) {
		status = grow(p);
		if (status != CADRE_OK)
			return status;
	}
	slot = find_slot(p, text, hash);
	if (!*slot) {
		status = cadre_new_array(p->d, 1, sizeof **slot, slot);
		if (status != CADRE_OK)
			return status;
		(*slot)->text = text;
		(*slot)->hash = hash;
		p->name_count++;
	}
	*ret_name = *slot;
	return CADRE_OK;
}

static enum cadre_status learn_model(struct patching *p, struct name *name)
{
	const struct cadre_state *state = &p->d->in->state;
	enum cadre_status status;

	if (name->model_known)
		return CADRE_OK;
	status = state->ops->member_by_model(state->ctx, p->source, name->text,
	                                     &name->old_key, p->d->err);
	if (status != CADRE_OK && status != CADRE_NOT_FOUND)
		return status;
	name->was = status == CADRE_OK;
	name->is = name->was;
	if (!name->was)
		name->old_key = NULL;
	name->new_key = name->old_key;
	name->model_known = true;
	return CADRE_OK;
}

static enum cadre_status learn_key(struct patching *p, struct name *name)
{
	const struct cadre_state *state = &p->d->in->state;
	enum cadre_status status;

	if (name->key_known)
		return CADRE_OK;
	status = state->ops->member_by_key(state->ctx, p->source, name->text,
	                                   &name->owner, p->d->err);
	if (status != CADRE_OK && status != CADRE_NOT_FOUND)
		return status;
	if (status == CADRE_NOT_FOUND)
		name->owner = NULL;
	name->key_known = true;
	return CADRE_OK;
}

static enum cadre_status find_both(struct patching *p, const char *text,
                                   struct name **ret_name)
{
	enum cadre_status status = find_name(p, text, ret_name);

	if (status == CADRE_OK)
		status = learn_model(p, *ret_name);
	return status == CADRE_OK ? learn_key(p, *ret_name) : status;
}

/* `patch[2].values[7].modelId` */
static const char *field_path(const struct patching *p, const char *field, char text[96])
{
	snprintf(text, 96, "patch[%zu].values[%zu].%s", p->instruction, p->value, field);
	return text;
}

static enum cadre_status check_insert_model(struct patching *p, const struct name *model)
{
	char text[96];
	const char *field = field_path(p, "modelId", text);

	if (model->is)
		return cadre_refuse(p->d, CADRE_CONFLICT, field,
		                    "\"%s\" is a member already", model->text);
	if (model->owner)
		return cadre_refuse(p->d, CADRE_CONFLICT, field,
		                    "\"%s\" is the inference key of member \"%s\"",
		                    model->text, model->owner);
	return cadre_check_member_model(p->d, model->text, field);
}

static enum cadre_status take_key(struct patching *p, struct name *model,
                                  const char *text)
{
	char field[96];
	struct name *key;
	enum cadre_status status = find_both(p, text, &key);

	if (status != CADRE_OK)
		return status;
	if (key->owner)
		return cadre_refuse(
		        p->d, CADRE_CONFLICT, field_path(p, "inferenceKey", field),
		        "\"%s\" is the key of member \"%s\"", text, key->owner);
	if (key->is && key != model)
		return cadre_refuse(p->d, CADRE_CONFLICT,
		                    field_path(p, "inferenceKey", field),
		                    "\"%s\" is the OCID of another member", text);
	key->owner = model->text;
	model->new_key = text;
	return CADRE_OK;
}

static enum cadre_status insert(struct patching *p, const Cadre__V1__Member *member)
{
	struct name *model;
	enum cadre_status status = find_both(p, member->model_id, &model);

	if (status == CADRE_OK)
		status = check_insert_model(p, model);
	if (status != CADRE_OK)
		return status;
	model->new_key = NULL;
	if (member->inference_key) {
		status = take_key(p, model, member->inference_key);
		if (status != CADRE_OK)
			return status;
	}
	model->is = true;
	p->member_count++;
	return CADRE_OK;
}

static enum cadre_status release_key(struct patching *p, struct name *model)
{
	struct name *key;
	enum cadre_status status;

	if (!model->new_key)
		return CADRE_OK;
	status = find_name(p, model->new_key, &key);
	if (status != CADRE_OK)
		return status;
	key->key_known = true;
	key->owner = NULL;
	model->new_key = NULL;
	return CADRE_OK;
}

static enum cadre_status take_out(struct patching *p, const Cadre__V1__Member *member)
{
	struct name *model;
	char field[96];
	enum cadre_status status = find_name(p, member->model_id, &model);

	if (status == CADRE_OK)
		status = learn_model(p, model);
	if (status != CADRE_OK)
		return status;
	if (!model->is)
		return cadre_refuse(p->d, CADRE_INVALID_PARAMETER,
		                    field_path(p, "modelId", field),
		                    "\"%s\" is no member", member->model_id);
	if (member->inference_key &&
	    (!model->new_key || strcmp(model->new_key, member->inference_key) != 0))
		return cadre_refuse(p->d, CADRE_INVALID_PARAMETER,
		                    field_path(p, "inferenceKey", field),
		                    "\"%s\" is not the key of \"%s\", which has %s%s%s",
		                    member->inference_key, member->model_id,
		                    model->new_key ? "\"" : "",
		                    model->new_key ? model->new_key : "none",
		                    model->new_key ? "\"" : "");
	model->is = false;
	model->instruction = p->instruction;
	model->value = p->value;
	p->member_count--;
	return release_key(p, model);
}

static enum cadre_status apply(struct patching *p,
                               Cadre__V1__PatchInstruction *const *patch, size_t count)
{
	for (p->instruction = 0; p->instruction < count; p->instruction++) {
		const Cadre__V1__PatchInstruction *step = patch[p->instruction];
		bool inserts = step->operation == CADRE__V1__PATCH_OPERATION__INSERT;
		for (p->value = 0; p->value < step->n_values; p->value++) {
			const Cadre__V1__Member *member = step->values[p->value];
			enum cadre_status status = inserts ? insert(p, member)
			                                   : take_out(p, member);
			if (status != CADRE_OK)
				return status;
		}
	}
	return CADRE_OK;
}

static enum cadre_status check_base(struct patching *p, const char *base,
                                    const char *base_field)
{
	struct name *model;
	char field[96];
	enum cadre_status status;

	if (!base)
		return CADRE_OK;
	status = find_name(p, base, &model);
	if (status == CADRE_OK)
		status = learn_model(p, model);
	if (status != CADRE_OK || model->is)
		return status;
	if (!model->was || strcmp(base_field, "patch") != 0)
		return cadre_refuse(p->d, CADRE_INVALID_PARAMETER, base_field,
		                    "\"%s\" is no member", base);
	p->instruction = model->instruction;
	p->value = model->value;
	return cadre_refuse(p->d, CADRE_INVALID_PARAMETER,
	                    field_path(p, "modelId", field),
	                    "\"%s\" is the base model and stays a member", base);
}

static enum cadre_status check_count(struct patching *p)
{
	if (p->member_count == 0)
		return cadre_refuse(p->d, CADRE_INVALID_PARAMETER, "patch",
		                    "no member is left, at least 1");
	if (p->member_count > CADRE_MEMBERS_MAX)
		return cadre_refuse(p->d, CADRE_LIMIT_EXCEEDED, "patch",
		                    "%zu members, at most %d", p->member_count,
		                    CADRE_MEMBERS_MAX);
	return CADRE_OK;
}

static bool differs(const struct name *name)
{
	if (!name->model_known || (!name->was && !name->is))
		return false;
	if (name->was != name->is || !name->old_key != !name->new_key)
		return true;
	return name->old_key && strcmp(name->old_key, name->new_key) != 0;
}

static int compare_names(const void *a, const void *b)
{
	const struct name *const *x = a;
	const struct name *const *y = b;

	return strcmp((*x)->text, (*y)->text);
}

static enum cadre_status add_member(struct patching *p, const char *model_id,
                                    const char *key, Cadre__V1__Member **list,
                                    size_t *count)
{
	Cadre__V1__Member *member;
	enum cadre_status status = cadre_new_message(p->d, &cadre__v1__member__descriptor,
	                                             &member);

	if (status != CADRE_OK)
		return status;
	member->model_id = cadre_arena_strdup(p->d->in->arena,
	                                      cadre_slice_text(model_id));
	if (key)
		member->inference_key = cadre_arena_strdup(p->d->in->arena,
		                                           cadre_slice_text(key));
	if (!member->model_id || (key && !member->inference_key))
		return cadre_arena_refused(p->d);
	list[(*count)++] = member;
	return CADRE_OK;
}

static enum cadre_status make_difference(struct patching *p, struct cadre_difference *ret)
{
	size_t touched = 0;
	enum cadre_status status;

	for (size_t i = 0; i < p->slot_count; i++) {
		if (p->slots[i] && differs(p->slots[i]))
			p->slots[touched++] = p->slots[i];
	}
	if (touched == 0)
		return CADRE_OK;
	qsort(p->slots, touched, sizeof *p->slots, compare_names);
	status = cadre_new_array(p->d, touched, sizeof *ret->removed, &ret->removed);
	if (status == CADRE_OK)
		status = cadre_new_array(p->d, touched, sizeof *ret->inserted,
		                         &ret->inserted);
	for (size_t i = 0; status == CADRE_OK && i < touched; i++) {
		const struct name *name = p->slots[i];
		if (name->was)
			status = add_member(p, name->text, name->old_key, ret->removed,
			                    &ret->removed_count);
		if (status == CADRE_OK && name->is)
			status = add_member(p, name->text, name->new_key, ret->inserted,
			                    &ret->inserted_count);
	}
	return status;
}

enum cadre_status cadre_patch(struct cadre_deciding *d,
                              const Cadre__V1__GroupState *source,
                              Cadre__V1__PatchInstruction *const *patch,
                              size_t patch_count, const char *base,
                              const char *base_field,
                              struct cadre_difference *ret_difference)
{
	struct patching p = { .d = d,
		              .source = source,
		              .member_count = source->member_count };
	enum cadre_status status = apply(&p, patch, patch_count);

	if (status == CADRE_OK)
		status = check_count(&p);
	if (status == CADRE_OK)
		status = check_base(&p, base, base_field);
	if (status != CADRE_OK)
		return status;
	return make_difference(&p, ret_difference);
}
