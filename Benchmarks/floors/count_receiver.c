// count_receiver SOCKET: receives datagrams and only counts them, until SIGTERM.
#include "floor.h"

int main(int argc, char **argv) {
    if (argc != 2) return fprintf(stderr, "count_receiver SOCKET\n"), 64;
    struct received sum = receive(argv[1], NULL);
    printf("{\"datagrams\":%lu,\"bytes\":%lu,\"seconds\":%.6f,\"cpu_seconds\":%.6f}\n", sum.datagrams,
           sum.bytes, sum.last - sum.first, cpu_seconds());
    return 0;
}
