// statsd_floor SOCKET: receives StatsD and DogStatsD lines and aggregates them in memory, until SIGTERM.
// Series are told apart by name, type and tags; each keeps count, sum, minimum, maximum and last.
#include "floor.h"
#include "statsd.h"

int main(int argc, char **argv) {
    if (argc != 2) return fprintf(stderr, "statsd_floor SOCKET\n"), 64;
    struct received sum = receive(argv[1], aggregate_text);
    printf("{\"datagrams\":%lu,\"bytes\":%lu,\"metrics\":%lu,\"malformed\":%lu,\"series\":%lu,"
           "\"seconds\":%.6f,\"cpu_seconds\":%.6f}\n",
           sum.datagrams, sum.bytes, metrics, malformed, series_count, sum.last - sum.first,
           cpu_seconds());
    return 0;
}
