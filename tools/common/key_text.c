#include "tools/common/key_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static enum cadre_status read_all(FILE *file, const char *path,
                                  struct cadre_key_text *key, struct cadre_error *err)
{
	char *text = calloc(1, CADRE_KEY_FILE_BYTES_MAX + 2);
	size_t bytes;

	if (!text)
		return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for a key");
	bytes = fread(text, 1, CADRE_KEY_FILE_BYTES_MAX + 1, file);
	key->text = text;
	key->bytes = CADRE_KEY_FILE_BYTES_MAX + 2;
	if (!ferror(file) && bytes <= CADRE_KEY_FILE_BYTES_MAX)
		return CADRE_OK;
	cadre_key_text_free(key);
	return cadre_error_set(err, CADRE_INVALID_PARAMETER, "\"%.300s\": %s", path,
	                       bytes > CADRE_KEY_FILE_BYTES_MAX ? "larger than 64 KiB"
	                                                        : "cannot be read");
}

enum cadre_status cadre_key_text_read(const char *path, int secret,
                                      struct cadre_key_text *ret_key,
                                      struct cadre_error *err)
{
	FILE *file = fopen(path, "re");
	struct stat about;
	enum cadre_status status;

	if (!file || fstat(fileno(file), &about) != 0) {
		status = cadre_error_set(err, CADRE_INVALID_PARAMETER, "\"%.300s\": %s",
		                         path, strerror(errno));
		if (file)
			fclose(file);
		return status;
	}
	/* What stays in the library's buffer would not be wiped. */
	(void)setvbuf(file, NULL, _IONBF, 0);
	if (secret && (about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		status = cadre_error_set(err, CADRE_NOT_AUTHORIZED,
		                         "\"%.300s\": others than its owner may use it: "
		                         "chmod 600",
		                         path);
	else
		status = read_all(file, path, ret_key, err);
	fclose(file);
	return status;
}

void cadre_key_text_free(struct cadre_key_text *key)
{
	if (key->text)
		explicit_bzero(key->text, key->bytes);
	free(key->text);
	key->text = NULL;
	key->bytes = 0;
}
