"""(a), (b) datagrams beside receivers in C, and (g) beside other StatsD daemons."""

import contextlib
import json
import os
import pathlib
import pwd
import socket
import statistics
import subprocess
import time

from . import peers
from .report import Table, figure, grid, spread
from .system import FLOORS, Process, await_success, load, quipu, workspace

# So many that the wait for the last commit, a third of a second, counts little.
DATAGRAMS = 3_000_000
# All of them fit into the spool, so that none is refused while the daemon is behind.
PACKED = 30_000
# The floors are done so fast that they need more of them.
PACKED_FLOOR = 3 * PACKED
# Rates that every daemon takes without loss, for so many seconds.
DAEMON_LOADS = {"plain": 40_000, "plain-packed": 8_000}
DAEMON_SECONDS = 5


def receiver_floor(program, shape, count):
    """One of the C receivers under the same load."""
    with workspace() as folder:
        receiver = Process([FLOORS / program, folder / "socket"], subprocess.DEVNULL)
        receiver.popen.stdout.readline()
        sent = load(folder / "socket", shape, count)
        received = json.loads(receiver.stop().splitlines()[-1])
    if received.get("metrics", sent["metrics"]) != sent["metrics"]:
        raise RuntimeError(f"{program} counted {received['metrics']} of {sent['metrics']}")
    return received


def datagrams_to_commit(shape, count):
    """From the first send until the last metric is committed."""
    with quipu() as running:
        cpu = running.cpu_seconds()
        sent = load(running.run / "metrics.sock", shape, count)
        total = running.await_lines(sent["metrics"])
        seconds = time.monotonic() - sent["began"]
        return {
            "metrics": sent["metrics"], "seconds": seconds, "lost": lost(total),
            "cpu_seconds": running.cpu_seconds() - cpu,
            "agent_mib": running.agent.memory_mib()[1],
            "daemon_mib": running.daemon.memory_mib()[1]}


def lost(total):
    return sum(total["lost"].values()) + sum(total["rejected"].values())


def single(options):
    count = int(DATAGRAMS * options.scale)
    table = Table("(a) datagrams of one metric, sent until committed", "datagrams/s",
                  "C that only counts", goal=0.8)
    for _ in range(options.rounds):
        floor = receiver_floor("count_receiver", "one", count)
        ours = datagrams_to_commit("one", count)
        table.add(count / ours["seconds"], floor["datagrams"] / floor["seconds"])
        table.note(lost=ours["lost"], cpu_seconds_per_million=1e6 * ours["cpu_seconds"] / count,
                   floor_cpu_seconds_per_million=1e6 * floor["cpu_seconds"] / count,
                   agent_mib=ours["agent_mib"], daemon_mib=ours["daemon_mib"])
    return [table]


def packed(options):
    count = int(PACKED * options.scale)
    title = "(b) packed datagrams of 8 KB"
    floor_name = "C that parses and adds up in memory"
    rate = Table(f"{title}, sent until committed", "metrics/s", floor_name, goal=0.7)
    cpu = Table(f"{title}, CPU seconds of agent and daemon for a million metrics",
                "s", floor_name, less_is_better=True)
    for _ in range(options.rounds):
        counting = receiver_floor("count_receiver", "packed", int(PACKED_FLOOR * options.scale))
        floor = receiver_floor("statsd_floor", "packed", int(PACKED_FLOOR * options.scale))
        ours = datagrams_to_commit("packed", count)
        rate.add(ours["metrics"] / ours["seconds"], floor["metrics"] / floor["seconds"])
        rate.note(lost=ours["lost"], agent_mib=ours["agent_mib"], daemon_mib=ours["daemon_mib"],
                  C_that_only_counts_in_datagrams_a_second=
                  counting["datagrams"] / counting["seconds"])
        cpu.add(1e6 * ours["cpu_seconds"] / ours["metrics"],
                1e6 * floor["cpu_seconds"] / floor["metrics"])
    return [rate, cpu]


# ---- other daemons ---------------------------------------------------------------------------

NETDATA = """[global]
    run as user = {user}
[directories]
    config = {folder}
    stock config = {folder}
    log = {folder}
    cache = {folder}
    lib = {folder}
    registry = {folder}
    lock = {folder}
    home = {folder}
    web = {root}/usr/share/netdata/web
    plugins = {root}/usr/lib/netdata/plugins.d
[db]
    mode = dbengine
[web]
    mode = none
[ml]
    enabled = no
[health]
    enabled = no
[cloud]
    enabled = no
[plugins]
    timex = no
    idlejitter = no
    tc = no
    diskspace = no
    proc = no
    cgroups = no
    slabinfo = no
    apps = no
    perf = no
    nfacct = no
    python.d = no
    charts.d = no
    go.d = no
    ebpf = no
    ioping = no
    enable running new plugins = no
    netdata monitoring = no
    statsd = yes
[statsd]
    bind to = udp:127.0.0.1:{port}
"""

