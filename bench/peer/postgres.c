/*
 * Tables: history (its latest version), version (one row each), member (one row for
 * each member that a version inserts, by its key, or removes, by its model). The index
 * of member's primary key answers which model a key means in a version.
 *
 * A patch: INSERT version, INSERT member for each change, UPDATE history where the
 * latest version is still the one before; prepared, sent in one pipeline, which is one
 * transaction.
 */
#include "bench/peer/postgres.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAMS "usr/lib/postgresql/*/bin"
#define ARENA_BYTES (16u << 20)

struct bench_postgres_client {
	struct bench_client client;
	PGconn *connection;
	struct bench_workload *workload;
	struct cadre_arena arena;
	struct bench_command command; /* under way */
	uint64_t *versions;           /* latest, of each history */
	uint64_t made;                /* OCIDs so far */
	uint64_t seed;
};

static enum cadre_status failed(PGconn *connection, struct cadre_error *err)
{
	return cadre_error_set(err, CADRE_INTERNAL, "postgres: %s",
	                       PQerrorMessage(connection));
}

/* ---- the server ---- */

const char *bench_postgres_missing(const struct bench *bench)
{
	char path[BENCH_PATH_BYTES];

	if (!bench_peer_find(bench, "initdb", PROGRAMS, path) ||
	    !bench_peer_find(bench, "postgres", PROGRAMS, path))
		return "install postgresql-15";
	return bench_peer_can_enter(bench)
	               ? NULL
	               : "it does not run as root: give a --dir that others may enter";
}

static enum cadre_status make_cluster(struct bench_peer *peer, const struct bench *bench,
                                      struct cadre_error *err)
{
	char program[BENCH_PATH_BYTES];
	const char *const argv[] = { program,
		                     "-D",
		                     peer->dir,
		                     "-U",
		                     "bench",
		                     "-A",
		                     "trust",
		                     "--no-locale",
		                     "-E",
		                     "UTF8",
		                     "--no-instructions",
		                     "--no-sync",
		                     NULL };
	enum cadre_status status;

	if (!bench_peer_find(bench, "initdb", PROGRAMS, program))
		return cadre_error_set(err, CADRE_NOT_FOUND, "no initdb");
	status = bench_peer_start(peer, argv, err);
	return status == CADRE_OK ? bench_peer_wait(peer, err) : status;
}

static PGconn *connect_to(const struct bench_peer *peer)
{
	char text[BENCH_SOCKET_DIR_BYTES + 64];

	(void)snprintf(text, sizeof text, "host=%s user=bench dbname=postgres",
	               peer->sockets);
	return PQconnectdb(text);
}

static enum cadre_status make_tables(struct bench_peer *peer, struct cadre_error *err)
{
	static const char tables[] =
	        "CREATE TABLE history (ocid text PRIMARY KEY, latest bigint NOT NULL,"
	        " group_ocid text NOT NULL);"
	        "CREATE TABLE version (history text, version bigint, ocid text NOT NULL,"
	        " created_by text NOT NULL, created timestamptz NOT NULL,"
	        " retry_token text NOT NULL, PRIMARY KEY (history, version));"
	        "CREATE TABLE member (history text, key text, version bigint, model text,"
	        " PRIMARY KEY (history, key, version))";
	uint64_t since = 0;

	for (;;) {
		PGconn *connection = connect_to(peer);
		enum cadre_status status = CADRE_UNAVAILABLE;
		if (PQstatus(connection) == CONNECTION_OK) {
			PGresult *result = PQexec(connection, tables);
			status = PQresultStatus(result) == PGRES_COMMAND_OK
			                 ? CADRE_OK
			                 : failed(connection, err);
			PQclear(result);
		}
		PQfinish(connection);
		if (status != CADRE_UNAVAILABLE)
			return status;
		if (!bench_peer_try_again(peer, &since, err))
			return err->status;
	}
}

enum cadre_status bench_postgres_start(struct bench_peer *peer, const struct bench *bench,
                                       struct cadre_error *err)
{
	char program[BENCH_PATH_BYTES];
	/* fsync, synchronous_commit and full_page_writes are on by default. */
	const char *const argv[] = { program,
		                     "-D",
		                     peer->dir,
		                     "-k",
		                     peer->sockets,
		                     "-c",
		                     "listen_addresses=",
		                     "-c",
		                     "max_connections=100",
		                     "-c",
		                     "shared_buffers=512MB",
		                     "-c",
		                     "max_wal_size=4GB",
		                     "-c",
		                     "log_min_messages=fatal",
		                     NULL };
	enum cadre_status status;

