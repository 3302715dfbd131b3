#include "replica/agent/worker_socket.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>

#include "engine/base/assert.h"
#include "replica/agent/worker_internal.h"

#define IPC_SCHEME "ipc://"
#define STACK_BYTES ((size_t)256 * 1024) /* handlers keep their data in arenas */
#define GREETING_BYTES 8u
#define PROBE_WAIT_S 1

struct handler {
	struct cadre_worker_socket *socket;
	pthread_t thread;
	bool started;
	nng_ctx ctx;
	bool has_ctx;
	nng_aio *aio;
};

struct cadre_worker_socket {
	char *address;
	nng_socket socket;
	nng_listener listener;
	bool has_listener;
	cadre_worker_handle_fn handle;
	void *ctx;
	pthread_mutex_t lock;
	pthread_cond_t joined_changed;
	uint64_t joined; /* connections so far; lock */
	atomic_bool stopping;
	unsigned count;
	struct handler handlers[];
};

const char *cadre_worker_ipc_path(const char *address)
{
	if (strncmp(address, IPC_SCHEME, sizeof IPC_SCHEME - 1) != 0)
		return NULL;
	return address + sizeof IPC_SCHEME - 1;
}

/* The context's next request, or NULL when the socket is being closed. */
static nng_msg *receive(struct handler *handler)
{
	nng_aio_set_msg(handler->aio, NULL);
	nng_ctx_recv(handler->ctx, handler->aio);
	nng_aio_wait(handler->aio);
	if (nng_aio_result(handler->aio) != 0)
		return NULL;
	return nng_aio_get_msg(handler->aio);
}

static void answer(struct handler *handler, struct cadre_slice bytes)
{
	nng_msg *message = NULL;

	if (nng_msg_alloc(&message, 0) != 0)
		return; /* the client's deadline tells it */
	if (nng_msg_append(message, bytes.data, bytes.length) != 0) {
		nng_msg_free(message);
		return;
	}
	nng_aio_set_msg(handler->aio, message);
	nng_ctx_send(handler->ctx, handler->aio);
	nng_aio_wait(handler->aio);
	if (nng_aio_result(handler->aio) != 0)
		nng_msg_free(nng_aio_get_msg(handler->aio));
}

static void *run_handler(void *arg)
{
	struct handler *handler = arg;
	struct cadre_worker_socket *socket = handler->socket;
	struct cadre_buffer out = { 0 };

	while (!atomic_load(&socket->stopping)) {
		nng_msg *message = receive(handler);
		if (!message)
			continue;
		cadre_buffer_clear(&out);
		socket->handle(socket->ctx,
		               cadre_slice(nng_msg_body(message), nng_msg_len(message)),
		               &out);
		nng_msg_free(message);
		answer(handler, cadre_buffer_slice(&out));
		/* One large answer must not stay with every thread. */
		if (out.capacity > CADRE_WORKER_ENVELOPE_BYTES_MAX)
			cadre_buffer_fini(&out);
	}
	cadre_buffer_fini(&out);
	return NULL;
}

static enum cadre_status fail(struct cadre_error *err, int code, const char *what,
                              const char *address)
{
	enum cadre_status status = CADRE_IO_ERROR;

	if (code == NNG_ENOMEM)
		status = CADRE_OUT_OF_MEMORY;
	else if (code == NNG_EADDRINUSE)
		status = CADRE_CONFLICT;
	else if (code == NNG_EINVAL || code == NNG_EADDRINVAL || code == NNG_ENOTSUP)
		status = CADRE_INVALID_PARAMETER;
	return cadre_error_set(err, status, "%s \"%s\": %s", what, address,
	                       nng_strerror(code));
}

static enum cadre_status listen_at(struct cadre_worker_socket *socket,
                                   struct cadre_error *err)
{
	int code = nng_listen(socket->socket, socket->address, &socket->listener, 0);

	if (code != 0)
		return fail(err, code, "listening at", socket->address);
	socket->has_listener = true;
	return CADRE_OK;
}

static enum cadre_status start_handlers(struct cadre_worker_socket *socket,
                                        struct cadre_error *err)
{
	pthread_attr_t attributes;
	int code = 0;

	if (pthread_attr_init(&attributes) != 0)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for threads");
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	for (unsigned i = 0; i < socket->count && code == 0; i++) {
		struct handler *handler = &socket->handlers[i];
		handler->socket = socket;
		code = nng_ctx_open(&handler->ctx, socket->socket);
		handler->has_ctx = code == 0;
		if (code == 0)
			code = nng_aio_alloc(&handler->aio, NULL, NULL);
		if (code == 0 && pthread_create(&handler->thread, &attributes,
		                                run_handler, handler) != 0)
			code = NNG_ENOMEM;
		handler->started = code == 0;
	}
	pthread_attr_destroy(&attributes);
	return code == 0 ? CADRE_OK
	                 : fail(err, code, "starting threads for", socket->address);
}

static void count_joined(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
	struct cadre_worker_socket *socket = arg;

	(void)pipe;
	(void)event;
	pthread_mutex_lock(&socket->lock);
	socket->joined++;
	pthread_cond_broadcast(&socket->joined_changed);
	pthread_mutex_unlock(&socket->lock);
}