COLLECTD = """Hostname "bench"
BaseDir "{folder}"
PIDFile "{folder}/pid"
PluginDir "{root}/usr/lib/collectd"
TypesDB "{root}/usr/share/collectd/types.db"
Interval 10
LoadPlugin statsd
LoadPlugin csv
<Plugin statsd>
  Host "127.0.0.1"
  Port "{port}"
</Plugin>
<Plugin csv>
  DataDir "{folder}/csv"
</Plugin>
"""


@contextlib.contextmanager
def netdata(port):
    with configured("netdata", NETDATA, port, "-D", "-c") as running:
        yield running.cpu_seconds, lambda sent: None


@contextlib.contextmanager
def collectd(port):
    with configured("collectd", COLLECTD, port, "-f", "-C") as running:
        yield running.cpu_seconds, lambda sent: None


@contextlib.contextmanager
def configured(name, text, port, *flags):
    _, root = peers.program(name)
    with workspace() as folder:
        configuration = folder / f"{name}.conf"
        user = pwd.getpwuid(os.getuid()).pw_name
        configuration.write_text(
            text.format(folder=folder, root=root, port=port, user=user))
        running = peers.start(name, [*flags, configuration], folder)
        try:
            await_success(lambda: drops(port))
            yield running
        finally:
            running.stop()


@contextlib.contextmanager
def ourselves(port):
    with quipu(udp=port) as running:
        before = 0

        def finish(sent):
            nonlocal before
            before += sent["metrics"] - sent["dropped"]
            running.await_lines(before)
        yield running.cpu_seconds, finish


def drops(port):
    """Datagrams that the kernel threw away for want of room in a UDP socket's queue."""
    for line in pathlib.Path("/proc/net/udp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1] == f"0100007F:{port:04X}":
            return int(fields[-1])
    raise OSError(f"nobody listens on {port}")


DAEMONS = {
    "Quipu": (ourselves, "10 s rollups with sketches, in SQLite, synced before they are "
                         "acknowledged"),
    "netdata": (netdata, "a point a second in its dbengine; pages stay in memory until full"),
    "collectd": (collectd, "a value every 10 s in CSV files, never synced"),
}


def daemons(options):
    """CPU for each million at a rate that all of them take; the same generator for all."""
    seconds = DAEMON_SECONDS * options.scale
    costs, missing = {}, {}
    for _ in range(options.rounds):
        for name, (start, _) in DAEMONS.items():
            if name in missing:
                continue
            with peers.or_reason(lambda reason: missing.update({name: reason})):
                for shape, cost in daemon_round(start, seconds).items():
                    costs.setdefault((name, shape), []).append(cost)
    rows = []
    for name, (_, keeps) in DAEMONS.items():
        if name in missing:
            rows.append([name, "—", "—", "—", "—", missing[name]])
            continue
        cells = [name]
        for shape in DAEMON_LOADS:
            ours = [c for c, _ in costs["Quipu", shape]]
            theirs = [c for c, _ in costs[name, shape]]
            ratio = statistics.median(theirs) / statistics.median(ours)
            cells += [f"{spread(theirs)} = {figure(ratio)} × Quipu",
                      figure(100 * statistics.mean(l for _, l in costs[name, shape])) + " %"]
        rows.append([*cells, keeps])
    single_rate, packed_rate = DAEMON_LOADS.values()
    return [grid("(g) CPU seconds for a million metrics over UDP on loopback, counters, timers and "
                 "gauges without tags, 100 series",
                 ["", f"one a datagram, {single_rate:,}/s", "lost",
                  f"packed in 1,432 bytes, {packed_rate:,}/s", "lost", "what it keeps"], rows)]


def daemon_round(start, seconds):
    port, costs = peers.free_port(socket.SOCK_DGRAM), {}
    with start(port) as (cpu_seconds, finish):
        for shape, rate in DAEMON_LOADS.items():
            send(port, shape, rate // 10, rate, finish)  # so that all series are there
            cpu = cpu_seconds()
            sent = send(port, shape, int(rate * seconds), rate, finish)
            taken = sent["metrics"] - sent["dropped"]
            costs[shape] = (1e6 * (cpu_seconds() - cpu) / taken, sent["dropped"] / sent["metrics"])
    return costs


def send(port, shape, count, rate, finish):
    before = drops(port)
    sent = load(f"udp:{port}", shape, count, rate)
    time.sleep(0.2)  # what waits in the queue is read meanwhile
    sent["dropped"] = (drops(port) - before) * sent["metrics"] // sent["datagrams"]
    finish(sent)
    return sent
