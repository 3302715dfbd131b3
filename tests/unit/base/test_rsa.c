#include "tests/support/testing.h"

#include <stdio.h>

#include "engine/base/base64.h"
#include "engine/base/rsa.h"

struct keys {
	struct cadre_buffer private_pem, public_pem;
	struct cadre_rsa_key *private_key, *public_key;
};

static int make_keys(void **state)
{
	static struct keys keys;
	struct cadre_error err = CADRE_ERROR_INIT;

	assert_int_equal(cadre_rsa_generate(&keys.private_pem, &err), CADRE_OK);
	assert_int_equal(cadre_rsa_private_key(cadre_buffer_slice(&keys.private_pem),
	                                       &keys.private_key, &err),
	                 CADRE_OK);
	assert_int_equal(cadre_rsa_public_pem(keys.private_key, &keys.public_pem, &err),
	                 CADRE_OK);
	assert_int_equal(cadre_rsa_public_key(cadre_buffer_slice(&keys.public_pem),
	                                      &keys.public_key, &err),
	                 CADRE_OK);
	*state = &keys;
	return 0;
}

static int free_keys(void **state)
{
	struct keys *keys = *state;

	cadre_rsa_key_destroy(&keys->private_key);
	cadre_rsa_key_destroy(&keys->public_key);
	cadre_rsa_key_destroy(&keys->public_key);
	cadre_buffer_fini(&keys->private_pem);
	cadre_buffer_fini(&keys->public_pem);
	return 0;
}

static void a_signature_proves_its_text_and_no_other(void **state)
{
	struct keys *keys = *state;
	struct cadre_slice text = cadre_slice_text("who signed this");
	struct cadre_buffer signature = { 0 };

	assert_int_equal(cadre_rsa_sign(keys->private_key, text, &signature, NULL),
	                 CADRE_OK);
	assert_int_equal(signature.length, CADRE_RSA_BITS_MIN / 8);
	assert_true(
	        cadre_rsa_verify(keys->public_key, text, cadre_buffer_slice(&signature)));
	assert_true(cadre_rsa_verify(keys->private_key, text,
	                             cadre_buffer_slice(&signature)));
	assert_false(cadre_rsa_verify(keys->public_key,
	                              cadre_slice_text("who signed that"),
	                              cadre_buffer_slice(&signature)));
	assert_false(cadre_rsa_verify(keys->public_key, text,
	                              cadre_slice(signature.data, signature.length - 1)));
	signature.data[17] ^= 1;
	assert_false(
	        cadre_rsa_verify(keys->public_key, text, cadre_buffer_slice(&signature)));
	assert_false(cadre_rsa_verify(keys->public_key, text, cadre_slice("", 0)));
	cadre_buffer_fini(&signature);
}

/* The fingerprint of the public half that `openssl rsa -pubin -outform DER | openssl
 * md5 -c` gives. */
static void the_fingerprint_is_that_of_the_public_half(void **state)
{
	static const char pem[] =
	        "-----BEGIN PUBLIC KEY-----\n"
	        "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAyUPo17hDrrb4qX3boYXy\n"
	        "85GNoxRnveWNTVJb1hcs6nrHjA3rQlJe2COsZBAURTEat5eKPx3OoSghB9BtnS/L\n"
	        "7x2qNvEHcZ7Jjy6OcjyWR6Qh2Aw18md51xMueiIdC5EN+D/stRyAV9lUEi5wibKm\n"
	        "UygTWgG89Btg3ZekOovT8pIV5LjOhh9EmPYwBm8ne+wEbOjnOmAe+zSpOx1RCxLZ\n"
	        "Gybl3ZW2VG8fvD14ObDkb0ApEIPovy95T9KUyULEv4y+Ebj/W6XpSsqqDqLLUG7N\n"
	        "Rs+tjpWmujR64HZOCDq3vOJifYLb/tmMWBusdtUYKlOLmC0y/c2JHXY2+qsYZ2pc\n"
	        "FQIDAQAB\n"
	        "-----END PUBLIC KEY-----\n";
	struct keys *keys = *state;
	struct cadre_rsa_key *key = NULL;
	char one[CADRE_FINGERPRINT_BYTES], other[CADRE_FINGERPRINT_BYTES];

	assert_int_equal(cadre_rsa_public_key(cadre_slice_text(pem), &key, NULL),
	                 CADRE_OK);
	cadre_rsa_fingerprint(key, one);
	assert_string_equal(one, "f5:e0:4e:3f:cc:52:7e:9b:3b:8c:04:cb:b7:b9:03:bd");
	cadre_rsa_key_destroy(&key);
	cadre_rsa_fingerprint(keys->private_key, one);
	cadre_rsa_fingerprint(keys->public_key, other);
	assert_string_equal(one, other);
}

