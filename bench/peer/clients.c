#include "bench/peer/clients.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bench/machine.h"
#include "engine/base/assert.h"

/* A peer that is silent for so long has a fault. */
#define SILENCE_MS 60000

struct run {
	uint64_t next;
	uint64_t end;
	uint64_t done;
	struct bench_histogram *latency;
};

static enum cadre_status ask(struct run *run, struct bench_client *client,
                             struct cadre_error *err)
{
	if (run->next == run->end)
		return CADRE_OK;
	client->asked_ns = bench_now_ns();
	return client->ops->ask(client, run->next++, err);
}

static enum cadre_status advance(struct run *run, struct bench_client *client,
                                 struct cadre_error *err)
{
	bool done = false;
	enum cadre_status status = client->ops->read(client, &done, err);

	if (status != CADRE_OK || !done)
		return status;
	run->done++;
	if (run->latency)
		bench_histogram_add(run->latency, bench_now_ns() - client->asked_ns);
	return ask(run, client, err);
}

static enum cadre_status watch_all(int poller, struct bench_client *const *clients,
                                   unsigned count, struct cadre_error *err)
{
	for (unsigned i = 0; i < count; i++) {
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = clients[i] };
		if (epoll_ctl(poller, EPOLL_CTL_ADD, clients[i]->fd, &event) != 0)
			return cadre_error_errno(err, errno, "epoll");
	}
	return CADRE_OK;
}

static enum cadre_status wait_for_some(struct run *run, int poller,
                                       struct cadre_error *err)
{
	struct epoll_event events[BENCH_CLIENTS_MAX];
	int ready = epoll_wait(poller, events, BENCH_CLIENTS_MAX, SILENCE_MS);
	enum cadre_status status = CADRE_OK;

	if (ready < 0 && errno == EINTR)
		return CADRE_OK;
	if (ready <= 0)
		return cadre_error_set(err, CADRE_DEADLINE, "no answer for %d ms",
		                       SILENCE_MS);
	for (int i = 0; i < ready && status == CADRE_OK; i++)
		status = advance(run, events[i].data.ptr, err);
	return status;
}

static enum cadre_status run_many(struct run *run, struct bench_client *const *clients,
                                  unsigned count, struct cadre_error *err)
{
	uint64_t requests = run->end - run->next;
	int poller = epoll_create1(EPOLL_CLOEXEC);
	enum cadre_status status;

	if (poller < 0)
		return cadre_error_errno(err, errno, "epoll");
	status = watch_all(poller, clients, count, err);
	for (unsigned i = 0; i < count && status == CADRE_OK; i++)
		status = ask(run, clients[i], err);
	while (status == CADRE_OK && run->done < requests)
		status = wait_for_some(run, poller, err);
	close(poller);
	return status;
}

enum cadre_status bench_clients_run(struct bench_client *const *clients,
                                    unsigned client_count, uint64_t first, uint64_t count,
                                    struct bench_histogram *latency,
                                    struct cadre_error *err)
{
	struct run run = { .next = first, .end = first + count, .latency = latency };
	enum cadre_status status;

	CADRE_ASSERT(client_count > 0 && client_count <= BENCH_CLIENTS_MAX);
	if (client_count > 1)
		return run_many(&run, clients, client_count, err);
	status = ask(&run, clients[0], err);
	while (status == CADRE_OK && run.done < count)
		status = advance(&run, clients[0], err);
	return status;
}
