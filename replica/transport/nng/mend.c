/*
 * Mends a fault of nng 1.5.2, around its own functions (the linker's --wrap).
 *
 * The transport reads a message in two steps, header and body, on one aio. When its
 * connection is closed between the two, by the other direction's failure or by anybody,
 * the aio is stopped, and the second step finds that it may not begin: it returns without
 * telling anybody. Whoever waits for the message waits for ever: first of all nng's one
 * reaper, and then no connection of the process is let go any more. A peer that sends
 * requests, reads nothing and breaks off brings that about within seconds.
 * Here such a step ends with an error, as every other failure of it does.
 */
struct nni_aio;
struct nng_stream;

int __real_nni_aio_begin(struct nni_aio *aio);
int __wrap_nni_aio_begin(struct nni_aio *aio);
void __real_nng_stream_recv(struct nng_stream *stream, struct nni_aio *aio);
void __wrap_nng_stream_recv(struct nng_stream *stream, struct nni_aio *aio);
void __real_nng_stream_send(struct nng_stream *stream, struct nni_aio *aio);
void __wrap_nng_stream_send(struct nng_stream *stream, struct nni_aio *aio);
/* nng's own. */
void nni_aio_finish_error(struct nni_aio *aio, int error);

/* The aio of the step that this thread begins. Other aios that may not begin belong to
 * callers who know what they stopped. */
static _Thread_local struct nni_aio *begun;

int __wrap_nni_aio_begin(struct nni_aio *aio)
{
	int error = __real_nni_aio_begin(aio);

	if (error != 0 && aio == begun)
		nni_aio_finish_error(aio, error);
	return error;
}

void __wrap_nng_stream_recv(struct nng_stream *stream, struct nni_aio *aio)
{
	struct nni_aio *outer = begun;

	begun = aio;
	__real_nng_stream_recv(stream, aio);
	begun = outer;
}

void __wrap_nng_stream_send(struct nng_stream *stream, struct nni_aio *aio)
{
	struct nni_aio *outer = begun;

	begun = aio;
	__real_nng_stream_send(stream, aio);
	begun = outer;
}
