#include "tools/admin/secure.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/rsa.h"
#include "tools/admin/admin.h"

static char admin_name[] = "admin";
static char admin_group[] = "Administrators";
static char statement[] = "allow group Administrators to manage all-resources in tenancy";

/* On the disk before the cluster asks for it. */
static enum cadre_status write_key(const char *path, const struct cadre_buffer *pem,
                                   struct cadre_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t done = 0;

	if (fd < 0 && errno == EEXIST)
		return cadre_error_set(err, CADRE_CONFLICT, "\"%.300s\" exists", path);
	if (fd < 0)
		return cadre_error_errno(err, errno, "\"%.300s\"", path);
	while (done < pem->length) {
		ssize_t wrote = write(fd, pem->data + done, pem->length - done);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			break;
		done += (size_t)wrote;
	}
	if (done < pem->length || fsync(fd) != 0) {
		int cause = errno;
		close(fd);
		unlink(path);
		return cadre_error_errno(err, cause, "writing \"%.300s\"", path);
	}
	close(fd);
	return CADRE_OK;
}

static void on_complete(struct cadre_request *request)
{
	*(bool *)request->ctx = true;
}

static enum cadre_status submit(struct cadre_store *store, char *public_pem,
                                struct cadre_error *err)
{
	char *statements[] = { statement };
	char *groups[] = { admin_group };
	Cadre__V1__PutPolicy policy = CADRE__V1__PUT_POLICY__INIT;
	Cadre__V1__PutPrincipal principal = CADRE__V1__PUT_PRINCIPAL__INIT;
	Cadre__V1__Command first = CADRE__V1__COMMAND__INIT;
	Cadre__V1__Command second = CADRE__V1__COMMAND__INIT;
	Cadre__V1__Command *commands[] = { &first, &second };
	Cadre__V1__Batch batch = CADRE__V1__BATCH__INIT;
	Cadre__V1__Actor actor = CADRE__V1__ACTOR__INIT;
	char local[] = "local";
	struct cadre_result results[2];
	bool done = false;
	bool again;
	struct cadre_request request = { .batch = &batch,
		                         .actor = &actor,
		                         .results = results,
		                         .complete = on_complete,
		                         .ctx = &done };
	enum cadre_status status = CADRE_OK;

	policy.name = admin_group;
	policy.statements = statements;
	policy.n_statements = 1;
	principal.name = admin_name;
	principal.public_key_pem = public_pem;
	principal.groups = groups;
	principal.n_groups = 1;
	first.body_case = CADRE__V1__COMMAND__BODY_PUT_POLICY;
	first.put_policy = &policy;
	second.body_case = CADRE__V1__COMMAND__BODY_PUT_PRINCIPAL;
	second.put_principal = &principal;
	batch.commands = commands;
	batch.n_commands = 2;
	actor.principal = local;
	actor.proof = CADRE__V1__PROOF__PROOF_LOCAL;
	cadre_store_submit(store, &request);
	while (status == CADRE_OK && !done)
		status = cadre_store_step(store, &again, err);
	if (status == CADRE_OK && request.status != CADRE_OK) {
		*err = request.err;
		status = request.status;
	}
	return status;
}

enum cadre_status admin_secure(struct cadre_store *store, const char *path,
                               struct cadre_error *err)
{
	struct cadre_buffer private_pem = { 0 };
	struct cadre_buffer public_pem = { 0 };
	struct cadre_rsa_key *key = NULL;
	enum cadre_status status = cadre_rsa_generate(&private_pem, err);

	if (status == CADRE_OK)
		status = cadre_rsa_private_key(cadre_buffer_slice(&private_pem), &key,
		                               err);
	if (status == CADRE_OK)
		status = cadre_rsa_public_pem(key, &public_pem, err);
	if (status == CADRE_OK && cadre_buffer_append_zeros(&public_pem, 1) != CADRE_OK)
		status = cadre_error_set(err, CADRE_OUT_OF_MEMORY, "out of memory");
	if (status == CADRE_OK)
		status = write_key(path, &private_pem, err);
	if (status == CADRE_OK) {
		status = submit(store, (char *)public_pem.data, err);
		if (status != CADRE_OK)
			unlink(path);
	}
	if (private_pem.data)
		explicit_bzero(private_pem.data, private_pem.capacity);
	cadre_rsa_key_destroy(&key);
	cadre_buffer_fini(&private_pem);
	cadre_buffer_fini(&public_pem);
	return status;
}
