#include "engine/base/rsa.h"

#include <stdlib.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#define MD5_BYTES 16

struct cadre_rsa_key {
	EVP_PKEY *pkey;
	uint8_t md5[MD5_BYTES];
};

static enum cadre_status no_memory(struct cadre_error *err)
{
	return cadre_error_set(err, CADRE_OUT_OF_MEMORY, "no memory for a key");
}

static bool hash_public_half(struct cadre_rsa_key *key)
{
	unsigned char *der = NULL;
	int length = i2d_PUBKEY(key->pkey, &der);
	unsigned hashed = 0;
	bool ok = length > 0 && EVP_Digest(der, (size_t)length, key->md5, &hashed,
	                                   EVP_md5(), NULL) == 1;

	OPENSSL_free(der);
	return ok && hashed == sizeof key->md5;
}

/* Takes over `pkey`, which may be NULL. */
static enum cadre_status wrap(EVP_PKEY *pkey, const char *what,
                              struct cadre_rsa_key **ret_key, struct cadre_error *err)
{
	struct cadre_rsa_key *key = calloc(1, sizeof *key);
	int bits = pkey ? EVP_PKEY_get_bits(pkey) : 0;

	/* What the library could not read is told by its NULL alone. */
	ERR_clear_error();
	if (!key) {
		EVP_PKEY_free(pkey);
		return no_memory(err);
	}
	key->pkey = pkey;
	if (!pkey || EVP_PKEY_get_base_id(pkey) != EVP_PKEY_RSA) {
		cadre_rsa_key_destroy(&key);
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "no RSA %s key in PEM form", what);
	}
	if (bits < CADRE_RSA_BITS_MIN || bits > CADRE_RSA_BITS_MAX) {
		cadre_rsa_key_destroy(&key);
		return cadre_error_set(err, CADRE_INVALID_PARAMETER,
		                       "an RSA key of %d bits, %d to %d", bits,
		                       CADRE_RSA_BITS_MIN, CADRE_RSA_BITS_MAX);
	}
	if (!hash_public_half(key)) {
		cadre_rsa_key_destroy(&key);
		return no_memory(err);
	}
	*ret_key = key;
	return CADRE_OK;
}

/* An encrypted key is no key: nobody is asked for a password. */
static int no_password(char *text, int size, int writing, void *ctx)
{
	(void)text;
	(void)size;
	(void)writing;
	(void)ctx;
	return -1;
}

static EVP_PKEY *read_pem(struct cadre_slice pem, bool private_half)
{
	BIO *bio;
	EVP_PKEY *pkey;

	if (pem.length == 0 || pem.length > INT32_MAX)
		return NULL;
	bio = BIO_new_mem_buf(pem.data, (int)pem.length);
	if (!bio)
		return NULL;
	pkey = private_half ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL)
	                    : PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL);
	BIO_free(bio);
	return pkey;
}

enum cadre_status cadre_rsa_public_key(struct cadre_slice pem,
                                       struct cadre_rsa_key **ret_key,
                                       struct cadre_error *err)
{
	EVP_PKEY *pkey = read_pem(pem, false);

	if (!pkey)
		pkey = read_pem(pem, true);
	return wrap(pkey, "public", ret_key, err);
}

enum cadre_status cadre_rsa_private_key(struct cadre_slice pem,
                                        struct cadre_rsa_key **ret_key,
                                        struct cadre_error *err)
{
	return wrap(read_pem(pem, true), "private", ret_key, err);
}

void cadre_rsa_key_destroy(struct cadre_rsa_key **key)
{
	if (*key) {
		EVP_PKEY_free((*key)->pkey);
		free(*key);
	}
	*key = NULL;
}

void cadre_rsa_fingerprint(const struct cadre_rsa_key *key,
                           char text[CADRE_FINGERPRINT_BYTES])
{
	char pair[3];

	for (size_t i = 0; i < MD5_BYTES; i++) {
		cadre_hex_encode(&key->md5[i], 1, pair);
		text[i * 3] = pair[0];
		text[i * 3 + 1] = pair[1];
		text[i * 3 + 2] = i + 1 < MD5_BYTES ? ':' : '\0';
	}
}

static enum cadre_status take_bio(BIO *bio, bool written, struct cadre_buffer *out,
                                  struct cadre_error *err)
{
	char *data = NULL;
	long length = written ? BIO_get_mem_data(bio, &data) : 0;
	enum cadre_status status = CADRE_OUT_OF_MEMORY;

	if (length > 0)
		status = cadre_buffer_append(out, data, (size_t)length);
	BIO_free(bio);
	ERR_clear_error();
	return status == CADRE_OK ? status : no_memory(err);
}

enum cadre_status cadre_rsa_public_pem(const struct cadre_rsa_key *key,
                                       struct cadre_buffer *out, struct cadre_error *err)
{
	BIO *bio = BIO_new(BIO_s_mem());

	return take_bio(bio, bio && PEM_write_bio_PUBKEY(bio, key->pkey) == 1, out, err);
}

bool cadre_rsa_verify(const struct cadre_rsa_key *key, struct cadre_slice message,
                      struct cadre_slice signature)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = context &&
	            EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key->pkey) ==
	                    1 &&
	            EVP_DigestVerify(context, signature.data, signature.length,
	                             message.data, message.length) == 1;

	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return good;
}

enum cadre_status cadre_rsa_sign(const struct cadre_rsa_key *key,
                                 struct cadre_slice message, struct cadre_buffer *out,
                                 struct cadre_error *err)
{
	uint8_t bytes[CADRE_RSA_SIGNATURE_BYTES_MAX];
	size_t length = sizeof bytes;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool done = context &&
	            EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key->pkey) ==
	                    1 &&
	            EVP_DigestSign(context, bytes, &length, message.data,
	                           message.length) == 1;

	EVP_MD_CTX_free(context);
	ERR_clear_error();
	if (!done)
		return cadre_error_set(err, CADRE_INTERNAL, "the key signs nothing");
	return cadre_buffer_append(out, bytes, length) == CADRE_OK ? CADRE_OK
	                                                           : no_memory(err);
}

enum cadre_status cadre_rsa_generate(struct cadre_buffer *out, struct cadre_error *err)
{
	EVP_PKEY *pkey = EVP_RSA_gen(CADRE_RSA_BITS_MIN);
	BIO *bio = BIO_new(BIO_s_mem());
	bool written = pkey && bio &&
	               PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL,
	                                             NULL) == 1;

	EVP_PKEY_free(pkey);
	return take_bio(bio, written, out, err);
}
