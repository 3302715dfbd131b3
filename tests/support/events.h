/*
 * Events for tests, built by hand. Everything lives in `arena` and is made anew by
 * each call, so a test may change what it gets. Texts are kept, not copied.
 *
 * Members are written as one text, `"a=m1 b=m2 m3"`: key and model, or a model
 * without a key.
 */
#ifndef TESTS_SUPPORT_EVENTS_H
#define TESTS_SUPPORT_EVENTS_H

#include "cadre/v1/event.pb-c.h"
#include "cadre/v1/state.pb-c.h"
#include "engine/base/types.h"
#include "proto/codec/arena.h"

/* A message with its defaults; fails the test when the arena is full. */
void *test_message(struct cadre_arena *arena, const ProtobufCMessageDescriptor *type);
char *test_text(struct cadre_arena *arena, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
/* The words of a text, with a space between. */
char **test_words(struct cadre_arena *arena, const char *text, size_t *ret_count);
Cadre__V1__Member **test_members(struct cadre_arena *arena, const char *text,
                                 size_t *ret_count);
/* `count` members "k<n>=<prefix><n>", n from `first` on. */
Cadre__V1__Member **test_members_many(struct cadre_arena *arena, const char *prefix,
                                      size_t first, size_t count);

/* An event of principal "tester" whose body is still empty. */
Cadre__V1__Event *test_event(struct cadre_arena *arena);
void test_event_token(struct cadre_arena *arena, Cadre__V1__Event *event,
                      const char *token);
/* Sets the link of a created, derived or updated group. */
void test_event_link(struct cadre_arena *arena, Cadre__V1__Event *event,
                     const char *history, uint64_t version_id, bool latest);

Cadre__V1__Event *test_event_group_created(struct cadre_arena *arena, const char *id,
                                           const char *compartment, const char *members);
/* A patch or clone in compartment "c1". */
Cadre__V1__Event *test_event_group_patched(struct cadre_arena *arena, const char *id,
                                           const char *source, const char *removed,
                                           const char *inserted);
Cadre__V1__Event *test_event_group_cloned(struct cadre_arena *arena, const char *id,
                                          const char *source, const char *removed,
                                          const char *inserted);
Cadre__V1__Event *test_event_group_updated(struct cadre_arena *arena, const char *id);
Cadre__V1__Event *test_event_artifact_put(struct cadre_arena *arena, const char *id);

Cadre__V1__Event *test_event_history_created(struct cadre_arena *arena, const char *id,
                                             const char *compartment, const char *name);
/* `group` becomes latest; linked as `linked_version_id` unless that is 0. */
Cadre__V1__Event *test_event_history_latest(struct cadre_arena *arena, const char *id,
                                            const char *group,
                                            uint64_t linked_version_id);

Cadre__V1__Event *test_event_deployment_created(struct cadre_arena *arena, const char *id,
                                                const char *compartment,
                                                const char *group);
/* A new target; no other field changes. */
Cadre__V1__Event *test_event_deployment_updated(struct cadre_arena *arena, const char *id,
                                                const char *group, uint64_t generation);
Cadre__V1__Event *test_event_cut_over(struct cadre_arena *arena, const char *id,
                                      uint64_t generation, const char *group);
/* `nodes`: ids with a space between, "" for none. */
Cadre__V1__Event *test_event_deployment_placed(struct cadre_arena *arena, const char *id,
                                               const char *nodes);
Cadre__V1__Event *test_event_cut_over_finished(struct cadre_arena *arena, const char *id,
                                               uint64_t generation);

/* The bodies that are a ResourceRef: activated, deactivated, deleted, retired. */
Cadre__V1__Event *test_event_ref(struct cadre_arena *arena,
                                 Cadre__V1__Event__BodyCase body, const char *id);
/* Group or history moved. */
Cadre__V1__Event *test_event_moved(struct cadre_arena *arena,
                                   Cadre__V1__Event__BodyCase body, const char *id,
                                   const char *compartment);

Cadre__V1__Event *test_event_model_registered(struct cadre_arena *arena, const char *id,
                                              const char *compartment);
Cadre__V1__Event *test_event_node_registered(struct cadre_arena *arena, const char *id);
Cadre__V1__Event *test_event_node_retired(struct cadre_arena *arena, const char *id);
Cadre__V1__Event *test_event_principal_put(struct cadre_arena *arena, const char *name);
Cadre__V1__Event *test_event_principal_removed(struct cadre_arena *arena,
                                               const char *name);

Cadre__V1__Event *test_event_cluster_configured(struct cadre_arena *arena);
Cadre__V1__Event *test_event_epoch_started(struct cadre_arena *arena, uint64_t epoch);
Cadre__V1__Event *test_event_digest_recorded(struct cadre_arena *arena, cadre_seq seq,
                                             struct cadre_hash128 digest);
Cadre__V1__Event *test_event_feature_level_raised(struct cadre_arena *arena,
                                                  uint32_t level);

#endif
