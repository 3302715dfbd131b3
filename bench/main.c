#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/child.h"
#include "bench/drive.h"
#include "bench/report.h"
#include "bench/rows.h"

#define ROWS_MAX 32
#define SEED_DEFAULT 20261122u
#define SETTLE_MS 15000u
#define SETTLE_QUICK_MS 0u

enum {
	KEY_PAIRS = 256,
	KEY_JSON,
	KEY_QUICK,
	KEY_FULL,
	KEY_DIR,
	KEY_LIST,
	KEY_GROWTH,
	KEY_SEED,
	KEY_PEERS,
	KEY_NO_PEERS
};

struct arguments {
	struct bench bench;
	const char *rows[ROWS_MAX];
	unsigned row_count;
	const char *json;
	const char *base;
	bool list;
	bool growth;
};

static const struct argp_option options[] = {
	{ "pairs", KEY_PAIRS, "N", 0, "Measure each comparison N times (5; --quick: 1)",
	  0 },
	{ "json", KEY_JSON, "FILE", 0, "Write all results and raw pairs to FILE", 0 },
	{ "quick", KEY_QUICK, NULL, 0, "Small sizes: shows that it runs, says little",
	  0 },
	{ "full", KEY_FULL, NULL, 0, "Large sizes: 5 M keys, 10 M events", 0 },
	{ "dir", KEY_DIR, "DIR", 0, "Make the data below DIR (.)", 0 },
	{ "seed", KEY_SEED, "N", 0, "Seed of workload and resampling", 0 },
	{ "growth", KEY_GROWTH, NULL, 0, "L1 and W3 at 10^4, 10^5, 10^6 events instead",
	  0 },
	{ "peers", KEY_PEERS, "DIR", 0,
	  "Look for redis-server, etcd and postgres below DIR, then on the machine", 0 },
	{ "no-peers", KEY_NO_PEERS, NULL, 0, "Leave out what needs another system", 0 },
	{ "list", KEY_LIST, NULL, 0, "Show the rows and their targets", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	struct bench *bench = &arguments->bench;

	switch (key) {
	case KEY_PAIRS:
		bench->pairs = (unsigned)strtoul(text, NULL, 10);
		if (bench->pairs < 1 || bench->pairs > BENCH_PAIRS_MAX)
			argp_error(state, "--pairs: 1 to %u", BENCH_PAIRS_MAX);
		return 0;
	case KEY_JSON:
		arguments->json = text;
		return 0;
	case KEY_QUICK:
		bench->size = BENCH_QUICK;
		return 0;
	case KEY_FULL:
		bench->size = BENCH_FULL;
		return 0;
	case KEY_DIR:
		arguments->base = text;
		return 0;
	case KEY_SEED:
		bench->seed = strtoull(text, NULL, 10);
		return 0;
	case KEY_GROWTH:
		arguments->growth = true;
		return 0;
	case KEY_PEERS:
		bench->peers = text;
		return 0;
	case KEY_NO_PEERS:
		bench->no_peers = true;
		return 0;
	case KEY_LIST:
		arguments->list = true;
		return 0;
	case ARGP_KEY_ARG:
		if (arguments->row_count == ROWS_MAX)
			argp_error(state, "at most %d rows", ROWS_MAX);
		arguments->rows[arguments->row_count++] = text;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct bench_row *find_row(const char *name)
{
	for (const struct bench_row *row = bench_rows; row->name; row++)
		if (strncmp(row->name, name, strlen(row->name)) == 0)
			return row;
	return NULL;
}

static void list_rows(void)
{
	for (const struct bench_row *row = bench_rows; row->name; row++)
		printf("%-4s %s\n     against: %s\n     target:  %s\n", row->name,
		       row->what, row->limit, row->target);
}

static enum cadre_status run_row(struct bench *bench, const struct bench_row *row,
                                 struct cadre_error *err)
{
	enum cadre_status status = row->run(bench, err);

	bench_progress(bench, "%s", "");
	if (status != CADRE_OK)
		fprintf(stderr, "cadre-bench: %s failed: %s\n", row->name, err->message);
	return status;
}

static int run_all(struct arguments *arguments)
{
	struct bench *bench = &arguments->bench;
	struct cadre_error err = CADRE_ERROR_INIT;
	unsigned failed = 0;

	bench_report_header();
	if (arguments->growth) {
		failed = bench_growth(bench, &err) != CADRE_OK;
		if (failed)
			fprintf(stderr, "cadre-bench: %s\n", err.message);
	}
	for (const struct bench_row *row = bench_rows; row->name && !arguments->growth;
	     row++) {
		if (bench_wanted(bench, row->name))
			failed += run_row(bench, row, &err) != CADRE_OK;
	}
	printf("%u targets missed, %u comparisons refused, %u left out, %u rows failed\n",
	       bench->missed, bench->refused, bench->left_out, failed);
	if (arguments->json &&
	    bench_report_write(bench, arguments->json, &err) != CADRE_OK) {
		fprintf(stderr, "cadre-bench: %s\n", err.message);
		failed++;
	}
	return failed > 0;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		options,    parse,
		"[ROW...]", "Measures Cadre side by side with what limits it.",
		NULL,       NULL,
		NULL
	};
	struct arguments arguments = {
		.bench = { .size = BENCH_DEFAULT, .seed = SEED_DEFAULT }, .base = "."
	};
	struct bench *bench = &arguments.bench;
	char dir[BENCH_PATH_BYTES];
	int code;

	if (argc > 1 && (strcmp(argv[1], BENCH_CHILD) == 0 ||
	                 strcmp(argv[1], BENCH_CHILD_QUICK) == 0))
		return bench_child_main(argc, argv);
	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (arguments.list) {
		list_rows();
		return 0;
	}
	for (unsigned i = 0; i < arguments.row_count; i++) {
		if (!find_row(arguments.rows[i])) {
			fprintf(stderr, "cadre-bench: no row \"%s\"; --list shows them\n",
			        arguments.rows[i]);
			return 2;
		}
	}
	bench->rows = arguments.rows;
	bench->row_count = arguments.row_count;
	if (bench->pairs == 0)
		bench->pairs = bench->size == BENCH_QUICK ? 1 : 5;
	bench_path(dir, arguments.base, "cadre-bench-XXXXXX");
	if (!mkdtemp(dir)) {
		fprintf(stderr, "cadre-bench: \"%s\": %s\n", dir, strerror(errno));
		return 1;
	}
	bench->dir = dir;
	if (bench->size == BENCH_QUICK)
		bench_segment_bytes = BENCH_SEGMENT_BYTES_QUICK;
	bench->settle_ms = bench->size == BENCH_QUICK ? SETTLE_QUICK_MS : SETTLE_MS;
	bench->progress = isatty(STDERR_FILENO);
	bench->results = json_array();
	code = run_all(&arguments);
	json_decref(bench->results);
	bench_remove_tree(dir);
	return code;
}
