/*
 * A call is one nng context with one aio. Its thread waits on two descriptors: an event
 * that the aio's callback raises, and the worker's pidfd, so that a death ends the call
 * although nng would go on waiting for a new connection.
 */
#include "replica/agent/worker_call.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>

#include "engine/base/assert.h"

#define RECONNECT_MIN_MS 10
#define RECONNECT_MAX_MS 200
/* Between a broken connection and the kernel's word that the process is dead. */
#define DEATH_WAIT_MS 200

struct worker_link {
	nng_socket socket;
	bool open;
};

/* One under way. */
struct call {
	struct cadre_worker_client *client;
	nng_ctx ctx;
	nng_aio *aio;
	int event;
	uint64_t until_ns;
};

static enum cadre_status fail(struct cadre_error *err, int code, const char *what,
                              const char *address)
{
	enum cadre_status status = CADRE_UNAVAILABLE;

	if (code == NNG_ENOMEM)
		status = CADRE_OUT_OF_MEMORY;
	else if (code == NNG_EINVAL || code == NNG_EADDRINVAL || code == NNG_ENOTSUP)
		status = CADRE_INVALID_PARAMETER;
	return cadre_error_set(err, status, "%s \"%s\": %s", what, address,
	                       nng_strerror(code));
}

enum cadre_status worker_link_open(const char *address, struct worker_link **ret_link,
                                   struct cadre_error *err)
{
	struct worker_link *link = calloc(1, sizeof *link);
	int code;

	if (!link)
		return fail(err, NNG_ENOMEM, "connecting to", address);
	code = nng_req0_open(&link->socket);
	link->open = code == 0;
	/* nng would send a request again by itself, that is: infer twice. */
	if (code == 0)
		code = nng_socket_set_ms(link->socket, NNG_OPT_REQ_RESENDTIME,
		                         NNG_DURATION_INFINITE);
	if (code == 0)
		code = nng_socket_set_size(link->socket, NNG_OPT_RECVMAXSZ,
		                           CADRE_WORKER_MESSAGE_BYTES_MAX);
	if (code == 0)
		code = nng_socket_set_ms(link->socket, NNG_OPT_RECONNMINT,
		                         RECONNECT_MIN_MS);
	if (code == 0)
		code = nng_socket_set_ms(link->socket, NNG_OPT_RECONNMAXT,
		                         RECONNECT_MAX_MS);
	if (code == 0)
		code = nng_dial(link->socket, address, NULL, NNG_FLAG_NONBLOCK);
	if (code == 0) {
		*ret_link = link;
		return CADRE_OK;
	}
	worker_link_close(link);
	return fail(err, code, "connecting to", address);
}

