/*
 * The world as the engine sees it: files, clocks, randomness, boot identity.
 * Nothing else in engine/ touches them (engine/kv/lmdb.c excepted: LMDB does its
 * own I/O on a path from here). A vtable, so that tests replace the world.
 *
 * cadre_env_real() is the machine. cadre_env_sim_create() (sim.h) is a disk in
 * memory that loses unsynced writes, tears sectors, fails the n-th operation,
 * fills up and flips bits.
 *
 * Errors: every call returns CADRE_OK or an error with the path in quotes.
 * ENOSPC and EDQUOT are CADRE_OUT_OF_SPACE, a missing file CADRE_NOT_FOUND.
 * Threads: the real environment may be used from any thread; one file object
 * from one thread at a time.
 */
#ifndef CADRE_ENV_ENV_H
#define CADRE_ENV_ENV_H

#include "engine/base/status.h"
#include "engine/base/types.h"

struct cadre_env;
struct cadre_file;

enum cadre_open_flags {
	CADRE_OPEN_READ = 1,   /* must exist */
	CADRE_OPEN_WRITE = 2,  /* read and write; must exist unless CREATE */
	CADRE_OPEN_CREATE = 4, /* create when missing, mode 0600 */
	CADRE_OPEN_EXCL = 8    /* with CREATE: fail with CADRE_CONFLICT when present */
};

/* Identity of a path's file system and boot, for the boot-id rule. */
struct cadre_place {
	char boot_id[40];       /* text of the kernel's boot id */
	uint64_t device;        /* st_dev of the directory */
	uint64_t inode;         /* st_ino of the directory */
	uint64_t fs_type;       /* statfs f_type */
	uint64_t pid_namespace; /* inode of the pid namespace, 0 when unknown */
};

struct cadre_space {
	uint64_t free_bytes; /* available to this process */
	uint64_t total_bytes;
};

/* Called for each name in a directory, "." and ".." left out, any order. */
typedef enum cadre_status (*cadre_dir_fn)(void *ctx, const char *name);

struct cadre_env_ops {
	enum cadre_status (*open)(struct cadre_env *env, const char *path, unsigned flags,
	                          struct cadre_file **ret_file, struct cadre_error *err);
	void (*close)(struct cadre_file *file);
	/* Reads up to `length` bytes; `*ret_length` is short only at end of file. */
	enum cadre_status (*pread)(struct cadre_file *file, uint64_t offset, void *data,
	                           size_t length, size_t *ret_length,
	                           struct cadre_error *err);
	/* Writes all or fails; after a failure the range is undefined. */
	enum cadre_status (*pwrite)(struct cadre_file *file, uint64_t offset,
	                            const void *data, size_t length,
	                            struct cadre_error *err);
	/* Durability: after CADRE_OK the content written so far (and the size)
	 * survives power loss. After a failure nothing is known: never call again
	 * hoping for better. */
	enum cadre_status (*datasync)(struct cadre_file *file, struct cadre_error *err);
	enum cadre_status (*truncate)(struct cadre_file *file, uint64_t size,
	                              struct cadre_error *err);
	enum cadre_status (*size)(struct cadre_file *file, uint64_t *ret_size,
	                          struct cadre_error *err);
	/* Atomic; durable only after sync_dir() of the directory. */
	enum cadre_status (*rename)(struct cadre_env *env, const char *from,
	                            const char *to, struct cadre_error *err);
	enum cadre_status (*remove)(
	        struct cadre_env *env, const char *path,
	        struct cadre_error *err); /* CADRE_NOT_FOUND when absent,
	                             * CADRE_INCORRECT_STATE for a directory with entries */
	/* Creates one level with mode 0700; present already is CADRE_OK. */
	enum cadre_status (*mkdir)(struct cadre_env *env, const char *path,
	                           struct cadre_error *err);
	enum cadre_status (*list)(struct cadre_env *env, const char *path,
	                          cadre_dir_fn fn, void *ctx, struct cadre_error *err);
	enum cadre_status (*sync_dir)(struct cadre_env *env, const char *path,
	                              struct cadre_error *err);
	enum cadre_status (*space)(struct cadre_env *env, const char *path,
	                           struct cadre_space *ret_space,
	                           struct cadre_error *err);
	enum cadre_status (*place)(struct cadre_env *env, const char *path,
	                           struct cadre_place *ret_place,
	                           struct cadre_error *err);
	cadre_time_ms (*wall_ms)(struct cadre_env *env); /* may step back */
	uint64_t (*mono_ns)(struct cadre_env *env); /* boot-time clock; counts suspend */
	void (*random)(struct cadre_env *env, void *data, size_t length);
	/* A shared mapping of the first `length` bytes (control page). */
	enum cadre_status (*map)(struct cadre_file *file, size_t length, bool writable,
	                         void **ret_memory, struct cadre_error *err);
	void (*unmap)(struct cadre_file *file, void *memory, size_t length);
	/* Exclusive advisory lock on a file until it is closed; CADRE_CONFLICT when
	 * another process (or open file) holds it. */
	enum cadre_status (*lock)(struct cadre_file *file, struct cadre_error *err);
};

/* Embed as the first member of an implementation. */
struct cadre_env {
	const struct cadre_env_ops *ops;
};
struct cadre_file {
	struct cadre_env *env;
};

/* The machine. Ownership: static, never destroyed. */
struct cadre_env *cadre_env_real(void);

/* Thin wrappers; `file` arguments carry their environment. close takes NULL. */
CADRE_MUST_CHECK enum cadre_status cadre_file_open(struct cadre_env *env,
                                                   const char *path, unsigned flags,
                                                   struct cadre_file **ret_file,
                                                   struct cadre_error *err);
void cadre_file_close(struct cadre_file *file);
/* Reads exactly `length` bytes; end of file before that is CADRE_END. */
CADRE_MUST_CHECK enum cadre_status cadre_file_read_exact(struct cadre_file *file,
                                                         uint64_t offset, void *data,
                                                         size_t length,
                                                         struct cadre_error *err);

/* Whole small files (at most 1 MiB). Durability: write_atomic is temp file,
 * datasync, rename, sync_dir: after CADRE_OK the new content survives, after a
 * failure or crash the old or the new content is there, never a mixture. */
CADRE_MUST_CHECK enum cadre_status
cadre_env_write_atomic(struct cadre_env *env, const char *dir, const char *name,
                       const void *data, size_t length, struct cadre_error *err);
/* `*ret_length` bytes of at most `capacity`; CADRE_NOT_FOUND when absent,
 * CADRE_TOO_LARGE when it does not fit. */
CADRE_MUST_CHECK enum cadre_status
cadre_env_read_file(struct cadre_env *env, const char *path, void *data, size_t capacity,
                    size_t *ret_length, struct cadre_error *err);
/* Removes a directory's files and the directory; absent is CADRE_OK. One level
 * of subdirectories is followed. */
CADRE_MUST_CHECK enum cadre_status
cadre_env_remove_tree(struct cadre_env *env, const char *path, struct cadre_error *err);

#endif
