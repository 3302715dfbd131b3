/* Challenge, Prove, FindPrincipal: keys, and who has them. */
#include "replica/rpc/internal.h"

static enum cadre_status no_memory(struct cadre_error *err)
{
	return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for the answer");
}

static uint8_t *copy(struct call *call, const void *bytes, size_t length)
{
	uint8_t *to = cadre_arena_alloc(&call->arena, length);

	if (to)
		memcpy(to, bytes, length);
	return to;
}

static enum cadre_status challenge(struct call *call, const struct reader *reader,
                                   Cadre__V1__Result *result, struct cadre_error *err)
{
	Cadre__V1__ChallengeResult *out = cadre_arena_alloc(&call->arena, sizeof *out);
	uint8_t nonce[SESSION_NONCE_BYTES];
	enum cadre_status status;

	if (!out)
		return no_memory(err);
	cadre__v1__challenge_result__init(out);
	status = sessions_nonce(&call->server->sessions, call->server->env,
	                        cadre_exchange_peer(call->exchange), nonce, err);
	if (status != CADRE_OK)
		return status;
	out->nonce.data = copy(call, nonce, sizeof nonce);
	out->nonce.len = sizeof nonce;
	out->cluster_id.data = copy(call, reader->cluster_id, sizeof reader->cluster_id);
	out->cluster_id.len = sizeof reader->cluster_id;
	if (!out->nonce.data || !out->cluster_id.data)
		return no_memory(err);
	result->body_case = CADRE__V1__RESULT__BODY_CHALLENGE;
	result->challenge = out;
	return CADRE_OK;
}

/* One answer to every mistake: who guesses names learns nothing. */
static enum cadre_status not_proven(struct cadre_error *err)
{
	return cadre_error_set(
	        err, CADRE_NOT_AUTHENTICATED,
	        "prove: this is not the signature of such a principal over "
	        "this connection's challenge");
}

static bool verify(struct call *call, const struct reader *reader,
                   const struct access_principal *principal,
                   const ProtobufCBinaryData *signature)
{
	struct cadre_rsa_key *key = NULL;
	uint8_t nonce[SESSION_NONCE_BYTES];
	char text[SESSION_TEXT_BYTES];
	bool good;

	if (!principal->public_key_pem ||
	    cadre_rsa_public_key(cadre_slice_text(principal->public_key_pem), &key,
	                         NULL) != CADRE_OK)
		return false;
	/* One that was never asked for is fresh: nothing is signed with it. */
	good = sessions_nonce(&call->server->sessions, call->server->env,
	                      cadre_exchange_peer(call->exchange), nonce,
	                      NULL) == CADRE_OK;
	if (good) {
		session_text(reader->cluster_id, nonce, principal->name, text);
		good = cadre_rsa_verify(key, cadre_slice_text(text),
		                        cadre_slice(signature->data, signature->len));
	}
	cadre_rsa_key_destroy(&key);
	return good;
}

static enum cadre_status prove(struct call *call, const struct reader *reader,
                               const Cadre__V1__Prove *in, Cadre__V1__Result *result,
                               struct cadre_error *err)
{
	const struct access_principal *principal =
	        call->access ? access_find(call->access, in->principal) : NULL;
	Cadre__V1__ProveResult *out = cadre_arena_alloc(&call->arena, sizeof *out);

	if (!out)
		return no_memory(err);
	if (!principal || !verify(call, reader, principal, &in->signature))
		return not_proven(err);
	sessions_prove(&call->server->sessions, cadre_exchange_peer(call->exchange),
	               principal->name, principal->changed_seq);
	cadre__v1__prove_result__init(out);
	out->principal = in->principal;
	result->body_case = CADRE__V1__RESULT__BODY_PROVE;
	result->prove = out;
	return CADRE_OK;
}

static enum cadre_status find_principal(struct call *call, const char *fingerprint,
                                        Cadre__V1__Result *result,
                                        struct cadre_error *err)
{
	Cadre__V1__PrincipalResult *out = cadre_arena_alloc(&call->arena, sizeof *out);
	const struct access_principal *found = NULL;

	if (!out)
		return no_memory(err);
	if (call->access)
		found = access_by_fingerprint(&call->server->access, call->access,
		                              fingerprint);
	if (!found)
		return cadre_error_set(err, CADRE_NOT_FOUND,
		                       "findPrincipal.fingerprint: no principal has that "
		                       "key");
	cadre__v1__principal_result__init(out);
	out->name = found->name;
	out->public_key_pem = found->public_key_pem;
	result->body_case = CADRE__V1__RESULT__BODY_PRINCIPAL;
	result->principal = out;
	return CADRE_OK;
}

enum cadre_status rpc_session_op(struct call *call, const struct reader *reader,
                                 const Cadre__V1__Op *op, Cadre__V1__Result *result,
                                 struct cadre_error *err)
{
	switch ((int)op->body_case) {
	case CADRE__V1__OP__BODY_CHALLENGE:
		return challenge(call, reader, result, err);
	case CADRE__V1__OP__BODY_PROVE:
		return prove(call, reader, op->prove, result, err);
	case CADRE__V1__OP__BODY_FIND_PRINCIPAL:
		return find_principal(call, op->find_principal->fingerprint, result, err);
	default:
		return CADRE_END;
	}
}