static enum cadre_status open_socket(struct cadre_worker_socket *socket,
                                     struct cadre_error *err)
{
	int code = nng_rep0_open(&socket->socket);
	enum cadre_status status;

	if (code != 0) {
		socket->socket = (nng_socket)NNG_SOCKET_INITIALIZER;
		return fail(err, code, "opening a socket for", socket->address);
	}
	code = nng_socket_set_size(socket->socket, NNG_OPT_RECVMAXSZ,
	                           CADRE_WORKER_MESSAGE_BYTES_MAX);
	if (code != 0)
		return fail(err, code, "limiting", socket->address);
	code = nng_pipe_notify(socket->socket, NNG_PIPE_EV_ADD_POST, count_joined,
	                       socket);
	if (code != 0)
		return fail(err, code, "watching", socket->address);
	status = listen_at(socket, err);
	return status == CADRE_OK ? start_handlers(socket, err) : status;
}

enum cadre_status cadre_worker_socket_open(const char *address, unsigned threads,
                                           cadre_worker_handle_fn handle, void *ctx,
                                           struct cadre_worker_socket **ret_socket,
                                           struct cadre_error *err)
{
	struct cadre_worker_socket *socket =
	        calloc(1, sizeof *socket + threads * sizeof socket->handlers[0]);
	enum cadre_status status;

	if (socket)
		socket->address = strdup(address);
	if (!socket || !socket->address) {
		free(socket);
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for \"%s\"",
		                       address);
	}
	socket->handle = handle;
	socket->ctx = ctx;
	socket->count = threads;
	CADRE_ASSERT(pthread_mutex_init(&socket->lock, NULL) == 0);
	worker_cond_init(&socket->joined_changed);
	status = open_socket(socket, err);
	if (status == CADRE_OK)
		*ret_socket = socket;
	else
		cadre_worker_socket_close(&socket);
	return status;
}

void cadre_worker_socket_close(struct cadre_worker_socket **socket)
{
	struct cadre_worker_socket *s = *socket;

	if (!s)
		return;
	*socket = NULL;
	atomic_store(&s->stopping, true);
	/* nng_close() of a busy socket can hang: first no aio may be under way. */
	for (unsigned i = 0; i < s->count; i++) {
		if (s->handlers[i].aio)
			nng_aio_stop(s->handlers[i].aio);
		if (s->handlers[i].started)
			pthread_join(s->handlers[i].thread, NULL);
	}
	for (unsigned i = 0; i < s->count; i++) {
		if (s->handlers[i].has_ctx)
			nng_ctx_close(s->handlers[i].ctx);
		if (s->handlers[i].aio)
			nng_aio_free(s->handlers[i].aio);
	}
	if (nng_socket_id(s->socket) > 0)
		nng_close(s->socket);
	pthread_cond_destroy(&s->joined_changed);
	pthread_mutex_destroy(&s->lock);
	free(s->address);
	free(s);
}

static bool wait_joined(struct cadre_worker_socket *socket, uint64_t before)
{
	struct timespec until;
	bool joined;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PROBE_WAIT_S;
	pthread_mutex_lock(&socket->lock);
	while (socket->joined == before &&
	       pthread_cond_timedwait(&socket->joined_changed, &socket->lock, &until) ==
	               0)
		;
	joined = socket->joined != before;
	pthread_mutex_unlock(&socket->lock);
	return joined;
}

/* A dead listener still exchanges greetings; it no longer makes connections of them.
 * The connection stays open until nng has taken it: hanging up early is what kills. */
static bool joins(struct cadre_worker_socket *socket, int fd)
{
	static const uint8_t hello[GREETING_BYTES] = { 0, 'S', 'P', 0, 0, NNG_REQ0_SELF };
	uint64_t before;

	pthread_mutex_lock(&socket->lock);
	before = socket->joined;
	pthread_mutex_unlock(&socket->lock);
	return send(fd, hello, sizeof hello, MSG_NOSIGNAL) == (ssize_t)sizeof hello &&
	       wait_joined(socket, before);
}

static bool accepts(struct cadre_worker_socket *listening, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(path);
	bool accepted;
	int fd;

	if (length >= sizeof address.sun_path)
		return false;
	memcpy(address.sun_path, path, length + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return true; /* not the listener's fault */
	accepted = connect(fd, (const struct sockaddr *)(const void *)&address,
	                   sizeof address) == 0 &&
	           joins(listening, fd);
	close(fd);
	return accepted;
}

enum cadre_status cadre_worker_socket_probe(struct cadre_worker_socket *socket,
                                            bool *ret_renewed, struct cadre_error *err)
{
	const char *path = cadre_worker_ipc_path(socket->address);
	enum cadre_status status;

	*ret_renewed = false;
	if (!path || (socket->has_listener && accepts(socket, path)))
		return CADRE_OK;
	if (socket->has_listener)
		nng_listener_close(socket->listener);
	socket->has_listener = false;
	if (unlink(path) != 0 && errno != ENOENT)
		return cadre_error_errno(err, errno, "removing \"%s\"", path);
	status = listen_at(socket, err);
	*ret_renewed = status == CADRE_OK;
	return status;
}
