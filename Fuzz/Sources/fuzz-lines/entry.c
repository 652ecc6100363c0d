#include <stddef.h>
#include <stdint.h>

// In Oracle.swift.
void quipu_fuzz_lines(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    quipu_fuzz_lines(bytes, count);
    return 0;
}
