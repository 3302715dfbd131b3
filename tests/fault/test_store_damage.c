/*
 * Damage to the views and snapshots of a closed store: they are made anew from the
 * log without anybody's help, even when reading them kills the process.
 *
 * A child (this program again) opens the damaged store as a program does, with the
 * crash guard armed, runs a command, checks every row and writes down the digest;
 * the parent compares it with a replay of the log into memory.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>

#include "tests/fault/fault_store.h"

#define CHILD_SECONDS_MAX 60
#define FLIPS 50

enum ending { SOUND = 0, NAMED = 10, NOT_OPENED = 11, NOT_COMMANDED = 12, CRASHED = 99 };

/* ---- the child ---- */

static bool run_command(struct fixture *fixture)
{
	for (int i = 0; i < 3; i++) {
		struct sent *sent = fixture_send_one(
		        fixture, NULL, fixture_create_group(fixture, "after", 1, 3));
		if (fixture_settle(fixture, &err) != CADRE_OK)
			return false;
		if (sent->request.status == CADRE_OK)
			return sent->request.durable;
		/* Damaged views were found and made anew meanwhile. */
	}
	return false;
}

static enum ending check_rows(struct fixture *fixture)
{
	struct cadre_view view;
	uint64_t rows;
	enum cadre_status status = cadre_view_begin(&view, cadre_store_kv(fixture->store),
	                                            CADRE_KV_READ, &fixture->arena, &err);

	if (status == CADRE_OK) {
		status = cadre_view_recount(&view, &rows, &err);
		cadre_view_abort(&view);
	}
	if (status == CADRE_OK)
		return SOUND;
	fprintf(stderr, "  %s: %s\n", cadre_status_name(status), err.message);
	return NAMED;
}

static void write_digest(const char *path, struct cadre_view_head head)
{
	char digest[33];
	FILE *file = fopen(path, "we");

	if (!file)
		_exit(98);
	cadre_hash128_format(head.digest, digest);
	fprintf(file, "%s %llu", digest, (unsigned long long)head.applied_seq);
	fclose(file);
}

static int child_main(const char *dir, const char *result, bool rebuild)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE };
	const struct rlimit no_core = { 0, 0 };
	struct fixture fixture;
	enum ending ending;

	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
		signal(signals[i], SIG_DFL);
	setrlimit(RLIMIT_CORE, &no_core);
	alarm(CHILD_SECONDS_MAX);
	real_prepare(&fixture, dir);
	fixture.options.guard_crashes = true;
	fixture.options.rebuild_views = rebuild;
	if (cadre_store_open(fixture.env, &fixture.options, &fixture.store, &err) !=
	    CADRE_OK) {
		fprintf(stderr, "  open: %s: %s\n", cadre_status_name(err.status),
		        err.message);
		return NOT_OPENED;
	}
	if (!run_command(&fixture))
		return NOT_COMMANDED;
	ending = check_rows(&fixture);
	write_digest(result, fixture_status(&fixture).view);
	real_fini(&fixture);
	return (int)ending;
}

/* ---- the parent ---- */

struct world {
	char dir[256];   /* of everything */
	char base[300];  /* a store that is copied, closed clean */
	char store[300]; /* the copy under test */
	char result[300];
	struct test_random random;
	unsigned crashes;
	unsigned named;
	unsigned healed;
};

static enum ending start_child(const struct world *w, bool rebuild)
{
	char program[] = "/proc/self/exe";
	char dir[300], result[300];
	char flag[] = "rebuild";
	char *const args[] = { program, dir, result, rebuild ? flag : NULL, NULL };
	extern char **environ;
	pid_t pid;
	int status;

	snprintf(dir, sizeof dir, "%s", w->store);
	snprintf(result, sizeof result, "%s", w->result);
	assert_int_equal(posix_spawn(&pid, program, NULL, NULL, args, environ), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status))
		return (enum ending)WEXITSTATUS(status);
	if (WTERMSIG(status) == SIGALRM)
		fail_msg("the child hung");
	return CRASHED;
}

/* The child's state is what the log says. */
static void assert_replayed(const struct world *w)
{
	struct cadre_view_head head = real_replay(w->store);
	char expected[80], found[80] = "";
	char digest[33];
	FILE *file = fopen(w->result, "re");

	assert_non_null(file);
	assert_non_null(fgets(found, sizeof found, file));
	fclose(file);
	cadre_hash128_format(head.digest, digest);
	snprintf(expected, sizeof expected, "%s %llu", digest,
	         (unsigned long long)head.applied_seq);
	assert_string_equal(found, expected);
}

/* Opens until it goes: at most three crashes, then the views are made anew. Damage
 * that a row's checksum shows is named, and gone after a rebuild. */
static void assert_heals(struct world *w, const char *what)
{
	enum ending ending = CRASHED;

	for (int i = 0; i < 4 && ending == CRASHED; i++) {
		ending = start_child(w, false);
		w->crashes += ending == CRASHED;
	}
	if (ending == NAMED) {
		w->named++;
		ending = start_child(w, true);
	}
	if (ending != SOUND)
		fail_msg("%s: the store ended with %d; it is kept: \"%s\"", what,
		         (int)ending, w->store);
	assert_replayed(w);
	w->healed++;
}

