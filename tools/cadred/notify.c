#include "tools/cadred/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* '@' in front stands for the abstract namespace. */
static socklen_t address_of(const char *path, struct sockaddr_un *address)
{
	size_t length = strlen(path);

	if ((*path != '/' && *path != '@') || length >= sizeof address->sun_path)
		return 0;
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path, length);
	if (*path == '@')
		address->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

static void send_text(const char *text, size_t length)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { 0 };
	socklen_t bytes = path ? address_of(path, &address) : 0;
	int fd;

	if (bytes == 0)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT,
	             (const struct sockaddr *)&address, bytes);
	close(fd);
}

void cadred_notify(const char *format, ...)
{
	char text[512];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (length > 0)
		send_text(text, strlen(text));
}

uint64_t cadred_watchdog_ms(void)
{
	const char *interval = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");

	if (!interval || (pid && strtol(pid, NULL, 10) != (long)getpid()))
		return 0;
	return strtoull(interval, NULL, 10) / 2000;
}
