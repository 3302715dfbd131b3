#include "replica/rpc/access.h"

#include <stdlib.h>

#include "engine/base/assert.h"

struct building {
	struct access_table *table;
	const struct access_table *old; /* whose fingerprints still hold; may be NULL */
	size_t room;
	struct cadre_error *err;
};

static enum cadre_status no_memory(struct cadre_error *err)
{
	return cadre_error_set(err, CADRE_LIMIT_EXCEEDED,
	                       "no memory for principals and policies");
}

void access_init(struct access_cache *cache)
{
	pthread_mutex_init(&cache->lock, NULL);
	pthread_mutex_init(&cache->key_lock, NULL);
	cache->table = NULL;
}

void access_fini(struct access_cache *cache)
{
	access_unref(cache->table);
	cache->table = NULL;
	pthread_mutex_destroy(&cache->lock);
	pthread_mutex_destroy(&cache->key_lock);
}

void access_unref(struct access_table *table)
{
	if (!table || atomic_fetch_sub(&table->references, 1) > 1)
		return;
	cadre_arena_fini(&table->arena);
	free(table);
}

static struct access_table *reference(struct access_table *table)
{
	atomic_fetch_add(&table->references, 1);
	return table;
}

/* ---- building ---- */

/* Room for one more element; the array moves within the arena, doubling. */
static bool grow(struct access_table *table, void *array_at, size_t count, size_t *room,
                 size_t size)
{
	void *old, *bigger;

	if (count < *room)
		return true;
	*room = *room ? *room * 2 : 16;
	bigger = cadre_arena_alloc(&table->arena, *room * size);
	if (!bigger)
		return false;
	memcpy(&old, array_at, sizeof old);
	if (count > 0)
		memcpy(bigger, old, count * size);
	memcpy(array_at, &bigger, sizeof bigger);
	return true;
}

static char *keep(struct access_table *table, const char *text)
{
	return cadre_arena_strdup(&table->arena, cadre_slice_text(text));
}

static bool keep_groups(struct access_table *table,
                        const Cadre__V1__PrincipalState *state,
                        struct access_principal *to)
{
	to->groups = cadre_arena_alloc(&table->arena,
	                               (state->n_groups + 1) * sizeof *to->groups);
	if (!to->groups)
		return false;
	for (size_t i = 0; i < state->n_groups; i++) {
		to->groups[i] = keep(table, state->groups[i]);
		if (!to->groups[i])
			return false;
	}
	to->group_count = state->n_groups;
	return true;
}

/* What is known of the same key already. */
static void carry_fingerprint(const struct access_table *old, struct access_principal *to)
{
	const struct access_principal *was = old ? access_find(old, to->name) : NULL;

	if (!was || was->id != to->id || was->changed_seq != to->changed_seq)
		return;
	to->fingerprinted = was->fingerprinted;
	memcpy(to->fingerprint, was->fingerprint, sizeof to->fingerprint);
}

static enum cadre_status add_principal(void *ctx, const Cadre__V1__Resource *resource)
{
	struct building *building = ctx;
	struct access_table *table = building->table;
	const Cadre__V1__PrincipalState *state = resource->principal;
	struct access_principal *to;

	if (!grow(table, &table->principals, table->principal_count, &building->room,
	          sizeof *to))
		return no_memory(building->err);
	to = &table->principals[table->principal_count];
	memset(to, 0, sizeof *to);
	to->id = resource->id;
	to->changed_seq = resource->changed_seq;
	to->may_act_for_others = state->has_may_act_for_others &&
	                         state->may_act_for_others;
	to->name = keep(table, resource->ocid);
	if (state->public_key_pem)
		to->public_key_pem = keep(table, state->public_key_pem);
	if (!to->name || (state->public_key_pem && !to->public_key_pem) ||
	    !keep_groups(table, state, to))
		return no_memory(building->err);
	carry_fingerprint(building->old, to);
	table->principal_count++;
	return CADRE_OK;
}

static enum cadre_status add_policy(void *ctx, const Cadre__V1__Resource *resource)
{
	struct building *building = ctx;
	struct access_table *table = building->table;
	const Cadre__V1__PolicyState *state = resource->policy;
	const char *name = keep(table, resource->ocid);

	for (size_t i = 0; i < state->n_statements; i++) {
		struct access_statement *to;
		const char *text = keep(table, state->statements[i]);
		if (!name || !text ||
		    !grow(table, &table->statements, table->statement_count,
		          &building->room, sizeof *to))
			return no_memory(building->err);
		to = &table->statements[table->statement_count];
		to->policy = name;
		/* One that cannot be read grants nothing. */
		if (cadre_statement_parse(text, &to->parsed, NULL) == CADRE_OK)
			table->statement_count++;
	}
	return CADRE_OK;
}

static int by_name(const void *a, const void *b)
{
	const struct access_principal *one = a;
	const struct access_principal *other = b;

	return strcmp(one->name, other->name);
}

static enum cadre_status build(struct cadre_view *view, cadre_seq access_seq,
                               const struct access_table *old,
                               struct access_table **ret_table, struct cadre_error *err)
{
	struct access_table *table = calloc(1, sizeof *table);
	struct building building = { .table = table, .old = old, .err = err };
	enum cadre_status status;

	if (!table)
		return no_memory(err);
	atomic_init(&table->references, 1);
	table->access_seq = access_seq;
	cadre_arena_init(&table->arena, ACCESS_ARENA_BYTES);
	*ret_table = table;
	if (access_seq == 0)
		return CADRE_OK;
	status = cadre_view_each(view, CADRE__V1__KIND__KIND_PRINCIPAL, add_principal,
	                         &building, err);
	building.room = 0;
	if (status == CADRE_OK)
		status = cadre_view_each(view, CADRE__V1__KIND__KIND_POLICY, add_policy,
		                         &building, err);
	if (status != CADRE_OK) {
		access_unref(table);
		return status;
	}
	if (table->principal_count > 0)
		qsort(table->principals, table->principal_count,
		      sizeof *table->principals, by_name);
	return CADRE_OK;
}

