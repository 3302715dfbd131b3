#include "tests/support/testing.h"

#include <stdio.h>

#include "cadre/v1/command.pb-c.h"
#include "proto/codec/codec.h"
#include "sample.pb-c.h"

static void pack_sample(const char *name, size_t leaf_count, struct cadre_buffer *out)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	Sample__Sample sample = SAMPLE__SAMPLE__INIT;
	Sample__Leaf leaf = SAMPLE__LEAF__INIT;
	Sample__Leaf *leaves[1024];
	char text[64];

	snprintf(text, sizeof text, "%s", name);
	sample.display_name = text;
	leaf.leaf_name = text;
	for (size_t i = 0; i < leaf_count; i++)
		leaves[i] = &leaf;
	sample.n_member_list = leaf_count;
	sample.member_list = leaves;
	sample.has_u64 = 1;
	sample.u64 = 12345678901234u;
	assert_ok(cadre_pack(&sample.base, out, &err));
}

static void what_is_packed_unpacks_to_the_same(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_buffer bytes = { 0 };
	struct cadre_arena arena;
	ProtobufCMessage *message = NULL;
	const Sample__Sample *sample;

	(void)state;
	cadre_arena_init(&arena, 1 << 20);
	pack_sample("h\xC3\xA9llo", 3, &bytes);
	assert_ok(cadre_unpack(&sample__sample__descriptor, cadre_buffer_slice(&bytes),
	                       &arena, &message, &err));
	sample = (const Sample__Sample *)message;
	cadre_buffer_fini(&bytes);
	assert_string_equal(sample->display_name, "h\xC3\xA9llo");
	assert_int_equal(sample->u64, 12345678901234u);
	assert_int_equal(sample->n_member_list, 3);
	assert_string_equal(sample->member_list[2]->leaf_name, "h\xC3\xA9llo");
	cadre_arena_fini(&arena);
}

static void packing_appends_behind_what_is_there(void **state)
{
	struct cadre_buffer once = { 0 };
	struct cadre_buffer twice = { 0 };

	(void)state;
	pack_sample("a", 2, &once);
	pack_sample("a", 2, &twice);
	pack_sample("a", 2, &twice);
	assert_int_equal(twice.length, 2 * once.length);
	assert_memory_equal(twice.data, once.data, once.length);
	assert_memory_equal(twice.data + once.length, once.data, once.length);
	cadre_buffer_fini(&once);
	cadre_buffer_fini(&twice);
}

static void an_empty_message_packs_to_nothing(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_buffer bytes = { 0 };
	Sample__Nest nest = SAMPLE__NEST__INIT;

	(void)state;
	assert_ok(cadre_pack(&nest.base, &bytes, &err));
	assert_int_equal(bytes.length, 0);
	assert_null(bytes.data);
}

static void a_message_that_lacks_a_required_field_is_not_packed(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_buffer bytes = { 0 };
	Sample__Sample sample = SAMPLE__SAMPLE__INIT;

	(void)state;
	assert_int_equal(cadre_pack(&sample.base, &bytes, &err), CADRE_INTERNAL);
	assert_string_equal(err.message,
	                    "Sample: a required field or a string is missing");
	assert_int_equal(bytes.length, 0);
}

static void hostile_bytes_do_not_reach_the_decoder(void **state)
{
	static const uint8_t unknown[] = { 0x0A, 1, 'a', 0xB0, 0x06, 5 };
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_arena arena;
	ProtobufCMessage *message = NULL;

	(void)state;
	cadre_arena_init(&arena, 1 << 20);
	assert_int_equal(cadre_unpack(&sample__sample__descriptor,
	                              cadre_slice(unknown, sizeof unknown), &arena,
	                              &message, &err),
	                 CADRE_INVALID_PARAMETER);
	assert_null(message);
	assert_int_equal(arena.bytes_held, 0);
	cadre_arena_fini(&arena);
}

static void a_message_larger_than_its_arena_is_too_large(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_buffer bytes = { 0 };
	struct cadre_arena arena;
	ProtobufCMessage *message = NULL;

	(void)state;
	pack_sample("a name that is long enough", 1000, &bytes);
	cadre_arena_init(&arena, 20000);
	assert_int_equal(cadre_unpack(&sample__sample__descriptor,
	                              cadre_buffer_slice(&bytes), &arena, &message, &err),
	                 CADRE_TOO_LARGE);
	assert_string_equal(err.message, "Sample: needs more than 20000 bytes of memory");
	assert_null(message);
	cadre_arena_fini(&arena);
	cadre_buffer_fini(&bytes);
}

