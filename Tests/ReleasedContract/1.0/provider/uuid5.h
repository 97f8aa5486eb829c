/* uuid5.h - the token of a request to a cloud: the UUID of version 5 of an offering's id, in the
 * namespace of a launch token.  A cloud refuses a token that comes back with other parameters, so
 * each offering that is tried has its own, and the same launch gives the same one again.
 * Sources: RFC 9562, section 5.5; FIPS 180-4, section 6.1.  SHA-1 is for nothing secure. */
#ifndef UUID5_H
#define UUID5_H
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct sha1 {
   uint32_t state[5];
   uint64_t size; /* bytes so far */
   unsigned char block[64];
} sha1;

static inline uint32_t sha1_turn(uint32_t word, int bits) {
   return word << bits | word >> (32 - bits);
}

static inline void sha1_block(sha1 *sum) {
   uint32_t w[80], v[5];
   memcpy(v, sum->state, sizeof v);
   for (int i = 0; i < 16; i++)
      w[i] = (uint32_t)sum->block[i * 4] << 24 | (uint32_t)sum->block[i * 4 + 1] << 16 |
             (uint32_t)sum->block[i * 4 + 2] << 8 | sum->block[i * 4 + 3];
   for (int i = 16; i < 80; i++)
      w[i] = sha1_turn(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
   for (int i = 0; i < 80; i++) {
      uint32_t choice, constant;
      if (i < 20) choice = (v[1] & v[2]) | (~v[1] & v[3]), constant = 0x5A827999;
      else if (i < 40) choice = v[1] ^ v[2] ^ v[3], constant = 0x6ED9EBA1;
      else if (i < 60)
         choice = (v[1] & v[2]) | (v[1] & v[3]) | (v[2] & v[3]), constant = 0x8F1BBCDC;
      else choice = v[1] ^ v[2] ^ v[3], constant = 0xCA62C1D6;
      uint32_t next = sha1_turn(v[0], 5) + choice + v[4] + constant + w[i];
      v[4] = v[3], v[3] = v[2], v[2] = sha1_turn(v[1], 30), v[1] = v[0], v[0] = next;
   }
   for (int i = 0; i < 5; i++) sum->state[i] += v[i];
}

static inline void sha1_add(sha1 *sum, const void *data, size_t size) {
   for (size_t i = 0; i < size; i++) {
      sum->block[sum->size++ % 64] = ((const unsigned char *)data)[i];
      if (sum->size % 64 == 0) sha1_block(sum);
   }
}

static inline void sha1_end(sha1 *sum, unsigned char bytes[20]) {
   uint64_t bits = sum->size * 8;
   unsigned char last = 0x80, zero = 0;
   sha1_add(sum, &last, 1);
   while (sum->size % 64 != 56) sha1_add(sum, &zero, 1);
   for (int shift = 56; shift >= 0; shift -= 8) {
      unsigned char byte = (unsigned char)(bits >> shift);
      sha1_add(sum, &byte, 1);
   }
   for (int i = 0; i < 20; i++) bytes[i] = (unsigned char)(sum->state[i / 4] >> (24 - i % 4 * 8));
}

static inline int uuid5_digit(char c) {
   if (c >= '0' && c <= '9') return c - '0';
   if (c >= 'a' && c <= 'f') return c - 'a' + 10;
   return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Writes 36 characters and a zero.  Of the namespace its hexadecimal digits count. */
static inline void uuid5(const char *space, size_t space_size, const char *name, size_t name_size,
                         char out[37]) {
   sha1 sum = {{0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0}, 0, {0}};
   int high = -1;
   for (size_t i = 0; i < space_size; i++) {
      int digit = uuid5_digit(space[i]);
      if (digit < 0) continue;
      unsigned char byte = (unsigned char)(high * 16 + digit);
      if (high >= 0) sha1_add(&sum, &byte, 1);
      high = high >= 0 ? -1 : digit;
   }
   sha1_add(&sum, name, name_size);
   unsigned char b[20];
   sha1_end(&sum, b);
   b[6] = (unsigned char)((b[6] & 0x0F) | 0x50);
   b[8] = (unsigned char)((b[8] & 0x3F) | 0x80);
   snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
            b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
            b[14], b[15]);
}
#endif
