/*
 * Runs every file of the given folders through LLVMFuzzerTestOneInput: a corpus as an
 * ordinary test, with any compiler. Fails when a folder is missing or empty.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *what, const char *path)
{
	fprintf(stderr, "replay: %s \"%s\"\n", what, path);
	exit(1);
}

static void replay_file(const char *path, size_t size)
{
	/* Exactly as large as the content, so that a sanitizer sees a read past it. */
	uint8_t *data = malloc(size ? size : 1);
	FILE *file = fopen(path, "rb");

	if (!data || !file || fread(data, 1, size, file) != size)
		fail("cannot read", path);
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
}

static unsigned replay_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned count = 0;

	if (!dir)
		fail("no folder", folder);
	while ((entry = readdir(dir)) != NULL) {
		char path[4096];
		struct stat info;
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		if (stat(path, &info) != 0)
			fail("cannot read", path);
		if (!S_ISREG(info.st_mode))
			continue;
		replay_file(path, (size_t)info.st_size);
		count++;
	}
	closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		fail("give folders to", argv[0]);
	for (int i = 1; i < argc; i++) {
		unsigned count = replay_folder(argv[i]);
		if (count == 0)
			fail("empty folder", argv[i]);
		printf("%u files of \"%s\"\n", count, argv[i]);
	}
	return 0;
}
