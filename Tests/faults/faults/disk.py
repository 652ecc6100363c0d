"""D: disks that fill, fail, lie; databases that break."""

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import time

from .load import Load, counted, mode, problems, send_counts
from .mounts import SmallDisk, mounting
from .rig import BIN, Process, Rig, Writer, traced, until
from .rows import Failure, Skipped, expect, row


def back_in_use(rig, since, seconds=60):
    """Until the database is in use again; how long that took."""
    until("the database is in use again", lambda: mode(rig) == "persistent", seconds)
    return time.monotonic() - since


@row("D1", "the disk is full", injected="a file takes every byte of a small ext4, under load; SIGKILL while full",
     expected="told at once, nothing acknowledged, questions answered, memory flat; all there once there is room")
@mounting
def full_disk(turn):
    disk = SmallDisk(turn, 24)
    rig = Rig(turn, state=disk.path / "state").start()
    with Load(rig) as load:
        rig.await_lines(200)
        disk.fill()
        began = time.monotonic()
        until("health says that the disk is full", lambda: "disk_full" in problems(rig))
        told = time.monotonic() - began
        before, resident = load.next, rig.daemon.status("VmRSS")
        send_counts(rig, 100)
        until("questions know of new lines", lambda: rig.ledger()["received"] > before)
        refused = rig.connect().ask_any("documents.put", id="x", body={"a": 1}, title="x")
        expect("error" in refused, "a document was acknowledged that cannot be kept")
        if not turn.quick:
            time.sleep(5)
            rig.daemon.kill9()
            rig.start_daemon()
            expect("disk_full" in problems(rig), f"after a start on the full disk: {problems(rig)!r}")
            send_counts(rig, 100)
        growth = rig.daemon.status("VmRSS") - resident
        disk.empty()
        took = back_in_use(rig, time.monotonic())
    rig.await_lines(load.next)
    seen = rig.check_exactly_once(load.written)
    until("every count is kept", lambda: counted(rig) == (100 if turn.quick else 200))
    rig.integrity()
    return f"told after {told:.1f} s, in use {took:.1f} s after there was room, +{growth >> 10} MiB, {seen}"


@row("D2", "the database itself fills the disk", injected="lines until a small ext4 is full",
     expected="the oldest rows make room without an operator; at least 10 % is free; integrity")
@mounting
def retention_on_full_disk(turn):
    disk = SmallDisk(turn, 12 if turn.quick else 32)
    rig = Rig(turn, state=disk.path / "state").start()
    writer = Writer(rig)
    noise = random.Random(turn.random.random())
    lines = 0
    log = rig.folder / "quipud.log"
    until_room = 0
    while "make room" not in log.read_text():
        expect(lines < 200_000, "the disk never became full")
        with open(writer.path, "ab") as file:
            for _ in range(1000):
                filler = noise.randbytes(400).hex()
                file.write(f'{{"n":{lines},"filler":"{filler}"}}\n'.encode())
                lines += 1
        rig.await_lines(lines - 2000)
    began = time.monotonic()
    back_in_use(rig, began)
    until_room = time.monotonic() - began
    rig.await_lines(lines)
    back_in_use(rig, began)
    numbers = rig.numbers()
    expect(all(count == 1 for count in numbers.values()), "lines are there twice")
    expect(lines - 1 in numbers, "the newest line is not there")
    ledger = rig.ledger()
    expect(ledger["received"] == lines == ledger["stored"], f"of {lines} lines: {ledger}")
    expect(0 not in numbers, "nothing was taken away")
    rig.integrity()
    free = 100 * disk.free // disk.size
    expect(free >= 10, f"only {free} % is free")
    return f"{lines} lines, {lines - len(numbers)} of the oldest gave way in {until_room:.1f} s, {free} % free"


@row("D3", "each write and each fsync fails once", injected="strace: EIO or ENOSPC at the Nth pwrite64, fdatasync, "
     "ftruncate of the daemon, then from the Nth on and SIGKILL",
     expected="no false acknowledgement, never a crash; lost 0, twice 0, integrity")
