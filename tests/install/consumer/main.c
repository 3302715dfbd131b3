/* Opens the data directory that is named; "none" must be unavailable. */
#include <cadre.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	struct cadre_reader *reader = NULL;
	int code;

	if (argc != 2)
		return 2;
	code = cadre_reader_open(argv[1], &reader);
	printf("%d %s\n", code, cadre_reader_message(NULL));
	cadre_reader_close(reader);
	return code == CADRE_READER_UNAVAILABLE ? 0 : 1;
}
