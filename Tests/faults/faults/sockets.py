"""S: clients that are slow, many or hostile, on the sockets of connections."""

import contextlib
import json
import os
import resource
import socket
import time

from .clients import NOBODY, Witness, as_user, is_cut, let_in, line_of, raw
from .rig import Rig, Writer, until
from .rows import expect, row

LARGE = b'{"method":"events.query","params":{"limit":10000}}\n'


def with_large_replies(turn, lines=8_000):
    """A daemon whose `events.query` gives megabytes."""
    rig = Rig(turn).start()
    writer = Writer(rig, filler=700)
    writer.write(lines)
    rig.await_lines(lines)
    return rig, writer


@row("S1", "readers that are slow or stop",
     injected="32 clients ask for megabytes; half read a byte a second, half nothing",
     expected="others are answered as before; memory bounded; the slow are cut after 30 s", quick=True)
def slow_readers(turn):
    rig, writer = with_large_replies(turn, 3_000 if turn.quick else 8_000)
    daemon = rig.daemon
    with Witness(rig) as witness:
        until("a hundred answers", lambda: len(witness.milliseconds) > 100)
        before = witness.p99()
        # One full answer first: what a reply costs is not what its reader costs.
        with contextlib.closing(raw(rig.run / "query.sock")) as client:
            client.sendall(LARGE)
            bytes_of_reply = len(line_of_fast(client))
        resident = daemon.status("VmRSS")
        slow = [raw(rig.run / "query.sock") for _ in range(8 if turn.quick else 32)]
        for client in slow:
            turn.at_end(client.close)
            client.sendall(LARGE)
        began = time.monotonic()
        highest = resident
        # Making the replies costs what it costs; that nobody takes them must cost nothing.
        until("the replies are made", lambda: is_resting(daemon))
        witness.milliseconds.clear()

        def all_cut():
            nonlocal highest
            highest = max(highest, daemon.status("VmRSS"))
            for client in slow[::2]:
                with contextlib.suppress(OSError):
                    client.recv(1, socket.MSG_DONTWAIT)
            time.sleep(0.2)
            return all(is_cut(c) for c in slow)
        if turn.quick:
            until("two seconds of it", lambda: all_cut() or time.monotonic() > began + 2)
        else:
            until("every slow reader cut", all_cut, 60)
        took = time.monotonic() - began
        until("a hundred answers", lambda: len(witness.milliseconds) > 100 or witness.failures)
        expect(not witness.failures, f"another client: {witness.failures}")
    growth = (highest - resident) / 1_024
    # Replies of the slow ones may lie in the daemon up to one bound for all of them.
    expect(growth < 96, f"{growth:.0f} MiB more for {len(slow)} slow readers")
    rig.stop()
    return (f"replies of {bytes_of_reply >> 10} KiB; {'not yet ' if turn.quick else ''}cut after "
            f"{took:.0f} s, "
            f"{growth:.0f} MiB more, others' p99 {before:.1f} -> {witness.p99():.1f} ms")


def is_resting(process):
    before = process.cpu_seconds()
    time.sleep(0.3)
    return process.cpu_seconds() - before < 0.1


def line_of_fast(client):
    with client.makefile("rb") as file:
        return file.readline()


@row("S2", "5,000 connections at once, then a flood of connect and close",
     injected="one user, both of the daemon's sockets and the agent's stream",
     expected="64 a user; the others are told and closed; other users are served; no spinning")
