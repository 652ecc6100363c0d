"""S: datagrams that are too large or too many, and a daemon that is away for long."""

import contextlib
import multiprocessing
import os
import signal
import socket
import time

from .clients import needs_root
from .rig import Rig, Writer, until
from .rows import expect, row


def datagram_socket(path, buffer_bytes=4 << 20):
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_bytes)
    sender.connect(str(path))
    return sender


def counted(rig, name):
    """The sum of a counter, over all its series."""
    reply = rig.ask_patiently("metrics.query", metric=name, since="1h", step="1h", aggregate=["sum"])
    return int(sum(value for s in reply["series"] for _, value in s["points"]["sum"]))


@row("S6", "datagrams that are too large, or carry descriptors",
     injected="64 KiB, one byte more, 200 kB, empty; a memfd with each of a hundred",
     expected="up to 64 KiB is stored whole, more is counted and never stored in part; no descriptor is kept")
def large_datagrams(turn):
    rig = Rig(turn).start()
    path = rig.run / "metrics.sock"
    before = rig.agent.descriptors()
    limit = 64 << 10
    with contextlib.closing(datagram_socket(path)) as sender:
        def padded(text, size):
            return text + b"|c:" + b"x" * (size - len(text) - 3)
        sender.send(b"large.small:1|c")
        sender.send(padded(b"large.fits:1|c", limit))
        for size in (limit + 1, 100_000, 200_000):
            # Its beginning alone would be a good line, or many.
            sender.send(padded(b"large.cut:1|c", size))
            sender.send((b"large.cut:1|c\n" * (size // 13))[:size])
        sender.send(b"")
        sender.send(b"large.small:1|c")
        for i in range(100):
            memory = os.memfd_create("quipu", os.MFD_ALLOW_SEALING)
            os.write(memory, b"large.hidden:1|c")
            socket.send_fds(sender, [b"large.carrier:1|c"], [memory, memory])
            os.close(memory)
    until("all is counted", lambda: counted(rig, "large.carrier") == 100)
    until("what fits is stored", lambda: counted(rig, "large.fits") == 1)
    expect(counted(rig, "large.small") == 2, "neighbours")
    names = [s["name"] for s in rig.ask("metrics.list", limit=1000)["series"]]
    expect("large.cut" not in names and "large.hidden" not in names, f"stored in part: {names}")
    total = rig.ledger()
    told = total["rejected"] | total["lost"]
    expect(sum(told.values()) == 6, f"six were too long: {told}")
    after = rig.agent.descriptors()
    # Two hundred came; connecting and logs may cost a few meanwhile.
    expect(after < before + 50, f"{after - before} descriptors more")
    rig.stop()
    return f"{told}, descriptors {before} -> {after}"


def flood(path, name, seconds, result):
    """Sends as fast as it can and never waits; (taken by the kernel, refused)."""
    sender = datagram_socket(path, 208 << 10)
    sender.setblocking(False)
    taken = refused = 0
    end = time.monotonic() + seconds
    text = f"{name}:1|c".encode()
    while time.monotonic() < end:
        for _ in range(100):
            try:
                sender.send(text)
                taken += 1
            except BlockingIOError:
                refused += 1
    # What was refused is told, as clients do; this must arrive.
    sender.setblocking(True)
    sender.send(f"datadog.dogstatsd.client.packets_dropped:{refused}|c".encode())
    result.put((taken, refused))


def with_queue(length):
    """In front of a program: its datagram sockets hold so many."""
    needs_root()
    return ["unshare", "-n", "sh", "-c",
            f'echo {length} > /proc/sys/net/unix/max_dgram_qlen && exec "$@"', "sh"]


@row("S7", "a flood of datagrams against a reader that stalls",
     injected="two senders without pause, queues of 10 and 512; the agent stopped again and again",
     expected="taken = stored, refused = what the senders were told, exactly")
def datagram_flood(turn):
    rig = Rig(turn)
    rig.start_daemon()
    seen = []
    refusals = 0
    for length in (10, 512):
        rig.start_agent(before=with_queue(length))
        name = f"flood.q{length}"
        queue = multiprocessing.Queue()
        seconds = 1 if turn.quick else 5
        arguments = (rig.run / "metrics.sock", name, seconds, queue)
        senders = [multiprocessing.Process(target=flood, args=arguments)
                   for _ in range(2)]
        for each in senders:
            each.start()
        end = time.monotonic() + seconds * 0.8
        while time.monotonic() < end:
            time.sleep(turn.random.uniform(0.05, 0.2))
            rig.agent.signal(signal.SIGSTOP)
            time.sleep(turn.random.uniform(0.02, 0.2))
            rig.agent.signal(signal.SIGCONT)
        figures = [queue.get(timeout=60) for _ in senders]
        for each in senders:
            each.join()
        taken, refused = (sum(column) for column in zip(*figures))
        refusals += refused
        try:
            until("all are stored", lambda: counted(rig, name) >= taken)
        finally:
            stored = counted(rig, name)
            expect(stored == taken, f"queue of {length}: {taken} taken, {stored} stored")
        until("refusals are told", lambda: rig.ask("stats")["senders"]["packets_dropped"] == refusals)
        expect(sum(rig.ledger()["lost"].values()) == 0, "lost, though the spool was not full")
        seen.append(f"queue of {length}: {taken / seconds:,.0f}/s taken and stored, {refused} refused "
                    f"and told")
        expect(rig.agent.stop() == 0, "the agent")
    if not turn.quick:
        seen.append(full_spool(rig))
    rig.stop()
    return "; ".join(seen)


def full_spool(rig):
    """Without a daemon the spool fills up to its bound; what finds no room is counted, not silently lost."""
    rig.daemon.stop()
    rig.start_agent()
    text = b"flood.spool:1|c|c:" + b"x" * 60_000
    sent = (320 << 20) // len(text)
    with contextlib.closing(datagram_socket(rig.run / "metrics.sock")) as sender:
        for _ in range(sent):
            sender.send(text)
    resident = rig.agent.status("RssAnon")
    size = sum(f.stat().st_size for f in (rig.folder / "agent").rglob("*") if f.is_file())
    expect(size <= (256 << 20) + (8 << 20) + (5 << 20), f"the spool has {size >> 20} MiB")
    lost_before = sum(rig_ledger_lost(rig).values()) if rig.daemon.popen.poll() is None else 0
    rig.start_daemon()

    def all_accounted():
        lost = sum(rig_ledger_lost(rig).values()) - lost_before
        return counted(rig, "flood.spool") + lost >= sent
    until("sent = stored + lost", all_accounted)
    stored, lost = counted(rig, "flood.spool"), sum(rig_ledger_lost(rig).values())
    expect(stored + lost == sent, f"{sent} sent, {stored} stored, {lost} reported lost")
    expect(lost > 0, "nothing was lost: the spool was not full")
    rig.ledger()
    return (f"full spool: {sent} = {stored} stored + {lost} reported lost, {size >> 20} MiB on disk, "
            f"{resident >> 10} MiB of memory")


def rig_ledger_lost(rig):
    return rig.ask("ledger", limit=1)["total"]["lost"]


@row("S11", "the daemon is away",
     injected="the daemon stopped; 600 s of ordinary load (shortened: as fast as it can be written)",
     expected="the agent's memory stays flat, nothing lost, caught up at five times the rate or more")
def daemon_away(turn):
    rig = Rig(turn).start()
    writer = Writer(rig, filler=200)
    writer.write(100)
    rig.await_lines(100)
    rig.daemon.stop()
    # Ordinary: a hundred lines and a hundred datagrams a second.
    seconds = 60 if turn.quick else 600
    with contextlib.closing(datagram_socket(rig.run / "metrics.sock")) as sender:
        for _ in range(10):
            sender.send(b"away.n:1|c")
        resident = rig.agent.status("RssAnon")
        highest, sent = resident, 10
        for second in range(seconds):
            writer.write(100)
            for _ in range(100):
                sender.send(b"away.n:1|c")
                sent += 1
            highest = max(highest, rig.agent.status("RssAnon"))
            if second % 20 == 0:
                time.sleep(0.05)
    began = time.monotonic()
    rig.start_daemon()
    rig.await_lines(writer.next + sent)
    until("caught up", lambda: counted(rig, "away.n") == sent)
    took = time.monotonic() - began
    seen = rig.check_exactly_once(writer.written)
    growth = highest - resident
    expect(growth < 4_096, f"the agent has {growth} KiB more")
    expect(took < seconds / 5, f"caught up only after {took:.1f} s")
    rig.stop()
    return f"{seen}, {sent} datagrams, {growth} KiB more in the agent, {seconds} s caught up in {took:.1f} s"
