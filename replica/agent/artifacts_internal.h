/* The parts of an artifact store among themselves. */
#ifndef CADRE_AGENT_ARTIFACTS_INTERNAL_H
#define CADRE_AGENT_ARTIFACTS_INTERNAL_H

#include <time.h>

#include "engine/blob/blob.h"
#include "replica/agent/artifacts.h"

#define ARTIFACT_PIECE_BYTES ((size_t)1 << 20)
/* Left free for logs and views on the same disk. */
#define ARTIFACT_RESERVE_BYTES ((uint64_t)64 << 20)
#define ARTIFACT_HEX_CHARS 64u

/* The file as it was when its digest was seen. */
struct verified {
	struct cadre_sha256 sha256;
	uint64_t bytes;
	struct timespec changed;
};

struct cadre_artifacts {
	struct cadre_env *env;
	char *dir; /* <dir>/artifacts/sha256 */
	char *temporary;
	char *parts; /* <dir>/artifacts/part */
	uint8_t *piece;
	struct verified *verified;
	size_t verified_count;
	struct cadre_artifact_remote remote;
};

/* ---- artifacts.c ---- */

enum cadre_status artifact_no_memory(struct cadre_error *err);
/* Absent is CADRE_OK. */
CADRE_MUST_CHECK enum cadre_status artifact_remove(struct cadre_artifacts *artifacts,
                                                   const char *path,
                                                   struct cadre_error *err);
/* `path` names it in messages. CADRE_CORRUPT. */
CADRE_MUST_CHECK enum cadre_status
artifact_check_size(const struct cadre_artifact_want *want, const char *path,
                    uint64_t bytes, struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status artifact_check(const struct cadre_artifact_want *want,
                                                  const char *path,
                                                  const struct cadre_artifact *artifact,
                                                  struct cadre_error *err);
CADRE_MUST_CHECK enum cadre_status artifact_check_space(struct cadre_artifacts *artifacts,
                                                        uint64_t bytes,
                                                        struct cadre_error *err);
/* Renames what was verified and synced. */
CADRE_MUST_CHECK enum cadre_status
artifact_put_in_place(struct cadre_artifacts *artifacts, const char *from,
                      const struct cadre_artifact *artifact, struct cadre_error *err);

/* ---- artifact_remote.c ---- */

/* `uri` may be NULL. */
bool artifact_is_remote(const char *uri);
/* `want` has a digest. */
CADRE_MUST_CHECK enum cadre_status
artifact_fetch_remote(struct cadre_artifacts *artifacts,
                      const struct cadre_artifact_want *want, const atomic_bool *stopped,
                      struct cadre_artifact *artifact, struct cadre_error *err);

#endif
