// Preloaded under the thread sanitizer. Where nobody waits, Swift's Mutex is compiled into its callers, and the
// sanitizer sees it; where two threads meet, it is locked and unlocked in libswiftSynchronization, which the
// sanitizer does not see, so that it would take what such a lock guards for a race. This tells it.

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

#define HANDLE "$s15Synchronization12_MutexHandleV"
#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *self

// Only programs that are built for it have these.
extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));

static SWIFT void (*real_lock)(uint32_t, SELF);
static SWIFT bool (*real_try_lock)(SELF);
static SWIFT void (*real_unlock)(SELF);

// Before any thread but the first.
__attribute__((constructor)) static void find(void) {
    *(void **)&real_lock = dlsym(RTLD_NEXT, HANDLE "9_lockSlowyys6UInt32VF");
    *(void **)&real_try_lock = dlsym(RTLD_NEXT, HANDLE "12_tryLockSlowSbyF");
    *(void **)&real_unlock = dlsym(RTLD_NEXT, HANDLE "11_unlockSlowyyF");
}

SWIFT void lock(uint32_t thread, SELF) __asm__(HANDLE "9_lockSlowyys6UInt32VF");
SWIFT void lock(uint32_t thread, SELF) {
    real_lock(thread, self);
    if (__tsan_acquire) __tsan_acquire(self);
}

SWIFT bool try_lock(SELF) __asm__(HANDLE "12_tryLockSlowSbyF");
SWIFT bool try_lock(SELF) {
    bool is_locked = real_try_lock(self);
    if (is_locked && __tsan_acquire) __tsan_acquire(self);
    return is_locked;
}

SWIFT void unlock(SELF) __asm__(HANDLE "11_unlockSlowyyF");
SWIFT void unlock(SELF) {
    if (__tsan_release) __tsan_release(self);
    real_unlock(self);
}
