// What it costs to have datagrams in a file before they are gone from the kernel, by three ways:
//
//   memory   recvmmsg into memory, append to a file. A SIGKILL in between loses them.
//   landing  recvmmsg into a mapped file, append to a file. As the agent does it.
//   peek     recvmmsg with MSG_PEEK and SO_PEEK_OFF, append to a file, recvmmsg to consume.
//
// CPU time of the receiving calls alone, per datagram.
//
//   cc -O2 -o datagram_ways datagram_ways.c && ./datagram_ways [DIRECTORY]
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// As many as a queue of the kernel's default length takes.
enum { SLOTS = 10, SLOT_BYTES = (64 << 10) + 64, FRAMES_PER_FILE = 100000 };
enum way { MEMORY, LANDING, PEEK };

static void must(int ok, const char *what) {
    if (ok) return;
    perror(what);
    exit(1);
}

static double cpu(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1e9 + now.tv_nsec;
}

static double measure(enum way way, const char *directory, int batch, int bytes, int rounds) {
    char path[4096];
    int pair[2];
    must(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0, "socketpair");
    snprintf(path, sizeof path, "%s/datagram_ways.%d", directory, (int)getpid());
    int spool = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    must(spool >= 0, path);
    unlink(path);
    int flags = MAP_PRIVATE | MAP_ANONYMOUS, file = -1;
    if (way == LANDING) {
        flags = MAP_SHARED;
        file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
        must(file >= 0 && posix_fallocate(file, 0, SLOTS * SLOT_BYTES) == 0, "landing");
        unlink(path);
    }
    char *memory = mmap(NULL, SLOTS * SLOT_BYTES, PROT_READ | PROT_WRITE, flags, file, 0);
    must(memory != MAP_FAILED, "mmap");
    struct mmsghdr headers[SLOTS], consume[SLOTS];
    struct iovec slots[SLOTS], frames[SLOTS];
    memset(headers, 0, sizeof headers);
    memset(consume, 0, sizeof consume);
    for (int i = 0; i < SLOTS; i++) {
        slots[i] = (struct iovec){memory + (size_t)i * SLOT_BYTES + 24, 64 << 10};
        headers[i].msg_hdr.msg_iov = &slots[i];
        headers[i].msg_hdr.msg_iovlen = 1;
    }
    if (way == PEEK) {
        int zero = 0;
        must(setsockopt(pair[0], SOL_SOCKET, SO_PEEK_OFF, &zero, sizeof zero) == 0, "SO_PEEK_OFF");
    }
    char *payload = calloc(1, bytes);
    double spent = 0;
    off_t end = 0;
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < batch; i++) must(send(pair[1], payload, bytes, 0) == bytes, "send");
        double began = cpu();
        int count = recvmmsg(pair[0], headers, SLOTS, MSG_DONTWAIT | (way == PEEK ? MSG_PEEK : 0), NULL);
        must(count == batch, "recvmmsg");
        for (int i = 0; i < count; i++)
            frames[i] = (struct iovec){memory + (size_t)i * SLOT_BYTES, 24 + headers[i].msg_len};
        ssize_t written = pwritev(spool, frames, count, end);
        must(written > 0, "pwritev");
        if (way == PEEK) must(recvmmsg(pair[0], consume, count, MSG_DONTWAIT, NULL) == count, "consume");
        spent += cpu() - began;
        end += written;
        if (round % (FRAMES_PER_FILE / batch) == 0) {
            must(ftruncate(spool, 0) == 0, "ftruncate");
            end = 0;
        }
    }
    munmap(memory, SLOTS * SLOT_BYTES);
    free(payload);
    close(spool);
    if (file >= 0) close(file);
    close(pair[0]);
    close(pair[1]);
    return spent / rounds / batch;
}

int main(int count, char **arguments) {
    const char *directory = count > 1 ? arguments[1] : ".";
    const char *names[] = {"memory", "landing", "peek"};
    printf("ns of CPU per datagram, the best of 5\n%-8s %5s %7s\n", "way", "batch", "bytes");
    for (int batch = 1; batch <= 10; batch += 9)
        for (int bytes = 60; bytes <= 6000; bytes *= 100)
            for (enum way way = MEMORY; way <= PEEK; way++) {
                double best = 1e18;
                for (int turn = 0; turn < 5; turn++) {
                    double now = measure(way, directory, batch, bytes, 40000 / batch);
                    if (now < best) best = now;
                }
                printf("%-8s %5d %7d %8.0f\n", names[way], batch, bytes, best);
            }
    return 0;
}
