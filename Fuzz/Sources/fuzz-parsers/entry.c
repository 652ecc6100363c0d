#include <stddef.h>
#include <stdint.h>

// In Parsers.swift.
void quipu_fuzz_parsers(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    quipu_fuzz_parsers(bytes, count);
    return 0;
}
