/* Requests as OCI's clients send them, signed here with a fresh key. */
#include "tests/support/testing.h"

#include <stdio.h>
#include <strings.h>

#include "engine/base/base64.h"
#include "tools/gateway/signature/replay.h"
#include "tools/gateway/signature/signature.h"

#define DATE "Sun, 22 Nov 2026 14:40:24 GMT"
#define DATE_MS 1795358424000u
#define EMPTY_SHA "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define TYPESCRIPT "x-date (request-target) host"
#define TYPESCRIPT_BODY TYPESCRIPT " Content-Type Content-Length x-content-sha256"
#define PYTHON "date (request-target) host"
#define PYTHON_BODY PYTHON " content-length content-type x-content-sha256"

struct header {
	const char *name, *value;
};

struct bench {
	struct cadre_rsa_key *key, *stranger;
	char fingerprint[CADRE_FINGERPRINT_BYTES];
	struct header headers[12];
	struct signed_request request;
	char authorization[2048];
	struct signature signature;
	struct cadre_error err;
	cadre_time_ms date_ms;
};

static struct cadre_rsa_key *fresh_key(void)
{
	struct cadre_buffer pem = { 0 };
	struct cadre_rsa_key *key = NULL;

	assert_int_equal(cadre_rsa_generate(&pem, NULL), CADRE_OK);
	assert_int_equal(cadre_rsa_private_key(cadre_buffer_slice(&pem), &key, NULL),
	                 CADRE_OK);
	cadre_buffer_fini(&pem);
	return key;
}

static int set_up(void **state)
{
	static struct bench bench;

	bench.key = fresh_key();
	bench.stranger = fresh_key();
	cadre_rsa_fingerprint(bench.key, bench.fingerprint);
	*state = &bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;

	cadre_rsa_key_destroy(&bench->key);
	cadre_rsa_key_destroy(&bench->stranger);
	return 0;
}

static const char *header(void *ctx, const char *name)
{
	struct bench *bench = ctx;

	for (size_t i = 0; i < 12 && bench->headers[i].name; i++) {
		if (strcasecmp(bench->headers[i].name, name) == 0)
			return bench->headers[i].value;
	}
	return NULL;
}

static void set_header(struct bench *bench, const char *name, const char *value)
{
	size_t i = 0;

	while (bench->headers[i].name && strcasecmp(bench->headers[i].name, name) != 0)
		i++;
	bench->headers[i] = (struct header){ name, value };
}

/* A request of a client whose clock shows DATE. */
static void begin(struct bench *bench, const char *method, const char *target)
{
	memset(bench->headers, 0, sizeof bench->headers);
	memset(&bench->err, 0, sizeof bench->err);
	bench->request = (struct signed_request){
		.method = method, .target = target, .header = header, .ctx = bench
	};
	set_header(bench, "host", "127.0.0.1:18080");
	set_header(bench, "date", DATE);
	set_header(bench, "x-date", DATE);
}

static void with_body(struct bench *bench, const char *body, const char *sha)
{
	bench->request.body = cadre_slice_text(body);
	set_header(bench, "Content-Type", "application/json");
	set_header(bench, "content-length", strlen(body) == 2 ? "2" : "0");
	set_header(bench, "x-content-sha256", sha);
}

/* Signs as a client would, over `target`, and parses what it sends. */
static void sign_target(struct bench *bench, const char *names, const char *target)
{
	char encoded[CADRE_BASE64_CHARS(CADRE_RSA_SIGNATURE_BYTES_MAX) + 1];
	struct cadre_buffer text = { 0 };
	struct cadre_buffer bytes = { 0 };

	snprintf(bench->authorization, sizeof bench->authorization,
	         "Signature version=\"1\",keyId=\"t/u/%s\",algorithm=\"rsa-sha256\","
	         "headers=\"%s\",signature=\"\"",
	         bench->fingerprint, names);
	assert_int_equal(signature_parse(cadre_slice_text(bench->authorization),
	                                 &bench->signature, &bench->err),
	                 CADRE_OK);
	assert_int_equal(signature_text(&bench->signature, &bench->request, target, &text,
	                                &bench->err),
	                 CADRE_OK);
	assert_int_equal(cadre_rsa_sign(bench->key, cadre_buffer_slice(&text), &bytes,
	                                &bench->err),
	                 CADRE_OK);
	cadre_base64_encode(bytes.data, bytes.length, encoded);
	snprintf(bench->authorization, sizeof bench->authorization,
	         "Signature algorithm=\"rsa-sha256\",headers=\"%s\",keyId=\"t/u/%s\","
	         "signature=\"%s\",version=\"1\"",
	         names, bench->fingerprint, encoded);
	assert_int_equal(signature_parse(cadre_slice_text(bench->authorization),
	                                 &bench->signature, &bench->err),
	                 CADRE_OK);
	cadre_buffer_fini(&text);
	cadre_buffer_fini(&bytes);
}

