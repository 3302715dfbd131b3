/* nng's error numbers as statuses. */
#ifndef CADRE_TRANSPORT_NNG_ERROR_H
#define CADRE_TRANSPORT_NNG_ERROR_H

#include "engine/base/status.h"

/* Time-outs are CADRE_DEADLINE; refused, reset and closed connections
 * CADRE_UNAVAILABLE; an address in use CADRE_CONFLICT. `what` in front. */
enum cadre_status cadre_nng_error(struct cadre_error *err, int code, const char *what);

#endif
