#include "tools/gateway/work_request.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PREFIX "ocid1.datascienceworkrequest.oc1.cadre."
#define DIGITS 16

void gateway_work_request_id(cadre_seq seq, char text[GATEWAY_WORK_REQUEST_BYTES])
{
	snprintf(text, GATEWAY_WORK_REQUEST_BYTES, PREFIX "%0*" PRIx64, DIGITS, seq);
}

bool gateway_work_request_parse(const char *text, cadre_seq *ret_seq)
{
	const char *digits = text + sizeof PREFIX - 1;

	if (strncmp(text, PREFIX, sizeof PREFIX - 1) != 0 || strlen(digits) != DIGITS ||
	    strspn(digits, "0123456789abcdef") != DIGITS)
		return false;
	*ret_seq = strtoull(digits, NULL, 16);
	return *ret_seq > 0;
}
