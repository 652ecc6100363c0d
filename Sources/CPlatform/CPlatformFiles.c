#define _GNU_SOURCE
#include "CPlatformFiles.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

// Room for the largest handle that the kernel gives.
union handle {
    struct file_handle header;
    unsigned char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
};

static uint64_t fnv1a(const unsigned char *bytes, unsigned count, uint64_t hash) {
    for (unsigned i = 0; i < count; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

// The handle holds the inode's generation, which tells a reused inode from the file before it.
static uint64_t generation(int directory, const char *path, int flags) {
    union handle handle = {.header = {.handle_bytes = MAX_HANDLE_SZ}};
    int mount;
    if (name_to_handle_at(directory, path, &handle.header, &mount, flags) != 0) return 0;
    return fnv1a(handle.header.f_handle, handle.header.handle_bytes, 0xcbf29ce484222325u);
}

static int64_t nanoseconds(struct statx_timestamp time) {
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int quipu_file_status(
    int descriptor, const char *path, int follow_links, struct quipu_file_status *status) {
    struct statx found;
    int directory = path ? AT_FDCWD : descriptor;
    int flags = path ? (follow_links ? 0 : AT_SYMLINK_NOFOLLOW) : AT_EMPTY_PATH;
    const char *name = path ? path : "";
    if (statx(directory, name, flags, STATX_BASIC_STATS | STATX_BTIME, &found) != 0) return -1;
    status->device = (uint64_t)found.stx_dev_major << 32 | found.stx_dev_minor;
    status->inode = found.stx_ino;
    status->birth_ns = found.stx_mask & STATX_BTIME ? nanoseconds(found.stx_btime) : 0;
    status->change_ns = nanoseconds(found.stx_ctime);
    status->size = found.stx_size;
    status->links = found.stx_nlink;
    status->mode = found.stx_mode;
    status->owner = found.stx_uid;
    status->generation = 0;
    if (S_ISREG(found.stx_mode)) {
        int handle_flags = path ? (follow_links ? AT_SYMLINK_FOLLOW : 0) : AT_EMPTY_PATH;
        status->generation = generation(directory, name, handle_flags);
    }
    return 0;
}
