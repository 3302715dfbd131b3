/* The blobs of a data directory: what each holds against what its name says. */
#include <stdlib.h>

#include "engine/base/bytes.h"
#include "engine/blob/blob.h"
#include "tools/admin/check.h"

struct blob_list {
	struct cadre_sha256 *names;
	size_t count;
	uint64_t total;
};

static enum cadre_status note_blob(void *ctx, const struct cadre_sha256 *sha256,
                                   uint64_t bytes)
{
	struct blob_list *list = ctx;
	struct cadre_sha256 *names = realloc(list->names,
	                                     (list->count + 1) * sizeof *names);

	if (!names)
		return CADRE_OUT_OF_MEMORY;
	list->names = names;
	names[list->count++] = *sha256;
	list->total += bytes;
	return CADRE_OK;
}

struct passing {
	struct cadre_progress progress;
	uint64_t before; /* bytes of the blobs before this one */
	uint64_t done;
	uint64_t total;
};

static enum cadre_status on_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct passing *passing = ctx;

	(void)total;
	passing->done = done;
	cadre_progress_show(&passing->progress, passing->before + done, passing->total);
	return admin_check_signals(NULL);
}

static void add_bad(struct check *check, const struct cadre_sha256 *sha256,
                    const char *message)
{
	struct check_finding *finding = check_add_finding(check, "blobs");
	char hex[65];

	check->blobs = CHECK_DAMAGED;
	if (check->bad_blob_count < CHECK_FINDINGS_MAX)
		check->bad_blobs[check->bad_blob_count] = *sha256;
	check->bad_blob_count++;
	cadre_hex_encode(sha256->bytes, sizeof(sha256->bytes), hex);
	snprintf(finding->file, sizeof(finding->file), "blobs/sha256/%s", hex);
	snprintf(finding->message, sizeof(finding->message), "%.255s", message);
}

static enum cadre_status check_each(struct check *check, const struct blob_list *list,
                                    struct cadre_error *err)
{
	struct passing passing = { .total = list->total };
	enum cadre_status status = CADRE_OK;

	cadre_progress_begin(&passing.progress, "checking blobs", "bytes");
	for (size_t i = 0; i < list->count && status == CADRE_OK; i++) {
		struct cadre_error cause = CADRE_ERROR_INIT;

		status = cadre_blob_verify(cadre_env_real(), check->dir, &list->names[i],
		                           on_progress, &passing, &cause);
		passing.before += passing.done;
		check->blobs_checked++;
		if (status == CADRE_CORRUPT)
			add_bad(check, &list->names[i], cause.message);
		/* One that went meanwhile is nobody's loss. */
		if (status == CADRE_CORRUPT || status == CADRE_NOT_FOUND)
			status = CADRE_OK;
		else if (status != CADRE_OK && admin_check_signals(err) == CADRE_OK)
			*err = cause;
	}
	cadre_progress_end(&passing.progress);
	return status;
}

enum cadre_status check_blobs(struct check *check, struct cadre_error *err)
{
	struct blob_list list = { 0 };
	enum cadre_status status = cadre_blobs_list(cadre_env_real(), check->dir,
	                                            note_blob, &list, err);

	if (status == CADRE_OK)
		status = check_each(check, &list, err);
	else if (status == CADRE_OUT_OF_MEMORY)
		cadre_error_set(err, status, "no memory for a list of blobs");
	free(list.names);
	return status;
}