/* Below level 2 nothing is secured, whoever was put. */
static enum cadre_status read_seq(struct cadre_view *view, cadre_seq *ret_seq,
                                  struct cadre_error *err)
{
	Cadre__V1__ClusterRow *row;
	enum cadre_status status = cadre_view_cluster(view, &row, err);

	*ret_seq = status == CADRE_OK && row->has_access_seq ? row->access_seq : 0;
	return status == CADRE_NOT_FOUND ? CADRE_OK : status;
}

/* Under the lock: the table as of the reader's snapshot. */
static enum cadre_status refresh(struct access_cache *cache, struct reader *reader,
                                 struct cadre_error *err)
{
	cadre_seq applied = reader->view.head.applied_seq;
	struct access_table *table = NULL;
	cadre_seq seq = 0;
	enum cadre_status status = read_seq(&reader->view, &seq, err);

	if (status != CADRE_OK)
		return status;
	/* Views that were replaced may be older: then as well it is theirs that counts. */
	if (cache->table && cache->table->access_seq == seq) {
		cache->table->applied_seq = applied;
		return CADRE_OK;
	}
	pthread_mutex_lock(&cache->key_lock);
	status = build(&reader->view, seq, cache->table, &table, err);
	pthread_mutex_unlock(&cache->key_lock);
	if (status != CADRE_OK)
		return status;
	CADRE_ASSERT(table);
	table->applied_seq = applied;
	access_unref(cache->table);
	cache->table = table;
	return CADRE_OK;
}

enum cadre_status access_get(struct access_cache *cache, struct readers *readers,
                             cadre_seq applied_seq, struct access_table **ret_table,
                             struct cadre_error *err)
{
	struct cadre_arena arena;
	struct reader *reader;
	enum cadre_status status = CADRE_OK;

	*ret_table = NULL;
	pthread_mutex_lock(&cache->lock);
	if (!cache->table || cache->table->applied_seq != applied_seq ||
	    applied_seq == 0) {
		cadre_arena_init(&arena, ACCESS_ARENA_BYTES);
		status = readers_enter(readers, &arena, &reader, err);
		if (status == CADRE_OK) {
			status = refresh(cache, reader, err);
			readers_leave(reader);
		} else if (cache->table) {
			status = CADRE_OK;
		}
		cadre_arena_fini(&arena);
	}
	if (status == CADRE_OK)
		*ret_table = reference(cache->table);
	pthread_mutex_unlock(&cache->lock);
	return status;
}

/* ---- questions ---- */

const struct access_principal *access_find(const struct access_table *table,
                                           const char *name)
{
	const struct access_principal wanted = { .name = (char *)(uintptr_t)name };

	if (table->principal_count == 0)
		return NULL;
	return bsearch(&wanted, table->principals, table->principal_count,
	               sizeof *table->principals, by_name);
}

static void make_fingerprint(struct access_principal *principal)
{
	struct cadre_rsa_key *key = NULL;

	principal->fingerprinted = true;
	if (!principal->public_key_pem ||
	    cadre_rsa_public_key(cadre_slice_text(principal->public_key_pem), &key,
	                         NULL) != CADRE_OK)
		return;
	cadre_rsa_fingerprint(key, principal->fingerprint);
	cadre_rsa_key_destroy(&key);
}

const struct access_principal *access_by_fingerprint(struct access_cache *cache,
                                                     struct access_table *table,
                                                     const char *fingerprint)
{
	const struct access_principal *found = NULL;

	pthread_mutex_lock(&cache->key_lock);
	for (size_t i = 0; i < table->principal_count && !found; i++) {
		struct access_principal *one = &table->principals[i];
		if (!one->fingerprinted)
			make_fingerprint(one);
		if (one->fingerprint[0] && strcmp(one->fingerprint, fingerprint) == 0)
			found = one;
	}
	pthread_mutex_unlock(&cache->key_lock);
	return found;
}

static bool grants_one(const struct access_table *table, const struct cadre_wish *wish)
{
	for (size_t i = 0; i < table->statement_count; i++) {
		if (cadre_statement_grants(&table->statements[i].parsed, wish))
			return true;
	}
	return false;
}

bool access_allows(const struct access_table *table, const struct access_principal *who,
                   enum cadre_verb verb, unsigned resources, const char *compartment)
{
	struct cadre_wish wish = { .groups = who->groups,
		                   .group_count = who->group_count,
		                   .verb = verb,
		                   .compartment = compartment };

	for (unsigned bit = 1; bit <= resources; bit <<= 1) {
		wish.resources = resources & bit;
		if (wish.resources != 0 && !grants_one(table, &wish))
			return false;
	}
	return resources != 0;
}

bool access_allows_somewhere(const struct access_table *table,
                             const struct access_principal *who, enum cadre_verb verb,
                             unsigned resources)
{
	struct cadre_wish wish = { .groups = who->groups,
		                   .group_count = who->group_count,
		                   .verb = verb };

	for (size_t i = 0; i < table->statement_count; i++) {
		struct cadre_statement anywhere = table->statements[i].parsed;
		anywhere.compartment = cadre_slice(NULL, 0);
		wish.resources = anywhere.resources & resources;
		if (wish.resources != 0 && cadre_statement_grants(&anywhere, &wish))
			return true;
	}
	return false;
}
