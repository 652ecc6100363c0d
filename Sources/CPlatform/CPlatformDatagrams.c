#define _GNU_SOURCE
#include "CPlatformDatagrams.h"

#include <sys/socket.h>

struct messages {
    struct mmsghdr headers[QUIPU_MESSAGE_SLOTS];
    struct iovec vectors[QUIPU_MESSAGE_SLOTS];
};

size_t quipu_messages_bytes(void) {
    return sizeof(struct messages);
}

void quipu_message_point(void *messages, unsigned slot, void *buffer, size_t bytes) {
    struct messages *all = messages;
    all->vectors[slot] = (struct iovec){.iov_base = buffer, .iov_len = bytes};
    all->headers[slot] = (struct mmsghdr){
        .msg_hdr = {.msg_iov = &all->vectors[slot], .msg_iovlen = 1},
        .msg_len = QUIPU_MESSAGE_PENDING,
    };
}

void quipu_messages_rearm(void *messages, unsigned count) {
    struct messages *all = messages;
    for (unsigned slot = 0; slot < count; slot++) {
        all->headers[slot].msg_hdr.msg_flags = 0;
        all->headers[slot].msg_len = QUIPU_MESSAGE_PENDING;
    }
}

int quipu_messages_receive(int descriptor, void *messages, unsigned first) {
    struct messages *all = messages;
    return recvmmsg(descriptor, all->headers + first, QUIPU_MESSAGE_SLOTS - first,
                    MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL);
}

uint32_t quipu_message_length(const void *messages, unsigned slot) {
    return ((const struct messages *)messages)->headers[slot].msg_len;
}

int quipu_message_is_truncated(const void *messages, unsigned slot) {
    return (((const struct messages *)messages)->headers[slot].msg_hdr.msg_flags & MSG_TRUNC) != 0;
}

void quipu_message_set_length(void *messages, unsigned slot, uint32_t length) {
    ((struct messages *)messages)->headers[slot].msg_len = length;
}

void quipu_store_in_order(uint64_t *word, uint64_t value) {
    __atomic_store_n(word, value, __ATOMIC_SEQ_CST);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