	memset(peer, 0, sizeof *peer);
	if (!bench_peer_find(bench, "postgres", PROGRAMS, program))
		return cadre_error_set(err, CADRE_NOT_FOUND, "no postgres");
	status = bench_peer_prepare(peer, bench, "postgres", true, err);
	if (status == CADRE_OK)
		status = make_cluster(peer, bench, err);
	if (status == CADRE_OK)
		status = bench_peer_start(peer, argv, err);
	return status == CADRE_OK ? make_tables(peer, err) : status;
}

/* ---- one patch ---- */

static bool send_version(struct bench_postgres_client *pg, const char *history,
                         const char *version, const char *group)
{
	const char *const values[] = { history, version, group, "ocid1.user.oc1..bench",
		                       pg->command.token };

	return PQsendQueryPrepared(pg->connection, "version", 5, values, NULL, NULL, 0) ==
	       1;
}

static bool send_member(struct bench_postgres_client *pg, const char *history,
                        const char *version, const char *key, const char *model)
{
	const char *const values[] = { history, key, version, model };

	return PQsendQueryPrepared(pg->connection, "member", 4, values, NULL, NULL, 0) ==
	       1;
}

static bool send_members(struct bench_postgres_client *pg, const char *version)
{
	const Cadre__V1__PatchGroup *patch = pg->command.command->patch_group;
	bool sent = true;

	for (size_t i = 0; i < patch->n_patch; i++) {
		const Cadre__V1__PatchInstruction *part = patch->patch[i];
		bool insert = part->operation == CADRE__V1__PATCH_OPERATION__INSERT;
		for (size_t k = 0; k < part->n_values && sent; k++) {
			const Cadre__V1__Member *member = part->values[k];
			sent = send_member(pg, patch->source_id, version,
			                   insert ? member->inference_key
			                          : member->model_id,
			                   insert ? member->model_id : NULL);
		}
	}
	return sent;
}

static void make_ocid(struct bench_postgres_client *pg, char text[BENCH_MODEL_BYTES])
{
	bench_model_text(pg->seed ^ UINT64_C(0x706F7374), (uint32_t)pg->made++, text);
}

static enum cadre_status ask(struct bench_client *client, uint64_t number,
                             struct cadre_error *err)
{
	struct bench_postgres_client *pg = (struct bench_postgres_client *)client;
	char group[BENCH_MODEL_BYTES];
	char version[24];
	const char *history;
	enum cadre_status status;

	(void)number;
	cadre_arena_reset(&pg->arena);
	status = bench_workload_next(pg->workload, &pg->arena, &pg->command);
	if (status != CADRE_OK)
		return cadre_error_set(err, status, "postgres: no command");
	history = pg->command.command->patch_group->source_id;
	make_ocid(pg, group);
	(void)snprintf(version, sizeof version, "%llu",
	               (unsigned long long)++pg->versions[pg->command.history]);
	const char *const latest[] = { history, version, group };
	if (!send_version(pg, history, version, group) || !send_members(pg, version) ||
	    PQsendQueryPrepared(pg->connection, "latest", 3, latest, NULL, NULL, 0) !=
	            1 ||
	    PQpipelineSync(pg->connection) != 1 || PQflush(pg->connection) != 0)
		return failed(pg->connection, err);
	return CADRE_OK;
}

static void learn(struct bench_postgres_client *pg)
{
	struct cadre_result result = { .seq = 0 };
	char ocid[BENCH_MODEL_BYTES];

	make_ocid(pg, ocid);
	(void)snprintf(result.ocid, sizeof result.ocid, "%s", ocid);
	bench_workload_learn(pg->workload, &pg->command, &result);
}

/* The UPDATE must have found its row. */
static bool is_good(const PGresult *result)
{
	return PQresultStatus(result) == PGRES_COMMAND_OK &&
	       strcmp(PQcmdTuples((PGresult *)(uintptr_t)result), "1") == 0;
}

static enum cadre_status read_some(struct bench_client *client, bool *ret_done,
                                   struct cadre_error *err)
{
	struct bench_postgres_client *pg = (struct bench_postgres_client *)client;

	if (PQconsumeInput(pg->connection) != 1)
		return failed(pg->connection, err);
	while (!*ret_done && !PQisBusy(pg->connection)) {
		PGresult *result = PQgetResult(pg->connection);
		bool good = !result || PQresultStatus(result) == PGRES_PIPELINE_SYNC ||
		            is_good(result);
		*ret_done = result && PQresultStatus(result) == PGRES_PIPELINE_SYNC;
		PQclear(result);
		if (!good)
			return failed(pg->connection, err);
	}
	if (*ret_done)
		learn(pg);
	return CADRE_OK;
}

