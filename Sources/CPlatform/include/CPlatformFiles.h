// Files and inotify: what Swift's Glibc overlay does not show.
#ifndef CPLATFORM_FILES_H
#define CPLATFORM_FILES_H

#include <stdint.h>
#include <sys/inotify.h>

struct quipu_file_status {
    uint64_t device;
    uint64_t inode;
    // FNV-1a of the handle that name_to_handle_at gives (inode and generation); 0 without one.
    uint64_t generation;
    // Nanoseconds since 1970; 0 where the file system does not tell.
    int64_t birth_ns;
    int64_t change_ns;
    uint64_t size;
    uint32_t links;
    uint32_t mode;
    uint32_t owner;
};

// The status of `path` relative to nothing, or of `descriptor` when `path` is NULL. Never opens the file.
// 0, or -1 with errno.
int quipu_file_status(
    int descriptor, const char *path, int follow_links, struct quipu_file_status *status);

#endif
