/* The scrub: reads everything, goes on behind damage, changes nothing. */
#include "engine/log/internal.h"
#include "engine/log/sealed.h"

#include "engine/base/assert.h"
#include "engine/base/checksum.h"

/* Progress is told once for so many bytes read. */
#define PROGRESS_BYTES (8u << 20)

struct verify {
	struct cadre_log *log;
	cadre_log_finding_fn fn;
	void *ctx;
	struct cadre_log_head head;
	bool started;  /* a segment was seen: head.last_seq counts */
	bool unlinked; /* head.chain is not known, there was damage before */
	bool torn;
	bool damaged;
	char name[CADRE_SEGMENT_NAME_BYTES];
	cadre_seq following; /* first seq of the next file, 0 behind the last */
	uint64_t bytes_done;
	uint64_t bytes_told;
	uint64_t bytes_total;
};

static void tell(struct verify *verify, struct cadre_log_finding finding)
{
	finding.file = verify->name;
	finding.bytes_done = verify->bytes_done;
	finding.bytes_total = verify->bytes_total;
	if (verify->fn)
		verify->fn(verify->ctx, &finding);
}

static void progress(struct verify *verify, uint64_t bytes)
{
	verify->bytes_done += bytes;
	if (verify->bytes_done - verify->bytes_told < PROGRESS_BYTES &&
	    verify->bytes_done < verify->bytes_total)
		return;
	verify->bytes_told = verify->bytes_done;
	tell(verify, (struct cadre_log_finding){ .offset = 0 });
}

static void damage(struct verify *verify, uint64_t offset, cadre_seq first,
                   cadre_seq last, const char *message)
{
	verify->damaged = true;
	tell(verify, (struct cadre_log_finding){ .offset = offset,
	                                         .first_seq = first,
	                                         .last_seq = last < first ? first : last,
	                                         .message = message });
}

static cadre_seq last_of_segment(const struct verify *verify, cadre_seq first_seq)
{
	return verify->following > first_seq ? verify->following - 1 : first_seq;
}

/* The segment's own header says where the walk goes on behind damage. */
static void enter(struct verify *verify, const struct cadre_segment_header *header)
{
	struct cadre_log_head *head = &verify->head;

	if (verify->started && header->first_seq > head->last_seq + 1)
		damage(verify, 0, head->last_seq + 1, header->first_seq - 1,
		       "seqs before this segment are missing");
	else if (verify->started && !verify->unlinked &&
	         memcmp(head->chain.bytes, header->chain.bytes, sizeof head->chain.bytes))
		damage(verify, 0, header->first_seq,
		       last_of_segment(verify, header->first_seq),
		       "its chain does not follow from the segment before");
	verify->started = true;
	verify->unlinked = false;
	head->last_seq = header->first_seq - 1;
	head->chain = header->chain;
	head->epoch = header->epoch;
	head->time_ms = header->time_ms;
	if (header->commit_seq > head->commit_seq)
		head->commit_seq = header->commit_seq;
}

static enum cadre_status verify_frames(struct verify *verify, struct cadre_window *window,
                                       const struct cadre_segment_header *header,
                                       struct cadre_error *err)
{
	struct cadre_tail tail;
	struct cadre_frame frame;
	enum cadre_status status;

	cadre_tail_init(&tail, header);
	for (;;) {
		uint64_t next;
		status = cadre_tail_scan(&tail, window, header, err);
		if (status != CADRE_OK || tail.state == CADRE_OK)
			break;
		if (tail.state == CADRE_TORN && verify->following == 0) {
			verify->torn = true;
			tell(verify,
			     (struct cadre_log_finding){
			             .offset = tail.end,
			             .first_seq = tail.first_bad,
			             .last_seq = tail.first_bad,
			             .message = "torn: a write that power loss ended" });
			break;
		}
		status = cadre_tail_find_frame(window, header,
		                               tail.end + CADRE_LOG_BLOCK_BYTES, &next,
		                               &frame, err);
		if (status == CADRE_END && tail.last_bad == 0)
			tail.last_bad = last_of_segment(verify, tail.first_bad);
		if (status == CADRE_OK && frame.first_seq > tail.first_bad)
			tail.last_bad = frame.first_seq - 1;
		damage(verify, tail.end, tail.first_bad, tail.last_bad, tail.message);
		if (status != CADRE_OK)
			break;
		tail.end = next;
		tail.head.last_seq = frame.first_seq - 1;
		tail.unlinked = true;
	}
	if (status != CADRE_OK && status != CADRE_END)
		return status;
	verify->head = tail.head;
	verify->unlinked = tail.unlinked;
	if (!verify->damaged && verify->following > 0 &&
	    tail.head.last_seq + 1 != verify->following)
		damage(verify, tail.end, tail.head.last_seq + 1, verify->following - 1,
		       "ends before the next segment starts");
	progress(verify, window->limit);
	return CADRE_OK;
}

