/*
 * The control page is written in place and the file never shrinks: a reader that
 * has it mapped sees a takeover, and is never cut off from the page (SIGBUS).
 *
 * Create: open, grow to one page, map, then either take a sound page over or
 * make it anew. The constants' checksum goes in last: until then a reader that
 * comes along finds the page damaged and asks again.
 */
#include "engine/store/control.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/base/assert.h"
#include "engine/base/bytes.h"
#include "engine/base/checksum.h"
#include "engine/views/rows.h"

#define PATH_BYTES 4096u

_Static_assert(sizeof(struct cadre_control_page) <= CADRE_CONTROL_BYTES,
               "the control page is one page");

static uint32_t page_crc(const struct cadre_control_page *page)
{
	uint8_t constants[20];

	cadre_put_le32(constants, page->magic);
	cadre_put_le32(constants + 4, page->abi);
	cadre_put_le32(constants + 8, page->schema);
	cadre_put_le64(constants + 12, page->pid_namespace);
	return cadre_crc32c(0, constants, sizeof constants);
}

static bool page_sound(const struct cadre_control_page *page)
{
	return page->magic == CADRE_CONTROL_MAGIC &&
	       atomic_load_explicit(&page->crc, memory_order_acquire) == page_crc(page);
}

static enum cadre_status control_path(char path[PATH_BYTES], const char *views_dir,
                                      struct cadre_error *err)
{
	if (snprintf(path, PATH_BYTES, "%s/control", views_dir) >= (int)PATH_BYTES)
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%.64s...\": path longer than %u bytes",
		                       views_dir, PATH_BYTES - 1);
	return CADRE_OK;
}

static enum cadre_status map_page(struct cadre_control *control, bool writable,
                                  struct cadre_error *err)
{
	struct cadre_file *file = control->file;
	void *memory;
	enum cadre_status status = file->env->ops->map(file, CADRE_CONTROL_BYTES,
	                                               writable, &memory, err);

	if (status == CADRE_OK)
		control->page = memory;
	return status;
}

/* A page nobody can have cached anything from: a random epoch differs from
 * whatever a reader of the damaged page keeps. */
static void make_anew(struct cadre_env *env, struct cadre_control_page *page)
{
	uint64_t epoch;

	env->ops->random(env, &epoch, sizeof epoch);
	atomic_store(&page->generation, 0);
	atomic_store(&page->pointer_epoch, epoch & ~UINT64_C(1));
	atomic_store(&page->applied_seq, 0);
	atomic_store(&page->committed_seq, 0);
	atomic_store(&page->watermark_ms, 0);
	atomic_store(&page->crash_count, 0);
	atomic_store(&page->crash_first_ms, 0);
}

static void take_over(struct cadre_env *env, struct cadre_control_page *page,
                      const struct cadre_place *place)
{
	bool sound = page_sound(page);
	uint64_t epoch;

	atomic_store(&page->state, CADRE_CONTROL_REBUILDING);
	atomic_store(&page->crc, 0);
	if (!sound || page->abi != CADRE_CONTROL_ABI)
		make_anew(env, page);
	/* An odd epoch: the last owner died inside a commit that may have happened. */
	epoch = atomic_load(&page->pointer_epoch);
	atomic_store(&page->pointer_epoch, epoch + (epoch & 1));
	page->magic = CADRE_CONTROL_MAGIC;
	page->abi = CADRE_CONTROL_ABI;
	page->schema = CADRE_VIEWS_SCHEMA;
	page->pid_namespace = place->pid_namespace;
	page->owner_pid = (uint64_t)getpid();
	atomic_store_explicit(&page->crc, page_crc(page), memory_order_release);
}

static enum cadre_status open_grown(struct cadre_env *env, const char *path,
                                    struct cadre_file **ret_file, struct cadre_error *err)
{
	uint64_t size = 0;
	enum cadre_status status = cadre_file_open(
	        env, path, CADRE_OPEN_WRITE | CADRE_OPEN_CREATE, ret_file, err);

	if (status != CADRE_OK)
		return status;
	status = env->ops->size(*ret_file, &size, err);
	if (status == CADRE_OK && size < CADRE_CONTROL_BYTES) {
		/* Written, not only extended: a hole filled through the mapping on a full
		 * disk would be a SIGBUS. */
		static const uint8_t zeros[CADRE_CONTROL_BYTES];
		status = env->ops->pwrite(*ret_file, 0, zeros, sizeof zeros, err);
	}
	if (status != CADRE_OK) {
		cadre_file_close(*ret_file);
		*ret_file = NULL;
	}
	return status;
}

