// Preloaded into a program, counts its allocations and says on standard error at the end how many they were.
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static _Atomic unsigned long allocations;

static void count(void) { atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed); }

void *malloc(size_t bytes) { return count(), __libc_malloc(bytes); }
void *calloc(size_t items, size_t bytes) { return count(), __libc_calloc(items, bytes); }
void *realloc(void *old, size_t bytes) { return count(), __libc_realloc(old, bytes); }
void *memalign(size_t to, size_t bytes) { return count(), __libc_memalign(to, bytes); }
void *aligned_alloc(size_t to, size_t bytes) { return count(), __libc_memalign(to, bytes); }

int posix_memalign(void **result, size_t to, size_t bytes) {
    count();
    *result = __libc_memalign(to, bytes);
    return *result ? 0 : ENOMEM;
}

__attribute__((destructor)) static void say(void) {
    fprintf(stderr, "allocations %lu\n", atomic_load(&allocations));
}