def many_connections(turn):
    rig = Rig(turn).start()
    count = 500 if turn.quick else 5_000
    refused = []
    for name, limit in (("query.sock", 64), ("ingest.sock", 16), ("statsd.sock", 64)):
        held = []
        processor = rig.daemon.cpu_seconds() + rig.agent.cpu_seconds()
        began = time.monotonic()
        with enough_descriptors(count):
            for _ in range(count):
                held.append(raw(rig.run / name))
            until(f"all but {limit} closed on {name}",
                  lambda: sum(map(is_cut, held)) >= count - limit)
            time.sleep(0.2)
            cut = sum(map(is_cut, held))
            if name == "query.sock":
                told = next(c for c in held if is_cut(c))
                reply = json.loads(line_of(told))
                expect(reply["error"]["code"] == -32000, f"turned away with {reply}")
                if os.geteuid() == 0:
                    let_in(rig, NOBODY)
                    other = as_user(NOBODY, NOBODY, lambda: ask_health(rig))
                    expect(other.get("status") == "ok", f"another user: {other}")
            open_descriptors = max(rig.daemon.descriptors(), rig.agent.descriptors())
            for client in held:
                client.close()
        expect(cut >= count - limit, f"{count - cut} are held on {name}")
        expect(open_descriptors < 200, f"{open_descriptors} descriptors")
        used = rig.daemon.cpu_seconds() + rig.agent.cpu_seconds() - processor
        refused.append(f"{name} {cut} ({used:.1f} s of CPU in {time.monotonic() - began:.1f} s)")
    for _ in range(count):
        raw(rig.run / "query.sock").close()
    until("served again", lambda: ask_health(rig))
    # Everything given back: nothing is held, and nobody is kept out by those before.
    idle = rig.daemon.descriptors()
    until("descriptors given back", lambda: rig.daemon.descriptors() <= 40 and rig.agent.descriptors() <= 60)
    processor = rig.daemon.cpu_seconds()
    time.sleep(0.5)
    spun = rig.daemon.cpu_seconds() - processor
    expect(spun < 0.25, f"{spun:.2f} s of CPU in half a second of rest")
    counted = rig.ask("stats")["queries"]["connections_refused"]
    expect(counted >= count - 64, f"connections_refused: {counted}")
    rig.stop()
    return f"of {count} refused: {', '.join(refused)}; {idle} descriptors after"


def ask_health(rig):
    with contextlib.closing(rig.connect()) as connection:
        return connection.ask_any("health").get("result", {})


@contextlib.contextmanager
def enough_descriptors(count):
    """More for this process alone; programs that are started meanwhile would get them too."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(limits[0], count + 2_000), limits[1]), limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def few_descriptors(count):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))


@row("S3", "descriptors run out", injected="both programs with 64 of them; 100 clients, 200 logs",
     expected="the answered are answered, the others told; lines are stored; all is well when clients go")
def descriptor_exhaustion(turn):
    rig = Rig(turn)
    rig.start_daemon(preexec_fn=few_descriptors(64))
    rig.start_agent(preexec_fn=few_descriptors(64))
    first = rig.connect()
    turn.at_end(first.close)
    first.ask("health")
    crowd = [raw(rig.run / name) for name in ("query.sock", "statsd.sock") for _ in range(100)]
    told = sum(is_told(c) for c in crowd[:100])
    expect(told > 0, "nobody was turned away")
    began = time.monotonic()
    expect(first.ask("health")["status"] == "ok", "health")
    writer_lines = 0
    for i in range(200):
        path = rig.logs / f"{i}.jsonl"
        path.write_bytes(b"".join(b'{"n":%d}\n' % (i * 10 + n) for n in range(10)))
        writer_lines += 10
    until("all lines", lambda: first.ask("ledger", limit=1)["total"]["received"] >= writer_lines)
    took = time.monotonic() - began
    used = rig.daemon.descriptors(), rig.agent.descriptors()
    for client in crowd:
        client.close()
    until("the clients are gone", lambda: has_room(rig))
    seen = rig.check_exactly_once(range(writer_lines))
    first.close()
    rig.stop()
    return f"{told} of 100 told, {seen} within {took:.1f} s, {used[0]} and {used[1]} descriptors of 64"


def has_room(rig):
    with contextlib.closing(rig.connect()) as client:
        return "result" in client.ask_any("health")


def is_told(client):
    client.settimeout(0.2)
    try:
        return b"overloaded" in line_of(client)
    except OSError:
        return False