static void sign(struct bench *bench, const char *names)
{
	sign_target(bench, names, bench->request.target);
}

static enum cadre_status judge_at(struct bench *bench, cadre_time_ms now_ms)
{
	enum cadre_status status = signature_check(&bench->signature, &bench->request,
	                                           now_ms, &bench->date_ms, &bench->err);

	if (status == CADRE_OK)
		status = signature_verify(&bench->signature, &bench->request, bench->key,
		                          &bench->err);
	return status;
}

static void assert_passes(struct bench *bench)
{
	enum cadre_status status = judge_at(bench, DATE_MS);

	if (status != CADRE_OK)
		print_error("%s\n", bench->err.message);
	assert_int_equal(status, CADRE_OK);
}

static void assert_refused(struct bench *bench, const char *why)
{
	assert_int_equal(judge_at(bench, DATE_MS), CADRE_NOT_AUTHENTICATED);
	if (!strstr(bench->err.message, why))
		print_error("%s\n", bench->err.message);
	assert_non_null(strstr(bench->err.message, why));
}

/* ---- both clients ---- */

static void reads_of_both_clients_pass(void **state)
{
	static const char *const methods[] = { "GET", "HEAD", "DELETE" };
	struct bench *bench = *state;

	for (size_t i = 0; i < 3; i++) {
		begin(bench, methods[i], "/20190101/modelGroups?compartmentId=c");
		sign(bench, TYPESCRIPT);
		assert_passes(bench);
		sign(bench, PYTHON);
		assert_passes(bench);
	}
}

static void bodies_of_both_clients_pass(void **state)
{
	struct bench *bench = *state;

	begin(bench, "POST", "/20190101/modelGroups");
	with_body(bench, "{}", "RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=");
	sign(bench, TYPESCRIPT_BODY);
	assert_passes(bench);
	sign(bench, PYTHON_BODY);
	assert_passes(bench);
	begin(bench, "PUT", "/20190101/modelGroups/x");
	with_body(bench, "", EMPTY_SHA);
	sign(bench, TYPESCRIPT_BODY);
	assert_passes(bench);
}

static void the_text_is_the_one_of_the_documented_example(void **state)
{
	struct bench *bench = *state;
	struct cadre_buffer text = { 0 };

	begin(bench, "POST", "/20190101/modelGroups");
	with_body(bench, "{}", "RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=");
	sign(bench, TYPESCRIPT_BODY);
	assert_int_equal(signature_text(&bench->signature, &bench->request,
	                                bench->request.target, &text, NULL),
	                 CADRE_OK);
	assert_int_equal(cadre_buffer_append_zeros(&text, 1), CADRE_OK);
	assert_string_equal((char *)text.data,
	                    "x-date: " DATE "\n"
	                    "(request-target): post /20190101/modelGroups\n"
	                    "host: 127.0.0.1:18080\n"
	                    "content-type: application/json\n"
	                    "content-length: 2\n"
	                    "x-content-sha256: "
	                    "RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=");
	cadre_buffer_fini(&text);
}

static void an_upload_is_signed_without_its_body(void **state)
{
	struct bench *bench = *state;

	begin(bench, "POST", "/20190101/modelGroups/x/artifact");
	bench->request.body = cadre_slice_text("zip");
	sign(bench, TYPESCRIPT);
	assert_refused(bench, "do not name");
	bench->request.body_unsigned = true;
	assert_passes(bench);
}

