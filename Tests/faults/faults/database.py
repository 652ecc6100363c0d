"""D: databases that break, are taken away, are cleaned and copied."""

import contextlib
import os
import random
import sqlite3
import time

from .load import Load, counted, mode, problems, send_counts
from .rig import BIN, Process, Rig, Writer, until
from .rows import Failure, expect, row


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
    elif kind == "log index":
        overwrite(rig.state / "quipu.db-shm", 0, 32768, noise)
    elif kind == "empty":
        os.truncate(database, 0)
    elif kind == "cut":
        os.truncate(database, size // 2 // 4096 * 4096)


@row("D6", "the database is damaged",
     injected="noise over the header, pages, the log's header and middle, the "
     "log's index; cut to half; cut to nothing; then while it is in use",
     expected="set aside under a name, a new one begun, logs read again; up within 10 s; told by health")
def damaged(turn):
    kinds = ["header", "middle", "log header", "log middle", "log index", "empty", "cut"]
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
        # What the log holds would mend the database.
        rig.daemon.kill9() if kind.startswith("log") else rig.daemon.stop()
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
        if kind not in ("log middle", "log index"):
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
    with contextlib.closing(sqlite3.connect(rig.database)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for page in range(2, rig.database.stat().st_size // 4096):
        overwrite(rig.database, page * 4096, 4096, noise)
    with Load(rig, writer=writer):
        def found():
            rig.connect().ask_any("events.query", limit=1000)
            return set(rig.state.glob("*.damaged-*")) - before
        until("the damage is found", found)
    until("a new one is in use", lambda: rig.ask("health")["database"]["path"])
    rig.await_lines(writer.next)


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


@row("D9", "the database is deleted or replaced in use",
     injected="rm of the file, of its log, of all; mv of another "
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
            send_counts(rig, 20, f"faults.after_{name}")
            began = time.monotonic()
            until(f"{name}: it is noticed", lambda: (
                (rig.folder / "quipud.log").read_text().count("in use again") > said))
            slowest = max(slowest, time.monotonic() - began)
            until(f"{name}: every count that came after is kept", lambda: (
                mode(rig) == "persistent" and counted(rig, f"faults.after_{name}") == 20), 20)
    until("it is in use", lambda: mode(rig) == "persistent")
    until("all lines are there", lambda: len(rig.numbers()) >= load.next)
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
            f"WITH RECURSIVE s(i) AS (SELECT {top + 1} UNION ALL "
            f"SELECT i + 1 FROM s WHERE i < {top + count}) "
            f"INSERT INTO events ({', '.join(columns)}) SELECT {', '.join(chosen)} "
            f"FROM s JOIN (SELECT * FROM events ORDER BY id LIMIT 1) AS e")
        db.execute("UPDATE counters SET value = (SELECT count(*) FROM events) WHERE name = 'events'")
        db.execute("UPDATE counters SET value = ? WHERE name = 'next_event'", (top + count + 1,))
        db.commit()


@row("D10", "retention of a million rows under load",
     injected="a million rows of a year ago; admin.retention",
     expected="they go; commits go on meanwhile, not many times as long as others; lost 0, twice 0")
def retention_under_load(turn):
    rig = Rig(turn).start()
    writer = Writer(rig)
    with Load(rig, writer=writer):
        until("commits", lambda: rig.ask("stats")["commits"]["count"] > (3 if turn.quick else 60))
        calm = rig.ask("stats")["commits"]["latency_ms"]
    rig.await_lines(writer.next)
    rig.stop()
    count = 20_000 if turn.quick else 1_000_000
    many_old_rows(rig, count)
    # Figures begin anew with the process.
    rig.start()
    with Load(rig, writer=writer):
        until("a commit", lambda: rig.ask("stats")["commits"]["count"] > 0)
        began = time.monotonic()
        with contextlib.closing(rig.connect(300)) as connection:
            removed = connection.ask("admin.retention")["removed"]["events"]
        took = time.monotonic() - began
        commits = rig.ask("stats")["commits"]
    busy = commits["latency_ms"]
    expect(removed == count, f"{removed} of {count} rows are gone")
    expect(busy["p99"] <= max(250, 5 * calm["p99"]), f"commits p99 {calm['p99']} ms, with retention {busy['p99']} ms")
    rig.await_lines(writer.next)
    seen = rig.check_exactly_once(writer.written)
    return (f"{removed} rows in {took:.1f} s; commits p50 {calm['p50']:.0f} ms, p99 {calm['p99']:.0f} ms before, "
            f"p50 {busy['p50']:.0f} ms, p99 {busy['p99']:.0f} ms, max {busy['max']:.0f} ms of {commits['count']} "
            f"with it; {seen}")


@row("D11", "a backup under load", injected="admin.backup, again and again",
     expected="each copy is whole and of one moment; ingest goes on; lost 0, twice 0")
def backup_under_load(turn):
    rig = Rig(turn).start()
    copies = []
    with Load(rig) as load:
        rig.await_lines(100)
        for number in range(1000):
            if number >= (2 if turn.quick else 20) and copies[-1] > copies[0]:
                break
            path = rig.folder / f"copy{number}.db"
            events = rig.ask("admin.backup", path=str(path))["events"]
            with contextlib.closing(sqlite3.connect(path)) as db:
                found = db.execute("PRAGMA integrity_check").fetchone()[0]
                there = db.execute("SELECT count(*) FROM events").fetchone()[0]
                lines = db.execute("SELECT sum(received) FROM sources").fetchone()[0]
            expect(found == "ok" and there == events and lines >= there, f"copy {number}: {found}, {there}")
            copies.append(events)
            path.unlink()
        else:
            raise Failure("nothing came in meanwhile")
        latency = rig.ask("stats")["commits"]["latency_ms"]
    rig.await_lines(load.next)
    seen = rig.check_exactly_once(load.written)
    return f"{len(copies)} copies, commits at most {latency['max']:.0f} ms, {seen}"