static enum cadre_status verify_blocks(struct verify *verify, struct cadre_sealed *sealed,
                                       struct cadre_error *err)
{
	struct cadre_buffer batches = { 0 };
	enum cadre_status status = CADRE_OK;

	for (uint32_t i = 0; i < sealed->footer.blocks; i++) {
		struct cadre_sealed_entry entry = cadre_sealed_entry_at(sealed, i);
		struct cadre_error why = CADRE_ERROR_INIT;
		struct cadre_sha256 before;
		struct cadre_sha256 after;
		status = cadre_sealed_read(sealed, i, &batches, &before, &after, &why);
		if (status == CADRE_OK && !verify->unlinked &&
		    memcmp(before.bytes, verify->head.chain.bytes, sizeof before.bytes) !=
		            0)
			status = cadre_error_set(
			        &why, CADRE_CORRUPT,
			        "block does not follow from the one before");
		if (status != CADRE_OK && status != CADRE_CORRUPT) {
			if (err)
				*err = why;
			break;
		}
		if (status == CADRE_CORRUPT)
			damage(verify, entry.offset, entry.first_seq,
			       cadre_sealed_block_last(sealed, i), why.message);
		else
			verify->head.chain = after;
		verify->unlinked = status == CADRE_CORRUPT;
		verify->head.last_seq = cadre_sealed_block_last(sealed, i);
		status = CADRE_OK;
		progress(verify, entry.compressed_bytes);
	}
	cadre_buffer_fini(&batches);
	return status;
}

/* The footer's hash covers what no block does: header and seek table as a whole. */
static enum cadre_status verify_hash(struct verify *verify, struct cadre_sealed *sealed,
                                     struct cadre_window *window, struct cadre_error *err)
{
	struct cadre_sha256_stream stream;
	struct cadre_sha256 hash;
	enum cadre_status status = CADRE_OK;
	uint64_t end = window->limit - CADRE_SEALED_FOOTER_BYTES;

	cadre_sha256_init(&stream);
	for (uint64_t at = 0; status == CADRE_OK && at < end;) {
		uint64_t left = end - at;
		size_t piece = left < CADRE_WINDOW_BYTES ? (size_t)left
		                                         : CADRE_WINDOW_BYTES;
		const uint8_t *data;
		status = cadre_window_get(window, at, piece, &data, err);
		if (status == CADRE_OK)
			cadre_sha256_update(&stream, data, piece);
		at += piece;
	}
	hash = cadre_sha256_final(&stream);
	if (status == CADRE_OK && !verify->damaged &&
	    memcmp(hash.bytes, sealed->footer.hash.bytes, sizeof hash.bytes) != 0)
		damage(verify, 0, sealed->footer.first_seq, sealed->footer.last_seq,
		       "the footer's hash does not match the file");
	return status;
}

/* Takes the window's file. */
static enum cadre_status verify_sealed(struct verify *verify, struct cadre_window *window,
                                       const struct cadre_segment_header *header,
                                       struct cadre_error *err)
{
	struct cadre_error why = CADRE_ERROR_INIT;
	struct cadre_sealed sealed;
	uint64_t offset;
	enum cadre_status status = cadre_sealed_open(&sealed, window->file, window->limit,
	                                             &offset, &why);