static void what_is_no_key_is_refused(void **state)
{
	static const char short_key[] =
	        "-----BEGIN PUBLIC KEY-----\n"
	        "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC3Iv5ArLyRKlam9XV3FxLN1b2n\n"
	        "8AzrwvmbtKaEsJtovQeT+E6xXzbzX7eYEi6J9Y69PR5v+Q4GnbKTMyMvt97y5vbA\n"
	        "NV7maYNps7pTP2zNB67/2QFt5+ZYE1vlkeqfsQDv6VxTi/fXpbD6Monw760dAzrt\n"
	        "TvwKiv+ocjoJ+w0v+wIDAQAB\n"
	        "-----END PUBLIC KEY-----\n";
	static const char curve_key[] =
	        "-----BEGIN PUBLIC KEY-----\n"
	        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEr/YPstflAYYayu0aaSW2IbXEfTcV\n"
	        "dSlqcowtTBuVAqeXCVynasH3gPBmIC2ap+BSlyK3nprKKIff4/3uJfK/Rg==\n"
	        "-----END PUBLIC KEY-----\n";
	struct keys *keys = *state;
	struct cadre_error err = CADRE_ERROR_INIT;
	struct cadre_rsa_key *key = NULL;

	assert_int_equal(cadre_rsa_public_key(cadre_slice_text(""), &key, &err),
	                 CADRE_INVALID_PARAMETER);
	assert_int_equal(
	        cadre_rsa_public_key(cadre_slice_text("ssh-rsa AAAA"), &key, &err),
	        CADRE_INVALID_PARAMETER);
	assert_int_equal(cadre_rsa_public_key(cadre_slice_text(short_key), &key, &err),
	                 CADRE_INVALID_PARAMETER);
	assert_non_null(strstr(err.message, "1024 bits, 2048 to 8192"));
	assert_int_equal(cadre_rsa_public_key(cadre_slice_text(curve_key), &key, &err),
	                 CADRE_INVALID_PARAMETER);
	assert_int_equal(
	        cadre_rsa_private_key(cadre_buffer_slice(&keys->public_pem), &key, &err),
	        CADRE_INVALID_PARAMETER);
	assert_null(key);
}

static void base64_goes_there_and_back(void **state)
{
	static const struct {
		const char *plain, *text;
	} pairs[] = { { "", "" },
		      { "f", "Zg==" },
		      { "fo", "Zm8=" },
		      { "foo", "Zm9v" },
		      { "foob", "Zm9vYg==" },
		      { "fooba", "Zm9vYmE=" },
		      { "foobar", "Zm9vYmFy" } };
	uint8_t bytes[8];
	char text[16];
	size_t length;

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		cadre_base64_encode(pairs[i].plain, strlen(pairs[i].plain), text);
		assert_string_equal(text, pairs[i].text);
		assert_true(cadre_base64_decode(cadre_slice_text(text), bytes,
		                                sizeof bytes, &length));
		assert_int_equal(length, strlen(pairs[i].plain));
		assert_memory_equal(bytes, pairs[i].plain, length);
	}
}

static void base64_has_one_text_for_one_value(void **state)
{
	static const char *const bad[] = { "Z",    "Zg",       "Zg=",  "Zh==", "Zm9=",
		                           "====", "Zg==Zg==", "Zm 9", "Z=g=", "Zm9v\n" };
	uint8_t bytes[8];
	size_t length;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(cadre_base64_decode(cadre_slice_text(bad[i]), bytes,
		                                 sizeof bytes, &length));
	assert_false(cadre_base64_decode(cadre_slice_text("Zm9v"), bytes, 2, &length));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signature_proves_its_text_and_no_other),
		cmocka_unit_test(the_fingerprint_is_that_of_the_public_half),
		cmocka_unit_test(what_is_no_key_is_refused),
		cmocka_unit_test(base64_goes_there_and_back),
		cmocka_unit_test(base64_has_one_text_for_one_value),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
