#include "tools/gateway/auth.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tools/gateway/router.h"
#include "tools/gateway/signature/replay.h"

/* Principals that were asked for lately. */
#define KEPT 256u
#define KEPT_MS 1000u
/* As the domain bounds them, with a NUL. */
#define PEM_BYTES (4u * 8192u + 1u)

struct kept {
	char fingerprint[CADRE_FINGERPRINT_BYTES];
	char name[256];
	char *pem; /* NULL: free */
	uint64_t until_ns;
};

struct gateway_auth {
	struct replay *replay;
	pthread_mutex_t lock;
	struct kept kept[KEPT]; /* lock; by hash of the fingerprint */
};

/* One principal, in the request's arena. */
struct found {
	const char *name;
	const char *pem;
};

enum cadre_status gateway_auth_create(struct gateway_auth **ret_auth,
                                      struct cadre_error *err)
{
	struct gateway_auth *auth = calloc(1, sizeof *auth);
	enum cadre_status status;

	if (!auth)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "out of memory");
	pthread_mutex_init(&auth->lock, NULL);
	status = replay_create(REPLAY_ENTRIES, &auth->replay, err);
	if (status != CADRE_OK)
		gateway_auth_destroy(&auth);
	*ret_auth = auth;
	return status;
}

void gateway_auth_destroy(struct gateway_auth **auth)
{
	struct gateway_auth *old = *auth;

	*auth = NULL;
	if (!old)
		return;
	for (size_t i = 0; i < KEPT; i++)
		free(old->kept[i].pem);
	replay_destroy(&old->replay);
	pthread_mutex_destroy(&old->lock);
	free(old);
}

/* ---- principals ---- */

static struct kept *place_of(struct gateway_auth *auth, const char *fingerprint)
{
	unsigned place = 0;

	/* Its first byte: MD5 spreads. */
	for (size_t i = 0; i < 2; i++) {
		char digit = fingerprint[i];
		place = place << 4 |
		        (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
	}
	return &auth->kept[place % KEPT];
}

static bool find_kept(struct gateway_request *request, const char *fingerprint,
                      struct found *found)
{
	struct gateway_auth *auth = request->gateway->auth;
	struct kept *kept = place_of(auth, fingerprint);

