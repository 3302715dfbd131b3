/*
 * Inside of libcadre's reader: reader.c opens, follows the control page and turns
 * statuses into codes; shared.c keeps one LMDB environment a process; scope.c
 * looks keys up.
 */
#ifndef CADRE_READER_INTERNAL_H
#define CADRE_READER_INTERNAL_H

#include "engine/reader/cadre.h"
#include "engine/store/control.h"
#include "engine/views/views.h"

#define READER_PATH_BYTES 4096u
/* One row of a resource, unpacked. */
#define READER_ARENA_BYTES (4u << 20)

/* One generation of the views, open once in this process and shared by all its
 * readers (LMDB takes no second open). Guarded by a lock in shared.c. */
struct shared_views {
	struct cadre_kv *kv;
	uint64_t generation;
	unsigned refs;
	struct shared_views *next;
	char views_dir[];
};

/* Errors: CADRE_UNAVAILABLE when the generation is gone, CADRE_INVALID_PARAMETER
 * without permission or when this process has it open otherwise. */
CADRE_MUST_CHECK enum cadre_status shared_views_ref(const char *views_dir,
                                                    uint64_t generation,
                                                    struct shared_views **ret_views,
                                                    struct cadre_error *err);
void shared_views_unref(struct shared_views *views); /* takes NULL */
/* CADRE_INVALID_PARAMETER, naming the remedy, when access() says EACCES. */
CADRE_MUST_CHECK enum cadre_status shared_views_permission(const char *views_dir,
                                                           const char *name, int mode,
                                                           struct cadre_error *err);

struct cadre_reader {
	struct cadre_control control;
	uint64_t generation;        /* of `views` */
	struct shared_views *views; /* NULL: not open */
	struct cadre_view view;     /* its transaction is reset between calls */
	struct cadre_arena arena;
	/* Of the control page, loaded before the call's snapshot began. */
	uint64_t pointer_epoch;
	uint64_t applied_seq;
	uint64_t watermark_ms;
	struct scope_block *blocks; /* of scopes: all, and those with room (scopes.c) */
	struct scope_block *free_blocks;
	struct cadre_error err;
	char views_dir[READER_PATH_BYTES]; /* without symbolic links */
};

#define READER_CACHE_LINE 64
#define READER_OCID_BYTES 256u

/* What a look-up reads, in one cache line. */
struct cadre_scope {
	struct cadre_reader *reader;
	/* A group: itself. Else the pointer kept under control.pointer_epoch; an odd
	 * `pointer_epoch` keeps nothing. */
	struct cadre_pointer pointer;
	uint64_t pointer_epoch;
	uint64_t id;
	Cadre__V1__Kind kind;
	bool found; /* kind, id and a group's pointer are of the generation in use */
};

/* scopes.c. `ocid` is shorter than READER_OCID_BYTES. NULL: out of memory. */
struct cadre_scope *reader_scope_create(struct cadre_reader *reader, const char *ocid);
void reader_scope_destroy(struct cadre_scope *scope);
const char *reader_scope_ocid(const struct cadre_scope *scope);
/* Another generation: nothing that was found holds. */
void reader_scopes_forget(struct cadre_reader *reader);
void reader_scopes_free(struct cadre_reader *reader);

/* Starts a call: checks the control page, opens a new generation when there is
 * one, begins a snapshot. Ends with reader_leave() when CADRE_OK. */
CADRE_MUST_CHECK enum cadre_status reader_enter(struct cadre_reader *reader);
void reader_leave(struct cadre_reader *reader);
/* The code of a status. */
int reader_result(enum cadre_status status);

#endif