static void a_query_outside_ascii_passes_raw_and_encoded(void **state)
{
	struct bench *bench = *state;

	begin(bench, "GET",
	      "/20190101/modelGroups?displayName=%C3%A9%2B%E6%97%A5&limit=5");
	sign(bench, TYPESCRIPT);
	assert_passes(bench);
	sign_target(bench, TYPESCRIPT,
	            "/20190101/modelGroups?displayName=\xC3\xA9%2B\xE6\x97\xA5&limit=5");
	assert_passes(bench);
	/* Only what is not ASCII, and only in the query. */
	sign_target(bench, TYPESCRIPT,
	            "/20190101/modelGroups?displayName=\xC3\xA9+\xE6\x97\xA5&limit=5");
	assert_refused(bench, "not made with this key");
	begin(bench, "GET", "/20190101/modelGroups/%C3%A9");
	sign_target(bench, TYPESCRIPT, "/20190101/modelGroups/\xC3\xA9");
	assert_refused(bench, "not made with this key");
}

/* ---- refusals ---- */

static void everything_that_is_signed_counts(void **state)
{
	struct bench *bench = *state;

	begin(bench, "GET", "/20190101/modelGroups?limit=1");
	sign(bench, PYTHON);
	bench->request.target = "/20190101/modelGroups?limit=2";
	assert_refused(bench, "not made with this key");
	begin(bench, "GET", "/x");
	sign(bench, PYTHON);
	bench->request.method = "DELETE";
	assert_refused(bench, "not made with this key");
	begin(bench, "GET", "/x");
	sign(bench, PYTHON);
	set_header(bench, "host", "elsewhere");
	assert_refused(bench, "not made with this key");
	begin(bench, "GET", "/x");
	sign(bench, PYTHON);
	set_header(bench, "date", "Sun, 22 Nov 2026 14:40:25 GMT");
	assert_refused(bench, "not made with this key");
}

static void another_key_does_not_pass(void **state)
{
	struct bench *bench = *state;

	begin(bench, "GET", "/x");
	sign(bench, PYTHON);
	assert_int_equal(signature_verify(&bench->signature, &bench->request,
	                                  bench->stranger, &bench->err),
	                 CADRE_NOT_AUTHENTICATED);
}

static void a_body_that_was_exchanged_is_refused(void **state)
{
	struct bench *bench = *state;

	begin(bench, "POST", "/20190101/modelGroups");
	with_body(bench, "{}", "RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=");
	sign(bench, PYTHON_BODY);
	bench->request.body = cadre_slice_text("[]");
	assert_refused(bench, "x-content-sha256");
	/* Signed though it need not be: a GET with a body. */
	begin(bench, "GET", "/x");
	set_header(bench, "x-content-sha256", "AAAA");
	sign(bench, PYTHON " x-content-sha256");
	assert_refused(bench, "x-content-sha256");
}

static void what_must_be_signed_is(void **state)
{
	static const struct {
		const char *names, *missing;
	} lacking[] = {
		{ "(request-target) host content-length content-type x-content-sha256",
		  "date or x-date" },
		{ "date host content-length content-type x-content-sha256",
		  "(request-target)" },
		{ "date (request-target) content-length content-type x-content-sha256",
		  "host" },
		{ "date (request-target) host content-type x-content-sha256",
		  "content-length" },
		{ "date (request-target) host content-length x-content-sha256",
		  "content-type" },
		{ "date (request-target) host content-length content-type",
		  "x-content-sha256" },
	};
	struct bench *bench = *state;

	for (size_t i = 0; i < sizeof lacking / sizeof *lacking; i++) {
		begin(bench, "PUT", "/x");
		with_body(bench, "", EMPTY_SHA);
		sign(bench, lacking[i].names);
		assert_refused(bench, lacking[i].missing);
	}
	/* A body under a method that needs none is signed as well. */
	begin(bench, "DELETE", "/x");
	bench->request.body = cadre_slice_text("{}");
	sign(bench, PYTHON);
	assert_refused(bench, "do not name");
}

static void a_signed_header_that_is_absent_is_named(void **state)
{
	struct bench *bench = *state;

	begin(bench, "GET", "/x");
	set_header(bench, "opc-obo-token", "token");
	sign(bench, PYTHON " opc-obo-token");
	assert_passes(bench);
	bench->headers[3].name = "something-else";
	assert_refused(bench, "\"opc-obo-token\", which is absent");
}

