/* For builds without libpq: postgres.c is not compiled. */
#include "bench/peer/postgres.h"

static enum cadre_status none(struct cadre_error *err)
{
	return cadre_error_set(err, CADRE_INTERNAL, "built without libpq");
}

const char *bench_postgres_missing(const struct bench *bench)
{
	(void)bench;
	return "install libpq-dev and postgresql-15, and build again";
}

enum cadre_status bench_postgres_start(struct bench_peer *peer, const struct bench *bench,
                                       struct cadre_error *err)
{
	(void)bench;
	memset(peer, 0, sizeof *peer);
	return none(err);
}

enum cadre_status bench_postgres_open(const struct bench_peer *peer,
                                      const struct bench_workload_options *options,
                                      struct bench_client **ret_client,
                                      struct cadre_error *err)
{
	(void)peer;
	(void)options;
	*ret_client = NULL;
	return none(err);
}

void bench_postgres_close(struct bench_client *client)
{
	(void)client;
}
