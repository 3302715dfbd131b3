#include "tools/cadred/places.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tools/common/json_write.h"

#define PATH_BYTES 1100u

void cadred_http_text(const struct cadre_address *address, char text[CADRE_ADDRESS_BYTES])
{
	bool v6 = strchr(address->host, ':') != NULL;

	snprintf(text, CADRE_ADDRESS_BYTES, "http://%s%s%s:%u", v6 ? "[" : "",
	         address->host, v6 ? "]" : "", address->port);
}

static void put_address(struct cadre_json *json, const char *key,
                        const struct cadre_address *address)
{
	char text[CADRE_ADDRESS_BYTES];

	if (!address)
		return;
	cadre_address_format(address, text);
	cadre_json_key_text(json, key, text);
}

static void fill(struct cadre_json *json, const struct cadre_node *node, const char *role,
                 const struct cadre_address *http)
{
	char text[CADRE_ADDRESS_BYTES];

	cadre_json_begin(json, '{');
	cadre_json_key_u64(json, "pid", (uint64_t)getpid());
	cadre_json_key_text(json, "role", role);
	put_address(json, "rpc", cadre_node_address(node, CADRE_NODE_RPC));
	put_address(json, "replication",
	            cadre_node_address(node, CADRE_NODE_REPLICATION));
	put_address(json, "predict", cadre_node_address(node, CADRE_NODE_PREDICT));
	if (http) {
		cadred_http_text(http, text);
		cadre_json_key_text(json, "http", text);
	}
	cadre_json_end(json, '}');
	cadre_json_raw(json, "\n");
}

static enum cadre_status write_whole(const char *path, const struct cadre_json *json,
                                     struct cadre_error *err)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_BYTES];

	snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - path) : 1,
	         slash ? path : ".");
	return cadre_env_write_atomic(cadre_env_real(), *dir ? dir : "/",
	                              slash ? slash + 1 : path, json->text.data,
	                              json->text.length, err);
}

enum cadre_status cadred_ready_file_write(const char *path, const struct cadre_node *node,
                                          const char *role,
                                          const struct cadre_address *http,
                                          struct cadre_error *err)
{
	struct cadre_json json = { 0 };
	enum cadre_status status;

	fill(&json, node, role, http);
	status = cadre_json_status(&json, err);
	if (status == CADRE_OK)
		status = write_whole(path, &json, err);
	cadre_json_fini(&json);
	return status;
}

/* One line of /proc/locks: "1: FLOCK ADVISORY WRITE 4711 fe:01:12345 0 EOF". */
static long owner_in_line(const char *line, const struct stat *file)
{
	unsigned major_number, minor_number;
	uint64_t inode;
	long pid;

	if (sscanf(line, "%*d: FLOCK %*s WRITE %ld %x:%x:%" SCNu64, &pid, &major_number,
	           &minor_number, &inode) != 4)
		return 0;
	if (inode != file->st_ino || major_number != major(file->st_dev) ||
	    minor_number != minor(file->st_dev))
		return 0;
	return pid > 0 ? pid : 0;
}

long cadred_lock_owner(const char *data_dir)
{
	char path[PATH_BYTES];
	char line[256];
	struct stat info;
	FILE *locks;
	long pid = 0;

	snprintf(path, sizeof path, "%s/lock", data_dir);
	if (stat(path, &info) != 0)
		return 0;
	locks = fopen("/proc/locks", "re");
	while (locks && pid == 0 && fgets(line, sizeof line, locks))
		pid = owner_in_line(line, &info);
	if (locks)
		fclose(locks);
	return pid;
}

bool cadred_is_data_dir(const char *data_dir)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof path, "%s/node.meta", data_dir);
	return access(path, F_OK) == 0;
}
