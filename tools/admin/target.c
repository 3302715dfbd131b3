#include "tools/admin/target.h"

#include <errno.h>
#include <ftw.h>
#include <libgen.h>
#include <sys/stat.h>

/* One write: large enough that its sync costs little beside it. */
#define PENDING_BYTES (2u << 20)

static int remove_entry(const char *path, const struct stat *info, int type,
                        struct FTW *where)
{
	(void)info;
	(void)type;
	(void)where;
	return remove(path);
}

enum cadre_status admin_remove_tree(const char *path, struct cadre_error *err)
{
	if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0 &&
	    errno != ENOENT)
		return cadre_error_errno(err, errno, "removing \"%s\"", path);
	return CADRE_OK;
}

static enum cadre_status refuse_present(const char *path, struct cadre_error *err)
{
	struct stat info;

	if (stat(path, &info) == 0)
		return cadre_error_set(err, CADRE_CONFLICT, "\"%s\" is there already",
		                       path);
	return CADRE_OK;
}

enum cadre_status admin_target_make(struct admin_target *target, const char *dir,
                                    struct cadre_error *err)
{
	int length = snprintf(target->partial, sizeof(target->partial), "%s.partial",
	                      dir);
	enum cadre_status status;

	target->dir = dir;
	if (length < 0 || (size_t)length >= sizeof(target->partial))
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "\"%.200s…\": path too long", dir);
	status = refuse_present(dir, err);
	if (status == CADRE_OK)
		status = refuse_present(target->partial, err);
	if (status != CADRE_OK)
		return status;
	target->made = true;
	return cadre_store_init_empty(cadre_env_real(), target->partial, err);
}

enum cadre_status admin_target_open(struct admin_target *target, struct cadre_error *err)
{
	struct cadre_store_options options = { .dir = target->partial,
		                               .follower = true,
		                               .no_snapshots = true };

	return admin_store_open(&options, &target->store, err);
}

enum cadre_status admin_target_add(struct admin_target *target, struct cadre_slice batch,
                                   cadre_seq last, struct cadre_error *err)
{
	if (cadre_buffer_append(&target->pending, batch.data, batch.length) != CADRE_OK)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY,
		                       "batches: out of memory");
	target->pending_last = last;
	return target->pending.length >= PENDING_BYTES ? admin_target_flush(target, err)
	                                               : CADRE_OK;
}

enum cadre_status admin_target_flush(struct admin_target *target, struct cadre_error *err)
{
	struct cadre_store_status at;
	bool again = true;
	size_t written;
	enum cadre_status status = CADRE_OK;

	if (target->pending.length > 0)
		status = cadre_store_append(target->store,
		                            cadre_buffer_slice(&target->pending),
		                            target->pending_last, err);
	written = target->pending.length;
	cadre_buffer_clear(&target->pending);
	do {
		if (status == CADRE_OK)
			status = cadre_store_step(target->store, &again, err);
		if (status == CADRE_OK)
			status = admin_check_signals(err);
		cadre_store_status(target->store, &at);
		if (status == CADRE_OK && !again &&
		    at.view.applied_seq < at.committed_seq)
			status = cadre_error_set(
			        err,
			        at.out_of_space ? CADRE_OUT_OF_SPACE : CADRE_IO_ERROR,
			        "the views of \"%s\" cannot be written", target->partial);
	} while (status == CADRE_OK && at.view.applied_seq < at.committed_seq);
	cadre_kv_relax(cadre_store_kv(target->store));
	if (status == CADRE_OK)
		admin_store_upkeep(target->store, written);
	return status;
}

static enum cadre_status sync_parent(const char *dir, struct cadre_error *err)
{
	struct cadre_env *env = cadre_env_real();
	char path[ADMIN_PATH_BYTES];

	snprintf(path, sizeof(path), "%s", dir);
	return env->ops->sync_dir(env, dirname(path), err);
}

enum cadre_status admin_target_finish(struct admin_target *target,
                                      struct cadre_error *err)
{
	struct cadre_env *env = cadre_env_real();
	enum cadre_status status = target->store ? admin_target_flush(target, err)
	                                         : CADRE_OK;

	cadre_store_close(target->store);
	target->store = NULL;
	cadre_buffer_fini(&target->pending);
	if (status == CADRE_OK)
		status = admin_check_signals(err);
	if (status == CADRE_OK)
		status = refuse_present(target->dir, err);
	if (status == CADRE_OK)
		status = env->ops->rename(env, target->partial, target->dir, err);
	if (status == CADRE_OK)
		target->made = false;
	return status == CADRE_OK ? sync_parent(target->dir, err) : status;
}

void admin_target_discard(struct admin_target *target, const struct admin_args *args)
{
	struct cadre_error err = CADRE_ERROR_INIT;

	cadre_store_close(target->store);
	target->store = NULL;
	cadre_buffer_fini(&target->pending);
	if (!target->made)
		return;
	target->made = false;
	if (admin_remove_tree(target->partial, &err) != CADRE_OK)
		(void)admin_fail(args, &err);
	else
		admin_note(args, "removed \"%s\": nothing was made", target->partial);
}
