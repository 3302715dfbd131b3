#include <stdio.h>

#include "tests/crash/crash.h"

void crash_history_name(unsigned client, char text[64])
{
	snprintf(text, 64, "crash-history-%u", client);
}

void crash_token(unsigned client, uint64_t n, char text[64])
{
	snprintf(text, 64, "crash-%u-%llu", client, (unsigned long long)n);
}

void crash_model(unsigned client, uint64_t n, char text[96])
{
	snprintf(text, 96, "ocid1.datasciencemodel.oc1.iad.crash%010u%045llu", client,
	         (unsigned long long)n);
}

void crash_key(uint64_t n, char text[32])
{
	snprintf(text, 32, "key-%llu", (unsigned long long)n);
}
