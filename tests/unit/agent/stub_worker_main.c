#include <stdio.h>
#include <string.h>

#include "tests/unit/agent/stub_worker.h"

int main(int argc, char **argv)
{
	struct cadre_worker_options options = { .probe_ms = 50 };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct stub_worker stub = { 0 };

	if (argc != 3 || strcmp(argv[1], "--listen") != 0)
		return 2;
	options.address = argv[2];
	fprintf(stderr, "stub listens at %s\n", argv[2]);
	if (cadre_worker_serve(&options, &stub_worker_callbacks, &stub, NULL, &err) ==
	    CADRE_OK)
		return 0;
	fprintf(stderr, "stub: %s\n", err.message);
	return 1;
}
