/*
 * The client's side of a node's prediction socket (docs/PREDICT.md), for `cadre predict`
 * and the gateway.
 *
 *	open -> (begin -> next -> ... -> end)* -> close
 *
 * begin returns with the node's first answer, perhaps before there is a chunk. next gives
 * the chunks in order, each once: when a connection breaks or an answer is lost, the
 * question is asked again by number on a new connection until the deadline. A begin is
 * never repeated: where it fails, `started` tells whether asking elsewhere is safe.
 *
 * Threads: open and close on one; any number of predictions at once, one thread each.
 */
#ifndef CADRE_AGENT_PREDICT_CLIENT_H
#define CADRE_AGENT_PREDICT_CLIENT_H

#include "engine/base/status.h"
#include "engine/base/types.h"

struct cadre_predict_client;
struct cadre_prediction;

/* Dials `address` (port 7422 unless it says otherwise) in the background.
 * Errors: as cadre_asker_create(). */
CADRE_MUST_CHECK enum cadre_status
cadre_predict_client_open(const char *address, struct cadre_predict_client **ret_client,
                          struct cadre_error *err);
/* No prediction may be under way. Takes NULL; nulls the pointer. */
void cadre_predict_client_close(struct cadre_predict_client **client);

/* Borrowed for begin. Zero and NULL mean the default. */
struct cadre_prediction_request {
	const char *compartment;    /* where a deployment's name is looked up; none */
	const char *deployment;     /* OCID or display name */
	const char *key;            /* inference key or model OCID */
	struct cadre_slice payload; /* at most 10 MiB */
	uint32_t deadline_ms;       /* for the whole prediction; 60,000 */
	uint32_t connect_ms;        /* for a connection; 1,000 */
};

/* Filled also where begin fails. */
struct cadre_prediction_facts {
	/* A worker may have begun. False: provably not, also because nobody was reached. */
	bool started;
	uint64_t generation; /* of the deployment */
	char model_id[1024]; /* what answers; empty when that is not known */
};

/* Errors: what the node says; CADRE_UNAVAILABLE (nobody reached, connection broke),
 * CADRE_DEADLINE, CADRE_TOO_LARGE (nothing was sent), CADRE_CORRUPT (an answer that
 * breaks the contract), CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status
cadre_prediction_begin(struct cadre_predict_client *client,
                       const struct cadre_prediction_request *request,
                       struct cadre_prediction_facts *ret_facts,
                       struct cadre_prediction **ret_prediction, struct cadre_error *err);
/* Waits for the next chunk, which may be empty and lives until the next call. CADRE_END
 * behind the last one. Errors: as above; the prediction is over then. */
CADRE_MUST_CHECK enum cadre_status
cadre_prediction_next(struct cadre_prediction *prediction, struct cadre_slice *ret_chunk,
                      struct cadre_error *err);
/* Cancels what has not ended (waits up to a second for the node to hear it) and frees.
 * Takes NULL; nulls the pointer. */
void cadre_prediction_end(struct cadre_prediction **prediction);

/* One chunk; anything but CADRE_OK, with a reason in `err`, cancels the rest. */
typedef enum cadre_status (*cadre_prediction_fn)(void *ctx, struct cadre_slice chunk,
                                                 struct cadre_error *err);
/* All of the above in one call. `ret_facts` may be NULL. Errors: as above, and `fn`'s. */
CADRE_MUST_CHECK enum cadre_status
cadre_predict(struct cadre_predict_client *client,
              const struct cadre_prediction_request *request, cadre_prediction_fn fn,
              void *ctx, struct cadre_prediction_facts *ret_facts,
              struct cadre_error *err);

#endif
