/* What verify and repair look at: the log, the snapshots, the views, the blobs. */
#ifndef CADRE_TOOLS_ADMIN_CHECK_H
#define CADRE_TOOLS_ADMIN_CHECK_H

#include "engine/base/checksum.h"
#include "engine/store/store.h"
#include "tools/admin/admin.h"

#define CHECK_FINDINGS_MAX 16u

enum check_verdict { CHECK_SOUND, CHECK_TORN, CHECK_DIVERGED, CHECK_DAMAGED };

struct check_finding {
	char part[16]; /* "log", "snapshots", "views", "blobs" */
	char file[96];
	uint64_t offset;
	cadre_seq first_seq, last_seq;
	char message[256];
};

struct check {
	const char *dir;
	struct cadre_log_head head; /* of what is readable */
	struct cadre_log_report report;
	enum check_verdict log, snapshots, views;
	bool has_views;
	struct cadre_view_head view; /* as found */
	uint64_t view_rows;
	struct cadre_hash128 rebuilt; /* digest of a replay to the same seq */
	cadre_seq bad_snapshots[CHECK_FINDINGS_MAX];
	size_t bad_snapshot_count;
	uint64_t snapshots_checked;
	enum check_verdict blobs;
	uint64_t blobs_checked;
	struct cadre_sha256 bad_blobs[CHECK_FINDINGS_MAX];
	size_t bad_blob_count; /* may be more than are kept */
	struct check_finding findings[CHECK_FINDINGS_MAX];
	size_t finding_count; /* may be more than are kept */
};

/* Checks everything; what is wrong stands in `check`, and only what hinders the
 * checking itself (a missing directory, no space, an interrupt) is an error. Changes
 * nothing but a temporary `verify.tmp` in the directory. */
CADRE_MUST_CHECK enum cadre_status admin_check(const char *dir, struct check *check,
                                               struct cadre_error *err);
/* The worst of the four. */
enum check_verdict check_verdict(const struct check *check);
const char *check_verdict_name(enum check_verdict verdict);
/* Room for one more finding; never NULL. */
struct check_finding *check_add_finding(struct check *check, const char *part);
/* check_blobs.c: hashes each. */
CADRE_MUST_CHECK enum cadre_status check_blobs(struct check *check,
                                               struct cadre_error *err);

#endif
