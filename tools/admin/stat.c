#include <inttypes.h>

#include "engine/blob/blob.h"
#include "tools/admin/source.h"

struct numbers {
	const struct admin_source *source;
	struct cadre_log_head log;
	struct cadre_log_stat files;
	struct cadre_kv_stat rows;
	const Cadre__V1__ClusterRow *cluster;
	uint64_t blobs;
	uint64_t blob_bytes;
};

static enum cadre_status count_blob(void *ctx, const struct cadre_sha256 *sha256,
                                    uint64_t bytes)
{
	struct numbers *numbers = ctx;

	(void)sha256;
	numbers->blobs++;
	numbers->blob_bytes += bytes;
	return CADRE_OK;
}

static void print_json(const struct numbers *numbers)
{
	const struct cadre_view_head *view = &numbers->source->view.head;
	struct cadre_json json = { 0 };
	char digest[33];

	cadre_hash128_format(view->digest, digest);
	cadre_json_begin(&json, '{');
	cadre_json_key_text(&json, "cluster", numbers->cluster->name);
	cadre_json_key_hex(&json, "clusterId", numbers->cluster->cluster_id.data,
	                   numbers->cluster->cluster_id.len);
	cadre_json_key_hex(&json, "timelineId", numbers->cluster->timeline_id.data,
	                   numbers->cluster->timeline_id.len);
	cadre_json_key_bool(&json, "live", numbers->source->store == NULL);
	cadre_json_key_u64(&json, "firstSeq", numbers->files.first_seq);
	cadre_json_key_u64(&json, "lastSeq", numbers->log.last_seq);
	cadre_json_key_u64(&json, "appliedSeq", view->applied_seq);
	cadre_json_key_u64(&json, "epoch", numbers->log.epoch);
	cadre_json_key_time(&json, "time", numbers->log.time_ms);
	cadre_json_key_hex(&json, "chain", numbers->log.chain.bytes, 32);
	cadre_json_key_text(&json, "digest", digest);
	cadre_json_key_u64(&json, "segments", numbers->files.segments);
	cadre_json_key_u64(&json, "sealedSegments", numbers->files.sealed_segments);
	cadre_json_key_u64(&json, "sealedBytes", numbers->files.sealed_bytes);
	cadre_json_key_u64(&json, "activeBytes", numbers->files.active_bytes);
	cadre_json_key_u64(&json, "rows", numbers->rows.entries);
	cadre_json_key_u64(&json, "viewBytes", numbers->rows.used_bytes);
	cadre_json_key_u64(&json, "blobs", numbers->blobs);
	cadre_json_key_u64(&json, "blobBytes", numbers->blob_bytes);
	cadre_json_end(&json, '}');
	admin_print_json(&json);
	cadre_json_fini(&json);
}

static void print_text(const struct numbers *numbers)
{
	const struct cadre_view_head *view = &numbers->source->view.head;
	char time[32];
	char chain[65];
	char digest[33];
	char active[32];
	char sealed[32];
	char views[32];
	char blobs[32];

	cadre_time_format(numbers->log.time_ms, time);
	cadre_hex_encode(numbers->log.chain.bytes, 32, chain);
	cadre_hash128_format(view->digest, digest);
	printf("cluster   \"%s\"%s\n", numbers->cluster->name,
	       numbers->source->store ? "" : ", open in another process");
	printf("log       seq %" PRIu64 "..%" PRIu64 ", epoch %" PRIu64 ", last at %s\n",
	       numbers->files.first_seq, numbers->log.last_seq, numbers->log.epoch, time);
	printf("          chain %s\n", chain);
	printf("          %" PRIu64 " segments, %" PRIu64
	       " sealed: %s active, %s sealed\n",
	       numbers->files.segments, numbers->files.sealed_segments,
	       cadre_bytes_text(numbers->files.active_bytes, active),
	       cadre_bytes_text(numbers->files.sealed_bytes, sealed));
	printf("views     seq %" PRIu64 ", %" PRIu64 " rows, %s\n", view->applied_seq,
	       numbers->rows.entries, cadre_bytes_text(numbers->rows.used_bytes, views));
	printf("          digest %s\n", digest);
	if (numbers->blobs > 0)
		printf("blobs     %" PRIu64 ", %s\n", numbers->blobs,
		       cadre_bytes_text(numbers->blob_bytes, blobs));
}

int admin_stat(const struct admin_verb *verb, int argc, char **argv)
{
	const struct admin_syntax syntax = { NULL, NULL, 1, 1 };
	struct admin_args args = { 0 };
	struct admin_source source;
	struct numbers numbers = { .source = &source };
	Cadre__V1__ClusterRow *cluster = NULL;
	struct cadre_error err = CADRE_ERROR_INIT;
	int code = 0;

	admin_parse(verb, &syntax, argc, argv, &args);
	if (admin_source_open(&source, args.words[0], &err) != CADRE_OK)
		return admin_fail(&args, &err);
	numbers.log = cadre_log_head(source.log);
	numbers.files = cadre_log_stat(source.log);
	if (cadre_kv_stat(source.kv, &numbers.rows, &err) != CADRE_OK ||
	    cadre_view_cluster(&source.view, &cluster, &err) != CADRE_OK ||
	    cadre_blobs_list(cadre_env_real(), args.words[0], count_blob, &numbers,
	                     &err) != CADRE_OK) {
		code = admin_fail(&args, &err);
	} else {
		numbers.cluster = cluster;
		if (args.mode == CADRE_OUTPUT_JSON)
			print_json(&numbers);
		else if (args.mode == CADRE_OUTPUT_QUIET)
			printf("%" PRIu64 "\n", numbers.log.last_seq);
		else
			print_text(&numbers);
	}
	admin_source_close(&source);
	return code;
}
