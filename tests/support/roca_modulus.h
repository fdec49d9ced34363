/* Moduli with the mark of ROCA (CVE-2017-15361), made from what the mark is. */
#ifndef RATLS_TEST_ROCA_MODULUS_H
#define RATLS_TEST_ROCA_MODULUS_H

#include <stdint.h>

#define ROCA_MODULUS_BYTES 256

/*
 * kM + 1 + more, of 2048 bits, big-endian; M is the product of the odd numbers up to 167. 0 more:
 * it is 1, so a power of 65537, modulo each prime of the mark, and has the mark. 6 more: 7 is no
 * power of 65537 modulo 11, and it has not. No private key belongs to it.
 */
void roca_modulus(unsigned long more, uint8_t out[static ROCA_MODULUS_BYTES]);

#endif
