#include "replica/transport/start.h"

#include <nng/nng.h>

void cadre_transport_start(void)
{
	nng_aio *aio;

	if (nng_aio_alloc(&aio, NULL, NULL) == 0)
		nng_aio_free(aio);
}
