/* fanfold_sha256.h - the hash that names a loaded plugin and that a pipeline pins.
 *
 * It is our own, because a crypto library would be the longest part of a build that needs no TLS yet;
 * swift-crypto replaces it when TLS becomes a dependency.
 * Source: FIPS 180-4.
 */
#ifndef FANFOLD_SHA256_H
#define FANFOLD_SHA256_H
#include <stdint.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

enum { FANFOLD_SHA256_BYTES = 32 };

/* Writes the SHA-256 of size bytes at data to digest, which has FANFOLD_SHA256_BYTES. */
void fanfold_sha256(const void *data, uint64_t size, uint8_t *digest);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#endif
