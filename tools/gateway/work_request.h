/*
 * Work requests: OCI's receipts for what takes time. None is stored: the id of one is
 * the seq of the event that did it, and all else follows from that event and from its
 * resource as it is now.
 */
#ifndef CADRE_TOOLS_GATEWAY_WORK_REQUEST_H
#define CADRE_TOOLS_GATEWAY_WORK_REQUEST_H

#include "engine/base/types.h"

#define GATEWAY_WORK_REQUEST_BYTES 80u

void gateway_work_request_id(cadre_seq seq, char text[GATEWAY_WORK_REQUEST_BYTES]);
/* false: no id of a work request. */
bool gateway_work_request_parse(const char *text, cadre_seq *ret_seq);

#endif