static void skew_is_judged_on_the_signed_date(void **state)
{
	struct bench *bench = *state;

	/* The SDK's ordinary Date is old on a repeat; it did not sign that one. */
	begin(bench, "GET", "/x");
	set_header(bench, "date", "Sun, 22 Nov 2026 10:00:00 GMT");
	sign(bench, TYPESCRIPT);
	assert_passes(bench);
	assert_int_equal(bench->date_ms, DATE_MS);
	sign(bench, PYTHON);
	assert_refused(bench, "date: ");
	begin(bench, "GET", "/x");
	sign(bench, PYTHON);
	assert_int_equal(judge_at(bench, DATE_MS + SIGNATURE_SKEW_MS), CADRE_OK);
	assert_int_equal(judge_at(bench, DATE_MS - SIGNATURE_SKEW_MS), CADRE_OK);
	assert_int_equal(judge_at(bench, DATE_MS + SIGNATURE_SKEW_MS + 1),
	                 CADRE_NOT_AUTHENTICATED);
	assert_int_equal(judge_at(bench, DATE_MS - SIGNATURE_SKEW_MS - 1),
	                 CADRE_NOT_AUTHENTICATED);
}

static void dates_have_one_form(void **state)
{
	static const char *const bad[] = {
		"",
		"2026-11-22T14:40:24Z",
		"Sun, 22 Nov 2026 14:40:24 UTC",
		"Sun, 22 Foo 2026 14:40:24 GMT",
		"Sun, 32 Nov 2026 14:40:24 GMT",
		"Sun, 22 Nov 2026 25:40:24 GMT",
		"Sun, 22 Nov 2026 14:40:24 GMT ",
		"Sun, -2 Nov 2026 14:40:24 GMT",
	};
	cadre_time_ms time;

	(void)state;
	assert_true(signature_date(DATE, &time));
	assert_int_equal(time, DATE_MS);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(signature_date(bad[i], &time));
}

/* ---- the header ---- */

#define PRINT "e3:0b:2b:dd:b2:3e:bb:21:3f:a2:65:9a:2e:f8:e6:82"

static enum cadre_status parse(const char *text, struct cadre_error *err)
{
	struct signature signature;

	return signature_parse(cadre_slice_text(text), &signature, err);
}

static void the_header_is_read_by_names(void **state)
{
	struct signature signature;
	struct cadre_error err = CADRE_ERROR_INIT;

	(void)state;
	assert_int_equal(
	        signature_parse(
	                cadre_slice_text("Signature keyId=\"a/b/" PRINT
	                                 "\",other=\"ignored\", signature=\"AAAA\","
	                                 "headers=\"Date  (request-target) hOst\","
	                                 "algorithm=\"RSA-SHA256\",version=\"1\""),
	                &signature, &err),
	        CADRE_OK);
	assert_string_equal(signature.fingerprint, PRINT);
	assert_int_equal(signature.name_count, 3);
	assert_int_equal(signature.length, 3);
	assert_int_equal(signature.key_id.length, 4 + sizeof PRINT - 1);
}

