/*
 * RSA keys: who signed what. RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, 8.2), keys as
 * PEM, names of keys as OCI forms them: the MD5 of the public key's DER form
 * (SubjectPublicKeyInfo), sixteen pairs of hex digits with colons between.
 *
 * Threads: a key may be used by several at once; making and destroying is one's.
 */
#ifndef CADRE_BASE_RSA_H
#define CADRE_BASE_RSA_H

#include "engine/base/bytes.h"

/* Shorter keys are no proof; longer ones cost more than they are worth. */
#define CADRE_RSA_BITS_MIN 2048
#define CADRE_RSA_BITS_MAX 8192
#define CADRE_RSA_SIGNATURE_BYTES_MAX (CADRE_RSA_BITS_MAX / 8)
/* With its NUL. */
#define CADRE_FINGERPRINT_BYTES 48

struct cadre_rsa_key;

/* A public key, or the public half of a private one that is not encrypted.
 * Errors: CADRE_INVALID_PARAMETER: no PEM, not RSA, its size; CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status cadre_rsa_public_key(struct cadre_slice pem,
                                                        struct cadre_rsa_key **ret_key,
                                                        struct cadre_error *err);
/* A private key that is not encrypted. Errors: the same. */
CADRE_MUST_CHECK enum cadre_status cadre_rsa_private_key(struct cadre_slice pem,
                                                         struct cadre_rsa_key **ret_key,
                                                         struct cadre_error *err);
/* Takes NULL; nulls the pointer. */
void cadre_rsa_key_destroy(struct cadre_rsa_key **key);

/* The name of its public half. */
void cadre_rsa_fingerprint(const struct cadre_rsa_key *key,
                           char text[CADRE_FINGERPRINT_BYTES]);
/* Errors: CADRE_OUT_OF_MEMORY. */
CADRE_MUST_CHECK enum cadre_status cadre_rsa_public_pem(const struct cadre_rsa_key *key,
                                                        struct cadre_buffer *out,
                                                        struct cadre_error *err);

/* False also for what cannot be a signature of this key. */
CADRE_MUST_CHECK bool cadre_rsa_verify(const struct cadre_rsa_key *key,
                                       struct cadre_slice message,
                                       struct cadre_slice signature);
/* Appends the signature to `out`. `key` is private. */
CADRE_MUST_CHECK enum cadre_status cadre_rsa_sign(const struct cadre_rsa_key *key,
                                                  struct cadre_slice message,
                                                  struct cadre_buffer *out,
                                                  struct cadre_error *err);
/* A fresh key of CADRE_RSA_BITS_MIN; its private PEM is appended to `out`, without NUL.
 * Ownership: the caller wipes `out`. */
CADRE_MUST_CHECK enum cadre_status cadre_rsa_generate(struct cadre_buffer *out,
                                                      struct cadre_error *err);

#endif
