/* Commands built by hand, run through check and decide against the model. */
#ifndef TESTS_SUPPORT_DOMAIN_BENCH_H
#define TESTS_SUPPORT_DOMAIN_BENCH_H

#include "tests/support/events.h"
#include "tests/support/model_state.h"

struct test_bench {
	struct model_state model;
	struct cadre_arena arena; /* commands and decisions */
	struct cadre_error err;
	struct cadre_decision decision; /* the last */
	cadre_time_ms time_ms;
	const char *principal;
	/* As struct cadre_decide. */
	const char *const *batch_ids;
	size_t batch_ids_count;
};

void test_bench_init(struct test_bench *bench);
void test_bench_fini(struct test_bench *bench);

/* Check, decide, and apply what was decided. */
enum cadre_status test_run(struct test_bench *bench, const Cadre__V1__Command *command);
/* The same, must be CADRE_OK; the id that was made or changed, in the arena. */
const char *test_done(struct test_bench *bench, const Cadre__V1__Command *command);
/* Must be refused so, with a message that starts with `path` and a colon. */
void test_refused(struct test_bench *bench, const Cadre__V1__Command *command,
                  enum cadre_status status, const char *path);
/* Must be CADRE_OK and make no event. */
void test_no_op(struct test_bench *bench, const Cadre__V1__Command *command);
/* The event of the last test_done(). */
const Cadre__V1__Event *test_event_of(const struct test_bench *bench);
/* The present etag, in the arena. */
char *test_etag(struct test_bench *bench, const char *name);
struct model_resource *test_resource(struct test_bench *bench, const char *name);

/* ---- commands; NULL texts are absent ---- */

/* Of HOMOGENEOUS type, members as test_members() reads them. */
Cadre__V1__Command *test_create_group(struct test_bench *bench, const char *members,
                                      const char *history);
/* `steps`: "-m1 +k2=m2", one instruction each. */
Cadre__V1__Command *test_clone(struct test_bench *bench, const char *source,
                               const char *steps);
Cadre__V1__Command *test_patch(struct test_bench *bench, const char *source,
                               const char *steps);
/* The overrides of a clone or patch, made when absent. */
Cadre__V1__GroupOverrides *test_overrides(struct test_bench *bench,
                                          Cadre__V1__Command *command);
Cadre__V1__Command *test_update_group(struct test_bench *bench, const char *id,
                                      const char *history);
Cadre__V1__Command *test_create_history(struct test_bench *bench, const char *name,
                                        const char *latest);
Cadre__V1__Command *test_update_history(struct test_bench *bench, const char *id,
                                        const char *latest);
Cadre__V1__Command *test_create_deployment(struct test_bench *bench, const char *group);
Cadre__V1__Command *test_update_deployment(struct test_bench *bench, const char *id,
                                           const char *group);
Cadre__V1__Command *test_cut_over(struct test_bench *bench, const char *id,
                                  uint64_t generation);
Cadre__V1__Command *test_finish_cut_over(struct test_bench *bench, const char *id,
                                         uint64_t generation);
/* `nodes`: ids with a space between, "" for none. */
Cadre__V1__Command *test_place(struct test_bench *bench, const char *id,
                               const char *nodes);
Cadre__V1__Command *test_register_model(struct test_bench *bench, const char *id);
/* The commands that are a ResourceRef or a MoveResource. */
Cadre__V1__Command *test_ref(struct test_bench *bench, Cadre__V1__Command__BodyCase body,
                             const char *id);
Cadre__V1__Command *test_move(struct test_bench *bench, Cadre__V1__Command__BodyCase body,
                              const char *id, const char *compartment);
/* An empty command of a kind; its body is in the union. */
Cadre__V1__Command *test_command(struct test_bench *bench,
                                 Cadre__V1__Command__BodyCase body);
Cadre__V1__FreeformTags *test_tags(struct test_bench *bench, const char *key,
                                   const char *value);

#endif