static void a_message_over_the_byte_limit_is_too_large(void **state)
{
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_buffer bytes = { 0 };
	struct cadre_arena arena;
	ProtobufCMessage *message = NULL;

	(void)state;
	assert_ok(cadre_buffer_append_zeros(&bytes, CADRE_MESSAGE_BYTES_MAX + 1));
	cadre_arena_init(&arena, 1 << 20);
	assert_int_equal(cadre_unpack(&sample__sample__descriptor,
	                              cadre_buffer_slice(&bytes), &arena, &message, &err),
	                 CADRE_TOO_LARGE);
	cadre_arena_fini(&arena);
	cadre_buffer_fini(&bytes);
}

/* The largest honest command there is: every limit of the arena must hold it. */
static void a_create_of_1000_members_fits_its_arena(void **state)
{
	static Cadre__V1__Member members[CADRE_MEMBERS_MAX];
	static Cadre__V1__Member *list[CADRE_MEMBERS_MAX];
	static char ids[CADRE_MEMBERS_MAX][64];
	static char keys[CADRE_MEMBERS_MAX][16];
	struct cadre_error err = CADRE_ERROR_INIT;
	Cadre__V1__Command command = CADRE__V1__COMMAND__INIT;
	Cadre__V1__CreateGroup group = CADRE__V1__CREATE_GROUP__INIT;
	Cadre__V1__GroupDetails details = CADRE__V1__GROUP_DETAILS__INIT;
	struct cadre_buffer bytes = { 0 };
	struct cadre_arena arena;
	ProtobufCMessage *message = NULL;
	char compartment[] = "c";

	(void)state;
	for (size_t i = 0; i < CADRE_MEMBERS_MAX; i++) {
		cadre__v1__member__init(&members[i]);
		snprintf(ids[i], sizeof ids[i], "ocid1.datasciencemodel.oc1..m%zu", i);
		snprintf(keys[i], sizeof keys[i], "k%zu", i);
		members[i].model_id = ids[i];
		members[i].inference_key = keys[i];
		list[i] = &members[i];
	}
	details.type = CADRE__V1__GROUP_TYPE__HETEROGENEOUS;
	group.compartment_id = compartment;
	group.project_id = compartment;
	group.model_group_details = &details;
	group.members = list;
	group.n_members = CADRE_MEMBERS_MAX;
	command.body_case = CADRE__V1__COMMAND__BODY_CREATE_GROUP;
	command.create_group = &group;
	assert_ok(cadre_pack(&command.base, &bytes, &err));
	cadre_arena_init(&arena, cadre_arena_bytes_for(bytes.length));
	assert_ok(cadre_unpack(&cadre__v1__command__descriptor,
	                       cadre_buffer_slice(&bytes), &arena, &message, &err));
	assert_true(arena.bytes_held <= 8 * bytes.length);
	keys[17][0] = '\x7F';
	members[17].inference_key = ids[17];
	ids[17][0] = '\xFF';
	cadre_buffer_clear(&bytes);
	assert_ok(cadre_pack(&command.base, &bytes, &err));
	assert_int_equal(cadre_unpack(&cadre__v1__command__descriptor,
	                              cadre_buffer_slice(&bytes), &arena, &message, &err),
	                 CADRE_INVALID_PARAMETER);
	assert_string_equal(err.message,
	                    "createGroup.members[17].modelId: is not valid UTF-8");
	cadre_arena_fini(&arena);
	cadre_buffer_fini(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_packed_unpacks_to_the_same),
		cmocka_unit_test(packing_appends_behind_what_is_there),
		cmocka_unit_test(an_empty_message_packs_to_nothing),
		cmocka_unit_test(a_message_that_lacks_a_required_field_is_not_packed),
		cmocka_unit_test(hostile_bytes_do_not_reach_the_decoder),
		cmocka_unit_test(a_message_larger_than_its_arena_is_too_large),
		cmocka_unit_test(a_message_over_the_byte_limit_is_too_large),
		cmocka_unit_test(a_create_of_1000_members_fits_its_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
