#include "fanfold_sums.h"

#include <string.h>

/* Source: ECMA-182's polynomial, bits reversed, as in the xz format; eight bytes a step ("slicing by 8",
 * Kounavis and Berry 2005). */
static const uint64_t polynomial = 0xC96C5795D7870F42u;
static uint64_t table[8][256];

__attribute__((constructor)) static void fill_table(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint64_t sum = byte;
        for (int bit = 0; bit < 8; bit++)
            sum = sum & 1 ? sum >> 1 ^ polynomial : sum >> 1;
        table[0][byte] = sum;
    }
    for (int step = 1; step < 8; step++)
        for (uint32_t byte = 0; byte < 256; byte++)
            table[step][byte] = table[step - 1][byte] >> 8 ^ table[0][table[step - 1][byte] & 255];
}

uint64_t fan_crc64(uint64_t before, const void *bytes, size_t size) {
    const unsigned char *at = bytes;
    uint64_t sum = ~before;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (; size >= 8; size -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        word ^= sum;
        sum = table[7][word & 255] ^ table[6][word >> 8 & 255] ^ table[5][word >> 16 & 255] ^
              table[4][word >> 24 & 255] ^ table[3][word >> 32 & 255] ^ table[2][word >> 40 & 255] ^
              table[1][word >> 48 & 255] ^ table[0][word >> 56];
    }
#endif
    for (; size > 0; size--, at++)
        sum = sum >> 8 ^ table[0][(sum ^ *at) & 255];
    return ~sum;
}