static void fresh_copy(struct world *w)
{
	test_remove_dir(w->store);
	copy_store(w->base, w->store);
}

/* The file of the generation that serves. */
static void data_path(const struct world *w, char path[512])
{
	char views[512];
	struct dirent *entry;
	DIR *dir;

	path_in(views, w->store, "views");
	dir = opendir(views);
	assert_non_null(dir);
	path[0] = '\0';
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
			assert_true(snprintf(path, 512, "%.300s/views/%.40s/data.mdb",
			                     w->store, entry->d_name) > 0);
	}
	closedir(dir);
	assert_true(path[0] != '\0');
}

static int make_world(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	assert_non_null(w);
	test_make_dir(w->dir, sizeof w->dir);
	snprintf(w->base, sizeof w->base, "%s/base", w->dir);
	snprintf(w->store, sizeof w->store, "%s/store", w->dir);
	snprintf(w->result, sizeof w->result, "%s/result", w->dir);
	w->random.state = test_seed(11);
	real_base(w->base);
	*state = w;
	return 0;
}

static int end_world(void **state)
{
	struct world *w = *state;

	test_remove_dir(w->dir);
	free(w);
	return 0;
}

static int start_count(void **state)
{
	struct world *w = *state;

	w->crashes = 0;
	w->named = 0;
	w->healed = 0;
	return 0;
}

/* ---- views ---- */

static void a_copied_store_opens(void **state)
{
	struct world *w = *state;

	fresh_copy(w);
	assert_heals(w, "copy");
	assert_int_equal(w->crashes + w->named, 0);
}

static void flipped_bits_of_the_views_heal(void **state)
{
	struct world *w = *state;
	char path[512];

	fresh_copy(w);
	data_path(w, path);
	for (unsigned i = 0; i < FLIPS; i++) {
		uint64_t page, offset;
		char what[64];
		fresh_copy(w);
		page = test_random_below(&w->random, file_bytes(path) / 4096);
		/* Every other one in the header of a page. */
		offset = 4096 * page + test_random_below(&w->random, i % 2 ? 4096 : 24);
		snprintf(what, sizeof what, "bit at %llu of data.mdb",
		         (unsigned long long)offset);
		flip_bit(path, offset, (unsigned)test_random_below(&w->random, 8));
		assert_heals(w, what);
	}
	print_message("%u healed, %u crashes on the way, %u named\n", w->healed,
	              w->crashes, w->named);
}

static void garbage_for_pages_of_the_views_heals(void **state)
{
	struct world *w = *state;
	char path[512];

	fresh_copy(w);
	data_path(w, path);
	for (unsigned i = 0; i < 12; i++) {
		uint64_t page;
		fresh_copy(w);
		page = test_random_below(&w->random, file_bytes(path) / 4096);
		if (i < 2)
			page = i; /* the meta pages */
		for (unsigned k = 0; k < 600; k++)
			flip_bit(path, 4096 * page + test_random_below(&w->random, 4096),
			         (unsigned)test_random_below(&w->random, 8));
		assert_heals(w, "garbage page");
	}
	print_message("%u healed, %u crashes on the way, %u named\n", w->healed,
	              w->crashes, w->named);
}

static void truncated_views_heal(void **state)
{
	struct world *w = *state;
	char path[512];
	size_t size;

	fresh_copy(w);
	data_path(w, path);
	size = file_bytes(path);
	for (unsigned i = 0; i < 9; i++) {
		size_t left = i == 0 ? 0 : i == 1 ? 100 : i == 2 ? 8192 : size * i / 10;
		char what[64];
		fresh_copy(w);
		snprintf(what, sizeof what, "data.mdb cut to %zu bytes", left);
		assert_int_equal(truncate(path, (off_t)left), 0);
		assert_heals(w, what);
	}
	print_message("%u crashes on the way\n", w->crashes);
}

/* Removes or replaces a file below the store, NULL text: removes. */
static void with_file(struct world *w, const char *name, const char *text)
{
	char path[512];

	fresh_copy(w);
	path_in(path, w->store, name);
	if (text)
		write_text(path, text);
	else
		test_remove_dir(path);
	assert_heals(w, name);
}

static void missing_files_of_the_views_come_back(void **state)
{
	struct world *w = *state;
	char path[512];

	with_file(w, "views/STATE", NULL);
	with_file(w, "views/control", NULL);
	with_file(w, "views", NULL);
	with_file(w, "snapshots", NULL);
	fresh_copy(w);
	data_path(w, path);
	snprintf(strrchr(path, '/'), 16, "/lock.mdb");
	assert_int_equal(unlink(path), 0);
	assert_heals(w, "lock.mdb");
	fresh_copy(w);
	data_path(w, path);
	assert_int_equal(unlink(path), 0);
	assert_heals(w, "data.mdb");
}