def failing_writes(turn):
    rig = Rig(turn).start()
    writer = Writer(rig)
    writer.write(50)
    rig.await_lines(50)
    calls = ["pwrite64", "fdatasync", "pwrite64", "ftruncate"]
    rounds = 2 if turn.quick else 40
    counts = 0
    for number in range(rounds):
        rig.daemon.stop()
        call, error = calls[number % len(calls)], turn.random.choice(["EIO", "ENOSPC"])
        nth = turn.random.randrange(1, 4) if turn.quick else 1 + number // 3
        on = turn.random.random() < 0.3
        rule = f"{call}:error={error}:when={nth}{'+' if on else ''}"
        try:
            rig.start_daemon(before=traced(rule))
        except Failure as failure:
            raise Failure(f"{rule}: {failure}") from None
        writer.write(turn.random.randrange(1, 200))
        send_counts(rig, 10)
        counts += 10
        until(f"{rule}: all lines are told of", lambda: rig.ledger()["received"] >= writer.next)
        expect(rig.daemon.popen.poll() is None, f"{rule}: the daemon ended")
        if on:
            rig.daemon.kill9()
            # strace dies; the daemon that it traced dies with it or goes on alone.
            rig.end_traced()
            rig.start_daemon()
        elif mode(rig) != "persistent":
            back_in_use(rig, time.monotonic())
        rig.await_lines(writer.next)
    until("the database is in use", lambda: mode(rig) == "persistent")
    rig.await_lines(writer.next)
    seen = rig.check_exactly_once(writer.written)
    until("every count is kept", lambda: counted(rig) == counts)
    rig.integrity()
    return f"{rounds} injections, {seen}, {counts} of {counts} counts"


@row("D4", "the database is locked", injected="another program holds BEGIN EXCLUSIVE",
     expected="no crash; questions answered, health says so; lost 0, twice 0 after it lets go")
def locked(turn):
    rig = Rig(turn).start()
    with Load(rig) as load:
        rig.await_lines(100)
        with contextlib.closing(sqlite3.connect(rig.database, isolation_level=None, timeout=30)) as other:
            other.execute("BEGIN EXCLUSIVE")
            held = time.monotonic()
            told = until("health says that it is locked", lambda: rig.ask("health")["status"] == "degraded")
            while time.monotonic() - held < (0.5 if turn.quick else 30):
                rig.ask("tools.stats")
                time.sleep(0.2)
            other.execute("ROLLBACK")
        freed = time.monotonic()
        until("health is well again", lambda: rig.ask("health")["status"] == "ok")
        took = time.monotonic() - freed
    expect(told, "health")
    rig.await_lines(load.next)
    return f"well {took:.1f} s after it was let go, {rig.check_exactly_once(load.written)}"


@row("D5", "a reader holds an old state of the file", injected="BEGIN and a SELECT in another program, under load",
     expected="the write-ahead log stays under 64 MiB; then it is short again; lost 0, twice 0", quick=False)
