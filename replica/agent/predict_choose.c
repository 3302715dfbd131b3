#include "replica/agent/predict_choose.h"

static bool has_key(const Cadre__V1__Endpoint *endpoint, const char *key)
{
	for (size_t i = 0; i < endpoint->n_ready_keys; i++)
		if (strcmp(endpoint->ready_keys[i], key) == 0)
			return true;
	return false;
}

/* Smaller is better: heard from first, then by what is under way. */
static uint64_t burden(const Cadre__V1__Endpoint *endpoint)
{
	uint64_t silent = endpoint->age_ms > CADRE_PREDICT_SILENT_MS ? 1 : 0;

	return silent << 32 | endpoint->in_flight;
}

enum cadre_status cadre_predict_choose(const Cadre__V1__EndpointsResult *endpoints,
                                       const char *key, const bool *tried,
                                       uint64_t spread, size_t *ret_index,
                                       struct cadre_error *err)
{
	uint64_t least = UINT64_MAX;
	size_t equals = 0;
	size_t ready = 0;
	size_t nth;

	for (size_t i = 0; i < endpoints->n_endpoints; i++) {
		const Cadre__V1__Endpoint *endpoint = endpoints->endpoints[i];
		if (!has_key(endpoint, key))
			continue;
		ready++;
		if (tried[i] || burden(endpoint) > least)
			continue;
		equals = burden(endpoint) < least ? 1 : equals + 1;
		least = burden(endpoint);
	}
	if (equals == 0)
		return cadre_error_set(err, CADRE_UNAVAILABLE,
		                       "\"%s\": ready on %zu of %zu nodes%s", key, ready,
		                       endpoints->n_endpoints,
		                       ready > 0 ? ", and none could take it" : "");
	nth = (size_t)(spread % equals);
	for (size_t i = 0; i < endpoints->n_endpoints; i++) {
		const Cadre__V1__Endpoint *endpoint = endpoints->endpoints[i];
		if (tried[i] || !has_key(endpoint, key) || burden(endpoint) != least)
			continue;
		*ret_index = i;
		if (nth-- == 0)
			break;
	}
	return CADRE_OK;
}

bool cadre_predict_may_ask_elsewhere(enum cadre_status status, bool started)
{
	if (started)
		return false;
	/* A node may be behind: what it does not know yet, another one may. */
	return status == CADRE_UNAVAILABLE || status == CADRE_TOO_MANY_REQUESTS ||
	       status == CADRE_NOT_FOUND || status == CADRE_OUT_OF_MEMORY;
}