enum cadre_status cadre_control_create(struct cadre_env *env, const char *views_dir,
                                       struct cadre_control *control,
                                       struct cadre_error *err)
{
	char path[PATH_BYTES];
	struct cadre_place place;
	struct cadre_control made = { 0 };
	enum cadre_status status = control_path(path, views_dir, err);

	if (status == CADRE_OK)
		status = env->ops->place(env, views_dir, &place, err);
	if (status == CADRE_OK)
		status = open_grown(env, path, &made.file, err);
	if (status == CADRE_OK)
		status = map_page(&made, true, err);
	if (status != CADRE_OK) {
		cadre_control_close(&made);
		return status;
	}
	take_over(env, made.page, &place);
	*control = made;
	return CADRE_OK;
}

static enum cadre_status check_page(const struct cadre_control_page *page,
                                    const struct cadre_place *place, const char *path,
                                    struct cadre_error *err)
{
	if (!page_sound(page))
		return cadre_error_set(
		        err, CADRE_UNAVAILABLE,
		        "\"%s\" is damaged or being written: the daemon makes "
		        "it anew when it starts",
		        path);
	if (page->abi != CADRE_CONTROL_ABI || page->schema != CADRE_VIEWS_SCHEMA)
		return cadre_error_set(
		        err, CADRE_INVALID_PARAMETER,
		        "\"%s\" has ABI %u and schema %u, this library reads "
		        "%u and %u: use the library of the daemon's version, "
		        "or look keys up by RPC",
		        path, page->abi, page->schema, CADRE_CONTROL_ABI,
		        CADRE_VIEWS_SCHEMA);
	if (page->pid_namespace != place->pid_namespace)
		return cadre_error_set(
		        err, CADRE_INVALID_PARAMETER,
		        "\"%s\" belongs to a daemon in pid namespace %" PRIu64
		        ", this process is in %" PRIu64
		        ": share the namespace, or look keys up by RPC",
		        path, page->pid_namespace, place->pid_namespace);
	return CADRE_OK;
}

static enum cadre_status open_page(struct cadre_env *env, const char *path,
                                   struct cadre_control *control, struct cadre_error *err)
{
	uint64_t size = 0;
	enum cadre_status status = cadre_file_open(env, path, CADRE_OPEN_READ,
	                                           &control->file, err);

	if (status == CADRE_NOT_FOUND)
		return cadre_error_set(
		        err, CADRE_UNAVAILABLE,
		        "no \"%s\": no daemon has served this directory yet", path);
	if (status == CADRE_OK)
		status = env->ops->size(control->file, &size, err);
	if (status == CADRE_OK && size < CADRE_CONTROL_BYTES)
		return cadre_error_set(err, CADRE_UNAVAILABLE,
		                       "\"%s\" is damaged: %" PRIu64 " bytes, must be %u",
		                       path, size, CADRE_CONTROL_BYTES);
	if (status == CADRE_OK)
		status = map_page(control, false, err);
	return status;
}

enum cadre_status cadre_control_open(struct cadre_env *env, const char *views_dir,
                                     struct cadre_control *control,
                                     struct cadre_error *err)
{
	char path[PATH_BYTES];
	struct cadre_place place = { 0 };
	struct cadre_control opened = { 0 };
	enum cadre_status status = control_path(path, views_dir, err);

	if (status == CADRE_OK)
		status = open_page(env, path, &opened, err);
	if (status == CADRE_OK)
		status = env->ops->place(env, views_dir, &place, err);
	if (status == CADRE_OK)
		status = check_page(opened.page, &place, path, err);
	if (status != CADRE_OK) {
		cadre_control_close(&opened);
		return status;
	}
	*control = opened;
	return CADRE_OK;
}

void cadre_control_close(struct cadre_control *control)
{
	struct cadre_file *file = control->file;

	if (control->page)
		file->env->ops->unmap(file, control->page, CADRE_CONTROL_BYTES);
	control->page = NULL;
	cadre_file_close(file);
	control->file = NULL;
}
