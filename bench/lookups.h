/* Look-ups over all keys of a store, in one random order, through libcadre and
 * through bare LMDB on the same file. */
#ifndef BENCH_LOOKUPS_H
#define BENCH_LOOKUPS_H

#include "bench/child.h"
#include "bench/drive.h"
#include "bench/harness.h"

enum bench_scope_kind { BENCH_GROUPS, BENCH_HISTORIES, BENCH_DEPLOYMENTS };

struct bench_ask {
	uint64_t seq;    /* the moment, for resolve_at */
	uint32_t target; /* index */
	uint8_t length;
	char key[BENCH_KEY_BYTES];
	/* The row that answers it. */
	uint8_t row_length;
	uint8_t row[54];
};

struct bench_lookups {
	struct bench_lab lab;
	char views[BENCH_PATH_BYTES];
	struct bench_child server;
	char (*targets)[CADRE_OCID_BYTES];
	unsigned target_count;
	struct bench_ask *asks; /* shuffled */
	size_t count;
	unsigned threads;
	bool at_moment; /* resolve_at(ask.seq) */
};

/* A store with about `keys` keys and as many look-ups, each group its first
 * version, each history with a deployment; then a process that has it open. */
CADRE_MUST_CHECK enum cadre_status
bench_lookups_plain(struct bench_lookups *lookups, const struct bench *bench,
                    uint64_t keys, enum bench_scope_kind kind, struct cadre_error *err);
/* A tenth of the keys, each with ten versions; the look-ups are of all of them,
 * through groups or, with a moment, through histories. */
CADRE_MUST_CHECK enum cadre_status bench_lookups_versions(struct bench_lookups *lookups,
                                                          const struct bench *bench,
                                                          uint64_t keys,
                                                          enum bench_scope_kind kind,
                                                          struct cadre_error *err);
/* Those of a store that has run `events` commands of the mix; latest groups. */
CADRE_MUST_CHECK enum cadre_status bench_lookups_mixed(struct bench_lookups *lookups,
                                                       const struct bench *bench,
                                                       uint64_t events,
                                                       struct cadre_error *err);
/* Other targets of a plain store. */
CADRE_MUST_CHECK enum cadre_status bench_lookups_retarget(struct bench_lookups *lookups,
                                                          enum bench_scope_kind kind,
                                                          struct cadre_error *err);
void bench_lookups_destroy(struct bench_lookups *lookups);

/* Sides of a comparison; ctx is a struct bench_lookups. */
CADRE_MUST_CHECK enum cadre_status
bench_lookups_ours(void *ctx, struct bench_measure *measure, struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status
bench_lookups_bare(void *ctx, struct bench_measure *measure, struct cadre_error *err);

#endif