static void a_damaged_state_file_means_a_rebuild(void **state)
{
	struct world *w = *state;

	with_file(w, "views/STATE", "");
	with_file(w, "views/STATE", "format 0\ngeneration 18446744073709551615\n");
	with_file(w, "views/STATE", "format 9\n");
	with_file(w, "views/STATE",
	          "format 0\ngeneration 77\nboot x\ndevice 1\ninode 1\nclean 1\n");
	with_file(w, "views/STATE",
	          "format 0\ngeneration 18446744073709551615\nboot x\ndevice 1\ninode "
	          "1\nclean 0\n");
}

static uint64_t applied_at_open(struct world *w)
{
	struct fixture fixture;
	uint64_t events;

	real_prepare(&fixture, w->store);
	fixture_open(&fixture);
	events = fixture_status(&fixture).rebuilt_events;
	real_fini(&fixture);
	return events;
}

static void edit_state(struct world *w, const char *from, const char *to)
{
	char path[512];
	char text[600] = "";
	char *at;
	FILE *file;
	char tail[600];

	path_in(path, w->store, "views/STATE");
	file = fopen(path, "re");
	assert_non_null(file);
	assert_true(fread(text, 1, sizeof text - 1, file) > 0);
	fclose(file);
	at = strstr(text, from);
	assert_non_null(at);
	snprintf(tail, sizeof tail, "%s", at + strlen(from));
	snprintf(at, sizeof text - (size_t)(at - text), "%s%s", to, tail);
	write_text(path, text);
}

/* The first letters of a boot id are hex digits: none is an x. */
static void views_of_another_boot_are_made_anew_unless_closed_clean(void **state)
{
	struct world *w = *state;

	fresh_copy(w);
	assert_int_equal(applied_at_open(w), 0); /* clean */
	edit_state(w, "boot ", "boot x");
	assert_int_equal(applied_at_open(w), 0); /* clean: any boot */
	edit_state(w, "clean 1", "clean 0");
	assert_int_equal(applied_at_open(w), 0); /* died in this boot */
	edit_state(w, "clean 1", "clean 0");
	edit_state(w, "boot ", "boot x");
	assert_true(applied_at_open(w) > 0); /* died in another */
	assert_heals(w, "boot id");
}

static void a_copy_of_a_store_that_died_is_made_anew(void **state)
{
	struct world *w = *state;

	fresh_copy(w);
	edit_state(w, "clean 1", "clean 0");
	/* Another directory has another inode. */
	assert_true(applied_at_open(w) > 0);
	assert_heals(w, "copy of a dirty store");
}

static void a_damaged_control_page_is_made_anew(void **state)
{
	struct world *w = *state;
	cadre_time_ms before = cadre_env_real()->ops->wall_ms(cadre_env_real());
	char path[512];

	for (unsigned i = 0; i < 24; i++) {
		fresh_copy(w);
		path_in(path, w->store, "views/control");
		/* Each eighth byte's highest bit: what makes numbers large. */
		for (unsigned k = 0; k < 4; k++)
			flip_bit(path, 4 * i + k, 7);
		assert_heals(w, "control page");
		/* No event may be stamped far ahead: time never goes back. */
		assert_true(real_replay(w->store).time_ms < before + 600000);
	}
	fresh_copy(w);
	assert_int_equal(truncate(path, 100), 0);
	assert_heals(w, "short control page");
}

/* ---- snapshots ---- */

static void damaged_snapshots_are_passed_over(void **state)
{
	static const char *const names[] = { "manifest", "rows" };
	struct world *w = *state;
	char snapshots[512], snapshot[512], path[512];

	for (unsigned i = 0; i < 12; i++) {
		fresh_copy(w);
		path_in(snapshots, w->store, "snapshots");
		find_file(snapshots, "0", 0, snapshot);
		snprintf(path, sizeof path, "%.400s/%s", snapshot, names[i % 2]);
		if (i < 2)
			assert_int_equal(truncate(path, (off_t)file_bytes(path) / 2), 0);
		else if (i < 4)
			assert_int_equal(unlink(path), 0);
		else
			flip_bit(path, test_random_below(&w->random, file_bytes(path)),
			         (unsigned)test_random_below(&w->random, 8));
		edit_state(w, "clean 1", "clean 0");
		assert_heals(w, path);
	}
}

#define DAMAGE_TEST(name) cmocka_unit_test_setup(name, start_count)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		DAMAGE_TEST(a_copied_store_opens),
		DAMAGE_TEST(flipped_bits_of_the_views_heal),
		DAMAGE_TEST(garbage_for_pages_of_the_views_heals),
		DAMAGE_TEST(truncated_views_heal),
		DAMAGE_TEST(missing_files_of_the_views_come_back),
		DAMAGE_TEST(a_damaged_state_file_means_a_rebuild),
		DAMAGE_TEST(views_of_another_boot_are_made_anew_unless_closed_clean),
		DAMAGE_TEST(a_copy_of_a_store_that_died_is_made_anew),
		DAMAGE_TEST(a_damaged_control_page_is_made_anew),
		DAMAGE_TEST(damaged_snapshots_are_passed_over),
	};

	if (argc >= 3)
		return child_main(argv[1], argv[2], argc > 3);
	return cmocka_run_group_tests(tests, make_world, end_world);
}
