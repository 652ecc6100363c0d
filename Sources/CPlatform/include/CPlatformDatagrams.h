// Receiving many datagrams with one call, into memory that may outlive the process.
#ifndef CPLATFORM_DATAGRAMS_H
#define CPLATFORM_DATAGRAMS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

// How many datagrams one call takes at most.
#define QUIPU_MESSAGE_SLOTS 64

// A slot's length until the kernel has written one there; no datagram is that long.
#define QUIPU_MESSAGE_PENDING UINT32_MAX

// The bytes of memory, aligned to 8, that the headers of all slots take.
size_t quipu_messages_bytes(void);

// Lets a slot point to its buffer, and marks it pending.
void quipu_message_point(void *messages, unsigned slot, void *buffer, size_t bytes);

// Marks the first `count` slots pending again.
void quipu_messages_rearm(void *messages, unsigned count);

// recvmmsg(2) without waiting, into the slots from `first` on. How many were filled, or -1 with errno.
int quipu_messages_receive(int descriptor, void *messages, unsigned first);

// What the kernel (or quipu_message_set_length) wrote: the length, and whether the datagram was longer.
uint32_t quipu_message_length(const void *messages, unsigned slot);
int quipu_message_is_truncated(const void *messages, unsigned slot);
void quipu_message_set_length(void *messages, unsigned slot, uint32_t length);

// Stores a word such that no store before it in the program comes after it, and none after it before it.
void quipu_store_in_order(uint64_t *word, uint64_t value);

#endif