def long_reader(turn):
    rig = Rig(turn).start()
    writer = Writer(rig, filler=900)
    writer.write(1000)
    rig.await_lines(1000)
    log = rig.state / "quipu.db-wal"
    longest = 0
    with contextlib.closing(sqlite3.connect(rig.database, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM events").fetchone()
        end = time.monotonic() + 120
        while "log_held" not in problems(rig):
            writer.write(2000)
            rig.await_lines(writer.next - 4000)
            longest = max(longest, log.stat().st_size)
            expect(time.monotonic() < end, f"the log is {longest >> 20} MiB long and nothing holds it")
        before = writer.next
        writer.write(2000)
        until("questions know of new lines", lambda: rig.ledger()["received"] > before)
        longest = max(longest, log.stat().st_size)
        other.execute("ROLLBACK")
    expect(longest < 64 << 20, f"the log was {longest >> 20} MiB long")
    took = back_in_use(rig, time.monotonic())
    rig.await_lines(writer.next)
    until("the log is short", lambda: log.stat().st_size < 40 << 20)
    return f"longest log {longest >> 20} MiB, in use {took:.1f} s after, {rig.check_exactly_once(writer.written)}"


def overwrite(path, offset, count, noise):
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(noise.randbytes(count))


def damage(rig, kind, noise):
    """Breaks what a daemon that was killed left behind."""
    database, log = rig.database, rig.state / "quipu.db-wal"
    size = database.stat().st_size
    if kind == "header":
        overwrite(database, 0, 100, noise)
    elif kind == "middle":
        for page in range(size // 4096 // 3, size // 4096 // 3 + 8):
            overwrite(database, page * 4096, 4096, noise)
    elif kind == "log header":
        overwrite(log, 0, 32, noise)
    elif kind == "log middle":
        overwrite(log, log.stat().st_size // 2, 2048, noise)
    elif kind == "index":
        overwrite(rig.state / "quipu.db-shm", 0, 32768, noise)
    elif kind == "empty":
        os.truncate(database, 0)
    elif kind == "cut":
        os.truncate(database, size // 2 // 4096 * 4096)


@row("D6", "the database is damaged", injected="noise over the header, pages, the log's header and middle, the "
     "log's index; cut to half; cut to nothing; then while it is in use",
     expected="set aside under a name, a new one begun, logs read again; up within 10 s; told by health")
def damaged(turn):
    kinds = ["header", "middle", "log header", "log middle", "index", "empty", "cut"]
    noise = random.Random(turn.random.random())
    rig = Rig(turn).start()
    writer = Writer(rig)
    writer.write(300 if turn.quick else 3000)
    rig.await_lines(writer.next)
    slowest = 0
    for kind in noise.sample(kinds, 2) if turn.quick else kinds:
        rig.stop()
        rig.start()
        writer.write(100)
        rig.await_lines(writer.next)
        rig.daemon.kill9()
        before = set(rig.state.glob("*.damaged-*"))
        damage(rig, kind, noise)
        began = time.monotonic()
        rig.start_daemon()
        slowest = max(slowest, time.monotonic() - began)
        rig.await_lines(writer.next)
        try:
            rig.check_exactly_once(writer.written)
            rig.integrity()
        except Failure as failure:
            raise Failure(f"{kind}: {failure}") from None
        aside = set(rig.state.glob("*.damaged-*")) - before
        if kind not in ("log middle", "index"):
            expect(aside, f"{kind}: nothing was set aside")
            expect("damaged" in problems(rig), f"{kind}: health does not tell")
    expect(slowest < 10, f"up after {slowest:.1f} s")
    if not turn.quick:
        while_in_use(rig, writer, noise)
    return f"{rig.check_exactly_once(writer.written)}, up within {slowest:.1f} s"


def while_in_use(rig, writer, noise):
    before = set(rig.state.glob("*.damaged-*"))
    writer.write(3000)
    rig.await_lines(writer.next)
    rig.ask("admin.flush")
    rig.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    for page in range(2, rig.database.stat().st_size // 4096):
        overwrite(rig.database, page * 4096, 4096, noise)
    with Load(rig, writer=writer):
        def found():
            rig.connect().ask_any("events.query", limit=1000)
            return set(rig.state.glob("*.damaged-*")) - before
        until("the damage is found", found)
    until("the new one is in use", lambda: mode(rig) == "persistent" or rig.ask("health"))
    rig.await_lines(writer.next)


@row("D7", "the disk may not be written", injected="a read-only mount, a directory of somebody else's at the start; "
     "remounted read-only under load",
     expected="an error that names it and exit code 1; memory stands in while it lasts; lost 0, twice 0")
@mounting
def read_only(turn):
    disk = SmallDisk(turn, 24)
    rig = Rig(turn, state=disk.path / "state")
    disk.remount("ro")
    refused(rig, "Read-only file system")
    disk.remount("rw")
    rig.state.mkdir()
    os.chmod(disk.path, 0o755)
    os.chmod(rig.state, 0o700)
    os.chmod(turn.folder, 0o755)
    if os.access("/usr/bin/setpriv", os.X_OK):
        run = turn.folder / "elsewhere"
        run.mkdir()
        os.chown(run, 65534, 65534)
        refused(rig, "Permission denied", "--runtime-dir", run,
                before=["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"])
    rig.start()
    with Load(rig) as load:
        rig.await_lines(100)
        try:
            # Files that are open for writing keep an ordinary remount from it.
            (disk.path / "x").touch()
            subprocess.run(["sh", "-c", f"echo 1 > /sys/fs/ext4/{loop(disk)}/trigger_fs_error"], check=True,
                           capture_output=True)
        except (subprocess.CalledProcessError, OSError):
            return f"refused at the start; no way here to make it read-only in use ({disk.kind})"
        until("memory stands in", lambda: mode(rig) == "degraded" or not problems(rig))
        disk.remount("rw")
        took = back_in_use(rig, time.monotonic())
    rig.await_lines(load.next)
    return f"refused at the start; in use {took:.1f} s after it was writable, {rig.check_exactly_once(load.written)}"


def loop(disk):
    with open("/proc/self/mounts") as mounts:
        device = next(line.split()[0] for line in mounts if line.split()[1] == str(disk.path))
    return os.path.basename(device)


def refused(rig, reason, *flags, before=()):
    process = rig.start_daemon(*flags, before=before, wait=False)
    began = time.monotonic()
    code = process.popen.wait(60)
    said = (rig.folder / "quipud.log").read_text()
    expect(code == 1 and reason in said.splitlines()[-1], f"exit code {code}, said {said[-300:]!r}")
    return time.monotonic() - began


@row("D8", "two daemons on one database", injected="a second quipud by hand",
     expected="the second ends within 1 s with the pid of the first; the first is unharmed")
def two_daemons(turn):
    rig = Rig(turn).start()
    writer = Writer(rig)
    writer.write(100)
    first = rig.daemon
    took = []
    for _ in range(2 if turn.quick else 10):
        began = time.monotonic()
        second = Process([BIN / "quipud", "--runtime-dir", rig.folder / "other", "--state-dir", rig.state],
                         rig.folder / "second.log")
        code = second.popen.wait(30)
        took.append(time.monotonic() - began)
        expect(code == 1, f"exit code {code}")
        said = (rig.folder / "second.log").read_text()
        expect(f"pid {first.pid}" in said, f"said {said[-200:]!r}")
    rig.await_lines(writer.next)
    return f"refused within {max(took):.1f} s, {rig.check_exactly_once(writer.written)}"


@row("D9", "the database is deleted or replaced in use", injected="rm of the file, of its log, of all; mv of another "
     "file over it; under load",
     expected="noticed, nothing acknowledged into the void; logs read again; lost 0, twice 0")
def deleted(turn):
    rig = Rig(turn).start()
    ways = {
        "all": lambda: [p.unlink() for p in rig.state.glob("quipu.db*")],
        "file": lambda: rig.database.unlink(),
        "log": lambda: (rig.state / "quipu.db-wal").unlink(),
        "replaced": lambda: os.replace(rig.folder / "other.db", rig.database),
    }
    slowest = 0
    with Load(rig) as load:
        rig.await_lines(100)
        for name in turn.random.sample(list(ways), 1) if turn.quick else ways:
            sqlite3.connect(rig.folder / "other.db").close()
            (rig.folder / "other.db").touch()
            until("it is in use", lambda: mode(rig) == "persistent")
            said = (rig.folder / "quipud.log").read_text().count("in use again")
            ways[name]()
            began = time.monotonic()
            until(f"{name}: it is noticed", lambda: (
                (rig.folder / "quipud.log").read_text().count("in use again") > said))
            slowest = max(slowest, time.monotonic() - began)
    until("it is in use", lambda: mode(rig) == "persistent")
    rig.await_lines(load.next)
    seen = rig.check_exactly_once(load.written)
    rig.integrity()
    return f"noticed and in use again within {slowest:.1f} s, {seen}"


def many_old_rows(rig, count):
    """Rows of a year ago, copied in the file from one that the daemon wrote. The daemon is stopped."""
    with contextlib.closing(sqlite3.connect(rig.database)) as db:
        columns = [c[1] for c in db.execute("PRAGMA table_info(events)")]
        chosen = ["s.i" if c == "id" else "e.time - 31536000000000 + s.i" if c == "time" else f"e.{c}"
                  for c in columns]
        top = db.execute("SELECT max(id) FROM events").fetchone()[0]
        db.execute("PRAGMA synchronous = OFF")
        db.execute(
            f"WITH RECURSIVE s(i) AS (SELECT {top + 1} UNION ALL SELECT i + 1 FROM s WHERE i < {top + count}) "
            f"INSERT INTO events ({', '.join(columns)}) SELECT {', '.join(chosen)} "
            f"FROM s JOIN (SELECT * FROM events ORDER BY id LIMIT 1) AS e")
        db.execute("UPDATE counters SET value = (SELECT count(*) FROM events) WHERE name = 'events'")
        db.execute("UPDATE counters SET value = ? WHERE name = 'next_event'", (top + count + 1,))
        db.commit()


@row("D10", "retention of a million rows under load", injected="a million rows of a year ago; admin.retention",
     expected="they go; commits go on meanwhile; lost 0, twice 0")
def retention_under_load(turn):
    rig = Rig(turn).start()
    writer = Writer(rig)
    writer.write(10)
    rig.await_lines(10)
    rig.stop()
    count = 20_000 if turn.quick else 1_000_000
    many_old_rows(rig, count)
    rig.start()
    with Load(rig, writer=writer):
        until("commits", lambda: rig.ask("stats")["commits"]["latency_ms"]["count"] > 3)
        calm = rig.ask("stats")["commits"]["latency_ms"]
        began = time.monotonic()
        removed = rig.ask("admin.retention")["removed"]["events"]
        took = time.monotonic() - began
        busy = rig.ask("stats")["commits"]["latency_ms"]
    expect(removed == count, f"{removed} of {count} rows are gone")
    rig.await_lines(writer.next)
    seen = rig.check_exactly_once(writer.written)
    return (f"{removed} rows in {took:.1f} s; commits p99 {calm['p99']:.0f} ms before, {busy['p99']:.0f} ms with it, "
            f"max {busy['max']:.0f} ms; {seen}")


@row("D11", "a backup under load", injected="admin.backup, again and again",
     expected="each copy is whole and of one moment; ingest goes on; lost 0, twice 0")
def backup_under_load(turn):
    rig = Rig(turn).start()
    copies = []
    with Load(rig) as load:
        rig.await_lines(100)
        for number in range(2 if turn.quick else 20):
            path = rig.folder / f"copy{number}.db"
            events = rig.ask("admin.backup", path=str(path))["events"]
            with contextlib.closing(sqlite3.connect(path)) as db:
                found = db.execute("PRAGMA integrity_check").fetchone()[0]
                there = db.execute("SELECT count(*) FROM events").fetchone()[0]
                lines = db.execute("SELECT sum(received) FROM sources").fetchone()[0]
            expect(found == "ok" and there == events and lines >= there, f"copy {number}: {found}, {there}")
            copies.append(events)
            path.unlink()
        latency = rig.ask("stats")["commits"]["latency_ms"]
    expect(copies[-1] > copies[0], "nothing came in meanwhile")
    rig.await_lines(load.next)
    return f"{len(copies)} copies, commits at most {latency['max']:.0f} ms, {rig.check_exactly_once(load.written)}"
