/* Opens the data directory that is named; "none" must be unavailable. A client
 * without addresses must be refused, one with an address opens. */
#include <cadre.h>
#include <cadre_client.h>
#include <stdio.h>
#include <string.h>

static int client_works(void)
{
	static const char *const addresses[] = { "tcp://127.0.0.1:1" };
	struct cadre_client_options options = { 0 };
	struct cadre_client *client = NULL;
	char message[256];

	if (cadre_client_open(&options, &client, message, sizeof message) != -1 ||
	    strcmp(message, "0 addresses, 1 to 16") != 0)
		return 0;
	options.addresses = addresses;
	options.address_count = 1;
	if (cadre_client_open(&options, &client, message, sizeof message) != 0)
		return 0;
	cadre_client_close(client);
	return 1;
}

int main(int argc, char **argv)
{
	struct cadre_reader *reader = NULL;
	int code;

	if (argc != 2)
		return 2;
	if (!client_works())
		return 3;
	code = cadre_reader_open(argv[1], &reader);
	printf("%d %s\n", code, cadre_reader_message(NULL));
	cadre_reader_close(reader);
	return code == CADRE_READER_UNAVAILABLE ? 0 : 1;
}
