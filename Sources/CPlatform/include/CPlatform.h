// What Swift's Glibc overlay does not show.
#ifndef CPLATFORM_H
#define CPLATFORM_H

#include "CPlatformDatagrams.h"
#include "CPlatformFiles.h"

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/types.h>

// Peer credentials of a connected Unix socket. 0, or -1 with errno.
int quipu_peer_credentials(int descriptor, int32_t *pid, uint32_t *uid, uint32_t *gid);

// Supplementary groups of a user are not in the credentials of a peer; this asks the kernel for those that
// the peer had when it connected (SO_PEERGROUPS). Returns how many were written (at most `capacity`), or -1.
int quipu_peer_groups(int descriptor, uint32_t *groups, int capacity);

// accept4 with SOCK_CLOEXEC and SOCK_NONBLOCK.
int quipu_accept(int listener);

// The environment, which Swift 6 takes for a mutable global.
char **quipu_environment(void);

// Names the calling thread; at most 15 bytes are kept.
void quipu_name_thread(const char *name);

// Resident memory of this process in bytes; -1 when /proc does not tell.
int64_t quipu_resident_bytes(void);

// Makes malloc give memory back: two arenas, and blocks from 128 KiB on are mappings of their own. To be called
// before the first thread begins.
void quipu_limit_malloc(void);

// Drops the program's code from its resident memory; what is still needed is mapped again from the page cache.
void quipu_drop_code(void);

#endif