/* ---- open and close ---- */

static enum cadre_status prepare(struct bench_postgres_client *pg,
                                 struct cadre_error *err)
{
	static const char *const statements[][2] = {
		{ "history", "INSERT INTO history VALUES ($1, 1, $2)" },
		{ "version", "INSERT INTO version VALUES ($1, $2, $3, $4, now(), $5)" },
		{ "member", "INSERT INTO member VALUES ($1, $2, $3, $4)" },
		{ "latest", "UPDATE history SET latest = $2, group_ocid = $3"
		            " WHERE ocid = $1 AND latest = $2 - 1" },
	};
	enum cadre_status status = CADRE_OK;

	for (size_t i = 0; i < 4 && status == CADRE_OK; i++) {
		PGresult *result = PQprepare(pg->connection, statements[i][0],
		                             statements[i][1], 0, NULL);
		if (PQresultStatus(result) != PGRES_COMMAND_OK)
			status = failed(pg->connection, err);
		PQclear(result);
	}
	return status;
}

static enum cadre_status insert_history(struct bench_postgres_client *pg, unsigned number,
                                        struct cadre_error *err)
{
	const struct bench_history *history = bench_workload_history(pg->workload,
	                                                             number);
	const char *const values[] = { history->ocid, history->group };
	PGresult *result = PQexecPrepared(pg->connection, "history", 2, values, NULL,
	                                  NULL, 0);
	bool good = is_good(result);

	PQclear(result);
	pg->versions[number] = 1;
	return good ? CADRE_OK : failed(pg->connection, err);
}

/* The workload's histories and first groups exist without their members: patches only
 * add rows. */
static enum cadre_status set_up(struct bench_postgres_client *pg, struct cadre_error *err)
{
	unsigned histories = bench_workload_histories(pg->workload);
	PGresult *result;
	enum cadre_status status = CADRE_OK;

	while (!bench_workload_mixing(pg->workload) && status == CADRE_OK) {
		cadre_arena_reset(&pg->arena);
		status = bench_workload_next(pg->workload, &pg->arena, &pg->command);
		if (status == CADRE_OK)
			learn(pg);
	}
	if (status != CADRE_OK)
		return cadre_error_set(err, status, "postgres: no command");
	status = prepare(pg, err);
	result = PQexec(pg->connection, "BEGIN");
	PQclear(result);
	for (unsigned i = 0; i < histories && status == CADRE_OK; i++)
		status = insert_history(pg, i, err);
	result = PQexec(pg->connection, "COMMIT");
	if (status == CADRE_OK && PQresultStatus(result) != PGRES_COMMAND_OK)
		status = failed(pg->connection, err);
	PQclear(result);
	return status;
}

enum cadre_status bench_postgres_open(const struct bench_peer *peer,
                                      const struct bench_workload_options *options,
                                      struct bench_client **ret_client,
                                      struct cadre_error *err)
{
	static const struct bench_client_ops ops = { ask, read_some };
	struct bench_postgres_client *pg = calloc(1, sizeof *pg);
	enum cadre_status status = CADRE_OK;

	*ret_client = NULL;
	if (!pg)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "postgres: out of memory");
	cadre_arena_init(&pg->arena, ARENA_BYTES);
	pg->client.ops = &ops;
	pg->seed = options->seed;
	pg->versions = calloc(options->histories, sizeof *pg->versions);
	pg->connection = connect_to(peer);
	if (!pg->versions || bench_workload_create(options, &pg->workload) != CADRE_OK)
		status = cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                         "postgres: out of memory");
	else if (PQstatus(pg->connection) != CONNECTION_OK)
		status = failed(pg->connection, err);
	if (status == CADRE_OK)
		status = set_up(pg, err);
	if (status == CADRE_OK && (PQsetnonblocking(pg->connection, 1) != 0 ||
	                           PQenterPipelineMode(pg->connection) != 1))
		status = failed(pg->connection, err);
	if (status != CADRE_OK) {
		bench_postgres_close(&pg->client);
		return status;
	}
	pg->client.fd = PQsocket(pg->connection);
	*ret_client = &pg->client;
	return CADRE_OK;
}

void bench_postgres_close(struct bench_client *client)
{
	struct bench_postgres_client *pg = (struct bench_postgres_client *)client;

	if (!pg)
		return;
	PQfinish(pg->connection);
	bench_workload_destroy(pg->workload);
	cadre_arena_fini(&pg->arena);
	free(pg->versions);
	free(pg);
}