	window->file = NULL;
	if (status == CADRE_CORRUPT ||
	    (status == CADRE_OK && sealed.footer.first_seq != header->first_seq)) {
		damage(verify, offset, header->first_seq,
		       last_of_segment(verify, header->first_seq), why.message);
		verify->head.last_seq = last_of_segment(verify, header->first_seq);
		verify->unlinked = true;
		status = CADRE_OK;
	} else if (status == CADRE_OK) {
		window->file = sealed.file;
		status = verify_hash(verify, &sealed, window, err);
		window->file = NULL;
		if (status == CADRE_OK)
			status = verify_blocks(verify, &sealed, err);
		verify->head.epoch = sealed.footer.epoch;
		verify->head.time_ms = sealed.footer.time_ms;
		if (sealed.footer.commit_seq > verify->head.commit_seq)
			verify->head.commit_seq = sealed.footer.commit_seq;
	} else if (err) {
		*err = why;
	}
	cadre_sealed_fini(&sealed);
	return status;
}

static enum cadre_status verify_segment(struct verify *verify, cadre_seq first_seq,
                                        struct cadre_error *err)
{
	struct cadre_error why = CADRE_ERROR_INIT;
	struct cadre_segment_header header;
	struct cadre_window window;
	enum cadre_status status;

	cadre_segment_name(first_seq, verify->name);
	status = cadre_log_open_segment(verify->log, first_seq, &window, &header, &why);
	if (status == CADRE_CORRUPT) {
		damage(verify, 0, first_seq, last_of_segment(verify, first_seq),
		       why.message);
		verify->head.last_seq = last_of_segment(verify, first_seq);
		verify->started = true;
		verify->unlinked = true;
		return CADRE_OK;
	}
	if (status != CADRE_OK) {
		if (err)
			*err = why;
		return status;
	}
	enter(verify, &header);
	status = header.sealed ? verify_sealed(verify, &window, &header, err)
	                       : verify_frames(verify, &window, &header, err);
	cadre_window_fini(&window);
	return status;
}

static enum cadre_status total_bytes(struct verify *verify,
                                     const struct cadre_log_names *names,
                                     struct cadre_error *err)
{
	for (size_t i = 0; i < names->count; i++) {
		struct cadre_file *file;
		char path[CADRE_LOG_PATH_BYTES];
		uint64_t size = 0;
		enum cadre_status status;
		cadre_log_segment_path(verify->log, names->first_seqs[i], path);
		status = cadre_file_open(verify->log->env, path, CADRE_OPEN_READ, &file,
		                         err);
		if (status != CADRE_OK)
			return status;
		status = verify->log->env->ops->size(file, &size, err);
		cadre_file_close(file);
		if (status != CADRE_OK)
			return status;
		verify->bytes_total += size;
	}
	return CADRE_OK;
}

static enum cadre_status verify_all(struct verify *verify, cadre_seq durable_floor,
                                    struct cadre_error *err)
{
	struct cadre_log_names names;
	enum cadre_status status = cadre_log_list(verify->log, &names, err);

	if (status != CADRE_OK)
		return status;
	status = total_bytes(verify, &names, err);
	for (size_t i = 0; status == CADRE_OK && i < names.count; i++) {
		verify->following = i + 1 < names.count ? names.first_seqs[i + 1] : 0;
		status = verify_segment(verify, names.first_seqs[i], err);
	}
	if (status == CADRE_OK && verify->head.last_seq < durable_floor)
		damage(verify, 0, verify->head.last_seq + 1, durable_floor,
		       "seqs known to be durable are missing");
	cadre_log_names_fini(&names);
	return status;
}

enum cadre_status cadre_log_verify(struct cadre_env *env,
                                   const struct cadre_log_options *options,
                                   cadre_log_finding_fn fn, void *ctx,
                                   struct cadre_log_head *ret_head,
                                   struct cadre_error *err)
{
	struct verify verify = { .fn = fn, .ctx = ctx };
	enum cadre_status status = cadre_log_new(env, options, &verify.log, err);

	if (status != CADRE_OK)
		return status;
	status = verify_all(&verify, options->durable_floor, err);
	cadre_log_close(verify.log);
	if (status != CADRE_OK)
		return status;
	verify.head.durable_seq = verify.head.last_seq;
	if (ret_head)
		*ret_head = verify.head;
	if (verify.damaged)
		return cadre_error_set(err, CADRE_CORRUPT, "\"%.400s\" is damaged",
		                       options->dir);
	return verify.torn ? cadre_error_set(err, CADRE_TORN,
	                                     "\"%.400s\" has a torn tail", options->dir)
	                   : CADRE_OK;
}