static void a_broken_header_says_what_is_wrong(void **state)
{
#define REST "version=\"1\",algorithm=\"rsa-sha256\",headers=\"date\",signature=\"AAAA\""
	static const struct {
		const char *text, *why;
	} broken[] = {
		{ "", "scheme" },
		{ "Bearer abc", "scheme" },
		{ "Signature", "scheme" },
		{ "Signature version", "name=" },
		{ "Signature version=1", "name=" },
		{ "Signature version=\"1", "does not end" },
		{ "Signature version=\"1\"algorithm=\"x\"", "comma" },
		{ "Signature version=\"1\",version=\"1\"", "twice" },
		{ "Signature " REST, "no keyId" },
		{ "Signature keyId=\"ST$abc\"," REST, "session tokens" },
		{ "Signature keyId=\"t/u\"," REST, "tenancy/user" },
		{ "Signature keyId=\"" PRINT "\"," REST, "tenancy/user" },
		{ "Signature keyId=\"t/u/g3:0b:2b:dd:b2:3e:bb:21:3f:a2:65:9a:2e:f8:e6:82\"," REST,
		  "aa:bb" },
		{ "Signature keyId=\"t/u/" PRINT
		  "\",version=\"2\",algorithm=\"rsa-sha256\","
		  "headers=\"date\",signature=\"AAAA\"",
		  "version" },
		{ "Signature keyId=\"t/u/" PRINT "\",version=\"1\",algorithm=\"hmac\","
		  "headers=\"date\",signature=\"AAAA\"",
		  "algorithm" },
		{ "Signature keyId=\"t/u/" PRINT
		  "\",version=\"1\",algorithm=\"rsa-sha256\","
		  "headers=\"date\",signature=\"A\"",
		  "base64" },
		{ "Signature keyId=\"t/u/" PRINT
		  "\",version=\"1\",algorithm=\"rsa-sha256\","
		  "headers=\"a b c d e f g h i j k l m n o p q\",signature=\"AAAA\"",
		  "16 names" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		struct cadre_error err = CADRE_ERROR_INIT;
		assert_int_equal(parse(broken[i].text, &err), CADRE_NOT_AUTHENTICATED);
		if (!strstr(err.message, broken[i].why))
			print_error("%s: %s\n", broken[i].text, err.message);
		assert_non_null(strstr(err.message, broken[i].why));
	}
}

/* ---- copies ---- */

static void a_copy_is_refused_and_a_repeat_is_not(void **state)
{
	struct bench *bench = *state;
	struct replay *replay = NULL;
	struct signature other;

	begin(bench, "DELETE", "/x");
	sign(bench, PYTHON);
	other = bench->signature;
	other.bytes[0] ^= 1;
	assert_int_equal(replay_create(16, &replay, NULL), CADRE_OK);
#define NOTE(signature, token) \
	replay_note(replay, signature, token, DATE_MS, DATE_MS, &bench->err)
	assert_int_equal(NOTE(&bench->signature, NULL), CADRE_OK);
	assert_int_equal(NOTE(&bench->signature, NULL), CADRE_NOT_AUTHENTICATED);
	assert_int_equal(NOTE(&bench->signature, "fresh"), CADRE_NOT_AUTHENTICATED);
	assert_int_equal(NOTE(&other, "token"), CADRE_OK);
	assert_int_equal(NOTE(&other, "token"), CADRE_OK);
	assert_int_equal(NOTE(&other, "another"), CADRE_NOT_AUTHENTICATED);
	assert_int_equal(NOTE(&other, NULL), CADRE_NOT_AUTHENTICATED);
	replay_destroy(&replay);
	replay_destroy(&replay);
}

static void a_full_store_refuses_until_dates_are_old(void **state)
{
	struct bench *bench = *state;
	struct replay *replay = NULL;
	struct signature signature = bench->signature;
	cadre_time_ms later = DATE_MS + SIGNATURE_SKEW_MS + 1;

	assert_int_equal(replay_create(16, &replay, NULL), CADRE_OK);
	signature.length = 1;
	for (unsigned i = 0; i < 16; i++) {
		signature.bytes[0] = (uint8_t)i;
		assert_int_equal(NOTE(&signature, NULL), CADRE_OK);
	}
	signature.bytes[0] = 16;
	assert_int_equal(NOTE(&signature, NULL), CADRE_TOO_MANY_REQUESTS);
	assert_int_equal(replay_note(replay, &signature, NULL, later, later, NULL),
	                 CADRE_OK);
	replay_destroy(&replay);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_of_both_clients_pass),
		cmocka_unit_test(bodies_of_both_clients_pass),
		cmocka_unit_test(the_text_is_the_one_of_the_documented_example),
		cmocka_unit_test(an_upload_is_signed_without_its_body),
		cmocka_unit_test(a_query_outside_ascii_passes_raw_and_encoded),
		cmocka_unit_test(everything_that_is_signed_counts),
		cmocka_unit_test(another_key_does_not_pass),
		cmocka_unit_test(a_body_that_was_exchanged_is_refused),
		cmocka_unit_test(what_must_be_signed_is),
		cmocka_unit_test(a_signed_header_that_is_absent_is_named),
		cmocka_unit_test(skew_is_judged_on_the_signed_date),
		cmocka_unit_test(dates_have_one_form),
		cmocka_unit_test(the_header_is_read_by_names),
		cmocka_unit_test(a_broken_header_says_what_is_wrong),
		cmocka_unit_test(a_copy_is_refused_and_a_repeat_is_not),
		cmocka_unit_test(a_full_store_refuses_until_dates_are_old),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
