#include <stddef.h>
#include <stdint.h>

// In Actions.swift.
void quipu_fuzz_schedules(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    quipu_fuzz_schedules(bytes, count);
    return 0;
}
