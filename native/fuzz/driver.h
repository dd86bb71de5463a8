/* A deterministic fuzz driver for machines without libFuzzer: mutates the corpus with a fixed generator, for a bounded time. */
#ifndef FUZZ_DRIVER_H
#define FUZZ_DRIVER_H
#include <stddef.h>
#include <stdint.h>
/* The target: must return for any bytes, without a sanitizer's complaint. */
void fuzz_one(const uint8_t *bytes, size_t size);
#endif
