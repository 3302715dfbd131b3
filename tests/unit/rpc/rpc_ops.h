/* Operations and commands, short; what they are made of lives in one arena. */
#ifndef TESTS_UNIT_RPC_RPC_OPS_H
#define TESTS_UNIT_RPC_RPC_OPS_H

#include "cadre/v1/rpc.pb-c.h"
#include "proto/codec/arena.h"
#include "replica/rpc/cadre_client.h"
#include "tests/support/testing.h"

struct rpc_ops {
	struct cadre_arena arena;
};
void rpc_ops_init(struct rpc_ops *ops);
void rpc_ops_fini(struct rpc_ops *ops);
void *rpc_alloc(struct rpc_ops *ops, size_t size);
char *rpc_text(struct rpc_ops *ops, const char *format, ...) CADRE_PRINTF(2, 3);

Cadre__V1__Op *rpc_op(struct rpc_ops *ops);
Cadre__V1__Op *rpc_op_batch(struct rpc_ops *ops, Cadre__V1__Command *const *commands,
                            size_t count);
Cadre__V1__Op *rpc_op_get(struct rpc_ops *ops, const char *id, bool with_members);
Cadre__V1__Op *rpc_op_resolve(struct rpc_ops *ops, const char *target, const char *key);
Cadre__V1__Op *rpc_op_list(struct rpc_ops *ops, Cadre__V1__Kind kind);
Cadre__V1__Op *rpc_op_members(struct rpc_ops *ops, const char *group);
Cadre__V1__Op *rpc_op_diff(struct rpc_ops *ops, const char *from, const char *to);
Cadre__V1__Op *rpc_op_key_log(struct rpc_ops *ops, const char *target, const char *key);
Cadre__V1__Op *rpc_op_history_log(struct rpc_ops *ops, const char *history);
Cadre__V1__Op *rpc_op_outcome(struct rpc_ops *ops, const char *token);
Cadre__V1__Op *rpc_op_watch(struct rpc_ops *ops, uint64_t from, uint32_t wait_ms);
Cadre__V1__Op *rpc_op_status(struct rpc_ops *ops);

/* Members `prefix<first>`... with keys `k<first>`... in compartment "c". */
Cadre__V1__Command *rpc_create_group(struct rpc_ops *ops, const char *name,
                                     const char *prefix, unsigned first, unsigned count);
Cadre__V1__Command *rpc_create_history(struct rpc_ops *ops, const char *name,
                                       const char *latest);
/* Key `key` means `model` in the next version of `source`; `old` (may be NULL) is the
 * model that had it. */
Cadre__V1__Command *rpc_patch(struct rpc_ops *ops, const char *source, const char *key,
                              const char *model, const char *old);

/* An envelope as it is, asked once: the response, in `ops`. */
const Cadre__V1__Response *rpc_ask(struct rpc_ops *ops, const char *address,
                                   const Cadre__V1__Request *request);
/* As many answers as there are `count` equal questions under way at once. */
struct rpc_burst;
struct rpc_burst *rpc_burst_start(const char *address, const Cadre__V1__Request *request,
                                  unsigned count);
/* Waits until `count` are answered. */
void rpc_burst_wait(struct rpc_burst *burst, unsigned count);
/* Of those answered, how many had that status of the envelope or the first result. */
unsigned rpc_burst_count(struct rpc_burst *burst, enum cadre_status status);
/* Waits for all. */
void rpc_burst_end(struct rpc_burst *burst);
/* A request with one operation. */
Cadre__V1__Request *rpc_request(struct rpc_ops *ops, Cadre__V1__Op *op);

/* Asks and expects all done; the answer's first result. Freed with `*ret_answer`. */
const Cadre__V1__Result *rpc_done(struct cadre_client *client, const Cadre__V1__Op *op,
                                  struct cadre_client_answer **ret_answer);
/* One command, must be done: its id, in `ops`. */
char *rpc_do(struct rpc_ops *ops, struct cadre_client *client,
             Cadre__V1__Command *command);
/* Must be refused with `status` and a message that starts with `path`. */
void rpc_refused(struct cadre_client *client, const Cadre__V1__Op *op,
                 enum cadre_status status, const char *path);

#endif
