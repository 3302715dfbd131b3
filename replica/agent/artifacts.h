/*
 * Artifacts on this node, by content: `<dir>/artifacts/sha256/<64 hex digits>`.
 *
 * fetch: present and verified by this process -> used; present -> verified; absent or
 *   not what its name says -> copied to `<dir>/artifacts/fetch.tmp` while it is hashed,
 *   checked, synced, renamed. A crash leaves the temporary file, which open removes.
 * A copy and not a link: what its owner changes later must not reach a worker.
 *
 * `cadre://sha256/<64 hex digits>` comes from elsewhere, piece by piece, into
 * `<dir>/artifacts/part/<64 hex digits>`, which stays when it is interrupted: the next
 * fetch of that digest goes on behind what is there. All of it is verified before it
 * gets its name.
 *
 * Threads: one at a time.
 */
#ifndef CADRE_AGENT_ARTIFACTS_H
#define CADRE_AGENT_ARTIFACTS_H

#include <stdatomic.h>

#include "engine/env/env.h"

struct cadre_artifacts;

struct cadre_artifact_want {
	const char *uri; /* file:///… or cadre://…; NULL: none is known */
	bool has_sha256; /* else whatever is there is taken */
	struct cadre_sha256 sha256;
	uint64_t bytes; /* 0: not known */
	bool again;     /* hash it although this process has */
};

struct cadre_artifact {
	struct cadre_sha256 sha256;
	uint64_t bytes;
	bool copied; /* it was not here */
};

/* Ownership: `dir` is copied. Errors: CADRE_IO_ERROR, CADRE_OUT_OF_SPACE,
 * CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status cadre_artifacts_open(struct cadre_env *env,
                                                        const char *dir,
                                                        struct cadre_artifacts **ret,
                                                        struct cadre_error *err);
/* Where cadre:// comes from. */
struct cadre_artifact_remote {
	/* At most `capacity` bytes from `offset` on, fewer than asked for only at the end;
	 * `*ret_bytes` is the size of the whole. Called by one thread at a time; must end
	 * within seconds, whatever happens.
	 * Errors: CADRE_NOT_FOUND, CADRE_UNAVAILABLE and its like. */
	enum cadre_status (*read)(void *ctx, const struct cadre_sha256 *sha256,
	                          uint64_t offset, void *data, size_t capacity,
	                          size_t *ret_length, uint64_t *ret_bytes,
	                          struct cadre_error *err);
	void *ctx;
};
/* Before the first fetch; `read` NULL: cadre:// is refused. Ownership: copied. */
void cadre_artifacts_set_remote(struct cadre_artifacts *artifacts,
                                const struct cadre_artifact_remote *remote);
/* Takes NULL; nulls the pointer. */
void cadre_artifacts_close(struct cadre_artifacts **artifacts);

/* `stopped` may be set by another thread to end it early.
 * Errors: CADRE_NOT_FOUND (no such file, or no URI), CADRE_INVALID_PARAMETER (URI or
 * scheme), CADRE_CORRUPT (other size or digest), CADRE_OUT_OF_SPACE, CADRE_IO_ERROR,
 * CADRE_UNAVAILABLE (stopped), CADRE_OUT_OF_MEMORY, and those of the remote.
 * Durability: what is named in the store survives power loss. */
CADRE_MUST_CHECK enum cadre_status
cadre_artifacts_fetch(struct cadre_artifacts *artifacts,
                      const struct cadre_artifact_want *want, const atomic_bool *stopped,
                      struct cadre_artifact *ret_artifact, struct cadre_error *err);

/* Where a fetched artifact is. Ownership: free(); NULL when out of memory. */
char *cadre_artifacts_path(const struct cadre_artifacts *artifacts,
                           const struct cadre_sha256 *sha256);

/* Removes all files but those of `keep`. `*ret_removed` counts. */
CADRE_MUST_CHECK enum cadre_status
cadre_artifacts_collect(struct cadre_artifacts *artifacts,
                        const struct cadre_sha256 *keep, size_t keep_count,
                        unsigned *ret_removed, struct cadre_error *err);

/* The path of a file:// URI, percent-decoded. Ownership: free(). Errors:
 * CADRE_INVALID_PARAMETER (another scheme, a host, relative, a bad escape). */
CADRE_MUST_CHECK enum cadre_status
cadre_artifact_uri_path(const char *uri, char **ret_path, struct cadre_error *err);

#endif