void worker_link_close(struct worker_link *link)
{
	if (!link)
		return;
	if (link->open)
		nng_close(link->socket);
	free(link);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void raise_event(void *arg)
{
	struct call *call = arg;
	uint64_t one = 1;

	while (write(call->event, &one, sizeof one) < 0 && errno == EINTR)
		;
}

static int rest_ms(const struct call *call)
{
	uint64_t now = now_ns();
	uint64_t rest = now < call->until_ns ? (call->until_ns - now) / 1000000u + 1 : 0;

	return rest > 3600 * 1000 ? 3600 * 1000 : (int)rest;
}

static enum cadre_status fail_call(struct call *call, int code, struct cadre_error *err)
{
	/* The connection breaks a moment before the process is a zombie. */
	if (call->client->process.pidfd >= 0 &&
	    worker_process_died(&call->client->process, DEATH_WAIT_MS)) {
		worker_process_alive(&call->client->process, err);
		return CADRE_UNAVAILABLE;
	}
	return fail(err, code, "asking the worker at", call->client->address);
}

/* Waits for the aio. Afterwards it is not under way, whatever the result. */
static enum cadre_status await(struct call *call, struct cadre_error *err)
{
	struct pollfd fds[2] = {
		{ .fd = call->event, .events = POLLIN },
		{ .fd = call->client->process.pidfd, .events = POLLIN },
	};
	uint64_t count;
	int ready;

	do {
		ready = poll(fds, fds[1].fd >= 0 ? 2 : 1, rest_ms(call));
	} while (ready < 0 && errno == EINTR);
	if (!(fds[0].revents & POLLIN))
		nng_aio_cancel(call->aio);
	nng_aio_wait(call->aio);
	/* Raised by now: the wait ends after the callback. */
	(void)!read(call->event, &count, sizeof count);
	if (nng_aio_result(call->aio) == 0)
		return CADRE_OK;
	if (ready == 0)
		return cadre_error_set(err, CADRE_DEADLINE,
		                       "the worker at \"%s\" did not answer in time",
		                       call->client->address);
	return fail_call(call, nng_aio_result(call->aio), err);
}

static enum cadre_status exchange(struct call *call, struct cadre_slice request,
                                  nng_msg **ret_answer, struct cadre_error *err)
{
	nng_msg *message = NULL;
	enum cadre_status status;
	int code = nng_msg_alloc(&message, 0);

	if (code == 0)
		code = nng_msg_append(message, request.data, request.length);
	if (code != 0) {
		nng_msg_free(message);
		return fail(err, code, "asking the worker at", call->client->address);
	}
	nng_aio_set_msg(call->aio, message);
	nng_ctx_send(call->ctx, call->aio);
	status = await(call, err);
	if (status != CADRE_OK) {
		nng_msg_free(nng_aio_get_msg(call->aio));
		return status;
	}
	nng_aio_set_msg(call->aio, NULL);
	nng_ctx_recv(call->ctx, call->aio);
	status = await(call, err);
	if (status == CADRE_OK)
		*ret_answer = nng_aio_get_msg(call->aio);
	return status;
}

static enum cadre_status begin(struct call *call, struct cadre_error *err)
{
	int code = nng_ctx_open(&call->ctx, call->client->link->socket);

	if (code != 0)
		return fail(err, code, "asking the worker at", call->client->address);
	call->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (call->event < 0) {
		nng_ctx_close(call->ctx);
		return cadre_error_errno(err, errno, "asking the worker at \"%s\"",
		                         call->client->address);
	}
	code = nng_aio_alloc(&call->aio, raise_event, call);
	if (code == 0)
		return CADRE_OK;
	close(call->event);
	nng_ctx_close(call->ctx);
	return fail(err, code, "asking the worker at", call->client->address);
}

static void end(struct call *call)
{
	nng_aio_stop(call->aio);
	nng_ctx_close(call->ctx);
	nng_aio_free(call->aio);
	close(call->event);
}

static enum cadre_status read_answer(struct cadre_worker_client *client, nng_msg *message,
                                     struct cadre_arena *arena,
                                     const Cadre__V1__WorkerAnswer **ret_answer,
                                     struct cadre_error *err)
{
	const Cadre__V1__WorkerAnswer *answer;
	enum cadre_status status = cadre_worker_unpack_answer(
	        cadre_slice(nng_msg_body(message), nng_msg_len(message)), arena, &answer,
	        err);

	if (status == CADRE_OUT_OF_MEMORY)
		return status;
	if (status != CADRE_OK) {
		cadre_error_prefix(err,
		                   "the worker at \"%s\" answered: ", client->address);
		if (err)
			err->status = CADRE_CORRUPT;
		return CADRE_CORRUPT;
	}
	if (answer->status != CADRE_OK)
		return cadre_error_set(err, (enum cadre_status)answer->status, "%s",
		                       answer->message ? answer->message : "no reason");
	*ret_answer = answer;
	return CADRE_OK;
}

static enum cadre_status call_once(struct cadre_worker_client *client,
                                   struct cadre_slice request, uint64_t until_ns,
                                   nng_msg **ret_answer, struct cadre_error *err)
{
	struct call call = { .client = client, .until_ns = until_ns };
	enum cadre_status status;

	if (!worker_process_alive(&client->process, err))
		return CADRE_UNAVAILABLE;
	status = begin(&call, err);
	if (status != CADRE_OK)
		return status;
	status = exchange(&call, request, ret_answer, err);
	end(&call);
	return status;
}

enum cadre_status worker_call(struct cadre_worker_client *client,
                              const Cadre__V1__WorkerRequest *request,
                              uint32_t deadline_ms, struct cadre_arena *arena,
                              const Cadre__V1__WorkerAnswer **ret_answer,
                              struct cadre_error *err)
{
	bool idempotent = request->body_case != CADRE__V1__WORKER_REQUEST__BODY_INFER;
	uint64_t until_ns = now_ns() + deadline_ms * UINT64_C(1000000);
	struct cadre_buffer packed = { 0 };
	nng_msg *message = NULL;
	enum cadre_status status = cadre_pack(&request->base, &packed, err);

	if (status != CADRE_OK)
		return status;
	do {
		status = call_once(client, cadre_buffer_slice(&packed), until_ns,
		                   &message, err);
	} while (status == CADRE_UNAVAILABLE && idempotent && now_ns() < until_ns &&
	         worker_process_alive(&client->process, NULL));
	cadre_buffer_fini(&packed);
	if (status != CADRE_OK)
		return status;
	status = read_answer(client, message, arena, ret_answer, err);
	nng_msg_free(message);
	return status;
}
