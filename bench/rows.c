#include "bench/rows.h"

const struct bench_row bench_rows[] = {
	{ "L1", "look-ups on the node, random order, a transaction each", "bare mdb_get",
	  ">= 0.80 of its rate for a group, 0.55 for a past version, 0.55 for a history or "
	  "deployment, 0.75 with a kept pointer",
	  bench_row_l1 },
	{ "L2", "the same with two threads", "bare mdb_get's own gain",
	  ">= 0.9 of that gain", bench_row_l2 },
	{ "W3", "commands in process, batches of 1, 64, 1,024",
	  "pwrite and fdatasync of the same batches, then mdb_put of the same rows",
	  ">= 0.70 of its rate", bench_row_w3 },
	{ "W4", "patch of 1 member in a group of 500", "in a group of 5",
	  "<= 1.5 times its time, log bytes, view bytes", bench_row_w4 },
	{ "W5", "log bytes of an event, sealed, batches of 64", "its protobuf bytes",
	  "<= 0.45 of them", bench_row_w5 },
	{ "R1", "views from the log", "bare mdb_put of the same rows",
	  ">= 0.50 of its rate", bench_row_r1 },
	{ "R2", "start after a clean stop and after kill -9", "-",
	  "<= 1 s to the first look-up", bench_row_r2 },
	{ "R3", "loading a snapshot", "mdb_put(MDB_APPEND) of the same rows",
	  ">= 0.60 of its rate", bench_row_r3 },
	{ "M1", "private memory of an idle store", "-", "<= 64 MiB", bench_row_m1 },
	{ NULL, NULL, NULL, NULL, NULL },
};
