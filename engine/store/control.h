/*
 * views/control: one mapped page through which the daemon tells local readers
 * which generation of the views serves, and whether it may be believed. Readers
 * map it read-only and look once a call.
 *
 * `pointer_epoch` is a sequence lock around commits that change a latest or
 * serving pointer: odd while such a commit runs. A reader that took a pointer
 * out of a snapshot begun after it loaded an even value may use the pointer as
 * long as the value stays the same.
 *
 * views/STATE (text, one `key value` a line) is the boot-id rule's memory: boot
 * id, device, inode of the generation's directory, and whether it was closed
 * clean.
 */
#ifndef CADRE_STORE_CONTROL_H
#define CADRE_STORE_CONTROL_H

#include <stdatomic.h>

#include "engine/env/env.h"

#define CADRE_CONTROL_MAGIC 0x4c525443u /* "CTRL" */
#define CADRE_CONTROL_ABI 1u
#define CADRE_CONTROL_BYTES 4096u

enum cadre_control_state {
	CADRE_CONTROL_CLOSED = 0,
	CADRE_CONTROL_REBUILDING = 1,
	CADRE_CONTROL_SERVING = 2,
	CADRE_CONTROL_DIVERGED = 3
};

/* Fields are written by the owner of the directory only. */
struct cadre_control_page {
	uint32_t magic;
	uint32_t abi;
	_Atomic uint32_t state;      /* enum cadre_control_state */
	uint32_t schema;             /* of the rows */
	_Atomic uint64_t generation; /* views/<generation>/ */
	_Atomic uint64_t pointer_epoch;
	_Atomic uint64_t applied_seq;
	_Atomic uint64_t committed_seq;
	_Atomic uint64_t
	        watermark_ms; /* no event stamped at or before this can still come */
	uint64_t pid_namespace;
	uint64_t owner_pid;
	/* Crashes by signal while this generation was open (guard.h). */
	_Atomic uint64_t crash_count;
	_Atomic uint64_t crash_first_ms;
	_Atomic uint32_t
	        crc; /* of magic, abi, schema, pid_namespace: what never changes */
};

struct cadre_control {
	struct cadre_file *file;
	struct cadre_control_page *page;
};

/* Owner: creates or takes over `<views_dir>/control`, state REBUILDING. A damaged
 * page is made anew. */
CADRE_MUST_CHECK enum cadre_status cadre_control_create(struct cadre_env *env,
                                                        const char *views_dir,
                                                        struct cadre_control *control,
                                                        struct cadre_error *err);
/* Reader: maps read-only. CADRE_UNAVAILABLE when absent or damaged,
 * CADRE_INVALID_PARAMETER for another ABI, schema or pid namespace (the message
 * names the RPC as the way out). */
CADRE_MUST_CHECK enum cadre_status cadre_control_open(struct cadre_env *env,
                                                      const char *views_dir,
                                                      struct cadre_control *control,
                                                      struct cadre_error *err);
void cadre_control_close(struct cadre_control *control);

#endif
