#include <stddef.h>
#include <stdint.h>

// In Oracle.swift.
void quipu_fuzz_requests(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    quipu_fuzz_requests(bytes, count);
    return 0;
}
