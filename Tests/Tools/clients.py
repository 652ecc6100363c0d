#!/usr/bin/env python3
"""Sends metrics with clients that nobody here wrote, and prints what should be stored.

    clients.py RUNTIME_DIR UDP_PORT

The last line is a JSON object: series "name|type|tags" -> {"sum", "last", "min", "max"} or {"distinct"}, each
counted from what the client was told, not from what it sent.
"""

import collections
import json
import socket
import subprocess
import sys

import statsd
from datadog.dogstatsd.base import DogStatsd

TYPES = {"increment": "counter", "gauge": "gauge", "histogram": "histogram",
         "distribution": "distribution", "timing": "timer", "set": "set"}
told = collections.defaultdict(list)


def tell(name, kind, value, tags=()):
    told[f"{name}|{TYPES[kind]}|{','.join(sorted(tags))}"].append(value)


def datadog(prefix, client, drains):
    """Everything that DogStatsD clients have; `drains` is called where the client buffers."""
    tags = ["env:prod", "node:n1"]
    for i in range(50):
        client.increment(f"{prefix}.requests", i, tags=tags)
        tell(f"{prefix}.requests", "increment", i, tags)
        client.set(f"{prefix}.users", f"user:{i % 7}", tags=["b:2", "a:1"])
        tell(f"{prefix}.users", "set", f"user:{i % 7}", ["a:1", "b:2"])
    client.decrement(f"{prefix}.requests", 5, tags=tags)
    tell(f"{prefix}.requests", "increment", -5, tags)
    for value in (5, -3.25, 1e-5, 123456789):
        # Without a tag, -3.25 would be StatsD's decrement: nothing tells the dialects apart then.
        client.gauge(f"{prefix}.depth", value, tags=["queue:q"])
        tell(f"{prefix}.depth", "gauge", value, ["queue:q"])
    for value in (1.5, 200, 0.001):
        client.histogram(f"{prefix}.size", value, tags=["bare"])
        tell(f"{prefix}.size", "histogram", value, ["bare"])
        client.distribution(f"{prefix}.spread", value)
        tell(f"{prefix}.spread", "distribution", value)
        client.timing(f"{prefix}.took", value)
        tell(f"{prefix}.took", "timing", value)
    client.event("Deployed: ünï|code", "first\nsecond", tags=["site:a"], alert_type="error")
    client.service_check(f"{prefix}.check", 2, message="broken | twice", tags=["site:a"])
    if drains:
        client.flush()
    client.close_socket()


def pystatsd(prefix, client):
    for i in range(20):
        client.incr(f"{prefix}.jobs", i)
        tell(f"{prefix}.jobs", "increment", i)
        client.timing(f"{prefix}.ms", i + 0.5)
        tell(f"{prefix}.ms", "timing", i + 0.5)
        client.set(f"{prefix}.ids", i % 3)
        tell(f"{prefix}.ids", "set", str(i % 3))
    client.gauge(f"{prefix}.level", 10)
    tell(f"{prefix}.level", "gauge", 10)
    client.gauge(f"{prefix}.level", 5, delta=True)
    tell(f"{prefix}.level", "gauge", 15)
    client.gauge(f"{prefix}.level", -4)  # sent as 0, then -4
    tell(f"{prefix}.level", "gauge", 0)
    tell(f"{prefix}.level", "gauge", -4)
    pipe = client.pipeline()
    for i in range(30):
        pipe.incr(f"{prefix}.piped", 2)
        tell(f"{prefix}.piped", "increment", 2)
    pipe.send()


def swift_statsd(port):
    """Byte for byte what swift-statsd-client sends: a metric a datagram, no newline, tags in the name."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for kind, letter, name, text, value in (
            ("increment", "c", "swift.requests.method.GET", "3", 3),
            ("increment", "c", "swift.requests.method.GET", "-1", -1),
            ("gauge", "g", "swift.meter", "17.5", 17.5),
            ("histogram", "h", "swift.recorder", "1e-05", 1e-05),
            ("timing", "ms", "swift.timer.path._", "0.012345", 0.012345)):
        udp.sendto(f"{name}:{text}|{letter}".encode(), ("127.0.0.1", port))
        tell(name, kind, value)


def shell(metrics_socket):
    subprocess.run(
        f"echo 'shell.deploys:1|c|#site:a' | socat - UNIX-SENDTO:{metrics_socket} && "
        f"printf 'shell.deploys:2|c|#site:a\\r\\n' | socat - UNIX-SENDTO:{metrics_socket}",
        shell=True, check=True)
    tell("shell.deploys", "increment", 1, ["site:a"])
    tell("shell.deploys", "increment", 2, ["site:a"])


def main():
    runtime, port = sys.argv[1], int(sys.argv[2])
    metrics, streams = f"{runtime}/metrics.sock", f"{runtime}/statsd.sock"
    # With a timeout they wait where the kernel's queue is full; without one they would drop, and say so.
    plain = {"disable_telemetry": True, "origin_detection_enabled": False, "socket_timeout": 10}
    datadog("dd.single", DogStatsd(socket_path=metrics, disable_buffering=True, **plain), False)
    datadog("dd.buffered", DogStatsd(socket_path=metrics, disable_buffering=False, **plain), True)
    datadog("dd.stream", DogStatsd(
        socket_path=f"unixstream://{streams}", disable_buffering=True, **plain), False)
    datadog("dd.streambuffered", DogStatsd(
        socket_path=f"unixstream://{streams}", disable_buffering=False, **plain), True)
    datadog("dd.udp", DogStatsd(host="127.0.0.1", port=port, disable_buffering=True, **plain), False)
    talking = DogStatsd(socket_path=metrics, disable_buffering=True, telemetry_min_flush_interval=0,
                        socket_timeout=10, telemetry_socket_timeout=10)
    talking.increment("dd.talking", 1)
    tell("dd.talking", "increment", 1)
    talking.close_socket()
    aggregating = DogStatsd(socket_path=metrics, disable_aggregation=False, **plain)
    for i in range(100):
        aggregating.increment("dd.aggregated", 1, tags=["k:v"])
        tell("dd.aggregated", "increment", 1, ["k:v"])
    aggregating.flush_aggregated_metrics()
    aggregating.flush()
    aggregating.close_socket()
    pystatsd("py.stream", statsd.UnixSocketStatsClient(socket_path=streams))
    pystatsd("py.udp", statsd.StatsClient("127.0.0.1", port))
    swift_statsd(port)
    shell(metrics)

    expected = {}
    for series, values in told.items():
        if "|set|" in series:
            expected[series] = {"distinct": len(set(values))}
        elif "|counter|" in series:  # what a client adds up before it sends is one sample
            expected[series] = {"sum": sum(values)}
        else:
            expected[series] = {"sum": sum(values), "last": values[-1], "min": min(values), "max": max(values)}
    print(json.dumps(expected))


if __name__ == "__main__":
    main()
