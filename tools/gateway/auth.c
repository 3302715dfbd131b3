#include "tools/gateway/auth.h"

enum cadre_status gateway_authenticate(struct gateway_request *request)
{
	request->actor.local = request->gateway->no_auth;
	if (request->actor.local)
		return CADRE_OK;
	return cadre_error_set(&request->err, CADRE_NOT_AUTHENTICATED,
	                       "no key is known here to verify a signature with");
}