	memset(found, 0, sizeof *found);
	pthread_mutex_lock(&auth->lock);
	if (kept->pem && strcmp(kept->fingerprint, fingerprint) == 0 &&
	    gateway_now_ns() < kept->until_ns) {
		found->name = gateway_text(request, "%s", kept->name);
		found->pem = gateway_text(request, "%s", kept->pem);
	}
	pthread_mutex_unlock(&auth->lock);
	return found->name && found->pem;
}

static void keep(struct gateway_auth *auth, const char *fingerprint,
                 const struct found *found)
{
	struct kept *kept = place_of(auth, fingerprint);
	char *pem = strlen(found->pem) < PEM_BYTES ? strdup(found->pem) : NULL;

	if (!pem)
		return;
	pthread_mutex_lock(&auth->lock);
	free(kept->pem);
	kept->pem = pem;
	(void)snprintf(kept->fingerprint, sizeof kept->fingerprint, "%s", fingerprint);
	(void)snprintf(kept->name, sizeof kept->name, "%s", found->name);
	kept->until_ns = gateway_now_ns() + KEPT_MS * UINT64_C(1000000);
	pthread_mutex_unlock(&auth->lock);
}

/* What the cluster answered instead of a principal, as the client is told it. */
static enum cadre_status not_found(struct gateway_request *request,
                                   const struct cadre_client_answer *answer)
{
	enum cadre_status status = (enum cadre_status)cadre_client_answer_status(answer);

	switch ((int)status) {
	case CADRE_NOT_FOUND:
		return cadre_error_set(&request->err, CADRE_NOT_AUTHENTICATED,
		                       "keyId: no principal has that key");
	case CADRE_NOT_AUTHENTICATED:
	case CADRE_NOT_AUTHORIZED:
		GATEWAY_SAY(request->gateway, WARN, "gateway.not_let_in", "reason=\"%s\"",
		            cadre_client_answer_message(answer));
		return cadre_error_set(&request->err, CADRE_UNAVAILABLE,
		                       "the cluster does not let this gateway look up "
		                       "keys");
	default:
		return cadre_error_set(&request->err, status, "%s",
		                       cadre_client_answer_message(answer));
	}
}

static enum cadre_status ask_principal(struct gateway_request *request,
                                       const char *fingerprint, struct found *found)
{
	Cadre__V1__FindPrincipal find = CADRE__V1__FIND_PRINCIPAL__INIT;
	Cadre__V1__Op op = CADRE__V1__OP__INIT;
	const Cadre__V1__Op *ops[] = { &op };
	struct cadre_client_answer *answer;
	const Cadre__V1__PrincipalResult *principal;
	enum cadre_status status = CADRE_OK;

	find.fingerprint = (char *)(uintptr_t)fingerprint;
	op.body_case = CADRE__V1__OP__BODY_FIND_PRINCIPAL;
	op.find_principal = &find;
	if (cadre_client_call(request->gateway->client, ops, 1, NULL, &answer) !=
	    CADRE_CLIENT_DONE) {
		status = not_found(request, answer);
	} else {
		principal = cadre_client_answer_response(answer)->results[0]->principal;
		found->name = gateway_text(request, "%s", principal->name);
		found->pem = gateway_text(request, "%s", principal->public_key_pem);
		if (!found->name || !found->pem)
			status = request->err.status;
		else
			keep(request->gateway->auth, fingerprint, found);
	}
	cadre_client_answer_free(answer);
	return status;
}

/* ---- the request ---- */

static const char *header(void *ctx, const char *name)
{
	return gateway_header(ctx, name);
}

/* What only looks, and predictions, may come twice. */
static bool changes(const struct gateway_request *request)
{
	return strcmp(request->method, "GET") != 0 &&
	       strcmp(request->method, "HEAD") != 0 &&
	       request->route->pace != GATEWAY_PREDICT;
}

static enum cadre_status verify(struct gateway_request *request,
                                const struct signature *signature,
                                const struct signed_request *what,
                                const struct found *principal)
{
	struct cadre_rsa_key *key = NULL;
	enum cadre_status status = cadre_rsa_public_key(cadre_slice_text(principal->pem),
	                                                &key, &request->err);

	if (status == CADRE_OK)
		status = signature_verify(signature, what, key, &request->err);
	cadre_rsa_key_destroy(&key);
	return status;
}

static enum cadre_status check(struct gateway_request *request,
                               const struct signature *signature)
{
	const struct signed_request what = {
		.method = request->method,
		.target = request->target,
		.header = header,
		.ctx = request,
		.body = cadre_buffer_slice(&request->body),
		/* Uploads stream: their hash is not known when they are signed. */
		.body_unsigned = request->route->takes == GATEWAY_PAYLOAD &&
		                 request->route->pace != GATEWAY_PREDICT,
	};
	struct found principal;
	cadre_time_ms now_ms = gateway_now_ms();
	cadre_time_ms date_ms;
	enum cadre_status status = signature_check(signature, &what, now_ms, &date_ms,
	                                           &request->err);

	if (status == CADRE_OK && !find_kept(request, signature->fingerprint, &principal))
		status = ask_principal(request, signature->fingerprint, &principal);
	if (status == CADRE_OK)
		status = verify(request, signature, &what, &principal);
	if (status == CADRE_OK && changes(request))
		status = replay_note(request->gateway->auth->replay, signature,
		                     gateway_header(request, "opc-retry-token"), date_ms,
		                     now_ms, &request->err);
	if (status == CADRE_OK)
		(void)snprintf(request->actor.principal, sizeof request->actor.principal,
		               "%s", principal.name);
	return status;
}

enum cadre_status gateway_authenticate(struct gateway_request *request)
{
	const char *authorization;
	struct signature signature;
	enum cadre_status status;

	request->actor.local = request->gateway->no_auth;
	if (request->actor.local)
		return CADRE_OK;
	authorization = gateway_header(request, "authorization");
	if (!authorization)
		return cadre_error_set(&request->err, CADRE_NOT_AUTHENTICATED,
		                       "authorization: missing");
	status = signature_parse(cadre_slice_text(authorization), &signature,
	                         &request->err);
	if (status == CADRE_OK)
		status = check(request, &signature);
	if (status == CADRE_NOT_AUTHENTICATED)
		GATEWAY_SAY(request->gateway, INFO, "request.not_authenticated",
		            "operation=%s key=%s id=%s reason=\"%s\"",
		            request->route->operation,
		            signature.fingerprint[0] ? signature.fingerprint : "-",
		            request->id, request->err.message);
	return status;
}
