#include "bench/machine.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

uint64_t bench_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t bench_cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t one_process_cpu_ns(int pid)
{
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
		return 0;
	return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

uint64_t bench_process_cpu_ns(int pid)
{
	char path[64];
	int child;
	uint64_t sum = pid > 0 ? one_process_cpu_ns(pid) : 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
	file = pid > 0 ? fopen(path, "re") : NULL;
	while (file && fscanf(file, "%d", &child) == 1)
		sum += bench_process_cpu_ns(child);
	if (file)
		fclose(file);
	return sum;
}

/* The number behind `name` in lines like "name:   12 kB"; 0 when absent. */
static uint64_t find_number(const char *path, const char *name)
{
	char line[512];
	uint64_t value = 0;
	FILE *file = fopen(path, "re");

	if (!file)
		return 0;
	while (fgets(line, sizeof line, file))
		if (strncmp(line, name, strlen(name)) == 0 &&
		    sscanf(line + strlen(name), "%" SCNu64, &value) == 1)
			break;
	fclose(file);
	return value;
}

static uint64_t steal_ns(void)
{
	uint64_t ticks = 0;
	long per_second = sysconf(_SC_CLK_TCK);
	FILE *file = fopen("/proc/stat", "re");

	if (!file)
		return 0;
	if (fscanf(file, "cpu %*s %*s %*s %*s %*s %*s %*s %" SCNu64, &ticks) != 1)
		ticks = 0;
	fclose(file);
	return ticks * 1000000000u / (uint64_t)(per_second > 0 ? per_second : 100);
}

static uint64_t wait_ns(void)
{
	uint64_t wait = 0;
	FILE *file = fopen("/proc/thread-self/schedstat", "re");

	if (!file)
		return 0;
	if (fscanf(file, "%*s %" SCNu64, &wait) != 1)
		wait = 0;
	fclose(file);
	return wait;
}

static uint64_t dirty_bytes(void)
{
	return (find_number("/proc/meminfo", "Dirty:") +
	        find_number("/proc/meminfo", "Writeback:")) *
	       1024;
}

struct bench_machine bench_machine_now(void)
{
	struct bench_machine machine = { .steal_ns = steal_ns(),
		                         .wait_ns = wait_ns(),
		                         .dirty_bytes = dirty_bytes() };
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) == 0)
		machine.major_faults = (uint64_t)usage.ru_majflt;
	return machine;
}

void bench_machine_settle(const char *dir, unsigned limit_ms)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	uint64_t end = bench_now_ns() + (uint64_t)limit_ms * 1000000u;
	int fd;

	if (limit_ms == 0)
		return;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	do {
		if (fd >= 0)
			(void)syncfs(fd);
		if (dirty_bytes() <= BENCH_DIRTY_BYTES_MAX)
			break;
		nanosleep(&pause, NULL);
	} while (bench_now_ns() < end);
	if (fd >= 0)
		close(fd);
}

static void read_cpu(char *text, size_t size)
{
	char line[512];
	const char *colon;
	FILE *file = fopen("/proc/cpuinfo", "re");

	snprintf(text, size, "unknown");
	while (file && fgets(line, sizeof line, file)) {
		colon = strchr(line, ':');
		if (strncmp(line, "model name", 10) != 0 || !colon)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(text, size, "%s", colon + 2);
		break;
	}
	if (file)
		fclose(file);
}

static const char *file_system_name(uint32_t magic)
{
	switch (magic) {
	case 0xEF53u:
		return "ext4";
	case 0x58465342u:
		return "xfs";
	case 0x9123683Eu:
		return "btrfs";
	case 0x01021994u:
		return "tmpfs";
	case 0x794C7630u:
		return "overlayfs";
	default:
		return NULL;
	}
}

void bench_hardware_read(const char *dir, struct bench_hardware *hardware)
{
	struct utsname system;
	struct statfs place;
	const char *name = NULL;

	memset(hardware, 0, sizeof *hardware);
	read_cpu(hardware->cpu, sizeof hardware->cpu);
	hardware->cores = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	hardware->memory_bytes = find_number("/proc/meminfo", "MemTotal:") * 1024;
	if (uname(&system) == 0)
		snprintf(hardware->system, sizeof hardware->system, "%.32s %.80s",
		         system.sysname, system.release);
	if (statfs(dir, &place) == 0)
		name = file_system_name((uint32_t)place.f_type);
	if (name)
		snprintf(hardware->file_system, sizeof hardware->file_system, "%s", name);
	else
		snprintf(hardware->file_system, sizeof hardware->file_system, "0x%x",
		         (unsigned)place.f_type);
}

uint64_t bench_private_bytes(int pid)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
	return find_number(path, "Anonymous:") * 1024;
}
