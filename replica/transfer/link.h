/*
 * A follower's questions to its leader: a ReplicationRequest goes out, its answer
 * comes back. One connection, any number of questions at once.
 *
 * A question that got no answer in time takes its connection with it: a peer that is
 * stopped or gone without a word is found again on a fresh one.
 *
 * Threads: any number ask at once, each waits for its own answer; cancel from any.
 * Locks: one, held neither while waiting for the network nor while a connection is
 * made or closed.
 */
#ifndef CADRE_TRANSFER_LINK_H
#define CADRE_TRANSFER_LINK_H

#include "cadre/v1/replication.pb-c.h"
#include "engine/base/bytes.h"
#include "proto/codec/codec.h"
#include "replica/transport/asker.h"

/* Of a whole answer: a batch is at most 4.6 MiB, a manifest of 200,000 chunks 8. */
#define CADRE_LINK_ANSWER_BYTES_MAX ((size_t)16 << 20)
/* A connection is there by then, or the leader counts as away. */
#define CADRE_LINK_CONNECT_MS 2000u

struct cadre_link;

/* What one asker needs again and again. `message` lives until the next question.
 * Ownership: the caller's storage, which may not move; fini frees what it holds. */
struct cadre_link_answer {
	Cadre__V1__ReplicationAnswer *message;
	struct cadre_arena arena;
	struct cadre_buffer request;
	struct cadre_buffer bytes;
};
void cadre_link_answer_init(struct cadre_link_answer *answer);
void cadre_link_answer_fini(struct cadre_link_answer *answer);

/* Connects in the background. Errors: as cadre_asker_create(). */
CADRE_MUST_CHECK enum cadre_status cadre_link_create(const char *address,
                                                     uint16_t default_port,
                                                     struct cadre_link **ret_link,
                                                     struct cadre_error *err);
/* Nobody asks any more. Takes NULL; nulls the pointer. */
void cadre_link_destroy(struct cadre_link **link);
/* Ends every question under way, and from now on each at once, with
 * CADRE_UNAVAILABLE. */
void cadre_link_cancel(struct cadre_link *link);

/* Asks and waits, `timeout_ms` at most once connected.
 * Errors: CADRE_UNAVAILABLE (not connected, connection lost, cancelled),
 * CADRE_DEADLINE (connected, no answer), what the answer's `status` says, with its
 * message; CADRE_CORRUPT for bytes that are no answer. */
CADRE_MUST_CHECK enum cadre_status
cadre_link_ask(struct cadre_link *link, const Cadre__V1__ReplicationRequest *request,
               uint32_t timeout_ms, struct cadre_link_answer *answer,
               struct cadre_error *err);

#endif
